/**
 * Frames that a delimiter ends.
 *
 * @module
 */
import { joined } from "./_byte_join.ts";
import { indexOfBytes } from "./_byte_search.ts";
import { CuttingDecoder } from "./_cutting_decoder.ts";
import { DelimiterCutter } from "./_delimiter_cutter.ts";
import { DEFAULT_LIMIT, positiveInteger } from "./_options.ts";
import { FrameError, FrameTooLargeError } from "./errors.ts";
import { createFraming, type Framing } from "./framing.ts";

/** Options for {@linkcode delimited}. */
export interface DelimitedOptions {
  /**
   * The largest frame in bytes, without its delimiter.
   *
   * @default {65536}
   */
  limit?: number;
}

/**
 * Frames that a delimiter of one or more bytes ends.
 *
 * The delimiter is no part of the frame. The first one in the input ends the frame; input that ends without one is
 * a `Deno.errors.UnexpectedEof`. Encoding refuses a frame in which the decoder would find a delimiter.
 *
 * Stands for Twisted's `LineOnlyReceiver` with a `delimiter` of its own.
 *
 * @param delimiter What ends a frame: bytes, or text that is encoded in UTF-8.
 * @param options The limit.
 * @returns The framing.
 * @throws {RangeError} If the delimiter is empty, or `limit` is no integer of at least 1.
 *
 * @example Records that a NUL ends, as in `find -print0`
 * ```ts
 * import { delimited } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const decoder = delimited("\0").decoder();
 * decoder.push(new TextEncoder().encode("a.txt\0b c.txt\0d."));
 *
 * const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
 * assertEquals(decoder.drain().map(text), ["a.txt", "b c.txt"]);
 * assertEquals(decoder.buffered, 2);
 * ```
 */
export function delimited(
  delimiter: string | Uint8Array,
  options: DelimitedOptions = {},
): Framing<Uint8Array> {
  const mark = typeof delimiter === "string" ? new TextEncoder().encode(delimiter) : delimiter.slice();
  if (mark.length === 0) {
    throw new RangeError("Cannot frame as 'delimiter' must be at least one byte: current length is 0");
  }
  const limit = positiveInteger("limit", options.limit ?? DEFAULT_LIMIT);
  return createFraming({
    decoder: () => new CuttingDecoder(new DelimiterCutter(mark, limit), limit + mark.length),
    encode: (frame) => {
      if (frame.length > limit) throw new FrameTooLargeError(frame.length, limit);
      const encoded = joined([frame, mark]);
      // The frame's end and the delimiter's beginning may make up a delimiter too: "aba" ended by "ba".
      if (indexOfBytes(encoded, mark) === frame.length) return encoded;
      throw new FrameError(
        `Cannot encode the frame as it holds the delimiter: its size is ${frame.length} bytes`,
      );
    },
  });
}
