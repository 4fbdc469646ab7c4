/**
 * What the library prints when nobody observes it.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the one place of the tests that stands in for the console

/** Collects what is printed to the console as an error, until the end of a `using` block. */
export class SilentConsole implements Disposable {
  /** The arguments of every call. */
  readonly printed: unknown[][] = [];
  readonly #error = console.error;

  constructor() {
    console.error = (...args) => void this.printed.push(args);
  }

  [Symbol.dispose](): void {
    console.error = this.#error;
  }
}
