/**
 * How long to wait after a failure that will not cure itself at once.
 *
 * @module
 */

/** The first wait after a failed accept, in milliseconds: Go's `net/http` starts here too. */
export const FIRST_DELAY = 5;
/** The longest wait between two attempts to accept, in milliseconds. */
export const LONGEST_DELAY = 1_000;

/** Waits that double from `first` to `longest`, until a success resets them. */
export class Backoff {
  #delay = 0;
  readonly #first: number;
  readonly #longest: number;

  constructor(first: number = FIRST_DELAY, longest: number = LONGEST_DELAY) {
    this.#first = first;
    this.#longest = longest;
  }

  /** The next wait in milliseconds. */
  next(): number {
    this.#delay = Math.min(this.#delay * 2 || this.#first, this.#longest);
    return this.#delay;
  }

  /** Whether the last attempt failed. */
  get failing(): boolean {
    return this.#delay > 0;
  }

  /** To be called after a success. */
  reset(): void {
    this.#delay = 0;
  }
}
