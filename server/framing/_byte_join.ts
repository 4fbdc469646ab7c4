/**
 * Putting bytes behind one another.
 *
 * @module
 */

/**
 * One array of the bytes of all parts.
 *
 * @param parts The parts, in order.
 * @returns The bytes, copied.
 */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
