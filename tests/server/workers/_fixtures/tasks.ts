/** Tasks for the tests of pools: each does one thing that a task can do to its thread. */
import { Lock, SharedArray, type SharedArrayHandle, SharedEvent } from "../../../../server/workers/mod.ts";

export const notATask = 1;

export function square(n: number): number {
  return n * n;
}

export function add(a: number, b = 1): Promise<number> {
  return Promise.resolve(a + b);
}

/** The name of its thread: no two have the same. */
export function thread(): string {
  return (globalThis as { name?: string }).name!;
}

let calls = 0;

/** How often it was called on its thread. */
export function count(): number {
  return ++calls;
}

/** Says that it runs, waits until it may go on, and gives the number. */
export async function gated<T>(result: T, running: SharedArrayBuffer, open: SharedArrayBuffer): Promise<T> {
  new SharedEvent(running).set();
  await new SharedEvent(open).wait();
  return result;
}

export function mark(marks: SharedArrayHandle<"i32">, index = 0): void {
  new SharedArray(marks).add(index, 1);
}

/** Never returns to its event loop. */
export function spin(running?: SharedArrayBuffer): never {
  if (running) new SharedEvent(running).set();
  for (;;);
}

/** The same, and counts. */
export function spinAndCount(numbers: SharedArrayHandle<"i32">): never {
  const array = new SharedArray(numbers);
  for (;;) array.add(0, 1);
}

/** Waits for ever, but its event loop turns. */
export async function hang(running?: SharedArrayBuffer): Promise<never> {
  if (running) new SharedEvent(running).set();
  return await new Promise<never>(() => setInterval(() => {}, 1_000));
}

export function exit(code: number): never {
  Deno.exit(code);
}

export function throwLater(message: string): Promise<never> {
  setTimeout(() => {
    throw new RangeError(message);
  }, 0);
  return hang();
}

export function rejectAside(message: string): Promise<never> {
  Promise.reject(new RangeError(message));
  return hang();
}

class TaskError extends Error {
  override name = "TaskError";
  code = "E_TASK";
  notCloneable = (): void => {};
}

/** Throws in many ways. */
export function fail(how: string): never {
  switch (how) {
    case "built-in":
      throw new TypeError("wrong", { cause: new RangeError("too far") });
    case "own":
      throw new TaskError("of its own");
    case "several":
      throw new AggregateError([new TypeError("one"), new Error("two")], "several");
    case "deno":
      throw new Deno.errors.NotFound("nowhere");
    case "abort":
      throw new DOMException("no more", "AbortError");
    case "text":
      throw "a text";
    case "function":
      throw () => {};
    default:
      throw undefined;
  }
}

export function notCloneable(): () => void {
  return () => {};
}

export async function holdAnd(
  how: "exit" | "throw" | "hang" | "spin",
  lock: string,
  held: SharedArrayBuffer,
): Promise<never> {
  await new Lock(lock).acquire();
  new SharedEvent(held).set();
  if (how === "exit") Deno.exit(1);
  if (how === "spin") return spin();
  return how === "throw" ? await throwLater("while it held a lock") : await hang();
}
