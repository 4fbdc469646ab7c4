/**
 * The lines of a process's standard error.
 *
 * @module
 */

/** Bytes of a line that are kept. */
const LIMIT = 4_096;
const NEWLINE = 10;
const CR = 13;
const decoder = new TextDecoder();

/** Makes lines of bytes. It holds one line, and of a longer one its beginning. */
export class StderrLines {
  readonly #tell: (line: string) => void;
  readonly #line: Uint8Array<ArrayBuffer> = new Uint8Array(LIMIT);
  #length = 0;
  #isCut = false;

  /** Hands every line to `tell`. */
  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      const end = chunk.indexOf(NEWLINE, from);
      this.#add(chunk.subarray(from, end < 0 ? chunk.length : end));
      if (end < 0) return;
      this.#finish();
      from = end + 1;
    }
  }

  /** Nothing follows: what has no end of line is the last one. */
  end(): void {
    if (this.#length > 0) this.#finish();
  }

  #add(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, LIMIT - this.#length);
    this.#line.set(kept, this.#length);
    this.#length += kept.length;
    if (kept.length < bytes.length) this.#isCut = true;
  }

  #finish(): void {
    const hasCr = !this.#isCut && this.#line[this.#length - 1] === CR;
    const text = decoder.decode(this.#line.subarray(0, hasCr ? this.#length - 1 : this.#length));
    const line = this.#isCut ? `${text}…` : text;
    this.#length = 0;
    this.#isCut = false;
    this.#tell(line);
  }
}
