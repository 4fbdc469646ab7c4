/**
 * How many processes there may be at once.
 *
 * @module
 */

/** Places that are taken and given back, in the order in which they are asked for. */
export class Places {
  #free: number;
  readonly #waiting: Set<() => void> = new Set();

  /** So many places. */
  constructor(count: number) {
    this.#free = count;
  }

  /** A place, if one is free and nobody waits for it. */
  take(): Disposable | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return this.#place();
  }

  /** Waits for a place; rejects with the signal's reason when it aborts. */
  wait(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
    const give = (): void => {
      signal.removeEventListener("abort", giveUp);
      resolve(this.#place());
    };
    const giveUp = (): void => {
      this.#waiting.delete(give);
      reject(signal.reason);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    this.#waiting.add(give);
    return promise;
  }

  #place(): Disposable {
    return { [Symbol.dispose]: () => this.#back() };
  }

  /** A place that comes back goes to whoever has waited longest. */
  #back(): void {
    const [next] = this.#waiting;
    if (!next) return void this.#free++;
    this.#waiting.delete(next);
    next();
  }
}
