/**
 * The decoder of all framings of the kit.
 *
 * @module
 */
import { ByteQueue } from "./_byte_queue.ts";
import type { FrameCutter } from "./_frame_cutter.ts";
import type { Decoder } from "./framing.ts";

/** A decoder that leaves to a {@linkcode FrameCutter} what a frame is. */
export class CuttingDecoder<F> implements Decoder<F> {
  readonly #cutter: FrameCutter<F>;
  readonly #bytes: ByteQueue;
  /** What was thrown; an object, as anything can be thrown. */
  #failure: { error: unknown } | undefined;

  /**
   * @param cutter Knows the frames of this input; not shared with another decoder.
   * @param capacity The most bytes that the beginning of a frame may have, its prefix or delimiter included.
   */
  constructor(cutter: FrameCutter<F>, capacity: number) {
    this.#cutter = cutter;
    this.#bytes = new ByteQueue(capacity);
  }

  get buffered(): number {
    this.#cutter.settle?.(this.#bytes);
    return this.#bytes.length;
  }

  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(`Cannot decode the chunk as it must be a Uint8Array: current value is ${chunk}`);
    }
    if (chunk.length > 0) this.#bytes.push(chunk);
  }

  next(): F | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      return this.#cut();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  drain(): F[] {
    const frames: F[] = [];
    try {
      for (let frame; (frame = this.next()) !== undefined;) {
        frames.push(frame);
        this.#cutter.cutAhead?.(this.#bytes, frames);
      }
    } catch (error) {
      // Nothing is lost: the decoder has failed and tells so again.
      if (frames.length === 0) throw error;
    }
    return frames;
  }

  end(): F | undefined {
    const frame = this.next();
    if (frame !== undefined || this.#bytes.length === 0) return frame;
    try {
      return this.#cutLast();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  rest(): Uint8Array {
    this.#cutter.settle?.(this.#bytes);
    return this.#bytes.clear();
  }

  #cut(): F | undefined {
    for (;;) {
      const frame = this.#cutter.cut(this.#bytes);
      if (frame !== undefined || !this.#bytes.gather()) return frame;
    }
  }

  #cutLast(): F {
    if (this.#cutter.cutLast !== undefined) return this.#cutter.cutLast(this.#bytes);
    throw new Deno.errors.UnexpectedEof(
      `Cannot decode the frame as the input ended inside it: ${this.#bytes.length} bytes are left`,
    );
  }

  #fail(error: unknown): unknown {
    this.#failure = { error };
    return error;
  }
}
