import { assert, assertEquals } from "@std/assert";
import type { Connection, StreamHandler } from "../../../mod.ts";
import { within } from "../../_support/deadline.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { SilentConsole } from "../../_support/silent_console.ts";
import { forEachStreamServer, make } from "../../_support/stream_servers.ts";
import { answerOnce, echo, greet, Turnstile } from "../../_support/tiny_handlers.ts";

forEachStreamServer((kind, test) => {
  test(".pause() leaves clients in the queue, .resume() serves them", async () => {
    const server = make(kind, answerOnce);
    await using _running = await serving(server);
    server.pause();
    server.pause();
    const clients: Connection[] = [];
    for (const name of ["one", "two", "three"]) {
      const client = await kind.connect(server);
      await client.sendAll(`${name}\n`);
      clients.push(client);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    assertEquals(server.stats.accepted, 0);
    server.resume();
    server.resume();
    for (const [n, name] of ["one", "two", "three"].entries()) {
      assertEquals(await clients[n].readLine(), name);
      clients[n].close();
    }
  });

  test(".pause() before serveForever() counts, and leaves live connections alone", async () => {
    const server = make(kind, echo);
    await server.listen();
    server.pause();
    const loop = server.serveForever();
    using client = await kind.connect(server);
    await client.sendAll("hello\n");
    server.resume();
    assertEquals(await client.readLine(), "hello");
    server.pause();
    await client.sendAll("still\n");
    assertEquals(await client.readLine(), "still");
    await server.close();
    await loop;
  });

  test(".close() closes a client that a paused server had accepted and not taken", async () => {
    const server = make(kind, answerOnce);
    const running = await serving(server);
    server.pause(); // the accept that is under way stays
    using client = await kind.connect(server);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await running[Symbol.asyncDispose]();
    assertEquals(await within(client.recv().catch(() => null), "the end"), null);
  });

  test(".connections shows id, peer, age and bytes of what is alive, and nothing else", async () => {
    const observer = new Recorder();
    const server = make(kind, echo, { observers: [observer] });
    await using _running = await serving(server);
    assertEquals(server.connections.size, 0);
    using first = await kind.connect(server);
    using second = await kind.connect(server);
    await first.sendAll("hello");
    assertEquals((await first.readExactly(5)).length, 5);
    await observer.until("opened", 2);
    assertEquals([...server.connections.keys()].toSorted(), [1, 2]);
    const { id, remoteAddr, localAddr, age, bytesIn, bytesOut } = server.connections.get(1)!;
    assertEquals({ id, bytesIn, bytesOut }, { id: 1, bytesIn: 5, bytesOut: 5 });
    assertEquals(remoteAddr, first.localAddr);
    assertEquals(localAddr, first.remoteAddr);
    assert(age >= 0 && age < 60_000);
    first.close();
    await observer.until("closed");
    assertEquals([...server.connections.keys()], [2]);
    second.close();
    await observer.until("closed", 2);
    assertEquals(server.connections.size, 0);
  });

  test(".disconnect() ends one connection now and tells why; false for an id that is not alive", async () => {
    const observer = new Recorder();
    const server = make(kind, greet, { observers: [observer] });
    await using _running = await serving(server);
    using client = await kind.connect(server);
    using other = await kind.connect(server);
    assertEquals(await client.readLine(), "hello");
    assertEquals(await other.readLine(), "hello");
    assertEquals(server.disconnect(7), false);
    assertEquals(server.disconnect(1), true);
    assertEquals(await client.recv().catch(() => null), null);
    const { connection, reason } = await observer.until("closed");
    assertEquals([connection.id, reason], [1, "disconnected"]);
    assertEquals(server.disconnect(1), false);
    assertEquals([...server.connections.keys()], [2]);
    assertEquals(observer.all("error"), []);
  });

  test(".disconnect() from an observer of opened ends the connection, and its handler never runs", async () => {
    const observer = new Recorder();
    const turnstile = new Turnstile();
    const server = make(kind, turnstile.handler, { observers: [observer] });
    server.observe({ opened: ({ connection }) => void server.disconnect(connection.id) });
    await using _running = await serving(server);
    using client = await kind.connect(server);
    assertEquals(await client.recv().catch(() => null), null);
    assertEquals((await observer.until("closed")).reason, "disconnected");
    assertEquals(turnstile.inside, []);
  });

  test(".stats counts what came, what was served, what failed and the bytes both ways", async () => {
    const observer = new Recorder();
    const handler: StreamHandler = async (conn) => {
      const line = await conn.readLine();
      if (line === "fail") throw new Error("asked to");
      await conn.sendAll(`${line}\n`);
      await conn.recv();
    };
    const server = make(kind, handler, { observers: [observer] });
    const before = Date.now();
    await using _running = await serving(server);
    const visit = async (line: string): Promise<void> => {
      using client = await kind.connect(server);
      await client.sendAll(`${line}\n`);
      await client.readLine().catch(() => null);
      const live = server.stats;
      if (line !== "fail") assertEquals([live.active, live.bytesOut >= 5], [1, true]);
    };
    await visit("well");
    await visit("fail");
    await observer.until("closed", 2);
    const stats = server.stats;
    assert(stats.listeningSince >= before && stats.listeningSince <= Date.now());
    assertEquals(
      { ...stats, listeningSince: 0, refused: Object.values(stats.refused).reduce((sum, n) => sum + n) },
      {
        listeningSince: 0,
        accepted: 2,
        refused: 0,
        acceptFailures: 0,
        active: 0,
        succeeded: 1,
        failed: 1,
        bytesIn: 10,
        bytesOut: 5,
      },
    );
    stats.refused.denied = 9;
    stats.accepted = 9;
    assertEquals([server.stats.refused.denied, server.stats.accepted], [0, 2]);
  });

  test(" tells its observers everything once and in order", async () => {
    const observer = new Recorder();
    const server = make(kind, answerOnce, { observers: [observer] });
    await using running = await serving(server);
    using client = await kind.connect(server);
    await client.sendAll("hello\n");
    assertEquals(await client.readLine(), "hello");
    assertEquals(await client.recv(), null);
    await server.shutdown();
    await running.loop;
    await server.close();
    assertEquals(observer.names, ["listening", "opened", "closed", "draining", "finished"]);
    const [{ connection, reason, error }] = observer.all("closed");
    assertEquals([connection.id, connection.bytesIn, connection.bytesOut], [1, 6, 6]);
    assertEquals([reason, error], ["done", undefined]);
  });

  for (
    const [what, handler, client, expected] of [
      ["the handler closes it", (conn) => conn.close(), null, ["closed", undefined]],
      ["the handler closes it and throws", (conn) => (conn.close(), assert(false, "after")), null, [
        "error",
        "AssertionError",
      ]],
      ["the handler throws", () => assert(false, "x"), null, ["error", "AssertionError"]],
      [
        "the handler rejects later",
        async (conn) => {
          await conn.recv();
          throw new TypeError("later");
        },
        "close",
        ["error", "TypeError"],
      ],
      ["the peer is late", async (conn) => void await conn.recv(), null, ["read-timeout", "TimedOut"]],
      ["the line is too long", async (conn) => void await conn.readLine({ limit: 4 }), "too long", [
        "protocol",
        "FrameTooLargeError",
      ]],
      ["the peer leaves in the middle", async (conn) => void await conn.readExactly(100), "close", [
        "peer",
        "UnexpectedEof",
      ]],
      ["the handler returns garbage", () => ({ then: 7, garbage: Symbol() }), null, ["done", undefined]],
    ] as [string, StreamHandler, string | null, [string, string | undefined]][]
  ) {
    test(` tells why a connection ended: ${what}`, async () => {
      const observer = new Recorder();
      const server = make(kind, handler, { observers: [observer], readTimeout: 30 });
      await using _running = await serving(server);
      const conn = await kind.connect(server);
      if (client === "close") conn.close();
      else if (client) await conn.sendAll(client);
      const { reason, error } = await observer.until("closed");
      assertEquals([reason, (error as Error | undefined)?.name], expected);
      const isHandlersFault = expected[0] === "error";
      assertEquals(observer.all("error").length, isHandlersFault ? 1 : 0);
      conn.close();
    });
  }

  test(".observe() adds an observer until the function that it returns is called", async () => {
    const server = make(kind, answerOnce);
    const early = new Recorder();
    const late = new Recorder();
    const forget = server.observe(early);
    await server.listen();
    server.observe(late);
    forget();
    forget();
    await server.close();
    assertEquals(early.names, ["listening"]);
    assertEquals(late.names, ["finished"]);
  });

  test(" goes on when an observer throws, and tells the others", async () => {
    using console = new SilentConsole();
    const observer = new Recorder();
    const broken = {
      opened: () => assert(false, "opened"),
      closed: () => assert(false, "closed"),
      listening: () => assert(false, "listening"),
    };
    const server = make(kind, answerOnce, { observers: [broken, observer] });
    await using _running = await serving(server);
    using client = await kind.connect(server);
    await client.sendAll("hello\n");
    assertEquals(await client.readLine(), "hello");
    await observer.until("closed");
    assertEquals(observer.names, ["listening", "opened", "closed"]);
    assertEquals(console.printed.length, 3);
  });

  test(" prints a handler's error when no observer takes errors, and only then", async () => {
    using console = new SilentConsole();
    const closed = Promise.withResolvers<void>();
    const server = make(kind, () => assert(false, "unobserved"), {
      observers: [{ closed: () => closed.resolve() }],
    });
    await using _running = await serving(server);
    using _client = await kind.connect(server);
    await closed.promise;
    assertEquals(console.printed.length, 1);
    assertEquals((console.printed[0][1] as Error).message, "unobserved");
    assert(String(console.printed[0][0]).includes("A handler failed"));
  });
});
