import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Backoff } from "../../server/_backoff.ts";
import { within } from "../_support/deadline.ts";
import { Recorder } from "../_support/recorder.ts";
import { ScriptedServer, type Step, systemError } from "../_support/scripted_server.ts";
import { serving } from "../_support/serving.ts";

const PEER: [string, Error][] = [
  ["NotConnected", new Deno.errors.NotConnected("ENOTCONN")],
  ["ConnectionAborted", new Deno.errors.ConnectionAborted("ECONNABORTED")],
  ["ConnectionReset", new Deno.errors.ConnectionReset("ECONNRESET")],
  ["TimedOut", new Deno.errors.TimedOut("ETIMEDOUT")],
  ["NetworkUnreachable", new Deno.errors.NetworkUnreachable("ENETUNREACH")],
  ...[
    "ENOTCONN",
    "ECONNABORTED",
    "ECONNRESET",
    "EPROTO",
    "ETIMEDOUT",
    "ENETDOWN",
    "ENETUNREACH",
    "EHOSTDOWN",
    "EHOSTUNREACH",
  ].map((code): [string, Error] => [code, systemError(code)]),
];

for (const [name, error] of PEER) {
  Deno.test(`an accept that fails with ${name} is the peer's fault: told, and the next client is served at once`, async () => {
    const observer = new Recorder();
    await using _running = await serving(
      new ScriptedServer([error, error, "client"], () => {}, { observers: [observer] }),
    );
    await observer.until("closed");
    const failures = observer.all("acceptFailed");
    assertEquals(failures.map(({ kind, delay }) => [kind, delay]), [["peer", 0], ["peer", 0]]);
    assertStrictEquals(failures[0].error, error);
    assertEquals(_running.server.stats.acceptFailures, 2);
    assertEquals(_running.server.stats.accepted, 1);
  });
}

for (const code of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]) {
  Deno.test(`an accept that fails with ${code} backs off, doubling from 5 ms, until one succeeds`, async () => {
    const observer = new Recorder();
    const error = systemError(code);
    const script: Step[] = [error, error, error, error, "client", error, error, "client"];
    await using _running = await serving(new ScriptedServer(script, () => {}, { observers: [observer] }));
    await observer.until("closed", 2);
    const failures = observer.all("acceptFailed");
    assertEquals(failures.map(({ delay }) => delay), [5, 10, 20, 40, 5, 10]);
    assert(failures.every(({ kind }) => kind === "resources"));
  });
}

Deno.test("an accept that fails for a reason nobody knows backs off, and the loop goes on", async () => {
  const observer = new Recorder();
  const strange = [new Error("what?"), new TypeError("no"), "not even an error" as unknown as Error];
  const script = (function* (): Generator<Step> {
    yield* strange.slice(0, 2);
    yield "client";
  })();
  await using _running = await serving(new ScriptedServer(script, () => {}, { observers: [observer] }));
  await observer.until("closed");
  assertEquals(observer.all("acceptFailed").map(({ kind, delay }) => [kind, delay]), [["unknown", 5], [
    "unknown",
    10,
  ]]);
});

for (
  const [name, error] of [
    ["BadResource", new Deno.errors.BadResource("Listener has been closed")],
    ["Interrupted", new Deno.errors.Interrupted("operation canceled")],
  ] as const
) {
  Deno.test(`an accept that fails with ${name}, as on a closed listener, ends the loop instead of spinning`, async () => {
    const observer = new Recorder();
    const gone = (function* (): Generator<Step> {
      for (;;) yield error;
    })();
    const server = new ScriptedServer(gone, () => {}, { observers: [observer] });
    await server.listen();
    await within(server.serveForever(), "the end of serveForever");
    assertEquals(server.asked, 1);
    assertEquals(observer.all("acceptFailed"), []);
    await server.close();
  });
}

Deno.test("a server that is out of descriptors backs off also while it drains", async () => {
  const observer = new Recorder();
  const exhausted = (function* (): Generator<Step> {
    for (;;) yield systemError("EMFILE");
  })();
  const server = new ScriptedServer(exhausted, () => {}, { observers: [observer] });
  await using _running = await serving(server);
  await observer.until("acceptFailed", 2);
  const deadline = AbortSignal.timeout(100);
  await within(server.shutdown({ signal: deadline }), "shutdown");
  assert(server.asked < 12, `asked ${server.asked} times`);
});

Deno.test("close() does not wait for the back-off", async () => {
  const observer = new Recorder();
  const error = systemError("EMFILE");
  const server = new ScriptedServer(new Array(8).fill(error), () => {}, { observers: [observer] });
  await using _running = await serving(server);
  await observer.until("acceptFailed", 5); // waits 80 ms now
  const before = performance.now();
  await server.close();
  assert(performance.now() - before < 60);
});

Deno.test("a place that becomes free during the back-off does not cut it short", async () => {
  const observer = new Recorder();
  const error = systemError("EMFILE");
  const server = new ScriptedServer([error, error, error, error, error], () => {}, { observers: [observer] });
  await using _running = await serving(server);
  for (let n = 1; n <= 4; n++) {
    const before = performance.now();
    const { delay } = await observer.until("acceptFailed", n);
    server.resume(); // wakes the loop, as a released permit does
    await observer.until("acceptFailed", n + 1);
    assert(performance.now() - before >= delay - 1, `went on after less than ${delay} ms`);
  }
});

Deno.test("Backoff doubles from the first wait to the longest and begins anew after a success", () => {
  const backoff = new Backoff();
  const waits = Array.from({ length: 10 }, () => backoff.next());
  assertEquals(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
  assert(backoff.failing);
  backoff.reset();
  assert(!backoff.failing);
  assertEquals(backoff.next(), 5);
});
