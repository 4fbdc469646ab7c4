import { assert, assertEquals, assertRejects } from "@std/assert";
import { isSettled, within } from "../../_support/deadline.ts";
import { logged } from "../../_support/hook_log.ts";
import { Recorder } from "../../_support/recorder.ts";
import { forEachStreamServer, make } from "../../_support/stream_servers.ts";
import { answerOnce, never, Turnstile } from "../../_support/tiny_handlers.ts";

forEachStreamServer((kind, test) => {
  test(".handleRequest() listens, waits for one client, dispatches it and resolves to true", async () => {
    await using server = make(kind, answerOnce);
    await server.listen();
    const handled = server.handleRequest();
    assert(!(await isSettled(handled)));
    using client = await kind.connect(server);
    assert(await within(handled, "handleRequest"));
    await client.sendAll("one\n");
    assertEquals(await client.readLine(), "one");
    await server.shutdown();
  });

  test(".handleRequest() takes one client and leaves the next in the queue", async () => {
    await using server = make(kind, answerOnce);
    await server.listen();
    using first = await kind.connect(server);
    using second = await kind.connect(server);
    assert(await server.handleRequest({ timeout: 0 }));
    assertEquals(server.stats.accepted, 1);
    await first.sendAll("first\n");
    assertEquals(await first.readLine(), "first");
    assert(await server.handleRequest({ timeout: 0 }));
    await second.sendAll("second\n");
    assertEquals(await second.readLine(), "second");
    await server.shutdown();
  });

  test(".handleRequest() with concurrency 1 has handled the client when it resolves", async () => {
    let handled = 0;
    const handler = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      handled++;
    };
    await using server = make(kind, handler, { concurrency: 1 });
    await server.listen();
    using _client = await kind.connect(server);
    assert(await server.handleRequest());
    assertEquals(handled, 1);
  });

  for (const timeout of [0, -1, -Infinity, 15]) {
    test(`.handleRequest({ timeout: ${timeout} }) calls handleTimeout and resolves to false when nobody comes`, async () => {
      const { Server, hooks } = logged(kind.Server);
      await using server = make(kind, never, {}, Server);
      assertEquals(await within(server.handleRequest({ timeout }), "handleRequest"), false);
      assertEquals(hooks, ["handleTimeout"]);
    });

    test(`.handleRequest({ timeout: ${timeout} }) serves a client that is queued already`, async () => {
      for (let n = 0; n < 20; n++) {
        await using server = make(kind, answerOnce);
        await server.listen();
        using client = await kind.connect(server);
        assert(await server.handleRequest({ timeout }), `call ${n}`);
        await client.sendAll("hello\n");
        assertEquals(await client.readLine(), "hello");
        await server.shutdown();
      }
    });

    test(`.handleRequest({ timeout: ${timeout} }) that ran out of time loses no client: the next call serves it`, async () => {
      await using server = make(kind, answerOnce);
      await server.listen();
      for (let n = 0; n < 5; n++) {
        assertEquals(await server.handleRequest({ timeout }), false);
        using client = await kind.connect(server);
        await client.sendAll(`${n}\n`);
        assert(await server.handleRequest());
        assertEquals(await within(client.readLine(), "the answer"), `${n}`);
      }
      await server.shutdown();
    });
  }

  test(".handleRequest({ timeout }) longer than a timer can be waits", async () => {
    await using server = make(kind, answerOnce);
    await server.listen();
    for (const timeout of [Infinity, 2 ** 31, Number.MAX_VALUE]) {
      const handled = server.handleRequest({ timeout });
      await new Promise((resolve) => setTimeout(resolve, 5)); // an overflown timer fires after 1 ms
      assert(!(await isSettled(handled)), `${timeout}`);
      using client = await kind.connect(server);
      assert(await handled);
      await client.sendAll("hello\n");
      assertEquals(await client.readLine(), "hello");
    }
    await server.shutdown();
  });

  test(".timeout counts from the next call of handleRequest, and a call's own goes before it", async () => {
    await using server = make(kind, answerOnce, { timeout: 5 });
    assertEquals(server.timeout, 5);
    assertEquals(await server.handleRequest(), false);
    server.timeout = 0;
    assertEquals(await server.handleRequest(), false);
    server.timeout = undefined;
    assertEquals(await server.handleRequest({ timeout: 1 }), false);
    const waiting = server.handleRequest();
    assert(!(await isSettled(waiting)));
    await server.close();
    assertEquals(await waiting, false);
  });

  test(".handleRequest() lets what handleTimeout throws through, and the server goes on", async () => {
    await using server = make(kind, answerOnce);
    server.handleTimeout = () => assert(false, "late");
    await assertRejects(() => server.handleRequest({ timeout: 0 }), Error, "late");
    using client = await kind.connect(server);
    await client.sendAll("hello\n");
    assert(await server.handleRequest());
    assertEquals(await client.readLine(), "hello");
    await server.shutdown();
  });

  test(".handleRequest() resolves to false when accepting fails, and does not retry (A-18)", async () => {
    const { Server, hooks } = logged(kind.Server);
    const observer = new Recorder();
    await using server = make(kind, answerOnce, { observers: [observer] }, Server);
    await server.listen();
    const inherited = server.getRequest;
    server.getRequest = () => assert(false, "accept") as never;
    using client = await kind.connect(server);
    assertEquals(await server.handleRequest({ timeout: 10_000 }), false);
    assertEquals(hooks, []);
    assertEquals(observer.all("acceptFailed").length, 1);
    server.getRequest = inherited;
    await client.sendAll("hello\n");
    assert(await server.handleRequest());
    assertEquals(await client.readLine(), "hello");
    await server.shutdown();
  });

  test(".handleRequest() rejects while another call is waiting, which goes on", async () => {
    await using server = make(kind, answerOnce);
    await server.listen();
    const waiting = server.handleRequest();
    await assertRejects(() => server.handleRequest(), TypeError, "already");
    using client = await kind.connect(server);
    assert(await waiting);
    await client.sendAll("hello\n");
    assertEquals(await client.readLine(), "hello");
    await server.shutdown();
  });

  test(".handleRequest() serves a client that came between two loops", async () => {
    await using server = make(kind, answerOnce);
    await server.listen();
    assertEquals(await server.handleRequest({ timeout: 0 }), false);
    const loop = server.serveForever();
    using first = await kind.connect(server);
    await first.sendAll("loop\n");
    assertEquals(await first.readLine(), "loop");
    await server.shutdown();
    await loop;
    await server.listen();
    using second = await kind.connect(server);
    await second.sendAll("call\n");
    assert(await server.handleRequest());
    assertEquals(await second.readLine(), "call");
    await server.shutdown();
  });

  test(".close() closes a client that was accepted for a call that had run out of time", async () => {
    const server = make(kind, never);
    await server.listen();
    assertEquals(await server.handleRequest({ timeout: 0 }), false); // its accept goes on waiting
    using client = await kind.connect(server);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await server.close();
    assertEquals(await within(client.recv().catch(() => null), "the end"), null);
  });

  test(".handleRequest() with a client in hand counts as active until its handler ends", async () => {
    const turnstile = new Turnstile();
    await using server = make(kind, turnstile.handler);
    await server.listen();
    using client = await kind.connect(server);
    assert(await server.handleRequest());
    await turnstile.until(1);
    assertEquals(server.stats.active, 1);
    turnstile.open();
    client.close();
    await server.shutdown();
    assertEquals(server.stats.active, 0);
  });
});
