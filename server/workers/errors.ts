/**
 * The errors of worker threads and of what they share that callers catch.
 *
 * @module
 */

/**
 * Thrown to whoever waits for a task whose worker thread has ended under it: by `Deno.exit`, by an error that nobody caught, or
 * because it was stopped. Only that task fails; whether it had done something is unknown. `cause` is the error that nobody
 * caught, if there was one. Python raises `BrokenProcessPool`.
 *
 * @example
 * ```ts
 * import { Pool, WorkerLostError } from "@switchboard/kit/workers";
 * import { assertRejects } from "@std/assert";
 *
 * await using pool = new Pool("data:text/javascript,export const leave = () => Deno.exit(3)");
 * await assertRejects(() => pool.apply("leave"), WorkerLostError, "code 3");
 * ```
 */
export class WorkerLostError extends Error {
  /** `"WorkerLostError"`. */
  override readonly name = "WorkerLostError";
}

/**
 * Thrown by a pool that cannot work: its module does not load, or its workers end again and again before they have done
 * anything. It stays so. The message is one line.
 *
 * @example
 * ```ts
 * import { Pool, PoolBrokenError } from "@switchboard/kit/workers";
 * import { assertRejects } from "@std/assert";
 *
 * await using pool = new Pool("./no_such_tasks.ts");
 * await assertRejects(() => pool.apply("square", [2]), PoolBrokenError, "no_such_tasks.ts");
 * ```
 */
export class PoolBrokenError extends Error {
  /** `"PoolBrokenError"`. */
  override readonly name = "PoolBrokenError";
}

/**
 * Thrown by what threads share and somebody has closed: by this end, by its owner, or because the owner's thread has ended.
 * Of a queue it also means that no item will come any more; Python raises `queue.ShutDown`.
 *
 * @example
 * ```ts
 * import { Queue, SharedClosedError } from "@switchboard/kit/workers";
 * import { assertRejects } from "@std/assert";
 *
 * const queue = new Queue<string>();
 * queue.close();
 * await assertRejects(() => queue.get(), SharedClosedError);
 * ```
 */
export class SharedClosedError extends Error {
  /** `"SharedClosedError"`. */
  override readonly name = "SharedClosedError";
  /** `"shutdown"`: a queue has come to its end. `"closed"`: this end or the owner's was closed. `"lost"`: the owner's thread is gone. */
  readonly reason: SharedClosedReason;

  /** An error for something that is closed for `reason`. */
  constructor(message: string, reason: SharedClosedReason = "closed") {
    super(message);
    this.reason = reason;
  }
}

/** Why something shared is closed. */
export type SharedClosedReason = "shutdown" | "closed" | "lost";
