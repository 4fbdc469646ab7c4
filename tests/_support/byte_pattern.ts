/**
 * Long streams of bytes of which every one can be checked, without ever being held as a whole.
 *
 * @module
 */

const CHUNK = 65_536;
/** No power of two: a chunk that is lost, twice there or out of order shows. */
const PERIOD = 251;

function byteAt(index: number): number {
  return index % PERIOD;
}

/** `count` bytes in chunks. */
export function* pattern(count: number): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < count; at += CHUNK) {
    yield Uint8Array.from({ length: Math.min(CHUNK, count - at) }, (_, n) => byteAt(at + n));
  }
}

/** What was read of a {@linkcode pattern}. */
export interface Counted {
  /** How many bytes came. */
  count: number;
  /** The first that is not what it should be; -1 if there is none. */
  wrongAt: number;
}

/** Reads to the end. */
export async function counted(chunks: AsyncIterable<Uint8Array>): Promise<Counted> {
  let count = 0;
  let wrongAt = -1;
  for await (const chunk of chunks) {
    for (let n = 0; n < chunk.length && wrongAt < 0; n++) {
      if (chunk[n] !== byteAt(count + n)) wrongAt = count + n;
    }
    count += chunk.length;
  }
  return { count, wrongAt };
}
