import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { type Connection, ConnectionClosedError, type StreamHandler } from "../../../mod.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { forEachStreamServer, make } from "../../_support/stream_servers.ts";
import { answerOnce, echo, never, Turnstile } from "../../_support/tiny_handlers.ts";

forEachStreamServer((kind, test) => {
  test(".shutdown() refuses new clients while a handler that was running ends in its own time", async () => {
    const observer = new Recorder();
    const handler: StreamHandler = async (conn) => {
      await conn.sendAll("in\n");
      await conn.sendAll(`${await conn.readLine()}\n`);
    };
    const server = make(kind, handler, { observers: [observer] });
    await using _running = await serving(server);
    using client = await kind.connect(server);
    assertEquals(await client.readLine(), "in");
    const shutdown = server.shutdown();
    await observer.until("draining");
    const isLetIn = (): Promise<boolean> =>
      kind.connect(server).then((late) => (late.close(), true), () => false);
    while (await isLetIn()) await new Promise((resolve) => setTimeout(resolve, 10)); // what comes at once is queued
    assert(!(await isSettled(shutdown)));
    await client.sendAll("hello\n");
    assertEquals(await client.readLine(), "hello");
    assertEquals(await client.recv(), null);
    await within(shutdown, "shutdown");
    const [first] = observer.all("closed").filter(({ connection }) => connection.id === 1);
    assertEquals(first.reason, "done");
  });

  test(".shutdown() takes what the kernel has queued", async () => {
    const turnstile = new Turnstile();
    const server = make(kind, turnstile.handler, { concurrency: 2 });
    await using _running = await serving(server);
    const clients = await Promise.all(Array.from({ length: 20 }, () => kind.connect(server)));
    await turnstile.until(2);
    const shutdown = server.shutdown();
    turnstile.open();
    for (const client of clients) {
      assertEquals(await client.readLine(), "in");
      assertEquals(await client.recv(), null);
      client.close();
    }
    await within(shutdown, "shutdown");
    assertEquals(server.stats.accepted, 20);
  });

  test(".shutdown() of a serial server serves those who queue, one after the other", async () => {
    const server = make(kind, answerOnce, { concurrency: 1 });
    await using _running = await serving(server);
    const clients: Connection[] = [];
    for (let n = 0; n < 5; n++) clients.push(await kind.connect(server));
    const shutdown = server.shutdown();
    for (const [n, client] of clients.entries()) {
      await client.sendAll(`${n}\n`);
      assertEquals(await client.readLine(), `${n}`);
      client.close();
    }
    await within(shutdown, "shutdown");
  });

  test(".shutdown() ends idle iteration over chunks, lines and frames, so that idle clients cost no time", async () => {
    const handlers: StreamHandler[] = [
      echo,
      async (conn) => {
        for await (const line of conn.lines()) await conn.sendAll(line + "\n");
      },
      async (conn) => {
        for await (const chunk of conn) await conn.sendAll(chunk);
        for await (const chunk of conn) await conn.sendAll(chunk); // a second loop ends at once
      },
    ];
    for (const handler of handlers) {
      const observer = new Recorder();
      const server = make(kind, handler, { observers: [observer] });
      await using _running = await serving(server);
      const clients = await Promise.all([1, 2, 3].map(() => kind.connect(server)));
      for (const client of clients) {
        await client.sendAll("hello\n");
        assertEquals(await client.readLine(), "hello");
      }
      await within(server.shutdown(), "shutdown", 2_000);
      for (const client of clients) assertEquals(await client.recv(), null);
      for (const client of clients) client.close();
      assertEquals(observer.all("closed").map(({ reason }) => reason), ["done", "done", "done"]);
    }
  });

  test(".shutdown() lets a half-received line be completed and answers it", async () => {
    const handler: StreamHandler = async (conn) => {
      for await (const line of conn.lines()) await conn.sendAll(line + "\n");
    };
    const server = make(kind, handler);
    await using _running = await serving(server);
    using client = await kind.connect(server);
    await client.sendAll("warm up\nhal");
    assertEquals(await client.readLine(), "warm up");
    while ([...server.connections.values()][0].bytesIn < 11) await new Promise((go) => setTimeout(go, 0));
    const shutdown = server.shutdown();
    await client.sendAll("f\n");
    assertEquals(await client.readLine(), "half");
    assertEquals(await client.recv(), null);
    await within(shutdown, "shutdown");
  });

  test(".shutdown() answers what a client sent before it, however full the queue", async () => {
    const observer = new Recorder();
    const server = make(kind, echo, { observers: [observer] });
    await using _running = await serving(server);
    const clients = await Promise.all(Array.from({ length: 50 }, () => kind.connect(server)));
    for (const client of clients) await client.sendAll("last words\n");
    const shutdown = server.shutdown();
    for (const client of clients) {
      assertEquals(await client.readLine(), "last words");
      client.close();
    }
    await within(shutdown, "shutdown");
  });

  test(".shutdown() leaves an explicit recv waiting, and aborts conn.signal", async () => {
    const aborted = Promise.withResolvers<unknown>();
    const waiting = Promise.withResolvers<void>();
    const handler: StreamHandler = async (conn) => {
      conn.signal.addEventListener("abort", () => aborted.resolve(conn.signal.reason));
      waiting.resolve();
      const chunk = await conn.recv();
      await conn.sendAll(chunk!);
    };
    const server = make(kind, handler);
    await using _running = await serving(server);
    using client = await kind.connect(server);
    await waiting.promise;
    const shutdown = server.shutdown();
    const reason = await within(aborted.promise, "abort");
    assertEquals((reason as Error).name, "AbortError");
    assert(!(await isSettled(shutdown)));
    await client.sendAll("goodbye\n");
    assertEquals(await client.readLine(), "goodbye");
    await within(shutdown, "shutdown");
  });

  test(".shutdown() that ends what a handler awaits with conn.signal is no failure of that handler", async () => {
    const observer = new Recorder();
    const waiting = Promise.withResolvers<void>();
    const handler: StreamHandler = async (conn) => {
      waiting.resolve();
      await conn.recv({ signal: conn.signal });
    };
    const server = make(kind, handler, { observers: [observer] });
    await using _running = await serving(server);
    using client = await kind.connect(server);
    await waiting.promise;
    await within(server.shutdown(), "shutdown");
    assertEquals(await client.recv(), null);
    assertEquals(observer.all("error"), []);
    assertEquals(server.stats.failed, 0);
  });

  test(".shutdown() aborts the signal of a connection whose handler asks for it later, and of one accepted later", async () => {
    const turnstile = new Turnstile();
    const reasons: string[] = [];
    const handler: StreamHandler = async (conn, server) => {
      await turnstile.handler(conn, server);
      reasons.push(String(conn.signal.aborted));
    };
    const server = make(kind, handler, { maxConnections: 1 });
    await using _running = await serving(server);
    using first = await kind.connect(server);
    using second = await kind.connect(server);
    assertEquals(await first.readLine(), "in");
    const shutdown = server.shutdown();
    turnstile.open();
    first.close();
    assertEquals(await second.readLine(), "in");
    second.close();
    await within(shutdown, "shutdown");
    assertEquals(reasons, ["true", "true"]);
  });

  test(".shutdown({ signal }) closes what is left when its deadline comes, and the rest has ended by itself", async () => {
    const observer = new Recorder();
    const errors: unknown[] = [];
    const handler: StreamHandler = async (conn) => {
      await conn.sendAll("in\n");
      try {
        while (await conn.recv());
      } catch (error) {
        errors.push(error);
        throw error;
      }
    };
    const server = make(kind, handler, { observers: [observer] });
    await using _running = await serving(server);
    using stubborn = await kind.connect(server);
    using polite = await kind.connect(server);
    for (const client of [stubborn, polite]) assertEquals(await client.readLine(), "in");
    const deadline = new AbortController();
    const shutdown = server.shutdown({ signal: deadline.signal });
    polite.close();
    await observer.until("closed");
    assert(!(await isSettled(shutdown)));
    deadline.abort();
    await within(shutdown, "shutdown");
    assertEquals(observer.all("closed").map(({ reason }) => reason), ["done", "shutdown"]);
    assertEquals(observer.all("error"), []);
    assertInstanceOf(errors[0], ConnectionClosedError);
    assertEquals(errors[0].reason, "shutdown");
    assertEquals(await stubborn.recv().catch(() => null), null);
  });

  test(".shutdown() gets its deadline also from a second call", async () => {
    const turnstile = new Turnstile();
    const server = make(kind, turnstile.handler);
    await using _running = await serving(server);
    using client = await kind.connect(server);
    assertEquals(await client.readLine(), "in");
    const first = server.shutdown();
    assert(!(await isSettled(first)));
    const second = server.shutdown({ signal: AbortSignal.abort() });
    await within(Promise.all([first, second]), "both shutdowns");
    turnstile.open();
  });

  test(".shutdown() waits for no handler past its deadline, whatever that handler does", async () => {
    const begun = Promise.withResolvers<void>();
    const handlers: StreamHandler[] = [
      (conn, server) => (begun.resolve(), never(conn, server)),
      async (conn, server) => {
        begun.resolve();
        await conn.recv().catch(() => {});
        await never(conn, server);
      },
      (conn, server) => (conn.close(), begun.resolve(), never(conn, server)),
    ];
    for (const handler of handlers) {
      const server = make(kind, handler);
      await using _running = await serving(server);
      using _client = await kind.connect(server);
      await begun.promise;
      await within(server.shutdown({ signal: AbortSignal.timeout(20) }), "shutdown", 2_000);
    }
  });

  test(".shutdown() past its deadline does not take what is queued behind a full house", async () => {
    const turnstile = new Turnstile();
    const server = make(kind, turnstile.handler, { maxConnections: 1 });
    await using _running = await serving(server);
    using first = await kind.connect(server);
    using second = await kind.connect(server);
    assertEquals(await first.readLine(), "in");
    await within(server.shutdown({ signal: AbortSignal.timeout(20) }), "shutdown", 2_000);
    assertEquals(await second.recv().catch(() => null), null);
    assertEquals(server.stats.accepted, 1);
    turnstile.open();
  });

  test(".shutdown() while the server is paused ends it all the same", async () => {
    const server = make(kind, answerOnce);
    await using running = await serving(server);
    server.pause();
    using client = await kind.connect(server);
    await client.sendAll("queued\n");
    const shutdown = server.shutdown();
    assertEquals(await client.readLine(), "queued");
    await within(shutdown, "shutdown");
    await within(running.loop, "the end of serveForever");
  });

  test(".shutdown() flushes what a handler has queued with send", async () => {
    const server = make(kind, (conn) => void conn.send(new Uint8Array(50_000)));
    await using _running = await serving(server);
    using client = await kind.connect(server);
    const shutdown = server.shutdown();
    assertEquals((await client.readExactly(50_000)).length, 50_000);
    assertEquals(await client.recv(), null);
    client.close();
    await within(shutdown, "shutdown");
  });

  test(".serveForever() after a deadline that passed takes what is queued at its own shutdown", async () => {
    const turnstile = new Turnstile();
    const server = make(kind, turnstile.handler);
    await using _running = await serving(server);
    using client = await kind.connect(server);
    assertEquals(await client.readLine(), "in");
    await server.shutdown({ signal: AbortSignal.abort() });
    turnstile.open();
    await server.listen();
    using late = await kind.connect(server);
    const loop = server.serveForever();
    const shutdown = server.shutdown();
    assertEquals(await late.readLine(), "in");
    late.close();
    await Promise.all([shutdown, loop]);
  });

  test(".shutdown() rejects nobody: an error that ended the loop is serveForever's to throw", async () => {
    const server = make(kind, () => assert(false, "handler"), { concurrency: 1 });
    server.handleError = (error) => {
      throw error;
    };
    await server.listen();
    const failed = assertRejects(() => server.serveForever(), Error, "handler");
    using client = await kind.connect(server);
    await Promise.all([server.shutdown(), failed]);
    assertEquals(await client.recv().catch(() => null), null);
    await server.close();
  });
});
