/**
 * How long somebody waits.
 *
 * @module
 */

/** How long to wait, and what ends the wait early. */
export interface WaitOptions {
  /**
   * How long to wait, in milliseconds; 0 or less does not wait.
   *
   * @default {undefined} as long as it takes
   */
  timeout?: number;
  /** Ends the wait when it aborts: the promise rejects with its reason, and nothing was taken. */
  signal?: AbortSignal;
}

/** The longest time that a timer knows, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/**
 * One wait: a signal that aborts when its time is up or the caller's signal aborts. Keeps the program alive until it is
 * disposed of, as what is waited for (`Atomics.waitAsync`, a port) does not.
 */
export class Patience implements Disposable {
  readonly #end = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #outer: AbortSignal | undefined;
  /** Whether it is to be had at once or not at all. */
  readonly none: boolean;

  /**
   * Begins to wait.
   *
   * @param what is waited for: "the lock x"
   * @throws {RangeError} if the time-out is no number; and the signal's reason, if it has aborted
   */
  constructor({ timeout, signal }: WaitOptions, what: string) {
    if (Number.isNaN(timeout)) {
      throw new RangeError(`Option "timeout" must be a number: current value is NaN`);
    }
    signal?.throwIfAborted();
    this.none = timeout !== undefined && timeout <= 0;
    this.#outer = signal;
    signal?.addEventListener("abort", this.#aborted, { once: true });
    const late = (): void => this.#end.abort(new Deno.errors.TimedOut(`${what}: not within ${timeout} ms`));
    this.#timer = timeout === undefined || timeout > LONGEST
      ? setInterval(() => {}, LONGEST)
      : setTimeout(late, timeout);
  }

  /** Aborts with a `TimedOut`, or with the reason of the caller's signal. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Waits for `promise`; rejects with the signal's reason if that comes first. */
  async for<T>(promise: Promise<T>): Promise<T> {
    const { promise: over, reject } = Promise.withResolvers<never>();
    const end = (): void => reject(this.signal.reason);
    this.signal.throwIfAborted();
    this.signal.addEventListener("abort", end, { once: true });
    try {
      return await Promise.race([promise, over]);
    } finally {
      this.signal.removeEventListener("abort", end);
    }
  }

  /** The wait is over. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#aborted);
  }

  #aborted = (): void => this.#end.abort(this.#outer!.reason);
}
