/**
 * Results that are moved rather than copied.
 *
 * @module
 */

/** What is to be transferred with a result. Under a name, as a task may have another copy of the kit than the pool. */
const LISTS = Symbol.for("@switchboard/kit/workers transfer");

type Holder = { [LISTS]?: WeakMap<object, Transferable[]> };

/**
 * Says that these parts of a task's result are moved to the pool's thread, not copied; the worker has them no more. Called in a
 * task, with what it returns. `transfer` among the options of `apply` is the same for arguments.
 *
 * @param result what the task returns
 * @param list array buffers, ports, streams
 * @returns `result`
 *
 * @example
 * ```ts
 * import { Pool } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * const tasks = `
 *   import { transfer } from "${import.meta.resolve("@switchboard/kit/workers")}";
 *   export function zeros(size) {
 *     const bytes = new Uint8Array(size);
 *     return transfer(bytes, [bytes.buffer]);
 *   }`;
 * await using pool = new Pool("data:text/javascript," + encodeURIComponent(tasks));
 * assertEquals(await pool.apply("zeros", [4]), new Uint8Array(4));
 * ```
 */
export function transfer<T extends object>(result: T, list: Transferable[]): T {
  const holder = globalThis as Holder;
  (holder[LISTS] ??= new WeakMap()).set(result, list);
  return result;
}

/** What `transfer` was told of these results. */
export function transferList(results: unknown[]): Transferable[] {
  const lists = (globalThis as Holder)[LISTS];
  return lists ? results.flatMap((result) => lists.get(result as object) ?? []) : [];
}
