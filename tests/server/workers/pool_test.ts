import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  Pool,
  PoolBrokenError,
  type PoolOptions,
  SharedArray,
  SharedEvent,
  transfer,
  WorkerLostError,
} from "../../../server/workers/mod.ts";
import { isSettled, turn, within } from "../../_support/deadline.ts";
import { assertNoPoolThread, until } from "../../_support/living_threads.ts";
import { Program } from "../../_support/program.ts";

type Tasks = typeof import("./_fixtures/tasks.ts");
const TASKS = import.meta.resolve("./_fixtures/tasks.ts");

function tasks(options?: PoolOptions): Pool<Tasks> {
  return new Pool<Tasks>(TASKS, options);
}

/** A pool of a module of this text. */
function poolOf(text: string, options?: PoolOptions): Pool {
  return new Pool(`data:text/javascript,${encodeURIComponent(text)}`, options);
}

Deno.test("Pool.apply() gives what the task returns or promises, from another thread", async () => {
  await using pool = tasks({ size: 1 });
  assertEquals(await pool.apply("square", [7]), 49);
  assertEquals(await pool.apply("add", [1]), 2);
  assertEquals(await pool.apply("add", [1, 2]), 3);
  assertMatch(await pool.apply("thread"), /^switchboard:pool:/);
  assertEquals([await pool.apply("count"), await pool.apply("count")], [1, 2]);
});

Deno.test("Pool knows the types of its tasks", () => {
  const pool = tasks();
  const typed = (): unknown => [
    pool.apply("square", [1]).then((n) => n.toFixed()),
    // @ts-expect-error no such task
    pool.apply("cube", [1]),
    // @ts-expect-error not a function
    pool.apply("notATask"),
    // @ts-expect-error the wrong argument
    pool.apply("square", ["1"]),
    // @ts-expect-error an argument is missing
    pool.apply("square"),
    // @ts-expect-error the items are no arguments of the task
    pool.map("square", ["1"]),
    new Pool(TASKS).apply("anything", [1, "2"]),
  ];
  assertEquals(typeof typed, "function");
});

Deno.test("Pool takes a path that is relative to a base, and a URL", async () => {
  for (
    const pool of [new Pool("./_fixtures/tasks.ts", { base: import.meta.url }), new Pool(new URL(TASKS))]
  ) {
    await using using_ = pool;
    assertEquals(await using_.apply("square", [2]), 4);
  }
});

Deno.test("Pool starts threads when there is work for them, and no more than its size", async () => {
  await using pool = tasks({ size: 2 });
  assertEquals(pool.workers, 0);
  await pool.apply("square", [1]);
  assertEquals(pool.workers, 1);
  await Promise.all([1, 2, 3, 4, 5].map((n) => pool.apply("square", [n])));
  assertEquals(pool.workers, 2);
});

Deno.test("Pool.applyAsync() calls back as results come, not in the order of the tasks", async () => {
  await using pool = tasks({ size: 2 });
  using running = new SharedEvent();
  using open = new SharedEvent();
  const order: string[] = [];
  const slow = pool.applyAsync("gated", ["slow", running.handle, open.handle], {
    callback: (r) => order.push(String(r)),
  });
  await running.wait();
  const fast = pool.applyAsync("square", [3], { callback: (r) => order.push(String(r)) });
  assertEquals(await fast.get(), 9);
  assertEquals([slow.ready, fast.ready], [false, true]);
  open.set();
  assertEquals(await slow.get(), "slow");
  assertEquals(order, ["9", "slow"]);
});

Deno.test("AsyncResult says whether it is ready, and waits no longer than it is told", async () => {
  await using pool = tasks({ size: 1 });
  using running = new SharedEvent();
  using open = new SharedEvent();
  const result = pool.applyAsync("gated", [1, running.handle, open.handle]);
  assertThrows(() => result.successful, TypeError);
  assertEquals(await result.wait({ timeout: 5 }), false);
  await assertRejects(() => result.get({ timeout: 5 }), Deno.errors.TimedOut);
  await assertRejects(() => result.get({ timeout: 0 }), Deno.errors.TimedOut);
  await assertRejects(() => result.get({ signal: AbortSignal.abort(new Error("enough")) }), Error, "enough");
  await assertRejects(() => result.wait({ signal: AbortSignal.abort(new Error("enough")) }), Error, "enough");
  open.set();
  assertEquals(await result.wait(), true);
  assertEquals([result.ready, result.successful, await result.get({ timeout: 0 })], [true, true, 1]);
});

Deno.test("Pool.applyAsync() gives a failure to errorCallback and to get(), and nobody need ask", async () => {
  await using pool = tasks({ size: 1 });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const result = pool.applyAsync("fail", ["built-in"], { errorCallback: resolve });
  assertInstanceOf(await within(promise, "errorCallback"), TypeError);
  assertEquals(result.successful, false);
  await assertRejects(() => result.get(), TypeError, "wrong");
  await pool.applyAsync("fail", ["own"]).wait(); // an unhandled rejection would fail this test
});

Deno.test("An error that a callback throws is reported, and hurts neither pool nor result", async () => {
  await using pool = tasks({ size: 1 });
  const { promise, resolve } = Promise.withResolvers<ErrorEvent>();
  globalThis.addEventListener("error", resolve, { once: true });
  globalThis.addEventListener("error", (event) => event.preventDefault(), { once: true });
  const callback = (): void => {
    throw new Error("from the callback");
  };
  assertEquals(await pool.applyAsync("square", [2], { callback }).get(), 4);
  assertStringIncludes((await within(promise, "the report")).message, "from the callback");
});

Deno.test("Pool.map() keeps the order of 10 000 items", async () => {
  await using pool = tasks({ size: 2 });
  const items = Array.from({ length: 10_000 }, (_, n) => n);
  assertEquals(await within(pool.map("square", items), "the map"), items.map((n) => n * n));
});

Deno.test("Pool.map() takes sets, generators and async iterables, and gives nothing for nothing", async () => {
  await using pool = tasks({ size: 2 });
  async function* later(): AsyncGenerator<number> {
    for (const n of [1, 2, 3]) yield await Promise.resolve(n);
  }
  assertEquals(await pool.map("square", new Set([1, 2])), [1, 4]);
  assertEquals(await pool.map("square", [1, 2, 3].values(), { chunkSize: 2 }), [1, 4, 9]);
  assertEquals(await pool.map("square", later()), [1, 4, 9]);
  assertEquals(await pool.map("square", []), []);
});

Deno.test("Pool.imap() is ahead of its consumer by two chunks for each thread, no more", async () => {
  await using pool = tasks({ size: 1 });
  let taken = 0;
  function* endless(): Generator<number> {
    for (;;) yield taken++;
  }
  for await (const result of pool.imap("square", endless())) if (result >= 100) break;
  assert(taken <= 10 + 1 + 3, `${taken} items were taken for 11 results`);
});

Deno.test("Leaving a loop over Pool.imap() drops what waits", async () => {
  await using pool = poolOf(
    "export const hold = (n) => n === 0 ? 0 : new Promise(() => setInterval(() => {}, 1e3))",
    { size: 2 },
  );
  for await (const result of pool.imap("hold", [0, 1, 2, 3, 4, 5, 6])) {
    assertEquals([result, pool.queued > 0], [0, true]);
    break;
  }
  assertEquals(pool.queued, 0);
});

Deno.test("Pool.map() rejects with the first failure and drops the rest", async () => {
  await using pool = poolOf(
    "export const half = (n) => { if (n % 2) throw new RangeError(`${n} is odd`); return n / 2; }",
  );
  await assertRejects(() => pool.map("half", [2, 4, 5, 6, 7]), RangeError, "5 is odd");
  assertEquals(await pool.apply("half", [8]), 4);
});

Deno.test("Pool.map() waits for room in the queue where apply() is refused", async () => {
  await using pool = tasks({ size: 1, maxQueue: 1 });
  using running = new SharedEvent();
  using open = new SharedEvent();
  const first = pool.apply("gated", [0, running.handle, open.handle]);
  await running.wait();
  const second = pool.apply("square", [2]);
  await assertRejects(() => pool.apply("square", [3]), Deno.errors.Busy, "1 tasks wait");
  const mapped = pool.map("square", [4, 5, 6], { chunkSize: 1 });
  assertEquals(await isSettled(mapped), false);
  await assertRejects(() => pool.map("square", [7], { signal: AbortSignal.timeout(10) }), DOMException);
  open.set();
  assertEquals(await within(Promise.all([first, second, mapped]), "the tasks"), [0, 4, [16, 25, 36]]);
});

Deno.test("What a task throws reaches the caller with its class, message, cause, stack and properties", async () => {
  await using pool = tasks({ size: 1 });
  const thrown = (how: string): Promise<unknown> => pool.apply("fail", [how]).catch((error) => error);
  const builtIn = await thrown("built-in");
  assertInstanceOf(builtIn, TypeError);
  assertEquals(builtIn.message, "wrong");
  assertStringIncludes(builtIn.stack!, "tasks.ts");
  assertInstanceOf(builtIn.cause, RangeError);
  const own = await thrown("own") as Error & { code: string };
  assertInstanceOf(own, Error);
  assertEquals([own.name, own.message, own.code], ["TaskError", "of its own", "E_TASK"]);
  const several = await thrown("several");
  assertInstanceOf(several, AggregateError);
  assertEquals(several.errors.map(({ message }) => message), ["one", "two"]);
  assertInstanceOf(await thrown("deno"), Deno.errors.NotFound);
  assertEquals((await thrown("abort") as DOMException).name, "AbortError");
  assertEquals([await thrown("text"), await thrown("undefined")], ["a text", undefined]);
  assertEquals(typeof await thrown("function"), "string");
  assertEquals(pool.workers, 1);
});

Deno.test("A task that is not exported is named, with those that are", async () => {
  await using pool = poolOf("export const one = () => 1, two = () => 2, three = 3");
  await assertRejects(() => pool.apply("four"), TypeError, 'There is no task "four"');
  await assertRejects(() => pool.apply("three"), TypeError, "it exports one, two");
  await assertRejects(() => pool.apply("toString"), TypeError, 'There is no task "toString"');
  assertEquals(await pool.apply("one"), 1);
});

Deno.test("Arguments and results that cannot be sent fail their task only", async () => {
  await using pool = tasks({ size: 1 });
  const wrong = (() => {}) as unknown as number;
  const argument = await assertRejects(() => pool.apply("square", [wrong]), DOMException);
  const result = await assertRejects(
    () => pool.apply("notCloneable"),
    DOMException,
    'The result of "notCloneable"',
  );
  assertEquals([argument.name, result.name], ["DataCloneError", "DataCloneError"]);
  const name = await pool.apply("thread");
  await assertRejects(() => pool.apply("square", [wrong]), DOMException);
  assertEquals(await pool.apply("thread"), name);
});

Deno.test("Arguments and results are transferred if it is said so", async () => {
  const kit = JSON.stringify(import.meta.resolve("../../../server/workers/mod.ts"));
  await using pool = poolOf(`import { transfer } from ${kit};
    export let left;
    export const back = (bytes) => { left = bytes; return transfer(bytes, [bytes.buffer]); };
    export const rest = () => left.length;`);
  const bytes = new Uint8Array([1, 2, 3]);
  assertEquals(await pool.apply("back", [bytes], { transfer: [bytes.buffer] }), new Uint8Array([1, 2, 3]));
  assertEquals([bytes.length, await pool.apply("rest")], [0, 0]);
  assertEquals(transfer(bytes, []), bytes);
});

for (
  const [what, name, args, message] of [
    ["calls Deno.exit", "exit", [3], "code 3"],
    ["throws where nobody catches it", "throwLater", ["far"], "RangeError: far"],
    ["rejects where nobody catches it", "rejectAside", ["off"], "RangeError: off"],
  ] as const
) {
  Deno.test(`A task that ${what} fails alone, and its thread is replaced`, async () => {
    await using pool = tasks({ size: 2 });
    using running = new SharedEvent();
    using open = new SharedEvent();
    const other = pool.apply("gated", ["alive", running.handle, open.handle]);
    await running.wait();
    const lost = pool.apply(name as "exit", args as unknown as [number]);
    const error = await assertRejects(() => within(lost, "the failure"), WorkerLostError, message);
    if (name !== "exit") assertInstanceOf(error.cause, RangeError);
    assertEquals(await within(pool.apply("square", [3]), "a task on the replacement"), 9);
    open.set();
    assertEquals(await other, "alive");
  });
}

Deno.test("Tasks that end their threads one after the other do not break the pool", async () => {
  await using pool = tasks({ size: 1, maxRestarts: 2 });
  for (let n = 0; n < 6; n++) {
    await assertRejects(() => pool.apply("exit", [n]), WorkerLostError, `code ${n}`);
  }
  assertEquals(await pool.apply("square", [2]), 4);
});

for (const name of ["spin", "hang"] as const) {
  Deno.test(`A signal ends a task that ${name}s, at once, and its thread is replaced`, async () => {
    await using pool = tasks({ size: 1 });
    using running = new SharedEvent();
    const abort = new AbortController();
    const task = pool.apply(name, [running.handle], { signal: abort.signal });
    await running.wait();
    const reason = new Error("enough");
    abort.abort(reason);
    assertEquals(await within(task.catch((error) => error), "the rejection", 50), reason);
    assertEquals(await within(pool.apply("square", [5]), "a task on the replacement"), 25);
  });
}

Deno.test("A thread that spins when it is given up spins no more", async () => {
  await using pool = tasks({ size: 1 });
  using numbers = new SharedArray("i32", 1);
  const abort = new AbortController();
  const task = assertRejects(
    () => pool.apply("spinAndCount", [numbers.handle], { signal: abort.signal }),
    DOMException,
  );
  await until(() => numbers.get(0) > 0, "its first round");
  abort.abort();
  await task;
  await pool.terminate();
  await assertNoPoolThread();
  await turn(); // the last round
  const last = numbers.get(0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(numbers.get(0), last);
});

Deno.test("A signal drops a task that waits: it never runs", async () => {
  await using pool = tasks({ size: 1 });
  using running = new SharedEvent();
  using open = new SharedEvent();
  using marks = new SharedArray("i32", 2);
  const first = pool.apply("gated", [0, running.handle, open.handle]);
  await running.wait();
  const abort = new AbortController();
  const dropped = pool.apply("mark", [marks.handle, 0], { signal: abort.signal });
  const kept = pool.apply("mark", [marks.handle, 1]);
  abort.abort();
  await assertRejects(() => dropped, DOMException);
  await assertRejects(() => pool.apply("mark", [marks.handle, 0], { signal: abort.signal }), DOMException);
  open.set();
  await Promise.all([first, kept]);
  assertEquals([...marks], [0, 1]);
});

Deno.test("A signal ends the running and the waiting tasks of a map", async () => {
  await using pool = tasks({ size: 2 });
  using running = new SharedEvent();
  const abort = new AbortController();
  const map = pool.map("spin", Array.from({ length: 100 }, () => running.handle), { signal: abort.signal });
  await running.wait();
  abort.abort();
  await assertRejects(() => within(map, "the rejection"), DOMException);
  assertEquals(pool.queued, 0);
  assertEquals(await within(pool.apply("square", [2]), "a task"), 4);
});

Deno.test("A module that is not there breaks the pool with one line", async () => {
  await using pool = new Pool("./no_such_tasks.ts", { base: import.meta.url, size: 2 });
  const tries = await Promise.allSettled([1, 2, 3].map((n) => pool.apply("square", [n])));
  for (const one of tries) assert(one.status === "rejected" && one.reason instanceof PoolBrokenError);
  const error = await assertRejects(() => pool.apply("square", [4]), PoolBrokenError);
  assertEquals(error.message, "Cannot load the tasks of ./no_such_tasks.ts: there is no such file");
  assertThrows(() => pool.imap("square", [1]), PoolBrokenError);
  await until(() => pool.workers === 0, "the end of the threads");
});

Deno.test("A module that throws when it loads is loaded by each thread once, not again and again", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/tasks.ts`;
  const log = `${folder}/log`;
  const line = `Deno.writeTextFileSync(${JSON.stringify(log)}, "loaded\\n", { append: true });`;
  await Deno.writeTextFile(file, `${line} throw new RangeError("not today");`);
  {
    await using pool = new Pool(file, { size: 2 });
    const tries = await Promise.allSettled([1, 2, 3, 4].map(() => pool.apply("any")));
    for (const one of tries) assert(one.status === "rejected");
    await assertRejects(() => pool.apply("any"), PoolBrokenError, "RangeError: not today");
  }
  assert((await Deno.readTextFile(log)).trim().split("\n").length <= 2);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Threads that end as soon as they begin break the pool after maxRestarts", async () => {
  await using pool = poolOf("Deno.exit(7)", { maxRestarts: 3 });
  await assertRejects(() => within(pool.apply("any"), "the failure"), PoolBrokenError, "code 7");
  await assertRejects(() => pool.apply("any"), PoolBrokenError, "end before they have done anything");
});

for (
  const [how, text] of [["waits for ever", "await new Promise(() => setInterval(() => {}, 1e3))"], [
    "spins",
    "for (;;);",
  ]]
) {
  Deno.test(`A module that ${how} while it loads breaks the pool after loadTimeout, and its thread ends`, async () => {
    const pool = poolOf(text, { loadTimeout: 100 });
    await assertRejects(() => within(pool.apply("any"), "the failure"), PoolBrokenError, "within 100 ms");
    await within(pool.terminate(), "the end of the thread");
    await assertNoPoolThread();
  });
}

Deno.test("close() lets tasks end that run and wait, and join() waits for them and for the threads", async () => {
  const pool = tasks({ size: 1 });
  using running = new SharedEvent();
  using open = new SharedEvent();
  const results = [pool.apply("gated", [1, running.handle, open.handle]), pool.apply("square", [2])];
  const mapped = pool.map("square", [1, 2, 3, 4, 5], { chunkSize: 1 });
  await running.wait();
  await assertRejects(() => pool.join(), TypeError, "open");
  pool.close();
  pool.close();
  await assertRejects(() => pool.apply("square", [3]), TypeError, "closed");
  const joined = pool.join();
  assertEquals(await isSettled(joined), false);
  open.set();
  await within(joined, "the join");
  assertEquals(await Promise.all(results), [1, 4]);
  assertEquals(await mapped, [1, 4, 9, 16, 25]);
  assertEquals(pool.workers, 0);
  await assertNoPoolThread();
});

Deno.test("A pool that had no task closes at once", async () => {
  const pool = tasks();
  pool.close();
  await within(pool.join(), "the join");
  await within(pool.terminate(), "the end");
});

Deno.test("terminate() rejects what runs and what waits, and ends every thread", async () => {
  const pool = tasks({ size: 2 });
  using running = new SharedEvent();
  const task = [pool.apply("spin", [running.handle]), ...[1, 2, 3].map(() => pool.apply("hang"))];
  const settled = Promise.allSettled([...task, pool.map("spin", [undefined, undefined])]);
  await running.wait();
  await within(pool.terminate(), "the end");
  for (const one of await settled) {
    assert(one.status === "rejected" && one.reason.name === "AbortError");
  }
  await assertNoPoolThread();
  await within(pool.join(), "the join");
});

Deno.test("A thread is replaced when it has ended maxTasksPerWorker tasks", async () => {
  await using pool = tasks({ size: 1, maxTasksPerWorker: 2 });
  const names: string[] = [];
  for (let n = 0; n < 6; n++) names.push(await pool.apply("thread"));
  assertEquals(new Set(names).size, 3);
});

Deno.test("A pool with nothing to do does not keep its program alive, one with a task does", async () => {
  await using program = new Program("tests/server/workers/_fixtures/open_pool.ts");
  const { code, output, errors } = await within(program.end(), "the end of the program");
  assertEquals([code, output, errors], [0, ["before", "49"], ""]);
});

for (const name of ["size", "maxQueue", "maxTasksPerWorker", "maxRestarts", "loadTimeout"]) {
  for (const value of [0, -1, 1.5, NaN, ...name === "size" ? [Infinity] : []]) {
    Deno.test(`Pool refuses the option ${name}: ${value}`, () => {
      assertThrows(() => new Pool("./tasks.ts", { [name]: value }), RangeError, `"${name}"`);
    });
  }
}
