/**
 * The loop over the frames of a source.
 *
 * @module
 */
import { type ChunkReader, openChunkReader } from "./_chunk_reader.ts";
import type { ChunkSource, Decoder } from "./framing.ts";

/**
 * Iterates over the frames of a source.
 *
 * It behaves as an async generator: calls are answered in order, `return` lets the `next` before it finish, an error
 * ends it. It is written out because a frame that is ready costs a generator twice what it costs this, and with
 * short frames that promise is most of the work.
 */
export class FrameIterator<F> implements AsyncIterableIterator<F> {
  readonly #decoder: Decoder<F>;
  readonly #reader: ChunkReader;
  /** Calls waiting for the source, and the end of the last of them. */
  #waiting = 0;
  #lastTurn: Promise<void> = Promise.resolve();
  /** Whether the source has ended: the decoder holds all there is. */
  #ended = false;
  /** Whether the loop is over. */
  #left = false;

  /**
   * @param source Where the chunks come from.
   * @param decoder Makes frames of them; not shared.
   */
  constructor(source: ChunkSource, decoder: Decoder<F>) {
    this.#reader = openChunkReader(source);
    this.#decoder = decoder;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<F>> {
    const frame = this.#nextReady();
    if (frame !== undefined) return { value: frame, done: false };
    return await this.#inTurn(() => this.#advance());
  }

  async return(reason?: unknown): Promise<IteratorResult<F>> {
    this.#left = true;
    // The reader is stopped out of turn, as this may be what ends the read that the turns before wait for.
    await Promise.all([this.#reader.stop(reason), this.#inTurn(() => this.#giveBack())]);
    return { value: undefined, done: true };
  }

  /** The next frame, if there is one without waiting. */
  #nextReady(): F | undefined {
    if (this.#waiting > 0 || this.#left) return undefined;
    try {
      return this.#decoder.next();
    } catch {
      // A failed decoder throws the same again, to `advance`, which also leaves the loop.
      return undefined;
    }
  }

  /** The next frame, or the end, or an error, whatever it takes. */
  async #advance(): Promise<IteratorResult<F>> {
    try {
      while (!this.#left) {
        const frame = this.#ended ? this.#decoder.end() : this.#decoder.next();
        if (frame !== undefined) return { value: frame, done: false };
        if (this.#ended) this.#left = true;
        else await this.#fill();
      }
    } catch (error) {
      await this.#fail(error);
    }
    this.#giveBack();
    return { value: undefined, done: true };
  }

  async #fill(): Promise<void> {
    const chunk = await this.#reader.read(this.#decoder.buffered > 0);
    if (chunk === null) this.#ended = true;
    else this.#decoder.push(chunk);
  }

  async #fail(error: unknown): Promise<never> {
    this.#left = true;
    try {
      await this.#reader.stop(error);
      this.#giveBack();
    } catch {
      // The error that ended the loop is the one to tell, as in a `for await` loop.
    }
    throw error;
  }

  #giveBack(): void {
    this.#reader.unread(this.#decoder.rest());
  }

  /** Takes a step when all steps before it are over. */
  #inTurn<T>(step: () => T | Promise<T>): Promise<T> {
    this.#waiting++;
    const turn = this.#lastTurn.then(step);
    const over = (): void => void this.#waiting--;
    this.#lastTurn = turn.then(over, over);
    return turn;
  }
}
