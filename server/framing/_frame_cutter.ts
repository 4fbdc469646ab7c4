/**
 * What tells one framing from another when decoding.
 *
 * @module
 */
import type { ByteQueue } from "./_byte_queue.ts";

/**
 * Cuts frames off the front of a queue of bytes.
 *
 * @typeParam F A frame.
 */
export interface FrameCutter<F> {
  /**
   * Takes the first frame out of the bytes that are ready.
   *
   * When it answers `undefined`, all that is ready is held and the next call finds more behind it. It throws before
   * that if what is ready can only become a frame over the limit: this is what bounds the memory.
   *
   * @param bytes Where to cut.
   * @returns The frame, or `undefined` if it is not complete.
   * @throws {FrameTooLargeError} If the frame is over the limit.
   * @throws {FrameError} If the bytes are no frame.
   */
  cut(bytes: ByteQueue): F | undefined;

  /**
   * Takes what is left at the end of the input, at least one byte, as a frame. A cutter without it leaves the end
   * inside a frame to be an error.
   *
   * @param bytes Where to cut.
   * @returns The last frame.
   * @throws {FrameError} If the bytes are no frame.
   */
  cutLast?(bytes: ByteQueue): F;

  /**
   * Takes the frames that the last `cut` found along with its own, if it looks ahead.
   *
   * @param bytes Where to cut.
   * @param frames Where the frames go.
   */
  cutAhead?(bytes: ByteQueue, frames: F[]): void;

  /**
   * Forgets the frames found ahead that were not taken: their bytes are the first in the queue.
   *
   * @param bytes Where the bytes are.
   */
  settle?(bytes: ByteQueue): void;
}
