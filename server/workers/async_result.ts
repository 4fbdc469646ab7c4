/**
 * Results that are asked for later.
 *
 * @module
 */
import { Patience, type WaitOptions } from "./_patience.ts";

/**
 * The result of `applyAsync`, to be asked for when it is wanted: Python's `multiprocessing.pool.AsyncResult`. A failure that
 * nobody asks for is not told.
 *
 * @typeParam R what the task returns
 *
 * @example
 * ```ts
 * import { Pool } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool("data:text/javascript,export const square = (n) => n * n");
 * const result = pool.applyAsync("square", [7]);
 * assertEquals(await result.wait(), true);
 * assertEquals(result.successful, true);
 * assertEquals(await result.get(), 49);
 * ```
 */
export class AsyncResult<R> {
  readonly #promise: Promise<R>;
  #state: "waiting" | "done" | "failed" = "waiting";

  /** The result that a promise will have. */
  constructor(promise: Promise<R>) {
    this.#promise = promise;
    promise.then(() => this.#state = "done", () => this.#state = "failed");
  }

  /** Whether the task is over. */
  get ready(): boolean {
    return this.#state !== "waiting";
  }

  /**
   * Whether it is over and has not thrown.
   *
   * @throws {TypeError} if it is not over; Python raises `ValueError`
   */
  get successful(): boolean {
    if (!this.ready) throw new TypeError("The task is not over: its result is not ready");
    return this.#state === "done";
  }

  /**
   * Waits for the result. Giving up does not end the task.
   *
   * @throws {Deno.errors.TimedOut} if it is not there within `timeout`
   * @throws the reason of the signal, if it aborts first; and what the task throws
   */
  async get(options: WaitOptions = {}): Promise<R> {
    if (this.ready) return await this.#promise;
    using patience = new Patience(options, "Cannot get the result");
    if (patience.none) throw new Deno.errors.TimedOut("Cannot get the result: it is not ready");
    return await patience.for(this.#promise);
  }

  /**
   * Waits until the task is over, however it ends.
   *
   * @returns whether it is, after `timeout` milliseconds at the latest
   * @throws the reason of the signal, if it aborts first
   */
  async wait(options: WaitOptions = {}): Promise<boolean> {
    try {
      await this.get(options);
    } catch {
      if (!this.ready) options.signal?.throwIfAborted();
    }
    return this.ready;
  }
}
