/**
 * Frames of one size.
 *
 * @module
 */
import type { ByteQueue } from "./_byte_queue.ts";
import { CuttingDecoder } from "./_cutting_decoder.ts";
import type { FrameCutter } from "./_frame_cutter.ts";
import { positiveInteger } from "./_options.ts";
import { FrameError } from "./errors.ts";
import { createFraming, type Framing } from "./framing.ts";

/**
 * Frames of `size` bytes each, one behind the other. The size is the limit.
 *
 * @param size Bytes in a frame.
 * @returns The framing.
 * @throws {RangeError} If `size` is no integer of at least 1.
 *
 * @example Samples of four bytes
 * ```ts
 * import { fixed } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const chunks = [new Uint8Array([1, 2, 3]), new Uint8Array([4, 5, 6, 7, 8])];
 *
 * const frames = await Array.fromAsync(fixed(4).decode(chunks));
 * assertEquals(frames, [new Uint8Array([1, 2, 3, 4]), new Uint8Array([5, 6, 7, 8])]);
 * ```
 */
export function fixed(size: number): Framing<Uint8Array> {
  positiveInteger("size", size);
  return createFraming({
    decoder: () => new CuttingDecoder(new FixedCutter(size), size),
    encode: (frame) => {
      if (frame.length === size) return new Uint8Array(frame);
      throw new FrameError(
        `Cannot encode the frame as its size must be ${size} bytes: current size is ${frame.length}`,
      );
    },
  });
}

class FixedCutter implements FrameCutter<Uint8Array> {
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  cut(bytes: ByteQueue): Uint8Array | undefined {
    const size = this.#size;
    return bytes.ready < size ? undefined : bytes.take(0, size, size);
  }
}
