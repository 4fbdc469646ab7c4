/**
 * One task of a pool.
 *
 * @module
 */

let count = 0;

/** A task that waits or runs: one call, or several that travel together. */
export class PoolTask {
  /** Its number. */
  readonly id: number = ++count;
  /** The export to call. */
  readonly name: string;
  /** The arguments of each call. */
  readonly calls: unknown[][];
  /** What is moved with them. */
  readonly transfer: Transferable[];
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  readonly #results = Promise.withResolvers<unknown[]>();

  /** `onAbort` is called when the signal aborts before it is over; the task has failed by then. */
  constructor(
    name: string,
    calls: unknown[][],
    { signal, transfer = [] }: { signal?: AbortSignal; transfer?: Transferable[] },
    onAbort: (task: PoolTask) => void,
  ) {
    this.name = name;
    this.calls = calls;
    this.transfer = transfer;
    this.#signal = signal;
    this.#onAbort = () => {
      this.fail(signal!.reason);
      onAbort(this);
    };
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.results.catch(() => {}); // it may fail before anybody looks
  }

  /** What the calls returned, in order. */
  get results(): Promise<unknown[]> {
    return this.#results.promise;
  }

  /** It is done. */
  succeed(results: unknown[]): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#results.resolve(results);
  }

  /** It has failed. */
  fail(error: unknown): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#results.reject(error);
  }
}
