// The tasks of threads.ts: what its worker threads run.
import {
  Lock,
  RLock,
  Semaphore,
  SharedArray,
  type SharedArrayHandle,
  SharedEvent,
} from "@switchboard/kit/workers";

type Counter = SharedArrayHandle<"i32">;

/** Says its name so many times, so many milliseconds apart. */
export async function say(name: string, times: number, pause: number): Promise<void> {
  for (let n = 1; n <= times; n++) {
    console.log(`${name}: ${n}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** The mistake: between the look and the write, another thread can write, and that is overwritten. */
export async function countWithoutLock(handle: Counter, times: number): Promise<void> {
  using counter = new SharedArray(handle);
  for (let n = 0; n < times; n++) await step(counter);
}

/** The cure: nobody comes between. */
export async function countWithLock(handle: Counter, times: number): Promise<void> {
  using counter = new SharedArray(handle);
  const lock = new Lock("the counter");
  for (let n = 0; n < times; n++) {
    await using _guard = await lock.acquire();
    await step(counter);
  }
}

/** The same, where a function that locks calls another one that does: a Lock would wait for itself. */
export async function countWithRLock(handle: Counter, times: number): Promise<void> {
  using counter = new SharedArray(handle);
  const lock = new RLock("the counter");
  const addOne = (): Promise<void> => lock.run(() => step(counter));
  for (let n = 0; n < times; n += 2) {
    await lock.run(async () => {
      await addOne();
      await addOne();
    });
  }
}

async function step(counter: SharedArray<"i32">): Promise<void> {
  const before = counter.get(0);
  await new Promise((resolve) => setTimeout(resolve, 0)); // work, in which others have their turn
  counter.set(0, before + 1);
}

/** Three at a time may be inside. */
export async function visit(name: string, inside: Counter): Promise<number> {
  using visitors = new SharedArray(inside);
  await using _permit = await new Semaphore("the shop", 3).acquire();
  const count = visitors.add(0, 1) + 1;
  console.log(`${name} is in the shop, one of ${count}`);
  await new Promise((resolve) => setTimeout(resolve, 10));
  visitors.add(0, -1);
  return count;
}

/** Waits for the light. */
export async function cross(name: string, light: SharedArrayBuffer): Promise<void> {
  using green = new SharedEvent(light);
  if (!green.isSet) console.log(`${name} waits for the green light`);
  await green.wait();
  console.log(`${name} crosses`);
}
