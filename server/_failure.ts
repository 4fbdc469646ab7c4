/**
 * An error that may never be seen.
 *
 * @module
 */

/**
 * What ended a connection. The error is made when somebody is to see it: most connections end with nobody waiting, and a
 * stack trace costs as much as a read.
 */
export class Failure {
  readonly #make: () => unknown;
  #made: { error: unknown } | undefined;

  constructor(make: () => unknown) {
    this.#make = make;
  }

  /** A failure by an error that is there. */
  static of(error: unknown): Failure {
    return new Failure(() => error);
  }

  /** The error, the same for all who ask. */
  get error(): unknown {
    return (this.#made ??= { error: this.#make() }).error;
  }

  /** Whether `error` is this failure's, and somebody has seen it. */
  isSeenAs(error: unknown): boolean {
    return this.#made !== undefined && this.#made.error === error;
  }
}
