/**
 * Cutting at a delimiter.
 *
 * @module
 */
import type { ByteQueue } from "./_byte_queue.ts";
import { DelimiterScanner } from "./_delimiter_scanner.ts";
import type { FrameCutter } from "./_frame_cutter.ts";
import { FrameTooLargeError } from "./errors.ts";

/** Cuts frames that a delimiter ends. */
export class DelimiterCutter implements FrameCutter<Uint8Array> {
  readonly #scanner: DelimiterScanner;
  readonly #limit: number;

  /**
   * @param delimiter At least one byte.
   * @param limit The largest frame in bytes, without the delimiter.
   */
  constructor(delimiter: Uint8Array, limit: number) {
    this.#scanner = new DelimiterScanner(delimiter);
    this.#limit = limit;
  }

  cut(bytes: ByteQueue): Uint8Array | undefined {
    // Part of a delimiter is held as any byte is: with nothing held, nothing is matched.
    if (bytes.heldLength === 0) this.#scanner.reset();
    const stop = this.#scanner.scan(bytes.chunk, bytes.at);
    if (stop === -1) {
      this.#check(this.frameLength(bytes, bytes.ready - this.#scanner.matched));
      return undefined;
    }
    const used = bytes.heldLength + stop - bytes.at;
    const length = this.frameLength(bytes, used - this.#scanner.delimiter.length);
    this.#check(length);
    return bytes.take(0, length, used);
  }

  /** Takes all that is ready as a frame that nothing ended. */
  protected takeUnended(bytes: ByteQueue): Uint8Array {
    const length = this.frameLength(bytes, bytes.ready);
    // A part of the delimiter that did not count before counts now.
    this.#check(length);
    return bytes.take(0, length, bytes.ready);
  }

  /** How many of the `length` bytes in front of a delimiter are the frame's. */
  protected frameLength(_bytes: ByteQueue, length: number): number {
    return length;
  }

  #check(length: number): void {
    // Nobody knows how long the frame would have become: the size told is the first that is too large, so that the
    // error does not depend on how the input was cut into chunks.
    if (length > this.#limit) throw new FrameTooLargeError(this.#limit + 1, this.#limit);
  }
}
