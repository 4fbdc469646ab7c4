/**
 * Frames by the chunk.
 *
 * @module
 */
import type { Decoder } from "./framing.ts";

/** A decoder whose frames are all frames at once that another decoder has ready. */
export class BatchDecoder<F> implements Decoder<F[]> {
  readonly #frames: Decoder<F>;

  /** @param frames The other decoder. */
  constructor(frames: Decoder<F>) {
    this.#frames = frames;
  }

  get buffered(): number {
    return this.#frames.buffered;
  }

  push(chunk: Uint8Array): void {
    this.#frames.push(chunk);
  }

  next(): F[] | undefined {
    const frames = this.#frames.drain();
    return frames.length > 0 ? frames : undefined;
  }

  drain(): F[][] {
    const frames = this.next();
    return frames === undefined ? [] : [frames];
  }

  end(): F[] | undefined {
    const frame = this.#frames.end();
    return frame === undefined ? undefined : [frame];
  }

  rest(): Uint8Array {
    return this.#frames.rest();
  }
}
