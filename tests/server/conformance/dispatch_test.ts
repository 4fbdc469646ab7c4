import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Connection, StreamHandler } from "../../../mod.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { forEachStreamServer, make } from "../../_support/stream_servers.ts";
import { answerOnce, never, Turnstile } from "../../_support/tiny_handlers.ts";

/** A handler that knows the most of its kind that have run at once. */
class Crowd {
  most = 0;
  #inside = 0;

  readonly handler: StreamHandler = async (conn) => {
    this.most = Math.max(this.most, ++this.#inside);
    await conn.sendAll("in\n");
    await conn.recv();
    this.#inside--;
  };
}

forEachStreamServer((kind, test) => {
  test(" runs handlers side by side by default", async () => {
    const turnstile = new Turnstile();
    await using running = await serving(make(kind, turnstile.handler));
    const clients = await Promise.all([1, 2, 3].map(() => kind.connect(running.server)));
    for (const client of clients) assertEquals(await client.readLine(), "in");
    assertEquals(running.server.stats.active, 3);
    turnstile.open();
    for (const client of clients) assertEquals(await client.recv(), null);
    for (const client of clients) client.close();
  });

  test(" with concurrency 1 serves one client after the other, in the order in which they came", async () => {
    const turnstile = new Turnstile();
    const order: string[] = [];
    const handler: StreamHandler = async (conn, server) => {
      order.push((await conn.readLine())!);
      await turnstile.handler(conn, server);
      order.push("done");
    };
    await using running = await serving(make(kind, handler, { concurrency: 1 }));
    const clients: Connection[] = [];
    for (const name of ["first", "second", "third"]) {
      const client = await kind.connect(running.server);
      await client.sendAll(`${name}\n`);
      clients.push(client);
    }
    await turnstile.until(1);
    assertEquals(running.server.stats.accepted, 1);
    turnstile.open();
    for (const client of clients) assertEquals(await client.readLine(), "in");
    for (const client of clients) client.close();
    await running.server.shutdown();
    assertEquals(order, ["first", "done", "second", "done", "third", "done"]);
  });

  for (const concurrency of [1, 2, 5]) {
    const crowded = (verify: (() => boolean | Promise<boolean>) | undefined) => async (): Promise<void> => {
      const crowd = new Crowd();
      await using running = await serving(make(kind, crowd.handler, { concurrency }));
      if (verify) running.server.verifyRequest = verify;
      const visit = async (): Promise<void> => {
        using client = await kind.connect(running.server);
        assertEquals(await client.readLine(), "in");
        await client.sendAll("out\n");
        assertEquals(await client.recv(), null);
      };
      await Promise.all(Array.from({ length: 4 * concurrency + 4 }, visit));
      assertEquals(crowd.most, concurrency);
    };

    test(` with concurrency ${concurrency} never runs more handlers at once`, crowded(undefined));

    test(
      ` with concurrency ${concurrency} never runs more handlers at once, also when verifyRequest takes its time`,
      crowded(() => new Promise((resolve) => setTimeout(resolve, 10, true))),
    );
  }

  test(".shutdown() awaited inside a serial handler rejects instead of hanging (F.3)", async () => {
    const asked = Promise.withResolvers<void>();
    const observer = new Recorder();
    const handler: StreamHandler = (_conn, server) => {
      const shutdown = server.shutdown();
      asked.resolve(assertRejects(() => shutdown, TypeError, "would wait for itself").then(() => {}));
      return shutdown;
    };
    await using running = await serving(make(kind, handler, { concurrency: 1, observers: [observer] }));
    using client = await kind.connect(running.server);
    await within(asked.promise, "the rejection");
    assertEquals(await client.recv(), null);
    const { error } = await observer.until("error");
    assert(error instanceof TypeError);
    await running.server.shutdown();
  });

  test(".shutdown() works from what a serial handler has left behind it", async () => {
    const over = Promise.withResolvers<void>();
    const shutdown = Promise.withResolvers<void>();
    const handler: StreamHandler = (_conn, server) => {
      over.promise.then(() => server.shutdown()).then(shutdown.resolve, shutdown.reject);
    };
    await using running = await serving(make(kind, handler, { concurrency: 1 }));
    using client = await kind.connect(running.server);
    assertEquals(await client.recv(), null);
    over.resolve();
    await within(shutdown.promise, "shutdown");
    await within(running.loop, "the end of serveForever");
  });

  for (const concurrency of [1, Infinity]) {
    test(`.close() awaited inside a handler with concurrency ${concurrency} resolves`, async () => {
      const closed = Promise.withResolvers<void>();
      const handler: StreamHandler = (_conn, server) => server.close().then(closed.resolve, closed.reject);
      await using running = await serving(make(kind, handler, { concurrency }));
      using client = await kind.connect(running.server);
      await within(closed.promise, "close inside the handler");
      await within(running.loop, "the end of serveForever");
      await within(running.server.finished, "finished");
      assertEquals(await client.recv().catch(() => null), null);
    });
  }

  test(".close() does not wait for a handler that never ends", async () => {
    const begun = Promise.withResolvers<void>();
    const handlers: StreamHandler[] = [
      () => (begun.resolve(), never(undefined as never, undefined as never)),
      (conn, server) => (conn.close(), begun.resolve(), never(conn, server)),
    ];
    for (const handler of handlers) {
      for (const concurrency of [1, Infinity]) {
        const server = make(kind, handler, { concurrency });
        const running = await serving(server);
        using _client = await kind.connect(server);
        await begun.promise;
        await within(server.close(), "close", 2_000);
        await running[Symbol.asyncDispose]();
      }
    }
  });

  test(".disconnect() frees a serial server of a handler that never ends", async () => {
    const turnstile = new Turnstile();
    await using running = await serving(make(kind, turnstile.handler, { concurrency: 1 }));
    using first = await kind.connect(running.server);
    assertEquals(await first.readLine(), "in");
    assert(running.server.disconnect(1));
    assertEquals(await first.recv().catch(() => null), null);
    using second = await kind.connect(running.server);
    assertEquals(await second.readLine(), "in");
    turnstile.open();
  });

  test(".close() while verifyRequest takes its time closes that client, and its handler never runs", async () => {
    for (const concurrency of [1, Infinity]) {
      const asked = Promise.withResolvers<void>();
      const verdict = Promise.withResolvers<boolean>();
      let handled = 0;
      const server = make(kind, () => void handled++, { concurrency });
      server.verifyRequest = () => (asked.resolve(), verdict.promise);
      const running = await serving(server);
      using client = await kind.connect(server);
      await within(asked.promise, "verifyRequest");
      await within(server.close(), "close", 2_000);
      assertEquals(await client.recv().catch(() => null), null);
      verdict.resolve(true);
      await running[Symbol.asyncDispose]();
      assertEquals(handled, 0);
    }
  });

  test(".shutdown() past its deadline closes a client that verifyRequest has not judged", async () => {
    const asked = Promise.withResolvers<void>();
    const verdict = Promise.withResolvers<boolean>();
    let handled = 0;
    await using running = await serving(make(kind, () => void handled++));
    running.server.verifyRequest = () => (asked.resolve(), verdict.promise);
    using client = await kind.connect(running.server);
    await within(asked.promise, "verifyRequest");
    await within(running.server.shutdown({ signal: AbortSignal.abort() }), "shutdown", 2_000);
    assertEquals(await client.recv().catch(() => null), null);
    verdict.resolve(true);
    assertEquals(handled, 0);
  });

  test(" ends a connection that reaches its lifetime while verifyRequest takes its time", async () => {
    const observer = new Recorder();
    const verdict = Promise.withResolvers<boolean>();
    const server = make(kind, never, { maxLifetime: 20, observers: [observer] });
    await using _running = await serving(server);
    server.verifyRequest = () => verdict.promise;
    using client = await kind.connect(server);
    assertEquals(await within(client.recv().catch(() => null), "the end"), null);
    verdict.resolve(true);
    await within(server.shutdown(), "shutdown", 2_000);
    assertEquals(observer.all("opened").length, observer.all("closed").length);
  });

  test(".handleError() that takes its time does not hold up close()", async () => {
    const failing = Promise.withResolvers<void>();
    const server = make(kind, () => Promise.reject(new Error("handler")));
    server.handleError = () => (failing.resolve(), new Promise(() => {}));
    const running = await serving(server);
    using _client = await kind.connect(server);
    await failing.promise;
    await within(server.close(), "close", 2_000);
    await running[Symbol.asyncDispose]();
  });

  test(".handleRequest() with handlers at work waits for a place, and gives up when the server closes", async () => {
    const turnstile = new Turnstile();
    await using server = make(kind, turnstile.handler, { maxConnections: 1 });
    await server.listen();
    using first = await kind.connect(server);
    assert(await server.handleRequest());
    using second = await kind.connect(server);
    assertEquals(await first.readLine(), "in");
    const waiting = server.handleRequest();
    assert(!(await isSettled(waiting)));
    turnstile.open();
    first.close();
    assert(await within(waiting, "the second request"));
    assertEquals(await second.readLine(), "in");
    second.close();
    await server.shutdown();
  });

  for (const end of ["close", "shutdown"] as const) {
    test(`.handleRequest() that waits for a place resolves to false on ${end}()`, async () => {
      const turnstile = new Turnstile();
      await using server = make(kind, turnstile.handler, { maxConnections: 1 });
      await server.listen();
      using _first = await kind.connect(server);
      assert(await server.handleRequest());
      await turnstile.until(1);
      const waiting = server.handleRequest();
      const ended = server[end]({ signal: AbortSignal.abort() });
      assertEquals(await within(waiting, "handleRequest"), false);
      await ended;
    });
  }

  test(" answers the next client after a serial handler has failed", async () => {
    let calls = 0;
    const handler: StreamHandler = (conn, server) => {
      if (calls++ === 0) throw new Error("first");
      return answerOnce(conn, server);
    };
    const observer = new Recorder();
    await using running = await serving(make(kind, handler, { concurrency: 1, observers: [observer] }));
    using first = await kind.connect(running.server);
    assertEquals(await first.recv().catch(() => null), null);
    using second = await kind.connect(running.server);
    await second.sendAll("second\n");
    assertEquals(await second.readLine(), "second");
  });
});
