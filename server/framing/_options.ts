/**
 * The checks that the framings' options share.
 *
 * @module
 */

/** The largest frame in bytes unless told otherwise. Twisted allows 16 384 for a line, 99 999 for the others. */
export const DEFAULT_LIMIT = 65_536;

/**
 * Checks an option that counts bytes.
 *
 * @param name The option's name, for the error.
 * @param value The option's value.
 * @returns The value.
 * @throws {TypeError} If the value is no number.
 * @throws {RangeError} If it is no integer of at least 1.
 */
export function positiveInteger(name: string, value: number): number {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot frame as '${name}' must be a number: current value is ${String(value)}`);
  }
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `Cannot frame as '${name}' must be an integer of at least 1: current value is ${value}`,
    );
  }
  return value;
}

/**
 * Checks an option that names one of a few values.
 *
 * @typeParam T The values.
 * @param name The option's name, for the error.
 * @param value The option's value.
 * @param choices What it may be.
 * @returns The value.
 * @throws {TypeError} If the value is none of them.
 */
export function oneOf<T>(name: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value;
  const listed = choices.map((choice) => JSON.stringify(choice)).join(", ");
  throw new TypeError(
    `Cannot frame as '${name}' must be one of ${listed}: current value is ${JSON.stringify(value)}`,
  );
}
