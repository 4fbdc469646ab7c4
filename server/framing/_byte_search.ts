/**
 * Searching bytes for bytes.
 *
 * @module
 */

/** Up to here a plain loop is faster than a call of the built-in search, beyond it slower (V8 15). */
const SHORT = 64;

/**
 * Finds the first `byte` at or after `from`.
 *
 * @param haystack Where to look.
 * @param byte What to look for.
 * @param from The first index of `haystack` that counts.
 * @returns The index of the byte, or -1.
 */
export function indexOfByte(haystack: Uint8Array, byte: number, from: number): number {
  const near = Math.min(from + SHORT, haystack.length);
  for (let i = from; i < near; i++) {
    if (haystack[i] === byte) return i;
  }
  return near === haystack.length ? -1 : haystack.indexOf(byte, near);
}

/**
 * Finds the first place at or after `from` where `haystack` holds `needle`.
 *
 * Stands for `Buffer.indexOf` and std's `indexOfNeedle`. At worst it looks at `needle.length` bytes for each byte of
 * `haystack`. To go on with a search that found nothing, start `needle.length - 1` bytes before the end of what it
 * saw.
 *
 * @param haystack Where to look.
 * @param needle What to look for, at least one byte.
 * @param from The first index of `haystack` that counts.
 * @returns The index of the needle's first byte, or -1.
 */
export function indexOfBytes(haystack: Uint8Array, needle: Uint8Array, from = 0): number {
  let at = indexOfByte(haystack, needle[0], from);
  while (at !== -1 && !holdsAt(haystack, at, needle)) at = indexOfByte(haystack, needle[0], at + 1);
  return at;
}

/** Tells whether `haystack` holds `needle` at `index`, where it holds its first byte. */
function holdsAt(haystack: Uint8Array, index: number, needle: Uint8Array): boolean {
  for (let i = 1; i < needle.length; i++) {
    if (haystack[index + i] !== needle[i]) return false;
  }
  return true;
}
