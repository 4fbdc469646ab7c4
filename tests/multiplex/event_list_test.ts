import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EventHandler, EventList } from "../../multiplex/mod.ts";

Deno.test("EventList.run() triggers the handlers in the order of registration", async () => {
  const list = new EventList();
  const done: number[] = [];
  for (const n of [1, 2, 3]) list.register({ execute: () => void done.push(n) });
  await list.run();
  await list.run();
  assertEquals(done, [1, 2, 3, 1, 2, 3]);
});

Deno.test("EventList.register() refuses what does not implement execute", () => {
  class Forgetful {}
  const list = new EventList();
  // @ts-expect-error: execute is missing
  assertThrows(() => list.register(new Forgetful()), TypeError, "Forgetful: it does not implement execute()");
  // @ts-expect-error: not a handler
  assertThrows(() => list.register(undefined), TypeError, "undefined");
  // @ts-expect-error: an abstract method is not overridden
  class Lazy extends EventHandler {}
  assertThrows(() => list.register(new Lazy()), TypeError, "Lazy");
  assertEquals(list.size, 0);
});

Deno.test("EventList.run() leaves a handler that is registered meanwhile to the next run", async () => {
  const list = new EventList();
  const done: string[] = [];
  list.register({ execute: () => list.register({ execute: () => void done.push("late") }) });
  await list.run();
  assertEquals(done, []);
  await list.run();
  assertEquals(done, ["late"]);
});

Deno.test("EventList.unregister() takes one registration out, and run() ends with what a handler throws", async () => {
  const list = new EventList();
  const failing = {
    execute(): void {
      throw new Error("broken");
    },
  };
  list.register(failing);
  await assertRejects(() => list.run(), Error, "broken");
  assertEquals([list.unregister(failing), list.unregister(failing), list.size], [true, false, 0]);
});
