/**
 * What a process writes.
 *
 * @module
 */

/** As much as a pipe holds on most systems, in bytes. */
const BLOCK = 65_536;

/**
 * How long a pipe may be silent whose process has ended, in milliseconds. All that the process wrote is in the pipe, and
 * comes at once; but a process in its background may hold it open for ever.
 */
const LAST_WORDS = 250;

/** The reading end of a pipe. Chunks are lent: one block of memory serves them all. */
export class OutputPipe {
  readonly #reader: ReadableStreamBYOBReader;
  #block: Uint8Array<ArrayBuffer> = new Uint8Array(BLOCK);
  #reading = false;
  #closing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Reads a pipe to a process. */
  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.getReader({ mode: "byob" });
  }

  /** The next bytes, good until the next call; `null` at the end. */
  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    this.#reading = true;
    if (this.#closing) this.#listenOnce();
    const { value, done } = await this.#reader.read(this.#block);
    this.#reading = false;
    clearTimeout(this.#timer);
    if (done) return null;
    this.#block = new Uint8Array(value.buffer);
    return value;
  }

  /** The process has ended: from now on silence is the end. */
  expectEnd(): void {
    this.#closing = true;
    if (this.#reading) this.#listenOnce();
  }

  /** Reads no more: who writes is told by `SIGPIPE`. */
  cancel(): void {
    this.#reader.cancel().catch(() => {}); // it has failed, and was told so
  }

  #listenOnce(): void {
    // Timers fire before the turn that polls pipes: the second one lets that turn come first.
    this.#timer = setTimeout(() => this.#timer = setTimeout(() => this.cancel(), 0), LAST_WORDS);
  }
}
