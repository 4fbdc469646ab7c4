/**
 * Text on its way out, as UTF-8.
 *
 * @module
 */

/** Short texts share blocks of this size: making a block for each costs more than encoding it. */
const BLOCK = 16_384;
/** The longest text that does, in UTF-16 units, each of which takes three bytes at most. */
const SHORT = BLOCK / 16;

const encoder = new TextEncoder();
let block = new Uint8Array(0);
let used = 0;

/** The bytes of a text, to be sent and shown to nobody: their memory holds other texts too. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > SHORT) return encoder.encode(text);
  const most = text.length * 3;
  if (most > block.length - used) [block, used] = [new Uint8Array(BLOCK), 0];
  const { written } = encoder.encodeInto(text, block.subarray(used, used + most));
  const bytes = block.subarray(used, used + written);
  used += written;
  return bytes;
}
