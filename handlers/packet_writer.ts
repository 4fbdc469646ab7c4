/**
 * The writing end of a datagram's request handler.
 *
 * @module
 */
import { asBytes } from "./stream_writer.ts";

/** Memory for short answers is taken from a slab of this size, front to back: to ask for each alone takes longer. */
const SLAB = 16_384;
/** Longer ones have memory of their own. */
const SHORT = 1_024;

let slab: Uint8Array<ArrayBuffer> = new Uint8Array(0);
let used = 0;

/** Memory that nobody has had. */
function allocate(length: number): Uint8Array<ArrayBuffer> {
  if (length > SHORT) return new Uint8Array(length);
  if (slab.length - used < length) {
    slab = new Uint8Array(SLAB);
    used = 0;
  }
  used += length;
  return slab.subarray(used - length, used);
}

/**
 * Collects an answer, which goes out as one packet: Python's `wfile` of a datagram handler.
 *
 * @example Written in pieces, sent as one
 * ```ts
 * import { PacketWriter } from "@switchboard/kit/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = new PacketWriter();
 * assertEquals(answer.written, false); // a handler that writes nothing answers nothing
 * assertEquals(answer.write("Grüße, "), 9); // bytes, not characters
 * answer.write(new Uint8Array([0x41]));
 * assertEquals(new TextDecoder().decode(answer.bytes()), "Grüße, A");
 * ```
 */
export class PacketWriter {
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;

  /** Whether anything was written; no bytes at all count too: they make an empty packet. */
  get written(): boolean {
    return this.#buffer !== undefined;
  }

  /**
   * Adds bytes to the answer. They are copied.
   *
   * @param data bytes, in a view of any kind; text is written as UTF-8
   * @returns the number of bytes, not of elements or characters
   */
  write(data: ArrayBufferView | ArrayBufferLike | string): number {
    const bytes = asBytes(data);
    this.#reserve(this.#length + bytes.length).set(bytes, this.#length);
    this.#length += bytes.length;
    return bytes.length;
  }

  /** Does nothing: the answer goes out when the handler has ended. */
  flush(): void {}

  /** Forgets what was written. */
  clear(): void {
    this.#buffer = undefined;
    this.#length = 0;
  }

  /** What was written, to be sent and not to be changed: other answers may lie beside it. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer?.subarray(0, this.#length) ?? new Uint8Array(0);
  }

  #reserve(length: number): Uint8Array<ArrayBuffer> {
    const buffer = this.#buffer;
    if (buffer && length <= buffer.length) return buffer;
    const larger = allocate(buffer ? Math.max(length, buffer.length * 2) : length);
    if (buffer) larger.set(buffer.subarray(0, this.#length));
    return this.#buffer = larger;
  }
}
