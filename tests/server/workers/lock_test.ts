import { assert, assertEquals, assertRejects } from "@std/assert";
import { Lock, Pool, RLock, Semaphore, SharedArray, SharedEvent } from "../../../server/workers/mod.ts";
import { isSettled, turn, within } from "../../_support/deadline.ts";
import { assertNoPoolThread, webLocks } from "../../_support/living_threads.ts";

type Tasks = typeof import("./_fixtures/lock_tasks.ts");

function pool(size: number): Pool<Tasks> {
  return new Pool<Tasks>("./_fixtures/lock_tasks.ts", { base: import.meta.url, size });
}

/** A name that no other test has. */
function unique(): string {
  return crypto.randomUUID();
}

async function assertNoLock(): Promise<void> {
  assertEquals(await webLocks("switchboard:"), []);
}

Deno.test("1 000 locks, taken in random order by four workers, lose no update", async () => {
  await using workers = pool(4);
  using counters = new SharedArray("i32", 1_000);
  const prefix = unique();
  const seeds = [1, 2, 3, 4];
  await within(
    Promise.all(seeds.map((seed) => workers.apply("countAll", [counters.handle, prefix, seed]))),
    "the end",
    30_000,
  );
  assertEquals([...counters].filter((count) => count !== 4), []);
  await workers.terminate();
  await assertNoLock();
});

for (const kind of ["Lock", "RLock"] as const) {
  Deno.test(`${kind}: workers that count in two steps lose updates without it, and none with it`, async () => {
    await using workers = pool(2);
    using without = new SharedArray("i32", 1);
    using withLock = new SharedArray("i32", 1);
    const name = unique();
    const count = async (handle: typeof withLock.handle, how: typeof kind | "none"): Promise<void> => {
      await Promise.all([1, 2].map(() => workers.apply("countUp", [handle, 100, how, name])));
    };
    await within(count(without.handle, "none"), "counting");
    await within(count(withLock.handle, kind), "counting with a lock");
    assert(without.get(0) < 200, "no update was lost: the test shows nothing");
    assertEquals(withLock.get(0), 200);
  });
}

for (const kind of ["Lock", "RLock", "Semaphore"] as const) {
  const waiter = (name: string): Lock | RLock | Semaphore =>
    kind === "Semaphore" ? new Semaphore(name, 1) : kind === "Lock" ? new Lock(name) : new RLock(name);

  for (const how of ["exit", "throw", "hang", "spin"] as const) {
    Deno.test(`${kind}: a holder whose thread ends (${how}) frees it`, async () => {
      await using workers = pool(1);
      const name = unique();
      using held = new SharedEvent();
      const abort = new AbortController();
      const holder = workers.apply("holdAnd", [how, kind, name, held.handle], { signal: abort.signal });
      holder.catch(() => {}); // looked at below
      await held.wait();
      const acquired = waiter(name).acquire();
      if (how === "hang" || how === "spin") abort.abort();
      using _guard = await within(acquired, "the lock", 5_000);
      await assertRejects(() => holder);
    });
  }

  Deno.test(`${kind}: acquire() waits no longer than timeout and signal say, and leaves nothing behind`, async () => {
    const lock = waiter(unique());
    const guard = await lock.acquire();
    const gone = new Error("no more");
    const abort = new AbortController();
    const aborted = lock.acquire({ signal: abort.signal });
    await assertRejects(() => lock.acquire({ timeout: 10 }), Deno.errors.TimedOut, lock.name);
    await assertRejects(() => lock.acquire({ timeout: 0 }), Deno.errors.TimedOut);
    await assertRejects(() => lock.acquire({ timeout: -1 }), Deno.errors.TimedOut);
    await assertRejects(() => lock.acquire({ timeout: NaN }), RangeError);
    await assertRejects(() => lock.acquire({ signal: AbortSignal.abort(gone) }), Error, "no more");
    abort.abort(gone);
    await assertRejects(() => aborted, Error, "no more");
    await guard.release();
    await (await lock.acquire({ timeout: 0 })).release();
    await assertNoLock();
  });

  Deno.test(`${kind}: a guard gives back once, at the end of its block at the latest`, async () => {
    const lock = waiter(unique());
    {
      using guard = await lock.acquire();
      await guard.release();
      await guard.release();
      using again = await lock.tryAcquire();
      assert(again);
      await guard.release(); // not that of others
      assertEquals(await lock.tryAcquire(), undefined);
    }
    using free = await lock.tryAcquire(); // released by `using`, a moment ago
    assert(free);
  });

  Deno.test(`${kind}: run() gives what its action returns, and gives back when that throws`, async () => {
    const lock = waiter(unique());
    assertEquals(await lock.run(() => 7), 7);
    await assertRejects(() => lock.run(() => Promise.reject(new RangeError("far"))), RangeError);
    await using guard = await lock.tryAcquire();
    assert(guard);
  });

  Deno.test(`${kind}: callers on one thread exclude each other, and the event loop turns while they wait`, async () => {
    const lock = waiter(unique());
    const guard = await lock.acquire();
    const second = lock.acquire();
    let turns = 0;
    for (; turns < 10; turns++) await turn();
    assertEquals([turns, await isSettled(second)], [10, false]);
    guard.release();
    (await within(second, "the lock")).release();
  });
}

Deno.test("Lock serves those who wait in their order, over threads", async () => {
  await using workers = pool(3);
  const name = unique();
  const guard = await new Lock(name).acquire();
  const turns: Promise<number>[] = [];
  for (let n = 0; n < 3; n++) {
    using asking = new SharedEvent();
    turns.push(workers.apply("waitForTurn", [name, asking.handle]));
    await within(asking.wait(), "the request");
  }
  await guard.release();
  const at = await Promise.all(turns);
  assertEquals(at, at.toSorted((a, b) => a - b));
});

Deno.test("Lock: a worker that is terminated while it holds one frees it", async () => {
  const name = unique();
  const worker = new Worker(import.meta.resolve("./_fixtures/web_lock_holder.ts"), { type: "module", name });
  await new Promise((resolve) => worker.onmessage = resolve);
  assertEquals(await new Lock(name).tryAcquire(), undefined);
  const acquired = new Lock(name).acquire();
  worker.terminate();
  using _guard = await within(acquired, "the lock");
});

Deno.test("Locks of different kinds and the same name are different locks; of one kind, the same", async () => {
  const name = unique();
  using _lock = await new Lock(name).acquire();
  using rlock = await new RLock(name).tryAcquire();
  using semaphore = await new Semaphore(name, 1).tryAcquire();
  assert(rlock && semaphore);
  assertEquals(await new Lock(name).tryAcquire(), undefined);
  assert(new Lock().name !== new Lock().name);
});

Deno.test("RLock comes in again inside run(), in whatever that calls and awaits, and is free after the last", async () => {
  const name = unique();
  const lock = new RLock(name);
  const depth = (n: number): Promise<number> =>
    new RLock(name).run(async () => n === 0 ? 0 : await depth(n - 1) + 1);
  const outer = await lock.run(async () => {
    await turn();
    await using _again = await lock.acquire({ timeout: 0 });
    const reached = await depth(5);
    const both = await Promise.all([lock.run(() => 1), lock.run(() => 2)]);
    return [reached, ...both];
  });
  assertEquals(outer, [5, 1, 2]);
  await assertNoLock();
});

Deno.test("RLock: two runs side by side exclude each other", async () => {
  const lock = new RLock(unique());
  let inside = 0;
  let most = 0;
  const enter = (): Promise<void> =>
    lock.run(async () => {
      most = Math.max(most, ++inside);
      await turn();
      await lock.run(turn);
      inside--;
    });
  await within(Promise.all([enter(), enter(), enter()]), "the runs");
  assertEquals(most, 1);
});

Deno.test("RLock: an owner that is named comes in again, all others wait", async () => {
  const lock = new RLock(unique());
  const owner = {};
  const [first, second] = await within(
    Promise.all([lock.acquire({ owner }), lock.acquire({ owner })]),
    "both",
  );
  assertEquals([first.owner, second.owner], [owner, owner]);
  assertEquals(await lock.tryAcquire(), undefined);
  assertEquals(await lock.tryAcquire({ owner: {} }), undefined);
  await first.release();
  assertEquals(await lock.tryAcquire(), undefined);
  await second.release();
  using free = await lock.tryAcquire();
  assert(free);
});

Deno.test("RLock: an owner's second request survives the time-out of its first", async () => {
  const lock = new RLock(unique());
  const owner = {};
  const other = await lock.acquire();
  const impatient = lock.acquire({ owner, timeout: 10 });
  const patient = lock.acquire({ owner });
  await assertRejects(() => impatient, Deno.errors.TimedOut);
  await other.release();
  using guard = await within(patient, "the lock");
  assertEquals(guard.owner, owner);
});

Deno.test("Semaphore lets no more in than it has permits, over threads, and so many", async () => {
  await using workers = pool(4);
  using numbers = new SharedArray("i32", 2);
  const name = unique();
  const enter = (): Promise<void> => workers.apply("crowd", [numbers.handle, name, 2, 50]);
  await within(Promise.all([1, 2, 3, 4].map(enter)), "the crowd", 30_000);
  assertEquals([...numbers], [0, 2]);
  await workers.terminate();
  await assertNoPoolThread();
  await assertNoLock();
});

Deno.test("Semaphore: those who give up take no permit with them", async () => {
  const semaphore = new Semaphore(unique(), 2);
  const [one, two] = [await semaphore.acquire(), await semaphore.acquire()];
  const abort = new AbortController();
  const gaveUp = [1, 2, 3].map(() => semaphore.acquire({ signal: abort.signal }));
  const settled = Promise.allSettled(gaveUp);
  await turn();
  abort.abort();
  one.release(); // in the same moment
  two.release();
  for (const result of await settled) if (result.status === "fulfilled") await result.value.release();
  using first = await semaphore.acquire({ timeout: 5_000 });
  using second = await semaphore.acquire({ timeout: 5_000 });
  assert(first && second);
});

Deno.test("Semaphore: when two permits come free at once, one who waits takes one", async () => {
  const semaphore = new Semaphore(unique(), 2);
  const [one, two] = [await semaphore.acquire(), await semaphore.acquire()];
  const waiting = semaphore.acquire();
  await turn();
  one.release();
  two.release();
  using _mine = await within(waiting, "a permit");
  using _other = await semaphore.acquire({ timeout: 5_000 });
  assertEquals(await semaphore.tryAcquire(), undefined);
});

Deno.test("A wait that is over listens to its signal no more", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: [string, EventListener]) =>
    void (listeners++, addEventListener.apply(signal, args));
  signal.removeEventListener = (...args: [string, EventListener]) =>
    void (listeners--, removeEventListener.apply(signal, args));
  await new RLock(unique()).run(() => {}, { signal });
  await new Semaphore(unique(), 2).run(() => {}, { signal });
  assertEquals(listeners, 0);
});

for (const permits of [0, -1, 1.5, NaN, 1_001]) {
  Deno.test(`Semaphore refuses to have ${permits} permits`, () => {
    try {
      new Semaphore("any", permits);
    } catch (error) {
      return void assert(error instanceof RangeError && error.message.includes(String(permits)));
    }
    throw new Error("it did not");
  });
}
