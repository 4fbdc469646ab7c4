import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { merge, ticks } from "../../multiplex/mod.ts";
import { turn, within } from "../_support/deadline.ts";
import { Mailbox, ScriptedIterator } from "../_support/mailbox.ts";

async function* counted(name: string, count: number): AsyncGenerator<string> {
  for (let n = 0; n < count; n++) yield `${name}${n}`;
}

Deno.test("merge() gives every item once, and keeps the order of each source", async () => {
  const all = await Array.fromAsync(merge(counted("a", 50), counted("b", 70), ["c0", "c1"]));
  assertEquals(all.length, 122);
  for (const [name, count] of [["a", 50], ["b", 70], ["c", 2]] as const) {
    assertEquals(all.filter((item) => item[0] === name), Array.from({ length: count }, (_, n) => name + n));
  }
});

Deno.test("merge() of nothing ends at once", async () => {
  assertEquals(await Array.fromAsync(merge()), []);
});

Deno.test("merge() gives sources that are always ready their turn one after the other", async () => {
  const first: string[] = [];
  for await (const item of merge(counted("a", 1_000), counted("b", 1_000))) {
    if (first.push(item[0]) === 100) break;
  }
  assertEquals(first.filter((name) => name === "a").length, 50);
});

Deno.test("merge() leaves timers their turn while a source yields a million at once", async () => {
  const timer = ticks(1);
  let floods = 0;
  for await (const item of merge(counted("a", 1_000_000), timer)) {
    if (typeof item === "number") break;
    floods++;
  }
  assert(floods < 1_000_000);
});

Deno.test("merge() reads at most one item ahead, and nothing before it is asked", async () => {
  const [one, two] = [new ScriptedIterator<number>(), new ScriptedIterator<number>()];
  const merged = merge(one, two);
  await turn();
  assertEquals([one.asked, two.asked], [0, 0]);
  const next = merged.next();
  await turn();
  one.give(1);
  two.give(2);
  assertEquals(await next, { value: 1, done: false });
  assertEquals([one.asked, two.asked], [1, 1]);
  assertEquals(await merged.next(), { value: 2, done: false });
  assertEquals(two.asked, 1);
  await merged.return!();
});

Deno.test("merge() asked for several at once answers in order", async () => {
  const merged = merge([1, 2, 3]);
  const answers = await Promise.all([merged.next(), merged.next(), merged.next(), merged.next()]);
  assertEquals(answers.map(({ value }) => value), [1, 2, 3, undefined]);
});

Deno.test("Leaving a merge early calls return of every source, once", async () => {
  const sources = Array.from({ length: 4 }, () => new ScriptedIterator<number>());
  const merged = merge(...sources);
  const next = merged.next();
  await turn();
  sources[0].give(1);
  await next;
  await merged.return!();
  await merged.return!();
  assertEquals(sources.map(({ returned }) => returned), [1, 1, 1, 1]);
  assertEquals(await merged.next(), { value: undefined, done: true });
});

Deno.test("Breaking out of a loop over a merge runs the finally of every generator", async () => {
  const left: string[] = [];
  async function* source(name: string): AsyncGenerator<string> {
    try {
      for (;;) yield name;
    } finally {
      left.push(name);
    }
  }
  let count = 0;
  for await (const _ of merge(source("a"), source("b"), source("c"))) if (++count === 10) break;
  await turn();
  assertEquals(left.sort(), ["a", "b", "c"]);
});

Deno.test("Leaving a merge does not wait for a source that never answers", async () => {
  async function* never(): AsyncGenerator<number> {
    await new Promise(() => {});
    yield 0;
  }
  const merged = merge(never(), [1]);
  assertEquals((await merged.next()).value, 1);
  await within(merged.return!(), "return");
});

Deno.test("Leaving a merge ends a next that waits", async () => {
  const merged = merge(new ScriptedIterator<number>());
  const next = merged.next();
  await turn();
  await merged.return!();
  assertEquals(await within(next, "next"), { value: undefined, done: true });
});

Deno.test("A source that throws ends the merge, and the others are left", async () => {
  const other = new ScriptedIterator<number>();
  const failing = new ScriptedIterator<number>();
  const merged = merge(other, failing);
  const next = merged.next();
  await turn();
  failing.throwError(new Error("broken"));
  await assertRejects(() => next, Error, "broken");
  assertEquals(other.returned, 1);
  assertEquals(await merged.next(), { value: undefined, done: true });
});

Deno.test("A return that fails is told to who leaves", async () => {
  const merged = merge({
    next: () => Promise.resolve({ value: 1, done: false as const }),
    return: () => Promise.reject(new Error("cannot leave")),
  });
  await merged.next();
  await assertRejects(() => Promise.resolve(merged.return!()), Error, "cannot leave");
});

Deno.test("Leaving a merge closes timers, and leaves other sources as they are", async () => {
  const [timer, box] = [ticks(1), new Mailbox<string>().put("kept", "too")];
  for await (const item of merge(box, timer)) if (item === "kept") break;
  assertEquals(box.watched, 0);
  assertEquals(box.take(), { value: "too", done: false });
});

Deno.test("merge() refuses what is no source", () => {
  assertThrows(() => merge([1], 2 as never), TypeError, "Cannot watch number 2");
});
