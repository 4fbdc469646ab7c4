import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { EVENT_READ, EVENT_WRITE, merge, Poller, type Source } from "../../multiplex/mod.ts";
import { isSettled, turn, within } from "../_support/deadline.ts";
import { Mailbox, ScriptedIterator } from "../_support/mailbox.ts";

/** The sources that a poll names, in its order. */
async function polled(poller: Poller, timeout: number | undefined = 0): Promise<Source[]> {
  return (await poller.poll(timeout)).map(({ source }) => source);
}

Deno.test("Poller.register() returns a key that shows what was registered", () => {
  using poller = new Poller<Mailbox<string>, string>();
  const source = new Mailbox<string>();
  const key = poller.register(source, EVENT_READ | EVENT_WRITE, { data: "mine", trigger: "edge" });
  assertStrictEquals(key.source, source);
  assertEquals([key.interest, key.data, key.trigger, key.active], [3, "mine", "edge", true]);
  assertStrictEquals(poller.keys.get(source), key);
});

Deno.test("Poller.register() asks for items and reports by level when nothing else is said", () => {
  using poller = new Poller();
  const key = poller.register(new Mailbox());
  assertEquals([key.interest, key.trigger, key.data], [EVENT_READ, "level", undefined]);
});

for (const interest of [0, 4, 7, -1, 999_999, NaN]) {
  Deno.test(`Poller.register() refuses the events ${interest} before it looks at the source`, () => {
    using poller = new Poller();
    assertThrows(() => poller.register(42 as never, interest), RangeError, String(interest));
  });
}

for (const nothing of [undefined, null, 42, "text", {}, { next: 1 }, () => {}]) {
  Deno.test(`Poller.register() refuses ${typeof nothing} ${JSON.stringify(nothing)}, which is no source`, () => {
    using poller = new Poller();
    assertThrows(() => poller.register(nothing as never), TypeError, "Cannot watch");
    assertEquals(poller.keys.size, 0);
  });
}

Deno.test("Poller.register() refuses an unknown trigger, and leaves nothing registered", () => {
  using poller = new Poller();
  const source = new Mailbox();
  assertThrows(() => poller.register(source, 1, { trigger: "hair" as never }), RangeError, "hair");
  assertEquals([poller.keys.size, source.watched], [0, 0]);
});

Deno.test("Poller.register() refuses EVENT_WRITE for an iterable", () => {
  using poller = new Poller();
  assertThrows(() => poller.register([1], EVENT_WRITE), TypeError, "EVENT_WRITE");
  assertEquals(poller.keys.size, 0);
});

Deno.test("Poller.register() refuses a source that is registered, also by its remainder", () => {
  using poller = new Poller();
  const source = [1, 2];
  poller.register(source);
  const remainder = poller.unregister(source);
  poller.register(source);
  assertThrows(() => poller.register(source), Deno.errors.AlreadyExists);
  assertThrows(() => poller.register(remainder), Deno.errors.AlreadyExists);
});

Deno.test("Poller.modify() and unregister() refuse what is not registered", () => {
  using poller = new Poller();
  const source = new Mailbox();
  assertThrows(() => poller.modify(source), Deno.errors.NotFound);
  assertThrows(() => poller.unregister(source), Deno.errors.NotFound);
  poller.register(source);
  poller.unregister(source);
  assertThrows(() => poller.unregister(source), Deno.errors.NotFound);
});

Deno.test("Poller.modify() keeps what it is not told to change", () => {
  using poller = new Poller<Mailbox<number>, string>();
  const source = new Mailbox<number>();
  const key = poller.register(source, EVENT_READ, { data: "first", trigger: "edge" });
  assertStrictEquals(poller.modify(source, EVENT_WRITE), key);
  assertEquals([key.interest, key.data, key.trigger], [EVENT_WRITE, "first", "edge"]);
  poller.modify(source, undefined, { data: "second" });
  assertEquals([key.interest, key.data, key.trigger], [EVENT_WRITE, "second", "edge"]);
  poller.modify(source, undefined, { data: undefined });
  assertEquals(key.data, undefined);
});

Deno.test("Poller.modify() that fails changes nothing", async () => {
  using poller = new Poller();
  const source = [1, 2];
  const key = poller.register(source);
  assertThrows(() => poller.modify(source, EVENT_WRITE), TypeError);
  assertThrows(() => poller.modify(source, 8), RangeError);
  assertEquals(key.interest, EVENT_READ);
  assertEquals(await polled(poller), [source]);
});

Deno.test("Poller.keys is a live view that close() empties", () => {
  const poller = new Poller();
  const { keys } = poller;
  const source = new Mailbox();
  poller.register(source);
  assert(keys.has(source));
  assertEquals(keys.size, 1);
  poller.close();
  assertEquals([keys.size, keys.get(source), source.watched], [0, undefined, 0]);
});

Deno.test("Poller.poll() names those that are ready and no others", async () => {
  using poller = new Poller();
  const boxes = Array.from({ length: 12 }, () => new Mailbox<number>());
  for (const box of boxes) poller.register(box);
  boxes[7].put(1);
  assertEquals(await polled(poller, undefined), [boxes[7]]);
});

Deno.test("Poller.poll() reports only the events that were asked for, and all that hold", async () => {
  using poller = new Poller();
  const source = new Mailbox<number>().put(1).setRoom(true);
  poller.register(source, EVENT_WRITE);
  assertEquals((await poller.poll()).map(({ events }) => events), [EVENT_WRITE]);
  poller.modify(source, EVENT_READ);
  assertEquals((await poller.poll()).map(({ events }) => events), [EVENT_READ]);
  poller.modify(source, EVENT_READ | EVENT_WRITE);
  assertEquals((await poller.poll()).map(({ events }) => events), [EVENT_READ | EVENT_WRITE]);
});

Deno.test("Poller.poll() with nothing registered honours the time-out", async () => {
  using poller = new Poller();
  const since = performance.now();
  assertEquals(await poller.poll(20), []);
  assert(performance.now() - since >= 20);
});

for (const timeout of [0, -1, -Infinity]) {
  Deno.test(`Poller.poll(${timeout}) does not wait`, async () => {
    using poller = new Poller();
    poller.register(new Mailbox());
    assertEquals(await within(poller.poll(timeout), "the answer"), []);
  });
}

Deno.test("Poller.poll(0) asks a source that has not been asked, and reports it", async () => {
  using poller = new Poller();
  const source = [1];
  const key = poller.register(source);
  assertEquals(await polled(poller, 0), [source]);
  assertEquals(key.take(), { value: 1, done: false });
});

Deno.test("Poller.poll() with a time-out waits at least that long, also when it is woken for nothing", async () => {
  using poller = new Poller();
  const source = new Mailbox();
  poller.register(source);
  const since = performance.now();
  const answer = poller.poll(30);
  await turn();
  source.cryWolf();
  assertEquals(await answer, []);
  assert(performance.now() - since >= 30);
});

for (const timeout of [Infinity, 1e12]) {
  Deno.test(`Poller.poll(${timeout}) waits for the first item`, async () => {
    using poller = new Poller();
    const source = new Mailbox<number>();
    poller.register(source);
    const answer = poller.poll(timeout);
    assert(!(await isSettled(answer)));
    source.put(1);
    assertEquals((await answer).length, 1);
  });
}

Deno.test("Poller.poll() refuses a time-out that is no number", async () => {
  using poller = new Poller();
  await assertRejects(() => poller.poll(NaN), TypeError, "NaN");
  await assertRejects(() => poller.poll("1" as never), TypeError);
  assertEquals(await poller.poll(0), []);
});

Deno.test("Poller.poll() refuses a second poll while one waits, and serves the first", async () => {
  using poller = new Poller();
  const source = new Mailbox<number>();
  poller.register(source);
  const first = poller.poll();
  await assertRejects(() => poller.poll(), Deno.errors.Busy);
  source.put(1);
  assertEquals((await first).length, 1);
});

Deno.test("A time-out loses nothing: the item that comes later is reported by the next poll", async () => {
  using poller = new Poller();
  const source = new ScriptedIterator<string>();
  const key = poller.register(source);
  assertEquals(await poller.poll(0), []);
  source.give("late");
  assertEquals((await poller.poll()).length, 1);
  assertEquals(key.take(), { value: "late", done: false });
  assertEquals(source.asked, 1);
});

Deno.test("level: reported by every poll until it was taken", async () => {
  using poller = new Poller();
  const source = new Mailbox<number>().put(1, 2);
  const key = poller.register(source);
  for (let n = 0; n < 3; n++) assertEquals(await polled(poller), [source]);
  key.take();
  assertEquals(await polled(poller), [source]);
  key.take();
  assertEquals(await polled(poller), []);
});

Deno.test("edge: one report for each arrival, and one for what was there at registration", async () => {
  using poller = new Poller();
  const source = new Mailbox<number>().put(1);
  const key = poller.register(source, EVENT_READ, { trigger: "edge" });
  assertEquals(await polled(poller), [source]);
  assertEquals(await polled(poller), [], "what was not taken is not told again");
  source.put(2);
  assertEquals(await polled(poller), [source], "a new arrival behind an old item");
  key.take();
  assertEquals(await polled(poller), [], "taking a part is no arrival");
  source.put(3);
  source.put(4);
  assertEquals(await polled(poller), [source], "two arrivals before one poll are one report");
  assertEquals(await polled(poller), []);
});

Deno.test("edge: modify with the same events reports again what is still there", async () => {
  using poller = new Poller();
  const source = new Mailbox<number>().put(1);
  poller.register(source, EVENT_READ, { trigger: "edge" });
  assertEquals(await polled(poller), [source]);
  poller.modify(source);
  assertEquals(await polled(poller), [source]);
  assertEquals(await polled(poller), []);
});

Deno.test("edge: a report shows everything that holds, not only what is new", async () => {
  using poller = new Poller();
  const source = new Mailbox<number>().setRoom(true);
  poller.register(source, EVENT_READ | EVENT_WRITE, { trigger: "edge" });
  assertEquals((await poller.poll(0)).map(({ events }) => events), [EVENT_WRITE]);
  assertEquals(await poller.poll(0), []);
  source.put(1);
  assertEquals((await poller.poll(0)).map(({ events }) => events), [EVENT_READ | EVENT_WRITE]);
});

Deno.test("edge: each item of an iterator is an arrival", async () => {
  using poller = new Poller();
  const source = [1, 2];
  const key = poller.register(source, EVENT_READ, { trigger: "edge" });
  const taken: unknown[] = [];
  for (let n = 0; n < 3; n++) {
    assertEquals(await polled(poller), [source]);
    assertEquals(await polled(poller), []);
    taken.push(key.take()?.value);
  }
  assertEquals(taken, [1, 2, undefined]);
});

Deno.test("oneshot: one report, then silence also for new items, until modify arms it", async () => {
  using poller = new Poller();
  const source = new Mailbox<number>().put(1);
  const key = poller.register(source, EVENT_READ, { trigger: "oneshot" });
  assertEquals(await polled(poller), [source]);
  source.put(2);
  assertEquals(await polled(poller), []);
  assert(key.active);
  assertThrows(() => poller.register(source), Deno.errors.AlreadyExists);
  poller.modify(source);
  assertEquals(await polled(poller), [source]);
  assertEquals(await polled(poller), []);
});

Deno.test("oneshot: a spent registration is not read ahead", async () => {
  using poller = new Poller();
  const source = new ScriptedIterator<number>();
  const key = poller.register(source, EVENT_READ, { trigger: "oneshot" });
  assertEquals(await poller.poll(0), []);
  source.give(1);
  assertEquals((await poller.poll()).length, 1);
  key.take();
  assertEquals(await poller.poll(0), []);
  assertEquals(source.asked, 1);
});

Deno.test("Poller.notify() ends a waiting poll with an empty answer", async () => {
  using poller = new Poller();
  poller.register(new Mailbox());
  const answer = poller.poll();
  poller.notify();
  poller.notify();
  assertEquals(await within(answer, "the answer"), []);
  const next = poller.poll();
  assert(!(await isSettled(next)), "several calls are one");
  poller.close();
  await next;
});

Deno.test("Poller.notify() before the poll is not lost, and several are one", async () => {
  using poller = new Poller();
  poller.notify();
  poller.notify();
  assertEquals(await within(poller.poll(), "the answer"), []);
  const second = poller.poll();
  assert(!(await isSettled(second)));
  poller.notify();
  await second;
});

Deno.test("Poller.notify() does not hide what is ready", async () => {
  using poller = new Poller();
  const source = new Mailbox<number>().put(1);
  poller.register(source);
  poller.notify();
  assertEquals(await polled(poller), [source]);
});

Deno.test("A source that is registered while a poll waits is reported by that poll", async () => {
  using poller = new Poller();
  const answer = poller.poll();
  await turn();
  const source = [1];
  poller.register(source);
  assertEquals((await within(answer, "the answer")).map((event) => event.source), [source]);
});

Deno.test("A modify while a poll waits takes effect in that poll", async () => {
  using poller = new Poller();
  const source = new Mailbox<number>().put(1);
  poller.register(source, EVENT_WRITE);
  const answer = poller.poll();
  assert(!(await isSettled(answer)));
  poller.modify(source, EVENT_READ);
  assertEquals((await within(answer, "the answer")).length, 1);
});

Deno.test("An unregister while a poll waits takes effect in that poll", async () => {
  using poller = new Poller();
  const [gone, stays] = [new Mailbox<number>(), new Mailbox<number>()];
  const key = poller.register(gone);
  poller.register(stays);
  const answer = poller.poll();
  await turn();
  poller.unregister(gone);
  gone.put(1);
  assert(!(await isSettled(answer)));
  stays.put(2);
  assertEquals((await answer).map(({ source }) => source), [stays]);
  assertEquals([key.active, key.take()], [false, undefined]);
  assertEquals(gone.take(), { value: 1, done: false });
});

Deno.test("A source unregistered after it became ready is not reported", async () => {
  using poller = new Poller();
  const [gone, stays] = [new Mailbox<number>(), new Mailbox<number>()];
  poller.register(gone);
  poller.register(stays);
  const answer = poller.poll();
  await turn();
  gone.put(1);
  stays.put(1);
  poller.unregister(gone);
  assertEquals((await answer).map(({ source }) => source), [stays]);
});

Deno.test("An item taken while a poll waits is followed by the next one in that poll", async () => {
  using poller = new Poller();
  const source = new ScriptedIterator<number>();
  const key = poller.register(source, EVENT_READ, { trigger: "edge" });
  assertEquals(await poller.poll(0), []);
  source.give(1);
  assertEquals((await poller.poll()).length, 1);
  const answer = poller.poll();
  assert(!(await isSettled(answer)));
  assertEquals(key.take(), { value: 1, done: false });
  source.give(2);
  assertEquals((await within(answer, "the answer")).length, 1);
  assertEquals(key.take(), { value: 2, done: false });
});

Deno.test("Poller.close() ends a waiting poll with an empty answer, and everything after throws", async () => {
  const poller = new Poller();
  const source = new Mailbox<number>();
  const key = poller.register(source);
  const answer = poller.poll();
  poller.close();
  poller.close();
  assertEquals(await within(answer, "the answer"), []);
  assert(poller.closed);
  await assertRejects(() => poller.poll(0), TypeError, "closed");
  assertThrows(() => poller.register(source), TypeError, "closed");
  assertThrows(() => poller.modify(source), TypeError, "closed");
  assertThrows(() => poller.unregister(source), TypeError, "closed");
  poller.notify();
  assertEquals(key.take(), undefined);
});

Deno.test("Poller.close() loses nothing: another poller finds what was read ahead", async () => {
  const first = new Poller();
  const source = new ScriptedIterator<string>();
  first.register(source);
  assertEquals(await first.poll(0), []);
  source.give("kept");
  await turn();
  first.close();
  using second = new Poller();
  const key = second.register(source);
  assertEquals((await second.poll()).length, 1);
  assertEquals(key.take(), { value: "kept", done: false });
  assertEquals([source.asked, source.returned], [1, 0]);
});

for (const trigger of ["level", "edge"] as const) {
  Deno.test(`${trigger}: a source in two pollers is reported by both`, async () => {
    using first = new Poller();
    using second = new Poller();
    const source = new Mailbox<number>();
    for (const poller of [first, second]) poller.register(source, EVENT_READ, { trigger });
    const answers = [first.poll(), second.poll()];
    source.put(1);
    assertEquals((await within(Promise.all(answers), "both answers")).flat().length, 2);
  });
}

Deno.test("Poller.unregister() gives an iterator that goes on with what was read ahead", async () => {
  using poller = new Poller();
  const source = numbers(4);
  const key = poller.register(source);
  await poller.poll();
  key.take();
  await poller.poll();
  const rest = poller.unregister(source);
  assertEquals(await Array.fromAsync(rest), [1, 2, 3]);
});

Deno.test("Poller.unregister() while the source is being asked loses nothing", async () => {
  using poller = new Poller();
  const source = new ScriptedIterator<number>();
  poller.register(source);
  await poller.poll(0);
  const rest = poller.unregister(source) as AsyncIterableIterator<number>;
  const next = rest.next();
  source.give(7);
  assertEquals(await next, { value: 7, done: false });
});

Deno.test("Leaving the remainder of a source calls its return once", async () => {
  using poller = new Poller();
  const source = new ScriptedIterator<number>();
  poller.register(source);
  const rest = poller.unregister(source) as AsyncIterableIterator<number>;
  await rest.return!();
  await rest.return!();
  assertEquals(source.returned, 1);
  assertEquals(await rest.next(), { value: undefined, done: true });
});

Deno.test("Leaving the remainder of a source ends a next that waits, and what comes then is dropped", async () => {
  using poller = new Poller();
  const source = new ScriptedIterator<number>();
  poller.register(source);
  const rest = poller.unregister(source) as AsyncIterableIterator<number>;
  const waiting = [rest.next(), rest.next()];
  await rest.return!();
  const end = { value: undefined, done: true } as const;
  assertEquals(await within(Promise.all(waiting), "next"), [end, end]);
  source.give(7);
  assertEquals(await rest.next(), end);
});

for (const trigger of ["level", "edge", "oneshot"] as const) {
  Deno.test(`A ${trigger} poll that waits is told when somebody else leaves the source`, async () => {
    using poller = new Poller();
    const source = new ScriptedIterator<number>();
    const key = poller.register(source, EVENT_READ, { trigger });
    const merged = merge(source);
    const first = merged.next();
    const answer = poller.poll();
    await merged.return!();
    assertEquals((await within(answer, "the answer")).map(({ source }) => source), [source]);
    assertEquals(key.take(), { value: undefined, done: true });
    assertEquals(await first, { value: undefined, done: true });
  });
}

Deno.test("Poller.unregister() gives back the source itself if that keeps what was read ahead", () => {
  using poller = new Poller();
  const source = new Mailbox();
  poller.register(source);
  assertStrictEquals(poller.unregister(source), source);
  assertEquals(source.watched, 0);
});

Deno.test("No source is asked before the first poll, and never for more than one item ahead", async () => {
  using poller = new Poller();
  const source = new ScriptedIterator<number>();
  const key = poller.register(source);
  await turn();
  assertEquals(source.asked, 0);
  for (let n = 1; n <= 3; n++) {
    const answer = poller.poll();
    assertEquals(source.asked, n);
    source.give(n);
    await answer;
    await poller.poll();
    assertEquals(source.asked, n);
    assertEquals(key.take()?.value, n);
    assertEquals(source.asked, n);
  }
});

Deno.test("A source that ends is ready, and says done as often as it is asked", async () => {
  using poller = new Poller();
  const source = numbers(1);
  const key = poller.register(source);
  await poller.poll();
  assertEquals(key.take(), { value: 0, done: false });
  for (let n = 0; n < 3; n++) {
    assertEquals((await poller.poll()).length, 1);
    assertEquals(key.take(), { value: undefined, done: true });
  }
});

Deno.test("A source that throws is ready, take() throws it once, and a generator has ended then", async () => {
  using poller = new Poller();
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    throw new Error("broken");
  }
  const key = poller.register(failing());
  await poller.poll();
  assertEquals(key.take(), { value: 1, done: false });
  await poller.poll();
  assertThrows(() => key.take(), Error, "broken");
  await poller.poll();
  assertEquals(key.take(), { value: undefined, done: true });
});

Deno.test("A source that throws on every item does not keep the others from their turn", async () => {
  using poller = new Poller();
  const thrower = { next: () => Promise.reject(new Error("again")) };
  const counter = numbers(100);
  const bad = poller.register(thrower);
  const good = poller.register(counter);
  const taken: unknown[] = [];
  let thrown = 0;
  while (poller.keys.has(counter)) {
    for (const { key } of await poller.poll()) {
      if (key === bad) thrown += throws(() => bad.take());
      const item = key === good ? good.take() : undefined;
      if (item?.done) poller.unregister(counter);
      else if (item) taken.push(item.value);
    }
  }
  assertEquals(taken, [...numbers(100)]);
  assert(thrown >= 50, `thrown ${thrown} times`);
});

Deno.test("An iterator that throws synchronously or gives no result object is a failure to be taken", async () => {
  using poller = new Poller();
  const thrower = poller.register({
    next(): IteratorResult<number> {
      throw new Error("at once");
    },
  });
  const liar = poller.register({ next: () => 5 as unknown as IteratorResult<number> });
  assertEquals((await poller.poll()).length, 2);
  assertThrows(() => thrower.take(), Error, "at once");
  assertThrows(() => liar.take(), TypeError, "5");
});

Deno.test("A source that never yields does not keep the others from their turn", async () => {
  using poller = new Poller();
  const never = new ScriptedIterator<number>();
  poller.register(never);
  const counter = numbers(50);
  const key = poller.register(counter);
  const taken: unknown[] = [];
  for (;;) {
    await poller.poll();
    const item = key.take()!;
    if (item.done) break;
    taken.push(item.value);
  }
  assertEquals(taken.length, 50);
  assertEquals(never.asked, 1);
});

Deno.test("A source that yields a million at once leaves timers, sockets and other sources their turn", async () => {
  using poller = new Poller();
  const flood = numbers(1_000_000);
  const other = numbers(1_000);
  const [flooding, others] = [poller.register(flood), poller.register(other)];
  let [timers, floods, seen] = [0, 0, 0];
  const timer = setInterval(() => timers++, 1);
  try {
    while (timers < 3) {
      const events = await poller.poll();
      assertEquals(events.length, 2);
      floods += Number(!flooding.take()!.done);
      seen += Number(!others.take()!.done);
    }
  } finally {
    clearInterval(timer);
  }
  assertEquals(Math.min(seen, 1_000), Math.min(floods, 1_000));
});

Deno.test("Who is not served stands in front of who is served", async () => {
  using poller = new Poller<Iterator<number>>();
  const sources = Array.from({ length: 5 }, () => numbers(1_000));
  for (const source of sources) poller.register(source);
  const served = new Map<unknown, number>();
  for (let n = 0; n < 100; n++) {
    const [{ key }] = await poller.poll(); // only ever the first of them
    key.take();
    served.set(key.source, (served.get(key.source) ?? 0) + 1);
  }
  assertEquals([...served.values()], [20, 20, 20, 20, 20]);
});

Deno.test("The cost of a poll does not depend on sources that are idle", async () => {
  using poller = new Poller();
  const idle = Array.from({ length: 2_000 }, () => new Mailbox<number>());
  for (const box of idle) poller.register(box);
  const busy = new Mailbox<number>().put(1);
  poller.register(busy);
  await poller.poll();
  for (const box of idle) box.looks = 0;
  for (let n = 0; n < 10; n++) assertEquals((await poller.poll()).length, 1);
  assertEquals(idle.reduce((sum, { looks }) => sum + looks, 0), 0);
});

function* numbers(count: number): Generator<number, undefined> {
  for (let n = 0; n < count; n++) yield n;
}

function throws(call: () => unknown): number {
  try {
    call();
    return 0;
  } catch {
    return 1;
  }
}
