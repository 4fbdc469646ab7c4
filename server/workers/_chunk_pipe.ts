/**
 * Bytes that come as they come, for who reads them when he wants to.
 *
 * @module
 */

/** A queue of chunks with one reader, in the manner of a `Transport`'s `read`. */
export class ChunkPipe {
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #failure: { error: unknown } | undefined;
  #into: Uint8Array | undefined;
  #reading: PromiseWithResolvers<number | null> | undefined;
  readonly #taken: (count: number) => void;

  /** Calls `taken` with the number of bytes whenever some have been read: who sends them may send more. */
  constructor(taken: (count: number) => void = () => {}) {
    this.#taken = taken;
  }

  /** Bytes that nobody has read. */
  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Puts bytes in; they are not copied. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#failure) return;
    this.#chunks.push(chunk);
    this.#serve();
  }

  /** No more will come. */
  end(): void {
    this.#ended = true;
    this.#serve();
  }

  /** Ends it at once: what nobody has read is lost. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#chunks.length = 0;
    this.#serve();
  }

  /** Reads at most `p.length` bytes into `p`; `null` at the end. One read at a time. */
  read(p: Uint8Array): Promise<number | null> {
    this.#into = p;
    this.#reading = Promise.withResolvers();
    const { promise } = this.#reading;
    this.#serve();
    return promise;
  }

  #serve(): void {
    const reading = this.#reading;
    if (!reading) return;
    if (this.#chunks.length === 0 && !this.#failure && !this.#ended) return;
    this.#reading = undefined;
    if (this.#chunks.length > 0) reading.resolve(this.#take(this.#into!));
    else if (this.#failure) reading.reject(this.#failure.error);
    else reading.resolve(null);
    this.#into = undefined;
  }

  #take(p: Uint8Array): number {
    let n = 0;
    while (n < p.length && this.#chunks.length > 0) {
      const chunk = this.#chunks[0];
      const part = chunk.subarray(0, p.length - n);
      p.set(part, n);
      n += part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.#taken(n);
    return n;
  }
}
