/**
 * A connection's chunks, one after the other.
 *
 * @module
 */
import type { ReceiveBuffer } from "./_buffers.ts";
import type { Inbound } from "./_inbound.ts";

/** What the buffer holds; `null` at the end. No closure: an idle connection need not hold one. */
export function takeChunk(buffer: ReceiveBuffer): Uint8Array<ArrayBuffer> | null {
  return buffer.length > 0 ? buffer.take() : null;
}

/** The same for an iteration. */
function takeResult(buffer: ReceiveBuffer): IteratorResult<Uint8Array<ArrayBuffer>> {
  return buffer.length > 0 ? { value: buffer.take(), done: false } : END;
}

/** Ends at the peer's end, and where a draining connection has nothing more to give. */
export class ChunkIterator implements AsyncIterableIterator<Uint8Array<ArrayBuffer>> {
  readonly #inbound: Inbound;
  #left = false;

  constructor(inbound: Inbound) {
    this.#inbound = inbound;
  }

  /** The next chunk. */
  next(): Promise<IteratorResult<Uint8Array<ArrayBuffer>>> {
    if (this.#left) return Promise.resolve(END);
    return this.#inbound.ready
      ? Promise.resolve(takeResult(this.#inbound.buffer))
      : this.#inbound.wait(takeResult, undefined, true);
  }

  /** Leaving the loop reads no more; the connection stays open. */
  return(): Promise<IteratorResult<Uint8Array<ArrayBuffer>>> {
    this.#left = true;
    return Promise.resolve(END);
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }
}

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };
