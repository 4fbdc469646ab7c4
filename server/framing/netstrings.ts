/**
 * D. J. Bernstein's netstrings.
 *
 * @module
 */
import type { ByteQueue } from "./_byte_queue.ts";
import { joined } from "./_byte_join.ts";
import { CuttingDecoder } from "./_cutting_decoder.ts";
import type { FrameCutter } from "./_frame_cutter.ts";
import { DEFAULT_LIMIT, positiveInteger } from "./_options.ts";
import { FrameError, FrameTooLargeError } from "./errors.ts";
import { createFraming, type Framing } from "./framing.ts";

const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;

/** The most digits that a number holds exactly, whatever they are. */
const MAX_DIGITS = 15;

/** Options for {@linkcode netstrings}. */
export interface NetstringsOptions {
  /**
   * The largest frame in bytes, without its length, colon and comma.
   *
   * @default {65536}
   */
  limit?: number;
}

/**
 * D. J. Bernstein's netstrings: `5:hello,`.
 *
 * The length is checked as he defines it: digits without a leading zero, a colon, the bytes, a comma. A length over
 * the limit is reported at its colon. Input that ends inside a netstring is a `Deno.errors.UnexpectedEof`.
 *
 * Stands for Twisted's `NetstringReceiver`. See https://cr.yp.to/proto/netstrings.txt.
 *
 * @param options The limit.
 * @returns The framing.
 * @throws {RangeError} If `limit` is no integer of at least 1.
 *
 * @example There and back
 * ```ts
 * import { netstrings } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const framing = netstrings();
 * const hello = new TextEncoder().encode("hello");
 * assertEquals(framing.encode(hello), new TextEncoder().encode("5:hello,"));
 *
 * const decoder = framing.decoder();
 * decoder.push(framing.encode(hello));
 * assertEquals(decoder.next(), hello);
 * ```
 */
export function netstrings(options: NetstringsOptions = {}): Framing<Uint8Array> {
  const limit = positiveInteger("limit", options.limit ?? DEFAULT_LIMIT);
  const capacity = MAX_DIGITS + 1 + limit + 1;
  return createFraming({
    decoder: () => new CuttingDecoder(new NetstringCutter(limit), capacity),
    encode: (frame) => {
      if (frame.length > limit) throw new FrameTooLargeError(frame.length, limit);
      return joined([new TextEncoder().encode(`${frame.length}:`), frame, Uint8Array.of(COMMA)]);
    },
  });
}

class NetstringCutter implements FrameCutter<Uint8Array> {
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  cut(bytes: ByteQueue): Uint8Array | undefined {
    const digits = countDigits(bytes);
    if (digits === undefined) return undefined;
    const size = readNumber(bytes, digits);
    if (size > this.#limit) throw new FrameTooLargeError(size, this.#limit);
    const start = digits + 1;
    const end = start + size;
    if (bytes.ready <= end) return undefined;
    if (bytes.byteAt(end) !== COMMA) throw unexpected(bytes.byteAt(end), `',' after ${size} bytes`);
    return bytes.take(start, end, end + 1);
  }
}

/** The number of digits in front of the colon, or `undefined` if the colon has not come. */
function countDigits(bytes: ByteQueue): number | undefined {
  for (let i = 0; i < bytes.ready; i++) {
    const byte = bytes.byteAt(i);
    if (byte === COLON && i > 0) return i;
    if (byte < ZERO || byte > NINE) throw unexpected(byte, i === 0 ? "a digit" : "a digit or ':'");
    if (i === 1 && bytes.byteAt(0) === ZERO) throw unexpected(byte, "':' after the length 0");
    if (i === MAX_DIGITS) throw unexpected(byte, `':' after a length of ${MAX_DIGITS} digits`);
  }
  return undefined;
}

function readNumber(bytes: ByteQueue, digits: number): number {
  let number = 0;
  for (let i = 0; i < digits; i++) number = number * 10 + bytes.byteAt(i) - ZERO;
  return number;
}

function unexpected(byte: number, expected: string): FrameError {
  const hex = byte.toString(16).padStart(2, "0");
  return new FrameError(`Cannot decode the netstring as it must have ${expected}: current byte is 0x${hex}`);
}
