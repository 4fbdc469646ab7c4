import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  type MessagePortLike,
  Pool,
  Queue,
  SharedArray,
  type SharedArrayType,
  SharedClosedError,
  SharedEvent,
  SharedMap,
  WorkerLostError,
} from "../../../server/workers/mod.ts";
import { isSettled, turn, within } from "../../_support/deadline.ts";
import { assertNoPoolThread, until } from "../../_support/living_threads.ts";

type Tasks = typeof import("./_fixtures/shared_tasks.ts");

function pool(size: number): Pool<Tasks> {
  return new Pool<Tasks>("./_fixtures/shared_tasks.ts", { base: import.meta.url, size });
}

Deno.test("SharedEvent: set() on one thread ends the waits on all others", async () => {
  await using workers = pool(2);
  using go = new SharedEvent();
  const answers = [new SharedEvent(), new SharedEvent()];
  const waits = answers.map(({ handle }) => workers.apply("waitAndAnswer", [go.handle, handle]));
  assertEquals(await answers[0].wait({ timeout: 20 }), false);
  go.set();
  for (const answer of answers) assertEquals(await within(answer.wait(), "the answer"), true);
  assertEquals(await Promise.all(waits), [true, true]);
});

Deno.test("SharedEvent: a wait sees a set() that was cleared at once, and a later one does not", async () => {
  using event = new SharedEvent();
  const before = event.wait();
  event.set();
  event.clear();
  const after = event.wait({ timeout: 20 });
  assertEquals(await within(before, "the wait"), true);
  assertEquals([await after, event.isSet], [false, false]);
});

Deno.test("SharedEvent: wait() ends by time-out, signal and close", async () => {
  using event = new SharedEvent();
  assertEquals([await event.wait({ timeout: 0 }), await event.wait({ timeout: 5 })], [false, false]);
  const abort = new AbortController();
  const aborted = event.wait({ signal: abort.signal, timeout: 5_000 });
  abort.abort(new Error("no more"));
  await assertRejects(() => aborted, Error, "no more");
  const closed = event.wait();
  event.close();
  event.close();
  await assertRejects(() => within(closed, "the wait"), SharedClosedError);
  await assertRejects(() => event.wait(), SharedClosedError);
  assertThrows(() => event.set(), SharedClosedError);
  using other = new SharedEvent(event.handle);
  other.set();
  assertEquals(await other.wait({ timeout: 0 }), true);
  assertThrows(() => new SharedEvent({} as SharedArrayBuffer), TypeError);
});

const EACH: [SharedArrayType, number | bigint][] = [
  ["i8", -128],
  ["u8", 255],
  ["i16", -32768],
  ["u16", 65535],
  ["i32", -2147483648],
  ["u32", 4294967295],
  ["i64", -(2n ** 63n)],
  ["u64", 2n ** 64n - 1n],
  ["f32", 0.5],
  ["f64", Math.PI],
];

for (const [type, value] of EACH) {
  Deno.test(`SharedArray of ${type}: every operation gives what was there, and others see it`, () => {
    const [zero, one] = typeof value === "bigint" ? [0n, 1n] : [0, 1];
    using array = new SharedArray(type, [zero, one] as number[]);
    using other = new SharedArray(array.handle) as SharedArray<"f64">;
    const [n, o] = [value as number, one as number];
    other.set(0, n);
    assertEquals(array.get(0), n);
    assertEquals(other.exchange(0, o), n);
    assertEquals(other.add(0, o), o);
    assertEquals(other.compareExchange(0, o, n), (o as number) + (o as number));
    other.set(0, o);
    assertEquals(other.compareExchange(0, o, n), o);
    assertEquals([...array] as unknown[], [n, o]);
    assertEquals([...other.fill(o)], [o, o]);
    assertEquals([array.type, array.length, array.lock.name], [type, 2, other.lock.name]);
  });
}

for (const type of ["i32", "u64", "f32", "f64"] as const) {
  Deno.test(`SharedArray of ${type}: add() from four threads loses nothing`, async () => {
    await using workers = pool(4);
    using array = new SharedArray<SharedArrayType>(type, 1);
    await Promise.all([1, 2, 3, 4].map(() => workers.apply("addMany", [array.handle, 20_000])));
    assertEquals(Number(array.get(0)), 80_000);
  });
}

Deno.test("SharedArray compares floats by their bits", () => {
  using array = new SharedArray("f64", [NaN, -0]);
  assertEquals([array.compareExchange(0, NaN, 1), array.get(0)], [NaN, 1]);
  assertEquals([array.compareExchange(1, 0, 1), array.get(1)], [-0, -0]);
});

Deno.test("SharedArray refuses what cannot be", () => {
  assertThrows(() => new SharedArray("f16" as "f32", 1), RangeError, "f16");
  assertThrows(() => new SharedArray("i32", -1), RangeError, "-1");
  assertThrows(() => new SharedArray({} as never), TypeError);
  const array = new SharedArray("i32", 1);
  for (const index of [-1, 1, 0.5, NaN]) assertThrows(() => array.get(index), RangeError, String(index));
  array.close();
  array.close();
  assertThrows(() => array.get(0), SharedClosedError);
  assertEquals(new SharedArray(array.handle).get(0), 0);
});

/** An owner and another end. */
function mapEnds<V>(
  entries: [string, V][] = [],
): { owner: SharedMap<string, V>; proxy: SharedMap<string, V> } & Disposable {
  const owner = new SharedMap<string, V>(entries);
  const proxy = new SharedMap<string, V>(owner.connect());
  return { owner, proxy, [Symbol.dispose]: () => owner.close() };
}

Deno.test("SharedMap: owner and proxies see the same, and only copies", async () => {
  using ends = mapEnds<{ n: number }>([["a", { n: 1 }]]);
  const { owner, proxy } = ends;
  const value = { n: 2 };
  await proxy.set("b", value);
  value.n = 3;
  (await owner.get("b"))!.n = 4;
  for (const end of [owner, proxy]) {
    assertEquals(await end.get("b"), { n: 2 });
    assertEquals(await end.entries(), [["a", { n: 1 }], ["b", { n: 2 }]]);
    assertEquals([await end.keys(), await end.size(), await end.has("b")], [["a", "b"], 2, true]);
    assertEquals([await end.get("c"), await end.has("c"), await end.delete("c")], [undefined, false, false]);
  }
  assertEquals([await proxy.delete("a"), await owner.values()], [true, [{ n: 2 }]]);
  await owner.clear();
  assertEquals(await proxy.size(), 0);
  assertEquals([owner.isOwner, proxy.isOwner], [true, false]);
  assertThrows(() => proxy.connect(), TypeError);
});

Deno.test("SharedMap.update() from four threads and the owner loses nothing", async () => {
  await using workers = pool(4);
  using map = new SharedMap<string, number>();
  const updates = [1, 2, 3, 4].map(() => {
    const port = map.connect();
    return workers.apply("updateMany", [port, "n", 100], { transfer: [port] });
  });
  for (let n = 0; n < 100; n++) await map.update("n", async (value = 0) => (await turn(), value + 1));
  await within(Promise.all(updates), "the updates");
  assertEquals(await map.get("n"), 500);
});

Deno.test("SharedMap.update() writes nothing if its change throws, and takes the key out for undefined", async () => {
  using ends = mapEnds<number>([["n", 1]]);
  await assertRejects(() => ends.proxy.update("n", () => Promise.reject(new RangeError("far"))), RangeError);
  assertEquals(await ends.owner.get("n"), 1);
  assertEquals(await ends.proxy.update("n", () => undefined), undefined);
  assertEquals(await ends.owner.has("n"), false);
});

Deno.test("SharedMap: what cannot be a value is refused at either end", async () => {
  using ends = mapEnds<unknown>();
  for (const end of [ends.owner, ends.proxy]) {
    await assertRejects(() => end.set("f", () => {}), DOMException);
    await assertRejects(() => end.set("u", undefined), TypeError);
  }
  assertEquals(await ends.proxy.size({ timeout: 5_000 }), 0);
});

Deno.test("SharedMap and Queue: an owner that closes ends all calls, those that wait too", async () => {
  using map = new SharedMap();
  using queue = new Queue();
  const [mapEnd, queueEnd] = [new SharedMap(map.connect()), new Queue(queue.connect())];
  const waiting = Promise.allSettled([queueEnd.get(), queue.get()]);
  await queueEnd.size();
  map.close();
  queue.close();
  const later = Promise.allSettled([mapEnd.get("a"), map.get("a"), queueEnd.put(1), queue.put(1)]);
  for (const call of [...await within(waiting, "the end"), ...await within(later, "the end")]) {
    assert(call.status === "rejected" && call.reason instanceof SharedClosedError);
  }
  assertThrows(() => map.connect(), SharedClosedError);
});

Deno.test("SharedMap and Queue: an end that closes leaves the others as they are", async () => {
  using map = new SharedMap([["a", 1]]);
  using queue = new Queue<number>();
  const [mapEnd, queueEnd] = [
    new SharedMap<string, number>(map.connect()),
    new Queue<number>(queue.connect()),
  ];
  const refused = assertRejects(() => queueEnd.get(), SharedClosedError);
  await mapEnd.get("a");
  mapEnd.close();
  queueEnd.close();
  await refused;
  await assertRejects(() => mapEnd.get("a"), SharedClosedError);
  await queue.put(7);
  assertEquals([await map.get("a"), await queue.get({ timeout: 5_000 })], [1, 7]);
});

Deno.test("SharedMap and Queue: when the owner's thread ends, calls fail and say so", async () => {
  await using workers = pool(1);
  const [maps, queues] = [new MessageChannel(), new MessageChannel()];
  await workers.apply("own", [maps.port1, queues.port1], { transfer: [maps.port1, queues.port1] });
  using map = new SharedMap<string, string>(maps.port2);
  using queue = new Queue(queues.port2);
  assertEquals(await map.get("key"), "value");
  const refused = assertRejects(() => within(queue.get(), "the rejection"), SharedClosedError);
  await assertRejects(() => workers.apply("exit"), WorkerLostError);
  const error = await refused;
  assertEquals(error.reason, "lost");
  await assertRejects(() => within(map.get("key"), "the rejection"), SharedClosedError);
});

/** An owner and two other ends. */
function queueEnds(
  maxsize?: number,
): { queue: Queue<number>; one: Queue<number>; two: Queue<number> } & Disposable {
  const queue = new Queue<number>({ maxsize });
  const [one, two] = [new Queue<number>(queue.connect()), new Queue<number>(queue.connect())];
  return { queue, one, two, [Symbol.dispose]: () => queue.close() };
}

Deno.test("Queue gives items in the order in which they were put, whoever puts and gets", async () => {
  using ends = queueEnds();
  const { queue, one, two } = ends;
  for (let n = 0; n < 30; n++) await [queue, one, two][n % 3].put(n);
  assertEquals(await two.size(), 30);
  const got: number[] = [];
  for (let n = 0; n < 30; n++) got.push(await [one, two, queue][n % 3].get());
  assertEquals(got, Array.from({ length: 30 }, (_, n) => n));
});

Deno.test("Queue.put() waits while the queue is full, at either end", async () => {
  using ends = queueEnds(2);
  const { queue, one, two } = ends;
  await one.put(0);
  await queue.put(1);
  const [third, fourth] = [one.put(2), queue.put(3)];
  await two.size();
  assertEquals([await isSettled(third), await isSettled(fourth), await two.size()], [false, false, 2]);
  const got: number[] = [];
  for (let n = 0; n < 4; n++) got.push(await two.get());
  await within(Promise.all([third, fourth]), "both puts");
  assertEquals(got.toSorted(), [0, 1, 2, 3]);
});

Deno.test("Queue: a put that was given up was not put, a get that was given up takes nothing", async () => {
  using ends = queueEnds(1);
  const { queue, one } = ends;
  for (const end of [queue, one]) {
    await assertRejects(() => end.get({ timeout: 0 }), Deno.errors.TimedOut, "empty");
    await assertRejects(() => end.get({ timeout: 10 }), Deno.errors.TimedOut);
    const abort = new AbortController();
    const get = end.get({ signal: abort.signal });
    await turn();
    abort.abort(new Error("no more"));
    await assertRejects(() => get, Error, "no more");
    await end.put(1);
    await assertRejects(() => end.put(2, { timeout: 0 }), Deno.errors.TimedOut, "full");
    await assertRejects(() => end.put(3, { timeout: 10 }), Deno.errors.TimedOut);
    await assertRejects(() => end.put(4, { signal: AbortSignal.timeout(10) }), DOMException);
    assertEquals([await end.size(), await end.get(), await end.size()], [1, 1, 0]);
  }
});

Deno.test("Queue: a get that gives up in the moment in which an item comes loses none", async () => {
  using ends = queueEnds();
  const { queue, one } = ends;
  let got = 0;
  for (let n = 0; n < 200; n++) {
    const abort = new AbortController();
    const end = n % 2 ? queue : one;
    const get = end.get({ signal: abort.signal }).then(() => got++, () => {});
    if (n % 3) await turn();
    if (n % 7 < 3) abort.abort();
    queue.put(n);
    if (n % 5) await Promise.resolve();
    abort.abort();
    await get;
    if (got === n) await queue.get({ timeout: 5_000 }).then(() => got++);
    assertEquals([got, await queue.size()], [n + 1, 0]);
  }
});

Deno.test("Queue: an item that was given to somebody who has gone comes back to its place", async () => {
  using queue = new Queue<number>();
  for (const n of [1, 2, 3]) await queue.put(n);
  const silent = queue.connect(); // speaks the protocol but never confirms
  silent.postMessage({ id: 1, op: "get", args: [true] });
  silent.postMessage({ id: 2, op: "get", args: [true] });
  await new Promise((resolve) => silent.onmessage = resolve);
  assertEquals(await queue.size(), 1);
  silent.close();
  await until(async () => await queue.size() === 3, "their return");
  assertEquals([await queue.get(), await queue.get(), await queue.get()], [1, 2, 3]);
});

Deno.test("Queue: who has gone while he waited gets nothing", async () => {
  using queue = new Queue<number>();
  const silent = queue.connect();
  silent.postMessage({ id: 1, op: "get", args: [true] });
  for (let n = 0; n < 5; n++) await turn();
  silent.close();
  for (let n = 0; n < 5; n++) await turn();
  await queue.put(1);
  assertEquals(await queue.get({ timeout: 5_000 }), 1);
});

Deno.test("Queue: an item that has not arrived yet keeps a queue that was shut down from its end", async () => {
  using queue = new Queue<number>();
  await queue.put(1);
  const silent = queue.connect();
  silent.postMessage({ id: 1, op: "get", args: [true] });
  await new Promise((resolve) => silent.onmessage = resolve);
  await queue.shutdown();
  const get = queue.get();
  assertEquals(await isSettled(get), false);
  silent.close();
  assertEquals(await within(get, "the item"), 1);
  await assertRejects(() => queue.get(), SharedClosedError);
});

Deno.test("Queue: nothing is lost or doubled between three producers, consumers, and consumers that die", async () => {
  await using workers = pool(8);
  using queue = new Queue<number>({ maxsize: 10 });
  using marks = new SharedArray("i32", 600);
  const give = <R>(
    run: (port: MessagePort, transfer: { transfer: Transferable[] }) => Promise<R>,
  ): Promise<R> => {
    const port = queue.connect();
    return run(port, { transfer: [port] });
  };
  const dying = [0, 1, 2].map((n) =>
    give((port, o) => workers.apply("consumeAndDie", [port, marks.handle, 10 + n], o))
  );
  const dead = Promise.allSettled(dying);
  const producing = [0, 1, 2].map((n) =>
    give((port, o) => workers.apply("produce", [port, n * 200, 200], o))
  );
  const consuming = [0, 1].map(() => give((port, o) => workers.apply("consume", [port, marks.handle], o)));
  await within(Promise.all(producing), "the producers");
  for (const one of await within(dead, "the deaths")) assert(one.status === "rejected");
  await queue.shutdown();
  const counts = await within(Promise.all(consuming), "the consumers");
  assertEquals([...marks].filter((mark) => mark !== 1), []);
  assertEquals(counts[0] + counts[1], 600 - 33);
  await workers.terminate();
  await assertNoPoolThread();
});

Deno.test("Queue.shutdown() lets what is in the queue be got, then ends loops and gets; puts reject, those that wait too", async () => {
  using ends = queueEnds(1);
  const { queue, one, two } = ends;
  await queue.put(1);
  const waiting = queue.put(2);
  const refused = assertRejects(() => waiting, SharedClosedError, "no more items");
  await two.shutdown();
  await refused;
  await assertRejects(() => one.put(3), SharedClosedError);
  const items: number[] = [];
  for await (const item of one) items.push(item);
  assertEquals(items, [1]);
  const error = await assertRejects(() => two.get(), SharedClosedError, "empty");
  assertEquals(error.reason, "shutdown");
  await queue.shutdown();
});

Deno.test("Queue: a loop throws if the queue was closed before its end", async () => {
  using ends = queueEnds();
  const loop = (async () => {
    for await (const item of ends.one) assertEquals(item, 1);
  })();
  await ends.queue.put(1);
  await ends.one.size();
  ends.queue.close();
  await assertRejects(() => within(loop, "the loop"), SharedClosedError, "closed by its owner");
});

for (const maxsize of [0, -1, 1.5, NaN]) {
  Deno.test(`Queue refuses maxsize: ${maxsize}`, () => {
    assertThrows(() => new Queue({ maxsize }), RangeError, String(maxsize));
  });
}

/** The least that has the shape of a port: text goes across, as through a pipe. */
class TextPort extends EventTarget {
  other: TextPort | undefined;

  postMessage(message: unknown): void {
    const text = JSON.stringify(message);
    queueMicrotask(() => this.other!.dispatchEvent(new MessageEvent("message", { data: JSON.parse(text) })));
  }
}

Deno.test("SharedMap and Queue work over anything of the shape of a port", async () => {
  const ports = (): [MessagePortLike, MessagePortLike] => {
    const [near, far] = [new TextPort(), new TextPort()];
    [near.other, far.other] = [far, near];
    return [near, far] as unknown as [MessagePortLike, MessagePortLike]; // other libraries declare other events
  };
  using map = new SharedMap<string, number>([["a", 1]]);
  using queue = new Queue<string>();
  const [[mapNear, mapFar], [queueNear, queueFar]] = [ports(), ports()];
  map.serve(mapNear);
  queue.serve(queueNear);
  const [mapEnd, queueEnd] = [new SharedMap<string, number>(mapFar), new Queue<string>(queueFar)];
  assertStrictEquals(await mapEnd.update("a", (n = 0) => n + 1), 2);
  await queueEnd.put("text");
  assertEquals(await queueEnd.get(), "text");
  await assertRejects(() => queueEnd.get({ timeout: 5 }), Deno.errors.TimedOut);
  await turn();
});
