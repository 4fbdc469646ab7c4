/**
 * What a decoder says about bytes that are not what they should be.
 *
 * @module
 */

/**
 * The input is no frame of this framing, or the frame cannot be carried by it: a netstring without its comma, a
 * line with a newline inside, text that is not UTF-8.
 *
 * It is the class to catch for "the peer does not speak this protocol"; {@linkcode FrameTooLargeError} extends it.
 * Input that ends inside a frame is no `FrameError` but a `Deno.errors.UnexpectedEof`, as that is a peer that left
 * and not a peer that erred.
 *
 * @example Telling a malformed frame from other failures
 * ```ts
 * import { FrameError, netstrings } from "@switchboard/kit/framing";
 * import { assertThrows } from "@std/assert";
 *
 * const decoder = netstrings().decoder();
 * decoder.push(new TextEncoder().encode("5:hello!"));
 *
 * assertThrows(() => decoder.next(), FrameError, "','");
 * ```
 */
export class FrameError extends Error {
  /**
   * Makes the error.
   *
   * @param message What is wrong, with the value.
   * @param options The `cause`, if another error says more.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "FrameError";
  }
}

/**
 * A frame is larger than the framing's limit.
 *
 * It is thrown before the frame is buffered: from its length prefix, or by the first byte over the limit where a
 * delimiter ends the frame. It stands for Twisted's `lineLengthExceeded` and `lengthLimitExceeded`.
 *
 * @example Answering a line that is too long
 * ```ts
 * import { FrameTooLargeError, lines } from "@switchboard/kit/framing";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const decoder = lines({ limit: 4 }).decoder();
 * decoder.push(new TextEncoder().encode("hello"));
 *
 * const error = assertThrows(() => decoder.next(), FrameTooLargeError);
 * assertEquals(error.limit, 4);
 * assertEquals(error.message, "Frame of 5 bytes exceeds the limit of 4 bytes");
 * ```
 */
export class FrameTooLargeError extends FrameError {
  /**
   * Bytes in the frame: what its prefix announced, or, where a delimiter ends the frame, `limit + 1`, as nobody
   * waited for the rest.
   */
  readonly size: number;
  /** The largest frame allowed, in bytes, without prefix and delimiter. */
  readonly limit: number;

  /**
   * Makes the error.
   *
   * @param size Bytes in the frame.
   * @param limit The largest frame allowed, in bytes.
   */
  constructor(size: number, limit: number) {
    super(`Frame of ${size} bytes exceeds the limit of ${limit} bytes`);
    this.name = "FrameTooLargeError";
    this.size = size;
    this.limit = limit;
  }
}
