import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ServerClosedError, TcpServer } from "../../../mod.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { assertNoWorker, kernelThreads } from "../../_support/living_workers.ts";
import {
  makePooled,
  order,
  POOLED_SERVERS,
  POOLED_TCP_SERVERS,
  pooledConnect,
  pooledKind,
  spread,
} from "../../_support/pooled_servers.ts";
import { Program } from "../../_support/program.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";

/** A handler whose module takes for ever to load. */
const SLOW =
  "data:text/javascript,await new Promise((go) => setTimeout(go, 60000)); export default () => {};";

for (const kind of POOLED_SERVERS) {
  Deno.test(`${kind.name} can be served again after a shutdown, and leaves nothing behind`, async () => {
    const observer = new Recorder();
    await using server = makePooled(kind, { observers: [observer] });
    await server.listen();
    const { addr } = server;
    for (let round = 1; round <= 2; round++) {
      await server.listen();
      const loop = server.serveForever();
      using client = await order(kind, server, "echo");
      await client.sendAll("hello\n");
      assertEquals(await client.readLine(), "hello");
      const before = performance.now();
      await within(server.shutdown(), "shutdown");
      assert(performance.now() - before < 1_000, "an idle client costs no time");
      await within(loop, "the end of serveForever");
      await within(server.finished, "finished");
      assertEquals(await client.recv(), null);
      assertEquals(server.addr, addr);
      assertEquals(observer.names.filter((name) => name !== "opened" && name !== "closed"), [
        ...Array(round).fill(["listening", "draining", "finished"]).flat(),
      ]);
      assertEquals(server.stats.succeeded, round);
    }
    await server.close();
    await server.close();
    await assertNoWorker();
  });

  Deno.test(`${kind.name}.shutdown() tells handlers, waits for them, and cuts them at the deadline`, async () => {
    const observer = new Recorder();
    const server = makePooled(kind, { observers: [observer] });
    await using _running = await serving(server);
    using drained = await order(kind, server, "drained");
    using held = await order(kind, server, "hold");
    using never = await order(kind, server, "never");
    for (const client of [drained, held, never]) assertEquals(await client.readLine(), "in");
    await observer.until("opened", 3);
    const deadline = new AbortController();
    const shutdown = server.shutdown({ signal: deadline.signal });
    assertEquals(await within(drained.readLine(), "the news"), "the server is draining");
    assert(!(await isSettled(shutdown)));
    await held.sendAll("bye\n");
    assertEquals(await within(held.readLine(), "the last answer"), "bye");
    await observer.until("closed", 2);
    assert(!(await isSettled(shutdown)));
    deadline.abort();
    await within(shutdown, "shutdown");
    assertEquals(await never.recv().catch(() => null), null);
    assertEquals(observer.all("closed").map(({ reason }) => reason), ["done", "done", "shutdown"]);
    assertEquals(server.connections.size, 0);
  });

  Deno.test(`${kind.name}.close() ends everything now, and disconnect(id) one connection`, async () => {
    const observer = new Recorder();
    const server = makePooled(kind, { observers: [observer] });
    await using running = await serving(server);
    const clients = [await order(kind, server, "never"), await order(kind, server, "never")];
    for (const client of clients) assertEquals(await client.readLine(), "in");
    await observer.until("opened", 2);
    const [first] = server.connections.keys();
    assertEquals([server.disconnect(first), server.disconnect(99)], [true, false]);
    const { connection, reason } = await observer.until("closed");
    assertEquals([connection.id, reason], [first, "disconnected"]);
    assertEquals([...server.connections.keys()], [3 - first]);
    const before = performance.now();
    await running[Symbol.asyncDispose]();
    assert(performance.now() - before < 900, "close waits for nobody");
    assertEquals(observer.all("closed").map(({ reason }) => reason), ["disconnected", "stopped"]);
    for (const client of clients) assertEquals(await client.recv().catch(() => null), null);
    for (const client of clients) client.close();
    await assertNoWorker();
    await assertRejects(() => server.listen(), ServerClosedError);
  });
}

for (const kind of POOLED_TCP_SERVERS) {
  Deno.test(`${kind.name}.listen() throws AddrInUse where somebody listens, whoever it is`, async () => {
    for (const Other of [() => new TcpServer(() => {}), () => makePooled(kind, { size: 1 })]) {
      await using other = await Other().listen();
      const { port } = other.addr;
      await using server = makePooled(kind, { size: 1, port });
      const error = await assertRejects(() => server.listen(), Deno.errors.AddrInUse);
      assert(error.message.includes(`:${port}`), error.message);
    }
    await assertNoWorker();
  });

  Deno.test(`${kind.name}.shutdown() takes clients that queue for a place`, async () => {
    const server = makePooled(kind, { maxConnections: 2 });
    await using _running = await serving(server);
    const clients = await Promise.all(Array.from({ length: 12 }, () => order(kind, server, "hold")));
    const greeted = clients.map(async (client) => {
      assertEquals(await client.readLine(), "in");
      await client.sendAll("bye\n");
      assertEquals(await client.readLine(), "bye");
    });
    await Promise.race(greeted);
    const shutdown = server.shutdown();
    await within(Promise.all(greeted), "service of all");
    for (const client of clients) client.close();
    await within(shutdown, "shutdown");
    assertEquals(server.stats.accepted, 12);
  });

  Deno.test(`${kind.name}.pause() lets clients wait, also after a worker was busy with others; resume() serves them`, async () => {
    const server = makePooled(kind);
    await using _running = await serving(server);
    using before = await order(kind, server, "echo");
    await before.sendAll("1\n");
    assertEquals(await before.readLine(), "1");
    server.pause();
    await before.sendAll("2\n");
    assertEquals(await before.readLine(), "2");
    await new Promise((resolve) => setTimeout(resolve, 20)); // for what workers were told
    const clients = await Promise.all(Array.from({ length: 6 }, () => order(kind, server, "hold")));
    const greetings = clients.map((client) => client.readLine());
    await before.sendAll("3\n");
    assertEquals(await before.readLine(), "3");
    assert(!(await isSettled(Promise.race(greetings))));
    server.resume();
    assertEquals(await within(Promise.all(greetings), "service"), Array(6).fill("in"));
    for (const client of clients) client.close();
  });

  Deno.test(`${kind.name} with blockOnClose: false leaves a handler to its own end`, async () => {
    await using server = makePooled(kind, { blockOnClose: false });
    await server.listen();
    const loop = server.serveForever();
    using client = await order(kind, server, "hold");
    assertEquals(await client.readLine(), "in");
    await within(server.shutdown(), "shutdown");
    await within(loop, "the end of serveForever");
    assert(!(await isSettled(server.finished)));
    await assertRejects(() => pooledConnect(kind, server), Deno.errors.ConnectionRefused);
    await client.sendAll("bye\n");
    assertEquals(await within(client.readLine(), "the answer"), "bye");
    client.close();
    await within(server.finished, "finished");
    await assertNoWorker();
  });

  Deno.test(`${kind.name}.close() does not wait for workers that start`, async () => {
    await using server = makePooled(kind, {}, SLOW);
    const listening = server.listen();
    await new Promise((resolve) => setTimeout(resolve, 50)); // they have begun to load the handler
    await within(server.close(), "close", 3_000);
    await assertRejects(() => listening, ServerClosedError);
    await assertNoWorker();
  });

  Deno.test(`${kind.name}.handleRequest() serves one client, or says what would let it`, async () => {
    await using server = makePooled(kind, { size: 1 });
    if (kind.mechanism === "load-balanced" || kind.mechanism === "reuse-port") {
      await assertRejects(() => server.handleRequest(), TypeError, `mechanism: "relay"`);
      return;
    }
    await server.listen();
    using client = await order(kind, server, "self");
    assertEquals(await within(server.handleRequest(), "the request"), true);
    assert(await client.readLine());
    assertEquals(await server.handleRequest({ timeout: 0 }), false);
  });

  Deno.test(`${kind.name} ends when the signal of serveForever aborts`, async () => {
    await using server = makePooled(kind, { size: 1 });
    const end = new AbortController();
    await server.listen();
    const loop = server.serveForever({ signal: end.signal });
    using client = await order(kind, server, "never");
    assertEquals(await client.readLine(), "in");
    end.abort();
    await within(loop, "the end of serveForever");
    await within(server.finished, "finished");
    assertEquals(await client.recv().catch(() => null), null);
    await assertNoWorker();
  });

  Deno.test(`${kind.name} adds up the bytes of connections that live`, async () => {
    const server = makePooled(kind, { heartbeatTimeout: 400 }); // a sign of life, and of bytes, every 100 ms
    await using _running = await serving(server);
    const clients = await Promise.all(Array.from({ length: 4 }, () => order(kind, server, "echo")));
    for (const client of clients) {
      await client.sendAll("hello\n");
      assertEquals(await client.readLine(), "hello");
    }
    const told = async (): Promise<void> => {
      while (server.stats.bytesOut < 24) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await within(told(), "the news of the bytes");
    const { bytesIn, bytesOut, active } = server.stats;
    assertEquals([bytesIn, bytesOut, active], [4 * 11, 4 * 6, 4]);
    assertEquals([...server.connections.values()].map(({ bytesOut }) => bytesOut), [6, 6, 6, 6]);
    for (const client of clients) client.close();
  });
}

Deno.test("Pooled servers of every kind leave no thread of the kernel, over and over", async () => {
  const round = async (): Promise<void> => {
    for (const kind of POOLED_TCP_SERVERS) {
      await using _server = await makePooled(kind).listen();
    }
  };
  await round();
  const before = kernelThreads();
  for (let n = 0; n < 2; n++) await round();
  await assertNoWorker();
  assert(kernelThreads() <= before + 2, `${kernelThreads()} threads after ${before}`);
});

for (const name of ["ThreadingTcpServer", "ForkingTcpServer", "ThreadingUdpServer", "ForkingUdpServer"]) {
  Deno.test(`${name}.unref() lets the process end although workers serve; ref() does not`, async () => {
    const FILE = "tests/server/workers/_fixtures/unreferenced_pool.ts";
    await using program = new Program(FILE, { args: [name] });
    assertEquals((await within(program.end(), "its end")).code, 0);
    await using kept = new Program(FILE, { args: [name, "again"] });
    const [, port] = await kept.until(/listening on (\d+)/);
    assert(Number(port) > 0);
    kept.kill("SIGKILL");
  });
}

Deno.test("Threads that cannot share a socket accept from queues of their own, or the server accepts", async () => {
  const { listen } = Deno;
  const kind = pooledKind(true, "load-balanced");
  const unsharing = (options: Deno.TcpListenOptions & { loadBalanced?: boolean }): Deno.TcpListener => {
    const { loadBalanced: _, ...own } = options;
    return listen(own);
  };
  Deno.listen = unsharing as typeof Deno.listen;
  try {
    const server = makePooled(kind, { mechanism: undefined });
    await using _running = await serving(server);
    assertEquals(server.mechanism, Deno.build.os === "linux" ? "reuse-port" : "relay");
    const clients = await Promise.all(Array.from({ length: 64 }, () => order(kind, server, "who")));
    assertEquals((await spread(clients)).length, 2);
    for (const client of clients) client.close();
    await using named = makePooled(kind);
    const error = await assertRejects(() => named.listen(), Deno.errors.NotSupported);
    assertInstanceOf(error, Error);
  } finally {
    Deno.listen = listen;
  }
});
