/**
 * The ways to write a length in front of a frame.
 *
 * @module
 */
import type { ByteQueue } from "./_byte_queue.ts";
import { FrameError } from "./errors.ts";

/** One way to write a length in front of a frame. */
export interface LengthPrefix {
  /** The largest length that it can tell. */
  readonly max: number;
  /** The most bytes that it takes. */
  readonly maxSize: number;

  /**
   * How many bytes the prefix at the front takes.
   *
   * @returns The bytes, or 0 if they are not all ready.
   * @throws {FrameError} If it has no end.
   */
  size(bytes: ByteQueue): number;

  /** The length that the prefix of `size` bytes at the front tells. */
  read(bytes: ByteQueue, size: number): number;

  /** How many bytes it takes to tell `length`. */
  sizeFor(length: number): number;

  /** Writes `length` into the first `size` bytes of `target`. */
  write(target: Uint8Array, size: number, length: number): void;
}

/** A length of a fixed number of bytes. */
export class FixedPrefix implements LengthPrefix {
  readonly max: number;
  readonly maxSize: number;
  readonly #bigEndian: boolean;

  /**
   * @param size Bytes in the prefix, at most 4.
   * @param bigEndian Whether its first byte counts most.
   */
  constructor(size: number, bigEndian: boolean) {
    this.max = 2 ** (8 * size) - 1;
    this.maxSize = size;
    this.#bigEndian = bigEndian;
  }

  size(bytes: ByteQueue): number {
    return bytes.ready < this.maxSize ? 0 : this.maxSize;
  }

  read(bytes: ByteQueue, size: number): number {
    let length = 0;
    for (let i = 0; i < size; i++) {
      // Multiplied, not shifted: a shift would make four bytes a signed number.
      length = length * 256 + bytes.byteAt(this.#bigEndian ? i : size - 1 - i);
    }
    return length;
  }

  sizeFor(): number {
    return this.maxSize;
  }

  write(target: Uint8Array, size: number, length: number): void {
    for (let i = 0; i < size; i++) {
      target[this.#bigEndian ? size - 1 - i : i] = length / 256 ** i;
    }
  }
}

/**
 * A length in unsigned LEB128, as in Protocol Buffers and WebAssembly: seven bits a byte, the lowest first, the high
 * bit set in all bytes but the last.
 *
 * It may be padded with zeros, as the writers of both do it. Seven bytes are the most: 49 bits are the last multiple
 * of seven that a number holds exactly, and a prefix without an end must be noticed.
 */
export class VarintPrefix implements LengthPrefix {
  readonly max: number = 2 ** 49 - 1;
  readonly maxSize: number = 7;

  size(bytes: ByteQueue): number {
    const seen = Math.min(bytes.ready, this.maxSize);
    for (let i = 0; i < seen; i++) {
      if (bytes.byteAt(i) < 0x80) return i + 1;
    }
    if (seen < this.maxSize) return 0;
    throw new FrameError(
      `Cannot decode the frame as its length has no end: it exceeds ${this.maxSize} bytes`,
    );
  }

  read(bytes: ByteQueue, size: number): number {
    let length = 0;
    for (let i = size - 1; i >= 0; i--) length = length * 128 + (bytes.byteAt(i) & 0x7f);
    return length;
  }

  sizeFor(length: number): number {
    let size = 1;
    for (let rest = length; rest >= 128; rest /= 128) size++;
    return size;
  }

  write(target: Uint8Array, size: number, length: number): void {
    let rest = length;
    for (let i = 0; i < size; i++) {
      target[i] = rest % 128 + (i < size - 1 ? 128 : 0);
      rest = Math.floor(rest / 128);
    }
  }
}
