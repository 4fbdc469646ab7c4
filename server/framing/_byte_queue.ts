/**
 * The bytes that a decoder has been given and has not yet made frames of.
 *
 * @module
 */
import { joined } from "./_byte_join.ts";

const EMPTY = new Uint8Array(0);

/** The smallest buffer for the beginning of a frame, in bytes: what fits into it grows no further. */
const SMALLEST_BUFFER = 64;

/**
 * The bytes that a decoder has been given and has not yet made frames of, front to back:
 *
 * ```text
 *  held                    chunk                     waiting
 *  [beginning of a frame]  [taken | ready to cut]    [chunk] [chunk] …
 * ```
 *
 * A frame inside `chunk` is handed out as a view and costs no copy. Only the beginning of a frame that ends in a
 * later chunk is copied, into `held`, which doubles as it grows: a frame that comes byte by byte costs linear time,
 * and a peer that announces 64 KiB and sends one byte costs 64 bytes. `waiting` is empty unless the caller pushes
 * without taking frames.
 */
export class ByteQueue {
  /** The chunk being cut. */
  chunk: Uint8Array = EMPTY;
  /** The index of the first byte of `chunk` that is not taken. */
  at = 0;
  /** Bytes in `held`. */
  heldLength = 0;

  #held: Uint8Array<ArrayBuffer> = EMPTY;
  #waiting: Uint8Array[] = [];
  #nextWaiting = 0;
  readonly #capacity: number;

  /** @param capacity The most bytes that the beginning of a frame may have, its prefix or delimiter included. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Bytes that can be cut now: those held and those of the current chunk. */
  get ready(): number {
    return this.heldLength + this.chunk.length - this.at;
  }

  /** All bytes. */
  get length(): number {
    let length = this.ready;
    for (let i = this.#nextWaiting; i < this.#waiting.length; i++) length += this.#waiting[i].length;
    return length;
  }

  /** Adds a chunk, which is not copied and must not change any more. */
  push(chunk: Uint8Array): void {
    if (this.at === this.chunk.length && this.#waiting.length === 0) this.#use(chunk);
    else this.#waiting.push(chunk);
  }

  /** The byte at `index`, counted from the front; `index` is less than `ready`. */
  byteAt(index: number): number {
    const beyond = index - this.heldLength;
    return beyond < 0 ? this.#held[index] : this.chunk[this.at + beyond];
  }

  /**
   * Takes bytes off the front.
   *
   * @param start The first byte wanted, counted from the front.
   * @param end The byte behind the last one wanted.
   * @param used How many bytes leave the queue: at least `end` and all that is held, at most `ready`.
   * @returns The bytes from `start` to `end`, which belong to the caller.
   */
  take(start: number, end: number, used: number): Uint8Array {
    if (this.heldLength > 0) return this.#takeHeld(start, end, used);
    const frame = this.#view(start, end);
    this.at += used;
    return frame;
  }

  /**
   * Holds what is left of the current chunk and goes on to the next one.
   *
   * @returns Whether there was a next one.
   */
  gather(): boolean {
    this.#hold(this.chunk.length, Math.min(Math.max(2 * this.ready, SMALLEST_BUFFER), this.#capacity));
    const next = this.#waiting[this.#nextWaiting];
    this.#use(next ?? EMPTY);
    if (next === undefined) return false;
    this.#waiting[this.#nextWaiting++] = EMPTY;
    if (this.#nextWaiting === this.#waiting.length) this.#forgetWaiting();
    return true;
  }

  /** Takes everything: one array, without a copy if the bytes lie in one chunk. */
  clear(): Uint8Array {
    const rest = this.length === this.chunk.length - this.at ? this.#view(0, this.ready) : this.#copy();
    this.#letGoHeld();
    this.#use(EMPTY);
    this.#forgetWaiting();
    return rest;
  }

  #use(chunk: Uint8Array): void {
    this.chunk = chunk;
    this.at = 0;
  }

  /** Bytes of the current chunk, counted from the first that is not taken. */
  #view(start: number, end: number): Uint8Array {
    const { chunk, at } = this;
    // Not `subarray`: of a Node buffer that would be a Node buffer, whose `slice` does not copy.
    return new Uint8Array(chunk.buffer, chunk.byteOffset + at + start, end - start);
  }

  #copy(): Uint8Array {
    const held = this.#held.subarray(0, this.heldLength);
    return joined([held, this.chunk.subarray(this.at), ...this.#waiting.slice(this.#nextWaiting)]);
  }

  #takeHeld(start: number, end: number, used: number): Uint8Array {
    const usedOfChunk = this.at + used - this.heldLength;
    // What follows the frame itself, a delimiter, need not be copied.
    this.#hold(this.at + end - this.heldLength, end);
    this.at = usedOfChunk;
    const frame = this.#held.subarray(start, end);
    this.#letGoHeld();
    return frame;
  }

  /** Copies the bytes of the current chunk up to index `end` behind those held; a new buffer gets `room`. */
  #hold(end: number, room: number): void {
    if (end <= this.at) return;
    const length = this.heldLength + end - this.at;
    if (length > this.#held.length) this.#grow(Math.max(length, room));
    this.#held.set(this.chunk.subarray(this.at, end), this.heldLength);
    this.heldLength = length;
    this.at = end;
  }

  #grow(room: number): void {
    const larger = new Uint8Array(room);
    larger.set(this.#held.subarray(0, this.heldLength));
    this.#held = larger;
  }

  /** A frame that was handed out keeps the buffer, so that the next one cannot write over it. */
  #letGoHeld(): void {
    this.#held = EMPTY;
    this.heldLength = 0;
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#nextWaiting = 0;
  }
}
