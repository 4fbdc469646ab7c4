import { assert, assertEquals, assertRejects } from "@std/assert";
import { AddressError, connect, serve } from "../../mod.ts";
import { within } from "../_support/deadline.ts";
import { Recorder } from "../_support/recorder.ts";
import { socketPath } from "../_support/socket_folder.ts";
import { answerOnce, greet } from "../_support/tiny_handlers.ts";

const TWO = Deno.build.os === "windows"
  ? ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"]
  : ["tcp://127.0.0.1:0", `unix:${socketPath()}`];

Deno.test("serve() serves every endpoint with one handler", async () => {
  await using group = await serve({ listen: TWO }, answerOnce);
  assertEquals(group.addrs.length, 2);
  assertEquals(group.addr, group.addrs[0]);
  for (const addr of group.addrs) {
    using conn = await connect(addr);
    await conn.sendAll("hello\n");
    assertEquals(await conn.readLine(), "hello");
  }
  assertEquals(group.stats.accepted, 2);
});

Deno.test("serve() keeps limits for all its endpoints together", async () => {
  await using group = await serve(
    { listen: TWO, maxConnections: 1, whenFull: "refuse", banner: "full\n" },
    greet,
  );
  using first = await connect(group.addrs[0]);
  assertEquals(await first.readLine(), "hello");
  assertEquals(group.connections.length, 1);
  using second = await connect(group.addrs[1]);
  assertEquals(await second.readLine(), "full");
  assertEquals(group.stats.refused.full, 1);
});

Deno.test("serve() takes undefined options for their defaults", async () => {
  const options = {
    maxConnections: undefined,
    maxConnectionRate: undefined,
    allow: undefined,
    signal: undefined,
  };
  await using group = await serve({ listen: TWO, ...options }, greet);
  using conn = await connect(group.addr);
  assertEquals(await within(conn.readLine(), "the greeting"), "hello");
});

Deno.test("serve() asks the verifyRequest that comes with the handlers", async () => {
  const handlers = { stream: greet, verifyRequest: () => false };
  await using group = await serve({ listen: TWO[0] }, handlers);
  using conn = await connect(group.addr);
  assertEquals(await within(conn.recv().catch(() => null), "the end"), null);
  assertEquals(group.stats.refused.unverified, 1);
});

Deno.test("serve() refuses an endpoint for which no handler is given", async () => {
  await assertRejects(() => serve({ listen: TWO[0] }, { stream: undefined }), AddressError, "no handler");
});

Deno.test("ServerGroup.shutdown() drains all servers and resolves finished", async () => {
  const observer = new Recorder();
  const group = await serve({ listen: TWO, observers: [observer] }, greet);
  const clients = await Promise.all(group.addrs.map((addr) => connect(addr)));
  for (const client of clients) assertEquals(await client.readLine(), "hello");
  const shutdown = group.shutdown();
  await observer.until("draining", 2);
  for (const client of clients) client.close();
  await within(shutdown, "shutdown");
  await within(group.finished, "finished");
  assertEquals(observer.all("finished").length, 2);
});

Deno.test("ServerGroup closes when its signal aborts, before or after it has begun", async () => {
  for (const early of [true, false]) {
    const controller = new AbortController();
    if (early) controller.abort();
    const group = await serve({ listen: TWO, signal: controller.signal }, greet);
    controller.abort();
    await within(group.finished, "finished");
    for (const addr of group.addrs) await assertRejects(() => connect(addr));
  }
});

Deno.test("ServerGroup.pause() leaves clients in the queues until resume()", async () => {
  await using group = await serve({ listen: TWO }, answerOnce);
  group.pause();
  const clients = await Promise.all(group.addrs.map((addr) => connect(addr)));
  for (const client of clients) await client.sendAll("hello\n");
  assertEquals(group.stats.accepted, 0);
  group.resume();
  for (const client of clients) {
    assertEquals(await client.readLine(), "hello");
    client.close();
  }
  assert(group.stats.listeningSince > 0);
});
