/**
 * Framing: messages to bytes and back.
 *
 * TCP delivers bytes, not messages; two messages may arrive stuck together or one in pieces. A {@linkcode Framing}
 * says where a message ends:
 *
 * | Framing                     | A frame ends                        | For                                  |
 * | --------------------------- | ----------------------------------- | ------------------------------------ |
 * | {@linkcode lines}           | at a newline                        | text protocols: SMTP, IRC, NDJSON    |
 * | {@linkcode delimited}       | at any other delimiter              | NUL-ended records, SIP-like blocks   |
 * | {@linkcode fixed}           | after a number of bytes             | samples, records                     |
 * | {@linkcode lengthPrefixed}  | where the length in front says      | binary protocols                     |
 * | {@linkcode netstrings}      | where the decimal length says       | SCGI, QMQP                           |
 * | {@linkcode createFraming}   | where your own decoder says         | the rest                             |
 *
 * Each decodes any source of chunks frame by frame ({@linkcode Framing.decode}) or all that came at once
 * ({@linkcode Framing.batches}), chunks that are pushed ({@linkcode Framing.decoder}), and Web Streams
 * ({@linkcode Framing.stream}); and each encodes. Each has a limit, 64 KiB unless told otherwise, and throws a
 * {@linkcode FrameTooLargeError} before a larger frame is buffered. It knows no socket and does no I/O.
 *
 * @example Lines from any source of chunks
 * ```ts
 * import { lines } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const encoder = new TextEncoder();
 * async function* chunks() {
 *   yield encoder.encode("PING\r\nSET gre");
 *   yield encoder.encode("eting Grüß Gott\r\n");
 * }
 *
 * const received: string[] = [];
 * for await (const line of lines({ limit: 1024 }).decode(chunks())) received.push(line);
 * assertEquals(received, ["PING", "SET greeting Grüß Gott"]);
 * ```
 *
 * @module
 */
export { delimited, type DelimitedOptions } from "./delimited.ts";
export { FrameError, FrameTooLargeError } from "./errors.ts";
export { fixed } from "./fixed.ts";
export {
  type ChunkSource,
  type Codec,
  createFraming,
  type Decoder,
  type Framing,
  type ReceivingSource,
} from "./framing.ts";
export { lengthPrefixed, type LengthPrefixedOptions } from "./length_prefixed.ts";
export { type ByteLinesOptions, lines, type LinesOptions, type TextLinesOptions } from "./lines.ts";
export { netstrings, type NetstringsOptions } from "./netstrings.ts";
