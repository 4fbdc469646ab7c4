/**
 * Chunks out of something that reads into buffers.
 *
 * @module
 */
import type { ByteSource } from "./pollable.ts";

/** The first block: what an idle connection costs. */
const SMALLEST = 1_024;
const LARGEST = 65_536;

/** Reads into a block of its own, front to back; a chunk is a part of it that is never written again. */
export class ChunkReader {
  readonly #source: ByteSource;
  #block: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;
  #size = SMALLEST;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The next chunk: one read, or several where a read brings nothing. */
  next = async (): Promise<IteratorResult<Uint8Array<ArrayBuffer>, undefined>> => {
    for (;;) {
      const space = this.#space();
      const n = await this.#source.read(space);
      if (n === null) return { value: undefined, done: true };
      if (n > 0) return { value: this.#chunk(n, space), done: false };
    }
  };

  /** A tail too short for a message would split it in two reads. */
  #space(): Uint8Array<ArrayBuffer> {
    if (this.#block.length - this.#used < Math.max(1, this.#block.length >> 3)) {
      this.#block = new Uint8Array(this.#size);
      this.#used = 0;
    }
    return this.#block.subarray(this.#used);
  }

  #chunk(n: number, space: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.#used += n;
    if (n === space.length) this.#size = Math.min(LARGEST, this.#size * 4); // a full read: more is waiting
    return space.subarray(0, n);
  }
}
