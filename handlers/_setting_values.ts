/**
 * Numbers, sizes and times in the settings of handlers.
 *
 * @module
 */
type Given = string | true | undefined;

/**
 * A whole number from 0; `undefined` if nothing was given.
 *
 * @throws {RangeError} naming the setting
 */
export function readWholeNumber(name: string, text: Given): number | undefined {
  if (text === undefined) return undefined;
  const number = typeof text === "string" && /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`--${name} is a whole number: received ${text}`);
}

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/**
 * A number of bytes, of text such as `4096`, `500M` or `2G`; `undefined` if nothing was given.
 *
 * @throws {RangeError} naming the setting
 */
export function readSize(name: string, text: Given): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit] = /^(\d+)([KMGT]?)$/i.exec(String(text)) ?? [];
  const size = Number(digits) * UNITS[unit?.toUpperCase()];
  if (Number.isSafeInteger(size)) return size;
  throw new RangeError(`--${name} is a number of bytes, such as 4096, 500M or 2G: received ${text}`);
}

const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * A time in milliseconds, of text such as `30` (seconds), `500ms`, `2m` or `1h`, as the command line reads
 * its own; `undefined` if nothing was given.
 *
 * @throws {RangeError} naming the setting
 */
export function readTime(name: string, text: Given): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(String(text)) ?? [];
  if (number !== undefined) return Number(number) * TIME_UNITS[unit];
  throw new RangeError(`--${name} is a time, such as 30 (seconds), 500ms, 2m or 1h: received ${text}`);
}
