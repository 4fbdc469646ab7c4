/**
 * Where packets land.
 *
 * @module
 */

/** A block is at least this long, so that it holds many small packets. */
const SMALLEST_BLOCK = 65_536;
/** And this many of the longest packets. */
const LONGEST_PACKETS = 4;

/**
 * Memory for the packets of one socket, consumed from front to back: what a packet was received into is never received
 * into again, so it belongs to whoever was given the packet.
 *
 * A copy of each packet, in memory of its own, would cost more than all else that a server adds to receiving and sending.
 */
export class PacketBlock {
  readonly #size: number;
  #block: Uint8Array<ArrayBuffer>;
  #used = 0;

  /** Blocks for packets of up to `size` bytes. */
  constructor(size: number) {
    this.#size = size;
    this.#block = newBlock(size);
  }

  /** Where the next packet may land: `size` bytes. */
  space(): Uint8Array<ArrayBuffer> {
    if (this.#block.length - this.#used < this.#size) {
      this.#block = newBlock(this.#size);
      this.#used = 0;
    }
    return new Uint8Array(this.#block.buffer, this.#used, this.#size);
  }

  /** Says that a packet has landed; one that landed elsewhere is none of this block's business. */
  keep(packet: Uint8Array<ArrayBuffer>): void {
    if (packet.buffer === this.#block.buffer) this.#used += packet.length;
  }
}

function newBlock(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Math.max(SMALLEST_BLOCK, size * LONGEST_PACKETS));
}
