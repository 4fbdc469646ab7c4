/**
 * The two buffers of a connection.
 *
 * @module
 */

/** The first block of a connection: what an idle one costs. */
const FIRST_BLOCK = 256;
/** The blocks of a connection on which something goes on: as making one costs as much as a read, they last a while. */
const USUAL_BLOCK = 2_048;
/** The largest block of a connection whose reads come back full. */
const LARGEST_BLOCK = 131_072;
/**
 * The same while a known number of bytes is copied on: fewer, larger reads cost less, and there is an end to it. An idle
 * connection may not keep so much.
 */
const LARGEST_COPY_BLOCK = 1_048_576;
/** After this many reads in a row that use little of a large block, the next block is smaller. */
const SMALL_READS = 16;

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * Bytes that came in and were not taken yet.
 *
 * Reads land in a block that belongs to this connection alone and is consumed from front to back; what is taken is a
 * slice of it and is never written again. A block that was used up, or is nearly, is replaced by a fresh one: larger
 * when reads come back full, smaller when they stay small.
 */
export class ReceiveBuffer {
  #block: Uint8Array<ArrayBuffer> = NO_BYTES;
  #start = 0;
  #end = 0;
  #size = FIRST_BLOCK;
  #lastRead = 0;
  #smallReads = 0;
  /** The largest block that reads which come back full lead to. */
  #largest = LARGEST_BLOCK;
  /** Whether a slice of the block was handed out, so that what was taken must stay as it is. */
  #handedOut = false;
  /** How many of the waiting bytes somebody looks at, who will say how many of them are done with. */
  #lent = 0;

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Where the next read may land. To be followed by {@linkcode ReceiveBuffer.commit}. */
  space(): Uint8Array<ArrayBuffer> {
    // A tail too short for another message like the last would split it in two reads.
    const needed = Math.max(this.#size >> 3, this.#lastRead);
    const misfits = this.#end === 0 && !this.#fits(this.#block.length); // emptied without a slice handed out
    if (misfits) this.#block = NO_BYTES;
    if (misfits || this.#block.length - this.#end < needed) this.#renew();
    return this.#end === 0 ? this.#block : this.#block.subarray(this.#end);
  }

  /** Says that `n` bytes have landed in `space`, which {@linkcode ReceiveBuffer.space} gave. */
  commit(n: number, space: Uint8Array<ArrayBuffer>): void {
    const inPlace = space.buffer === this.#block.buffer && space.byteOffset === this.#end;
    if (inPlace) this.#end += n;
    else this.#append(space.subarray(0, n)); // the read was pending while the block changed
    const isCut = n === space.length && (n > this.#lastRead || n === this.#size);
    if (isCut && this.#size < this.#largest) this.#size = Math.min(this.#largest, this.#size * 4);
    else if (this.#size > USUAL_BLOCK) this.#shrink(n);
    this.#lastRead = n;
  }

  #fits(length: number): boolean {
    return length >= this.#size && length <= this.#size * 8;
  }

  #append(bytes: Uint8Array): void {
    if (this.#block.length - this.#end < bytes.length) this.#renew(bytes.length);
    this.#block.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #shrink(n: number): void {
    if (n > this.#size >> 4) this.#smallReads = 0;
    else if (++this.#smallReads === SMALL_READS) {
      this.#size >>= 2;
      this.#smallReads = 0;
    }
  }

  /** A fresh block (or the old one, if nobody else holds a part of it) with the waiting bytes at its front. */
  #renew(more = 0): void {
    const waiting = this.length;
    if (this.#end > 0) this.#size = Math.max(this.#size, USUAL_BLOCK);
    const needed = Math.max(this.#size, waiting * 2, waiting + more);
    if (this.#handedOut || this.#lent > 0 || this.#block.length < needed) {
      const block = new Uint8Array(needed);
      if (waiting > 0) block.set(this.#block.subarray(this.#start, this.#end));
      this.#block = block;
      this.#handedOut = false;
    } else this.#block.copyWithin(0, this.#start, this.#end);
    this.#start = 0;
    this.#end = waiting;
  }

  /** Hands out at most `most` waiting bytes. They belong to the caller. */
  take(most: number = Infinity): Uint8Array<ArrayBuffer> {
    const start = this.#start;
    this.#start = Math.min(this.#end, start + most);
    this.#handedOut = true;
    return this.#block.subarray(start, this.#start);
  }

  /** Copies waiting bytes into `p` and forgets them; says how many. */
  copyInto(p: Uint8Array): number {
    const n = Math.min(p.length, this.length);
    p.set(this.#block.subarray(this.#start, this.#start + n));
    this.skip(n);
    return n;
  }

  /** A look at no more than `most` waiting bytes, which stay as they are until {@linkcode ReceiveBuffer.takeBack}. */
  lend(most: number): Uint8Array<ArrayBuffer> {
    this.#lent = Math.min(most, this.length);
    return this.#block.subarray(this.#start, this.#start + this.#lent);
  }

  /** Ends the look. The first `used` bytes are forgotten, the others wait again. */
  takeBack(used: number): void {
    this.#lent = 0;
    this.skip(used);
  }

  /** Whether somebody looks at waiting bytes. */
  get lent(): boolean {
    return this.#lent > 0;
  }

  /** From now on `count` bytes are looked at and skipped. */
  beginCopy(count: number): void {
    if (count !== Infinity) this.#largest = LARGEST_COPY_BLOCK;
  }

  /** Lets the memory of a large block go. */
  endCopy(): void {
    this.#largest = LARGEST_BLOCK;
    this.#size = Math.min(this.#size, LARGEST_BLOCK);
    if (this.length === 0) this.clear();
  }

  /** Forgets `n` waiting bytes. */
  skip(n: number): void {
    this.#start = Math.min(this.#end, this.#start + n);
    if (this.#start === this.#end && !this.#handedOut) this.#start = this.#end = 0;
  }

  /** A look at the waiting bytes, good until the next call of any method. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#block.subarray(this.#start, this.#end);
  }

  /** Puts bytes in front of those that wait, and behind those that are lent: whoever has these has them already. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const waiting = this.view();
    const block = new Uint8Array(Math.max(this.#size, bytes.length + waiting.length));
    block.set(waiting.subarray(0, this.#lent));
    block.set(bytes, this.#lent);
    block.set(waiting.subarray(this.#lent), this.#lent + bytes.length);
    this.#block = block;
    this.#handedOut = false;
    this.#start = 0;
    this.#end = bytes.length + waiting.length;
  }

  /** Forgets everything and lets the memory go. */
  clear(): void {
    this.#block = NO_BYTES;
    this.#start = this.#end = 0;
  }
}

/** What `send` may queue, in bytes. */
export const SEND_QUEUE_SIZE = 65_536;

/** Bytes that wait to go out: those being written, and those that came meanwhile. */
export class SendQueue {
  #filling: Uint8Array = NO_BYTES;
  #filled = 0;
  #spare: Uint8Array = NO_BYTES;
  #leaving = 0;

  /** Bytes that are queued or being written. */
  get length(): number {
    return this.#filled + this.#leaving;
  }

  /** Copies as much of `p` as there is room for; says how much. */
  push(p: Uint8Array): number {
    const n = Math.min(p.length, SEND_QUEUE_SIZE - this.length);
    if (n <= 0) return 0;
    this.#reserve(this.#filled + n);
    this.#filling.set(n === p.length ? p : p.subarray(0, n), this.#filled);
    this.#filled += n;
    return n;
  }

  /** Takes all that is queued for one write; {@linkcode SendQueue.left} says when it has gone. */
  shift(): Uint8Array {
    const bytes = this.#filling.subarray(0, this.#filled);
    this.#leaving = this.#filled;
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    this.#filled = 0;
    return bytes;
  }

  /** Says that what `shift` gave was written. */
  left(): void {
    this.#leaving = 0;
  }

  /** Forgets everything and lets the memory go. */
  clear(): void {
    this.#filling = this.#spare = NO_BYTES;
    this.#filled = this.#leaving = 0;
  }

  #reserve(size: number): void {
    if (size <= this.#filling.length) return;
    const larger = new Uint8Array(Math.min(SEND_QUEUE_SIZE, Math.max(1_024, size * 2)));
    larger.set(this.#filling.subarray(0, this.#filled));
    this.#filling = larger;
  }
}
