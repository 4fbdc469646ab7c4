/**
 * The two ways to read a source of chunks.
 *
 * @module
 */
import type { ChunkSource, ReceivingSource } from "./framing.ts";

/** Reads a source of chunks. */
export interface ChunkReader {
  /**
   * Waits for the next chunk.
   *
   * @param midFrame Whether part of a frame is held.
   * @returns The chunk, or `null` at the end of the input.
   */
  read(midFrame: boolean): Promise<Uint8Array | null>;

  /** Ends the source, if leaving it ends it; a pending `read` may end early. */
  stop(reason?: unknown): Promise<void>;

  /** Gives bytes back to the source, if it takes any back. */
  unread(bytes: Uint8Array): void;
}

/** Makes the reader that fits a source. */
export function openChunkReader(source: ChunkSource): ChunkReader {
  return isReceiving(source) ? new ReceivingReader(source) : new IteratorReader(source);
}

function isReceiving(source: ChunkSource): source is ReceivingSource {
  return "recv" in source && typeof source.recv === "function" &&
    "unread" in source && typeof source.unread === "function";
}

/** Reads a connection, which outlives the reading. */
class ReceivingReader implements ChunkReader {
  readonly #source: ReceivingSource;
  #iterator: AsyncIterator<Uint8Array> | undefined;

  constructor(source: ReceivingSource) {
    this.#source = source;
  }

  async read(midFrame: boolean): Promise<Uint8Array | null> {
    // A server that drains ends the iterator at once but lets `recv` go on: an idle connection ends here, between
    // two frames, and a frame that has begun may still be completed.
    if (midFrame) return await this.#source.recv();
    this.#iterator ??= this.#source[Symbol.asyncIterator]();
    const { value, done } = await this.#iterator.next();
    return done ? null : value;
  }

  /** Does nothing: the connection is not this reader's to end. */
  stop(): Promise<void> {
    return Promise.resolve();
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#source.unread(bytes);
  }
}

/** Reads an iterable, which ends with the reading, as it does with a `for await` loop. */
class IteratorReader implements ChunkReader {
  readonly #source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array> | undefined;
  #over = false;

  constructor(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#source = source;
  }

  async read(): Promise<Uint8Array | null> {
    try {
      const { value, done } = await this.#open().next();
      if (!done) return value;
    } catch (error) {
      this.#over = true;
      throw error;
    }
    this.#over = true;
    return null;
  }

  async stop(reason?: unknown): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    // A stream's iterator cancels the stream with the value that it is given here; others ignore it. A source that
    // nobody has read yet is opened for it, or a stream would wait for ever.
    await this.#open().return?.(reason);
  }

  /** Does nothing: nobody would read them. */
  unread(): void {}

  #open(): AsyncIterator<Uint8Array> | Iterator<Uint8Array> {
    return this.#iterator ??= Symbol.asyncIterator in this.#source
      ? this.#source[Symbol.asyncIterator]()
      : this.#source[Symbol.iterator]();
  }
}
