/**
 * How far something is: a bar on a terminal, a line for every tenth elsewhere.
 *
 * @module
 */

const BAR = 30;
const REDRAW = 100; // milliseconds: faster than anybody reads

const encoder = new TextEncoder();

/** The progress of one file. */
export class Progress {
  readonly #name: string;
  readonly #total: number;
  readonly #isTerminal = Deno.stdout.isTerminal();
  readonly #began = performance.now();
  #first: number | undefined;
  #drawn = -Infinity;
  #tenths = 0;

  /** Nothing is shown yet. */
  constructor(name: string, total: number) {
    this.#name = name;
    this.#total = total;
  }

  /** Says that `done` bytes are there. What was there in the beginning does not count for the speed. */
  show(done: number): void {
    this.#first ??= done;
    if (this.#isTerminal) this.#draw(done);
    else this.#tell(done);
  }

  #draw(done: number): void {
    const now = performance.now();
    if (now - this.#drawn < REDRAW && done < this.#total) return;
    this.#drawn = now;
    const share = this.#total === 0 ? 1 : done / this.#total;
    const bar = "█".repeat(Math.round(share * BAR)).padEnd(BAR, "░");
    const speed = (done - this.#first!) / 1e3 / Math.max(1, now - this.#began);
    write(`\r\x1b[K${this.#name} ${bar} ${Math.floor(share * 100)} % ${speed.toFixed(1)} MB/s`);
  }

  #tell(done: number): void {
    const tenths = this.#total === 0 ? 10 : Math.floor(done * 10 / this.#total);
    if (tenths <= this.#tenths) return;
    this.#tenths = tenths;
    write(`${this.#name}: ${tenths * 10} %\n`);
  }

  /** Makes room for other lines. */
  end(): void {
    if (this.#isTerminal && this.#first !== undefined) write("\n");
  }
}

function write(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text));
}
