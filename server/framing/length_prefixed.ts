/**
 * Frames with their length in front.
 *
 * @module
 */
import type { ByteQueue } from "./_byte_queue.ts";
import { CuttingDecoder } from "./_cutting_decoder.ts";
import type { FrameCutter } from "./_frame_cutter.ts";
import { FixedPrefix, type LengthPrefix, VarintPrefix } from "./_length_prefix.ts";
import { DEFAULT_LIMIT, oneOf, positiveInteger } from "./_options.ts";
import { FrameError, FrameTooLargeError } from "./errors.ts";
import { createFraming, type Framing } from "./framing.ts";

/** Options for {@linkcode lengthPrefixed}. */
export interface LengthPrefixedOptions {
  /**
   * How the length is written: as a number of 1, 2 or 4 bytes, or as a varint (unsigned LEB128, at most 7 bytes).
   *
   * @default {4}
   */
  prefix?: 1 | 2 | 4 | "varint";
  /**
   * Which end of the number comes first: its high byte, as is usual on networks, or its low byte. A varint has but
   * one order.
   *
   * @default {"big"}
   */
  endian?: "big" | "little";
  /**
   * Whether the length counts the prefix too.
   *
   * @default {false}
   */
  inclusive?: boolean;
  /**
   * The largest frame in bytes, without its prefix. What the prefix cannot tell is over the limit in any case.
   *
   * @default {65536}
   */
  limit?: number;
}

/**
 * Frames with their length in front.
 *
 * A length over the limit is reported before anything behind it is read, and a length within the limit reserves no
 * memory: that comes with the bytes. A frame may be empty. Input that ends inside a frame is a
 * `Deno.errors.UnexpectedEof`.
 *
 * Stands for Twisted's `Int8StringReceiver`, `Int16StringReceiver` and `Int32StringReceiver`, for Erlang's
 * `{packet, N}`, and with a varint for the delimited messages of Protocol Buffers.
 *
 * @param options How the length is written, and the limit.
 * @returns The framing.
 * @throws {RangeError} If `limit` is no integer of at least 1.
 * @throws {TypeError} If another option is not one of its values.
 *
 * @example A length of two bytes, the low one first
 * ```ts
 * import { lengthPrefixed } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const framing = lengthPrefixed({ prefix: 2, endian: "little" });
 *
 * assertEquals(framing.encode(new Uint8Array([7, 8, 9])), new Uint8Array([3, 0, 7, 8, 9]));
 * ```
 *
 * @example A prefix that promises 4 GB
 * ```ts
 * import { FrameTooLargeError, lengthPrefixed } from "@switchboard/kit/framing";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const decoder = lengthPrefixed().decoder();
 * decoder.push(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
 *
 * const error = assertThrows(() => decoder.next(), FrameTooLargeError);
 * assertEquals(error.size, 4_294_967_295);
 * ```
 */
export function lengthPrefixed(options: LengthPrefixedOptions = {}): Framing<Uint8Array> {
  const { prefix: kind = 4, endian = "big", inclusive = false, limit = DEFAULT_LIMIT } = options;
  oneOf("prefix", kind, [1, 2, 4, "varint"]);
  oneOf("endian", endian, ["big", "little"]);
  positiveInteger("limit", limit);
  const prefix = kind === "varint" ? new VarintPrefix() : new FixedPrefix(kind, endian === "big");
  const layout = new PrefixLayout(prefix, inclusive, limit);
  return createFraming({
    decoder: () => new CuttingDecoder(new LengthPrefixCutter(layout), layout.limit + prefix.maxSize),
    encode: (frame) => layout.encode(frame),
  });
}

/** What the prefix counts, and how far it may count. */
class PrefixLayout {
  readonly prefix: LengthPrefix;
  readonly limit: number;
  readonly #inclusive: boolean;

  constructor(prefix: LengthPrefix, inclusive: boolean, limit: number) {
    this.prefix = prefix;
    this.#inclusive = inclusive;
    this.limit = Math.min(limit, prefix.max - this.#counted(prefix.maxSize));
  }

  /**
   * The size of the frame behind a prefix of `size` bytes that tells `length`.
   *
   * @throws {FrameTooLargeError} If it is over the limit.
   * @throws {FrameError} If the length does not even cover the prefix that it counts.
   */
  frameSize(size: number, length: number): number {
    const frameSize = length - this.#counted(size);
    if (frameSize > this.limit) throw new FrameTooLargeError(frameSize, this.limit);
    if (frameSize >= 0) return frameSize;
    throw new FrameError(
      `Cannot decode the frame as its length must count the prefix of ${size} bytes: current length is ${length}`,
    );
  }

  encode(frame: Uint8Array): Uint8Array<ArrayBuffer> {
    if (frame.length > this.limit) throw new FrameTooLargeError(frame.length, this.limit);
    const size = this.#prefixSize(frame.length);
    const encoded = new Uint8Array(size + frame.length);
    this.prefix.write(encoded, size, frame.length + this.#counted(size));
    encoded.set(frame, size);
    return encoded;
  }

  /** The size of the prefix; one that counts itself may grow by being counted. */
  #prefixSize(frameSize: number): number {
    const size = this.prefix.sizeFor(frameSize);
    return this.prefix.sizeFor(frameSize + this.#counted(size));
  }

  #counted(size: number): number {
    return this.#inclusive ? size : 0;
  }
}

class LengthPrefixCutter implements FrameCutter<Uint8Array> {
  readonly #layout: PrefixLayout;

  constructor(layout: PrefixLayout) {
    this.#layout = layout;
  }

  cut(bytes: ByteQueue): Uint8Array | undefined {
    const { prefix } = this.#layout;
    const size = prefix.size(bytes);
    if (size === 0) return undefined;
    const end = size + this.#layout.frameSize(size, prefix.read(bytes, size));
    return bytes.ready < end ? undefined : bytes.take(size, end, end);
  }
}
