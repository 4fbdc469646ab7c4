/** Child processes that do not outlive the benchmark: servers under test and generators of load. */

import { childrenOf } from "./meter.ts";

/** A program and what it is started with. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

const STDERR_KEPT = 2000;
const running = new Set<Child>();

/** A started program: its lines can be read, lines can be told to it, and it can be ended at once. */
export class Child implements AsyncDisposable {
  readonly pid: number;
  readonly #process: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncGenerator<string>;
  readonly #stderr: Promise<void>;
  readonly #limit: ReturnType<typeof setTimeout> | undefined;
  #complaints = "";

  /** Starts a program, and ends it after a number of milliseconds if there is such a limit. */
  constructor(command: Command, limit?: number) {
    this.#process = new Deno.Command(command.program, {
      args: [...command.args],
      env: { NO_COLOR: "1" }, // what it complains of is shown as it is
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#process.pid;
    this.#stdin = this.#process.stdin.getWriter();
    this.#lines = linesOf(this.#process.stdout);
    this.#stderr = this.#listenToComplaints();
    this.#limit = limit === undefined ? undefined : setTimeout(() => this.kill(), limit);
    running.add(this);
  }

  /** The end of what the program wrote to standard error. */
  get complaints(): string {
    return this.#complaints.trim();
  }

  /** The next line of its standard output, or `null` when there will be none. */
  async nextLine(): Promise<string | null> {
    const { value, done } = await this.#lines.next();
    return done ? null : value;
  }

  /** Writes a line to its standard input. */
  async tell(line: string): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(`${line}\n`));
  }

  /**
   * Ends it and the processes that it has started, without a chance to object; nothing they could still do is part of a
   * measurement. One that stayed would hold its output open, and take time from the next.
   */
  kill(): void {
    const children = childrenOf(this.pid);
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    for (const child of children) {
      try {
        Deno.kill(child, "SIGKILL");
      } catch {
        // It has ended with its parent.
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#limit);
    this.kill();
    await this.#process.status;
    running.delete(this);
    await this.#stdin.close().catch(() => {}); // the pipe is broken by now
    await this.#lines.return(undefined);
    await this.#stderr;
  }

  async #listenToComplaints(): Promise<void> {
    for await (const text of this.#process.stderr.pipeThrough(new TextDecoderStream())) {
      this.#complaints = (this.#complaints + text).slice(-STDERR_KEPT);
    }
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Ends every child, then the benchmark, when a signal asks for it; between the two it does what is left to do. */
export function endTogetherOnSignals(leave: () => void): void {
  const signals: [Deno.Signal, number][] = Deno.build.os === "windows"
    ? [["SIGINT", 2]]
    : [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]];
  for (const [signal, number] of signals) {
    Deno.addSignalListener(signal, () => {
      for (const child of running) child.kill();
      leave();
      Deno.exit(128 + number);
    });
  }
}
