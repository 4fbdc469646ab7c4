/** Tasks that lock, for the tests of locks. */
import {
  Lock,
  RLock,
  Semaphore,
  SharedArray,
  type SharedArrayHandle,
  SharedEvent,
} from "../../../../server/workers/mod.ts";
import { Random } from "../../../_support/random.ts";

/** Lets others come between, if they can. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Adds one to each counter, in an order of its own, with a look, a pause and a write: lost updates, but for the locks. */
export async function countAll(
  counters: SharedArrayHandle<"i32">,
  prefix: string,
  seed: number,
): Promise<void> {
  using shared = new SharedArray(counters);
  const random = new Random(seed);
  const left = Array.from({ length: shared.length }, (_, index) => index);
  while (left.length > 0) {
    const [index] = left.splice(random.below(left.length), 1);
    await new Lock(`${prefix}${index}`).run(async () => {
      const before = shared.get(index);
      await Promise.resolve();
      shared.set(index, before + 1);
    });
  }
}

/** Adds one to the first number so many times, each in two steps, with or without a lock. */
export async function countUp(
  counter: SharedArrayHandle<"i32">,
  times: number,
  kind: "Lock" | "RLock" | "none",
  name: string,
): Promise<void> {
  using shared = new SharedArray(counter);
  const step = async (): Promise<void> => {
    const before = shared.get(0);
    await pause();
    shared.set(0, before + 1);
  };
  const locks = {
    Lock: new Lock(name),
    RLock: new RLock(name),
    none: { run: (action: typeof step) => action() },
  };
  for (let n = 0; n < times; n++) await locks[kind].run(step);
}

/** Enters and leaves so many times; the second number becomes the most that were inside at once. */
export async function crowd(
  numbers: SharedArrayHandle<"i32">,
  name: string,
  permits: number,
  times: number,
): Promise<void> {
  using shared = new SharedArray(numbers);
  const semaphore = new Semaphore(name, permits);
  for (let n = 0; n < times; n++) {
    await using _permit = await semaphore.acquire();
    const inside = shared.add(0, 1) + 1;
    for (let most; (most = shared.get(1)) < inside;) shared.compareExchange(1, most, inside);
    await pause();
    shared.add(0, -1);
  }
}

/** Acquires, says so, and ends its thread in one of many ways. */
export async function holdAnd(
  how: "exit" | "throw" | "hang" | "spin",
  kind: "Lock" | "RLock" | "Semaphore",
  name: string,
  held: SharedArrayBuffer,
): Promise<void> {
  const make = {
    Lock: () => new Lock(name),
    RLock: () => new RLock(name),
    Semaphore: () => new Semaphore(name, 1),
  };
  await make[kind]().acquire();
  new SharedEvent(held).set();
  if (how === "exit") Deno.exit(1);
  if (how === "spin") { for (;;); }
  if (how === "throw") {
    setTimeout(() => {
      throw new Error("while it held a lock");
    }, 0);
  }
  await new Promise(() => setInterval(() => {}, 1_000));
}

/** Waits for a lock with others and says when it had its turn. */
export async function waitForTurn(name: string, asking: SharedArrayBuffer): Promise<number> {
  const acquired = new Lock(name).acquire();
  new SharedEvent(asking).set();
  await using _guard = await acquired;
  return performance.timeOrigin + performance.now();
}
