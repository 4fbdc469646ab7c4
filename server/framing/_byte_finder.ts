/**
 * Finding a byte again and again.
 *
 * @module
 */
import { indexOfByte } from "./_byte_search.ts";

/**
 * How many bytes become text at once: at least, as with fewer that costs more than it saves, and the first time, as
 * whoever wants few frames pays for all; and at most.
 */
const SMALLEST_WINDOW = 1_024;
const LARGEST_WINDOW = 16_384;

/** `node:buffer`, loaded when many frames come in one chunk: loading it costs 4 ms and 5 MB. */
let node: typeof import("node:buffer") | undefined;

/**
 * Finds the places of a byte in a chunk, one behind the other.
 *
 * V8 searches text with vector instructions and bytes one by one. So from the second search in a chunk on, a window of
 * it is made text, a character for each byte, and that is searched: up to seven times as fast.
 */
export class ByteFinder {
  readonly #byte: number;
  readonly #character: string;
  #windowSize = SMALLEST_WINDOW;

  /** Where was searched last. */
  #chunk: Uint8Array | undefined;
  /** The bytes of the chunk from `start` on; empty if there is no window. */
  #text = "";
  #start = 0;

  /** @param byte What to look for. */
  constructor(byte: number) {
    this.#byte = byte;
    this.#character = String.fromCharCode(byte);
  }

  /**
   * Finds the first such byte at or after `from`.
   *
   * @param chunk Where to look; it must not change before `forget` or another chunk.
   * @param from The first index of `chunk` that counts.
   * @returns The index of the byte, or -1.
   */
  indexIn(chunk: Uint8Array, from: number): number {
    let at = from;
    while (this.#hasWindow(chunk, at)) {
      const index = this.#text.indexOf(this.#character, at - this.#start);
      if (index !== -1) return this.#start + index;
      at = this.#start + this.#text.length;
    }
    return indexOfByte(chunk, this.#byte, at);
  }

  /** Lets go of the chunk: an input that is idle holds no memory. */
  forget(): void {
    this.#chunk = undefined;
    this.#text = "";
  }

  /** Whether the window is at `at`, or could be moved there. */
  #hasWindow(chunk: Uint8Array, at: number): boolean {
    if (chunk !== this.#chunk) {
      this.#chunk = chunk;
      this.#text = "";
      return false;
    }
    if (at >= this.#start && at < this.#start + this.#text.length) return true;
    if (chunk.length - at < SMALLEST_WINDOW) return false;
    this.#moveWindow(chunk, at);
    return true;
  }

  #moveWindow(chunk: Uint8Array, at: number): void {
    node ??= process.getBuiltinModule("node:buffer");
    const size = Math.min(this.#windowSize, chunk.length - at);
    this.#text = node.Buffer.from(chunk.buffer, chunk.byteOffset + at, size).toString("latin1");
    this.#start = at;
    this.#windowSize = Math.min(2 * this.#windowSize, LARGEST_WINDOW);
  }
}
