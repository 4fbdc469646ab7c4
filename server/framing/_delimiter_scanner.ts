/**
 * A search for a delimiter that goes on from chunk to chunk.
 *
 * @module
 */
import { ByteFinder } from "./_byte_finder.ts";

/**
 * Finds a delimiter in bytes that come in pieces, looking at each byte once.
 *
 * This is the search of Knuth, Morris and Pratt. It is here for two things that a plain search lacks: it is linear
 * whatever the peer sends, and it knows how many bytes of the delimiter the input ends with, which is what a limit
 * that excludes the delimiter has to know (CONTRACT C-49).
 */
export class DelimiterScanner {
  /** What to look for, at least one byte. */
  readonly delimiter: Uint8Array;
  /** For each number of matched bytes: how many remain matched when the next byte is another one. */
  readonly #borders: Uint32Array;
  readonly #firstByte: ByteFinder;
  #matched = 0;

  constructor(delimiter: Uint8Array) {
    this.delimiter = delimiter;
    this.#borders = bordersOf(delimiter);
    this.#firstByte = new ByteFinder(delimiter[0]);
  }

  /** How many bytes of the delimiter the bytes scanned so far end with. */
  get matched(): number {
    return this.#matched;
  }

  /** Forgets what was matched. */
  reset(): void {
    this.#matched = 0;
  }

  /**
   * Scans on.
   *
   * @param chunk The next bytes; they must not change before this answers -1.
   * @param from The first index of `chunk` that counts.
   * @returns The index just behind the first delimiter that ends in `chunk`, or -1.
   */
  scan(chunk: Uint8Array, from: number): number {
    const delimiter = this.delimiter;
    let matched = this.#matched;
    for (let i = from; i < chunk.length; i++) {
      if (matched === 0 && chunk[i] !== delimiter[0]) {
        // Most bytes belong to no delimiter: to pass over them quickly is what the speed hangs on.
        i = this.#firstByte.indexIn(chunk, i);
        if (i === -1) break;
      }
      while (matched > 0 && chunk[i] !== delimiter[matched]) matched = this.#borders[matched - 1];
      if (chunk[i] === delimiter[matched]) matched++;
      if (matched === delimiter.length) {
        this.#matched = 0;
        return i + 1;
      }
    }
    this.#matched = matched;
    this.#firstByte.forget();
    return -1;
  }
}

/** For each prefix of `needle`: the length of the longest shorter prefix that it also ends with. */
function bordersOf(needle: Uint8Array): Uint32Array {
  const borders = new Uint32Array(needle.length);
  for (let i = 1, border = 0; i < needle.length; i++) {
    while (border > 0 && needle[i] !== needle[border]) border = borders[border - 1];
    if (needle[i] === needle[border]) border++;
    borders[i] = border;
  }
  return borders;
}
