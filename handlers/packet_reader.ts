/**
 * The reading end of a datagram's request handler.
 *
 * @module
 */
import { indexOfBytes } from "../server/framing/_byte_search.ts";

/**
 * A packet read bit by bit: Python's `rfile` of a datagram handler. It has the methods of a {@linkcode StreamReader}, and
 * since all bytes are there already they give them at once; awaiting what they give does no harm.
 *
 * @example A command and what follows it
 * ```ts
 * import { PacketReader } from "@switchboard/kit/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const packet = new PacketReader(new TextEncoder().encode("SET greeting\nhello"));
 * assertEquals(packet.readLine(), "SET greeting");
 * assertEquals(packet.length, 5);
 * assertEquals(new TextDecoder().decode(packet.readExactly(5)), "hello");
 * assertEquals(packet.read(), null); // the end
 * ```
 */
export class PacketReader implements Iterable<Uint8Array<ArrayBuffer>> {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #offset = 0;

  /** A reader of `bytes`. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  /** How many bytes are left. */
  get length(): number {
    return this.#bytes.length - this.#offset;
  }

  /**
   * The bytes that are left.
   *
   * @param size the most bytes to take; all if it is left out
   * @returns the bytes, or `null` at the end
   */
  read(size: number = Infinity): Uint8Array<ArrayBuffer> | null {
    if (!(size >= 1)) throw new RangeError(`Cannot read ${size} bytes: expected a number from 1`);
    return this.length > 0 ? this.#take(Math.min(size, this.length)) : null;
  }

  /**
   * Exactly `n` bytes.
   *
   * @throws {Deno.errors.UnexpectedEof} if fewer are left; they can still be read
   */
  readExactly(n: number): Uint8Array<ArrayBuffer> {
    if (!Number.isInteger(n) || n < 0) {
      throw new RangeError(`Cannot read exactly ${n} bytes: expected a whole number from 0`);
    }
    if (n > this.length) {
      throw new Deno.errors.UnexpectedEof(`the packet has ${this.length} of ${n} bytes left`);
    }
    return this.#take(n);
  }

  /**
   * Bytes up to and including `delimiter`, or `null` at the end.
   *
   * @param delimiter one or more bytes; text stands for its UTF-8
   * @throws {Deno.errors.UnexpectedEof} if it does not come; what is left can still be read
   */
  readUntil(delimiter: Uint8Array | string): Uint8Array<ArrayBuffer> | null {
    const mark = typeof delimiter === "string" ? new TextEncoder().encode(delimiter) : delimiter;
    if (mark.length === 0) throw new RangeError("Cannot read until a delimiter of no bytes");
    if (this.length === 0) return null;
    const at = indexOfBytes(this.#bytes, mark, this.#offset);
    if (at < 0) throw new Deno.errors.UnexpectedEof("the packet ends before the delimiter");
    return this.#take(at + mark.length - this.#offset);
  }

  /** The next line as text, without its end, or `null` at the end. The last one need not have an end. */
  readLine(): string | null {
    if (this.length === 0) return null;
    const at = this.#bytes.indexOf(NEWLINE, this.#offset);
    const line = this.#take(at < 0 ? this.length : at + 1 - this.#offset);
    return new TextDecoder().decode(line).replace(/\r?\n$/, "");
  }

  /** The lines that are left, as text without their ends. */
  *lines(): IterableIterator<string> {
    for (let line; (line = this.readLine()) !== null;) yield line;
  }

  /** What is left, as one chunk. */
  *[Symbol.iterator](): IterableIterator<Uint8Array<ArrayBuffer>> {
    const rest = this.read();
    if (rest) yield rest;
  }

  #take(n: number): Uint8Array<ArrayBuffer> {
    const start = this.#offset;
    this.#offset += n;
    return this.#bytes.subarray(start, this.#offset);
  }
}

const NEWLINE = 10;
