/** Inputs for the tests of framing. */

/** Random numbers that are the same in each run (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A number of at least 0 and less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer of at least 0 and less than `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** One of the items. */
  pick<T>(items: ArrayLike<T>): T {
    return items[this.below(items.length)];
  }

  /** Up to `most` bytes out of `alphabet`. */
  bytes(most: number, alphabet: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.below(most + 1));
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.pick(alphabet);
    return bytes;
  }

  /** The same bytes, cut at random places; some pieces are empty. */
  cut(bytes: Uint8Array): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    const largest = this.pick([1, 3, 9, 30, bytes.length]);
    for (let at = 0; at < bytes.length;) {
      const isEmpty = this.below(30) === 0;
      const end = isEmpty ? at : at + 1 + this.below(largest);
      // Copies, so that a decoder that kept a view of the wrong chunk would be found out.
      chunks.push(bytes.slice(at, end));
      at = end;
    }
    return chunks;
  }
}

/** Text as bytes. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Bytes as text. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** One array of all parts. */
export function concat(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The input in chunks of `size` bytes. */
export function chunked(input: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < input.length; at += size) chunks.push(input.slice(at, at + size));
  return chunks;
}
