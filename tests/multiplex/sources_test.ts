import { assert, assertEquals, assertThrows } from "@std/assert";
import { messages, Poller, signals, ticks } from "../../multiplex/mod.ts";
import { turn, within } from "../_support/deadline.ts";

Deno.test("ticks() gives the number of ticks since the last was taken", async () => {
  using timer = ticks(1);
  using poller = new Poller();
  const key = poller.register(timer);
  await within(poller.poll(), "a tick");
  const since = performance.now();
  while (performance.now() - since < 5) await turn();
  assert((key.take()!.value as number) >= 2);
  assertEquals(key.take(), undefined);
});

for (const ms of [0, -1, NaN, 2 ** 31]) {
  Deno.test(`ticks(${ms}) is refused`, () => void assertThrows(() => ticks(ms), RangeError, String(ms)));
}

Deno.test("Leaving a loop over ticks frees the timer", async () => {
  for await (const n of ticks(1)) {
    assert(n >= 1);
    break;
  }
});

Deno.test("close() ends a next that waits", async () => {
  const timer = ticks(100_000);
  const next = timer.next();
  timer.close();
  timer.close();
  assertEquals(await within(next, "next"), { value: undefined, done: true });
  assertEquals(timer.take(), { value: undefined, done: true });
});

Deno.test({
  name: "signals() gives a signal that came, once however often it came",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    // Signals that do no harm by default: one may be delivered when nobody listens any more.
    using source = signals("SIGURG", "SIGWINCH");
    Deno.kill(Deno.pid, "SIGWINCH");
    assertEquals(await within(source.next(), "the signal"), { value: "SIGWINCH", done: false });
    Deno.kill(Deno.pid, "SIGURG");
    Deno.kill(Deno.pid, "SIGURG");
    assertEquals(await within(source.next(), "the signal"), { value: "SIGURG", done: false });
  },
});

Deno.test("signals() that cannot be listened for listens for none", () => {
  assertThrows(() => signals("SIGUSR1", "SIGNOTHING" as Deno.Signal), TypeError);
});

Deno.test("messages() keeps every message in order, also those that wait at close()", async () => {
  const { port1, port2 } = new MessageChannel();
  const source = messages<number>(port1);
  for (let n = 0; n < 100; n++) port2.postMessage(n);
  assertEquals((await within(source.next(), "a message")).value, 0);
  while (true) {
    const { value } = await within(source.next(), "a message");
    if (value === 50) break;
  }
  port2.postMessage(100);
  const rest: unknown[] = [];
  while (rest.at(-1) !== 99) rest.push((await within(source.next(), "a message")).value);
  assertEquals(rest, Array.from({ length: 49 }, (_, n) => n + 51));
  source.close();
  port1.close();
  port2.close();
});
