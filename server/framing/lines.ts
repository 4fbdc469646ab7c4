/**
 * Lines of text.
 *
 * @module
 */
import { indexOfBytes } from "./_byte_search.ts";
import { joined } from "./_byte_join.ts";
import { CuttingDecoder } from "./_cutting_decoder.ts";
import { LineCutter, type LineEnding } from "./_line_cutter.ts";
import { DEFAULT_LIMIT, oneOf, positiveInteger } from "./_options.ts";
import { TextLineCutter } from "./_text_line_cutter.ts";
import { FrameError, FrameTooLargeError } from "./errors.ts";
import { createFraming, type Framing } from "./framing.ts";

const CR = 13;

/** Options for {@linkcode lines} as text and as bytes. */
export interface LinesOptions {
  /**
   * The longest line in bytes, without its newline.
   *
   * @default {65536}
   */
  limit?: number;
  /**
   * What the encoder ends a line with.
   *
   * @default {"\n"}
   */
  newline?: "\n" | "\r\n";
  /**
   * Whether only `newline` ends a line when decoding. Otherwise `"\n"` and `"\r\n"` both do.
   *
   * Ask for it where two programs must agree about where a line ends: mail servers that took a bare `"\n"` for a
   * line's end while others did not could be made to smuggle messages (CVE-2023-51764).
   *
   * @default {false}
   */
  strict?: boolean;
}

/** Options for {@linkcode lines} as text. */
export interface TextLinesOptions extends LinesOptions {
  /**
   * What a line is: a string.
   *
   * @default {"utf-8"}
   */
  encoding?: "utf-8";
  /**
   * Whether a line that is not valid UTF-8 is an error. Otherwise U+FFFD takes the place of what is invalid.
   *
   * @default {false}
   */
  fatal?: boolean;
}

/** Options for {@linkcode lines} as bytes. */
export interface ByteLinesOptions extends LinesOptions {
  /** What a line is: its bytes, as they came. */
  encoding: "bytes";
}

/**
 * Lines, without their newlines.
 *
 * Decoding, a line ends with `"\n"` or `"\r\n"`, and the input's end ends the last line too. A line is text in
 * UTF-8: a character split over chunks comes out whole, a byte order mark is kept. With `encoding: "bytes"` a line
 * is a `Uint8Array`. A lone `"\r"` is part of the line. Lines of one chunk may share memory, up to 16 KiB of text.
 *
 * Encoding refuses a line that holds a newline, so that what came from a user cannot become two commands.
 *
 * Stands for Twisted's `LineReceiver` and std's `TextLineStream`.
 *
 * @param options The limit, how lines end, and what is done about invalid UTF-8.
 * @returns The framing.
 * @throws {RangeError} If `limit` is no integer of at least 1.
 * @throws {TypeError} If another option is not one of its values.
 *
 * @example Decoding lines
 * ```ts
 * import { lines } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const chunks = ["one\r\ntw", "o\nthr", "ee"].map((text) => new TextEncoder().encode(text));
 *
 * assertEquals(await Array.fromAsync(lines().decode(chunks)), ["one", "two", "three"]);
 * ```
 *
 * @example Encoding a line
 * ```ts
 * import { FrameError, lines } from "@switchboard/kit/framing";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const framing = lines({ newline: "\r\n" });
 *
 * assertEquals(framing.encode("250 OK"), new TextEncoder().encode("250 OK\r\n"));
 * assertThrows(() => framing.encode("250 OK\nQUIT"), FrameError);
 * ```
 *
 * @example Web Streams
 * ```ts
 * import { lines } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const body = new Blob(["one\ntwo\n"]).stream();
 *
 * assertEquals(await Array.fromAsync(body.pipeThrough(lines().stream())), ["one", "two"]);
 * ```
 */
export function lines(options?: TextLinesOptions): Framing<string>;
/**
 * Lines as bytes, without their newlines.
 *
 * @param options The limit and how lines end.
 * @returns The framing.
 * @throws {RangeError} If `limit` is no integer of at least 1.
 * @throws {TypeError} If another option is not one of its values.
 *
 * @example Lines that need not be text
 * ```ts
 * import { lines } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const decoder = lines({ encoding: "bytes" }).decoder();
 * decoder.push(new Uint8Array([0xff, 0xfe, 0x0a]));
 *
 * assertEquals(decoder.next(), new Uint8Array([0xff, 0xfe]));
 * ```
 */
export function lines(options: ByteLinesOptions): Framing<Uint8Array>;
export function lines(
  options: TextLinesOptions | ByteLinesOptions = {},
): Framing<string> | Framing<Uint8Array> {
  const rules = rulesOf(options);
  return options.encoding === "bytes" ? byteLines(rules) : textLines(rules, options.fatal ?? false);
}

function textLines(rules: LineRules, fatal: boolean): Framing<string> {
  const { ending, limit, newline } = rules;
  const encoder = new TextEncoder();
  return createFraming({
    decoder: () => new CuttingDecoder(new TextLineCutter(ending, limit, fatal), capacityFor(rules)),
    encode: (line) => checked(encoder.encode(line + newline), rules),
  });
}

function byteLines(rules: LineRules): Framing<Uint8Array> {
  const { ending, limit } = rules;
  const newline = new TextEncoder().encode(rules.newline);
  return createFraming({
    decoder: () => new CuttingDecoder(new LineCutter(ending, limit), capacityFor(rules)),
    encode: (line) => checked(joined([line, newline]), rules),
  });
}

interface LineRules {
  limit: number;
  newline: "\n" | "\r\n";
  ending: LineEnding;
}

function rulesOf(options: TextLinesOptions | ByteLinesOptions): LineRules {
  const { limit = DEFAULT_LIMIT, newline = "\n", strict = false, encoding = "utf-8" } = options;
  oneOf("encoding", encoding, ["utf-8", "bytes"]);
  oneOf("newline", newline, ["\n", "\r\n"]);
  const delimiter = new TextEncoder().encode(strict ? newline : "\n");
  return { limit: positiveInteger("limit", limit), newline, ending: { delimiter, dropCr: !strict } };
}

/** The longest line and what may stand of its newline. */
function capacityFor({ limit, newline }: LineRules): number {
  return limit + newline.length;
}

/** An encoded line, if it decodes to the line that it was made of. */
function checked(encoded: Uint8Array<ArrayBuffer>, rules: LineRules): Uint8Array<ArrayBuffer> {
  const { ending, limit, newline } = rules;
  const size = encoded.length - newline.length;
  if (size > limit) throw new FrameTooLargeError(size, limit);
  if (indexOfBytes(encoded, ending.delimiter) < encoded.length - ending.delimiter.length) {
    throw new FrameError(`Cannot encode the line as it holds a newline: its size is ${size} bytes`);
  }
  if (ending.dropCr && newline === "\n" && encoded[size - 1] === CR) {
    throw new FrameError(
      `Cannot encode the line as its last character is a carriage return: its size is ${size} bytes`,
    );
  }
  return encoded;
}
