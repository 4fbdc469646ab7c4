import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { ServerClosedError } from "../../../mod.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { forEachStreamServer, make } from "../../_support/stream_servers.ts";
import { answerOnce, echo, greet, Turnstile } from "../../_support/tiny_handlers.ts";

forEachStreamServer((kind, test) => {
  const ask = async (server: ReturnType<typeof make>, question: string): Promise<string | null> => {
    using client = await kind.connect(server);
    await client.sendAll(`${question}\n`);
    return await client.readLine();
  };

  test(".constructor binds nothing", async () => {
    const server = make(kind, echo);
    await assertRejects(() => kind.connect(server));
    assertEquals(server.stats.listeningSince, 0);
    await server.close();
  });

  test(".listen() binds once, however often and from wherever it is called", async () => {
    const observer = new Recorder();
    await using server = make(kind, echo, { observers: [observer] });
    const [first, second] = await Promise.all([server.listen(), server.listen()]);
    assertStrictEquals(first, server);
    assertStrictEquals(second, server);
    await server.listen();
    assertEquals(observer.names, ["listening"]);
    assertEquals(observer.all("listening")[0].addr, server.addr);
  });

  test(".serveForever() listens if nobody did", async () => {
    const observer = new Recorder();
    await using server = make(kind, answerOnce, { observers: [observer] });
    const loop = server.serveForever();
    await observer.until("listening");
    assertEquals(await ask(server, "hello"), "hello");
    await server.shutdown();
    await loop;
  });

  test(".serveForever() rejects while the server is being served already", async () => {
    await using running = await serving(make(kind, echo));
    await assertRejects(() => running.server.serveForever(), TypeError, "being served already");
    await assertRejects(() => running.server.handleRequest(), TypeError, "being served already");
  });

  test(".shutdown() ends serveForever, refuses new clients, and resolves finished", async () => {
    const server = make(kind, echo);
    await using running = await serving(server);
    assert(!(await isSettled(server.finished)));
    await server.shutdown();
    await within(running.loop, "the end of serveForever");
    await within(server.finished, "finished");
    await assertRejects(() => kind.connect(server));
  });

  test(".serveForever() serves again at the same address after shutdown()", async () => {
    await using server = make(kind, answerOnce);
    const addresses: Deno.Addr[] = [];
    for (const question of ["first", "second", "third"]) {
      await server.listen();
      addresses.push(server.addr);
      const loop = server.serveForever();
      assertEquals(await ask(server, question), question);
      await server.shutdown();
      await loop;
    }
    assertEquals(addresses[1], addresses[0]);
    assertEquals(addresses[2], addresses[0]);
  });

  test(".finished settles anew for every time that the server is bound", async () => {
    await using server = make(kind, echo);
    await server.listen();
    await server.shutdown();
    await within(server.finished, "finished");
    await server.listen();
    assert(!(await isSettled(server.finished)));
  });

  test(".shutdown() resolves at once where nothing is bound, twice, and after close()", async () => {
    const server = make(kind, echo);
    await within(server.shutdown(), "shutdown before listen");
    await server.listen();
    await within(Promise.all([server.shutdown(), server.shutdown()]), "two shutdowns at once");
    await within(server.shutdown(), "shutdown after shutdown");
    await server.close();
    await within(server.shutdown(), "shutdown after close");
  });

  test(".shutdown() called before the loop has begun ends it and does not poison the next", async () => {
    await using server = make(kind, answerOnce);
    const loop = server.serveForever();
    await within(server.shutdown(), "shutdown");
    await within(loop, "the end of serveForever");
    await using _running = await serving(server);
    assertEquals(await ask(server, "again"), "again");
  });

  test(".close() ends a running loop normally, and everything that asks later hears that it is closed", async () => {
    const server = make(kind, greet);
    const running = await serving(server);
    using client = await kind.connect(server);
    assertEquals(await client.readLine(), "hello");
    await server.close();
    await within(running.loop, "the end of serveForever");
    await within(server.finished, "finished");
    assertEquals(await client.recv().catch(() => null), null);
    await assertRejects(() => server.listen(), ServerClosedError);
    await assertRejects(() => server.serveForever(), ServerClosedError);
    await assertRejects(() => server.handleRequest(), ServerClosedError);
  });

  test(".close() may be called twice, at once, before listen and while listening", async () => {
    const unbound = make(kind, echo);
    await unbound.close();
    await unbound.close();
    await within(unbound.finished, "finished of a server that was never bound");

    const binding = make(kind, echo);
    const listening = binding.listen();
    const rejected = assertRejects(() => listening, ServerClosedError);
    await Promise.all([binding.close(), binding.close()]);
    await rejected;
    await assertRejects(() => kind.connect(binding));
  });

  test(".close() while it drains ends the drain, and the end is told once", async () => {
    const observer = new Recorder();
    const turnstile = new Turnstile();
    const server = make(kind, turnstile.handler, { observers: [observer] });
    await using _running = await serving(server);
    using _client = await kind.connect(server);
    await turnstile.until(1);
    const shutdown = server.shutdown();
    await observer.until("draining");
    await within(server.close(), "close while draining");
    await within(shutdown, "shutdown");
    assertEquals(observer.all("finished").length, 1);
    assertEquals(observer.all("closed").map(({ reason }) => reason), ["stopped"]);
    turnstile.open();
  });

  test("[Symbol.asyncDispose]() closes it", async () => {
    const server = make(kind, echo);
    {
      await using _server = await server.listen();
    }
    await assertRejects(() => server.listen(), ServerClosedError);
  });

  test(".serveForever() closes the server when its signal aborts", async () => {
    const server = make(kind, greet);
    await server.listen();
    const controller = new AbortController();
    const loop = server.serveForever({ signal: controller.signal });
    using client = await kind.connect(server);
    await client.readLine();
    controller.abort();
    await within(loop, "the end of serveForever");
    await within(server.finished, "finished");
    await assertRejects(() => server.listen(), ServerClosedError);
  });

  test(".serveForever() binds nothing when its signal has aborted already", async () => {
    const observer = new Recorder();
    const server = make(kind, greet, { observers: [observer] });
    await server.serveForever({ signal: AbortSignal.abort() });
    assertEquals(observer.all("listening"), []);
    await server.finished;
  });

  test(".listen() that fails leaves nothing bound and may be tried again", async () => {
    let failing = true;
    class Fussy extends kind.Server {
      override async serverBind(): Promise<void> {
        await super.serverBind();
        if (failing) throw new Error("not today");
      }
    }
    await using server = make(kind, answerOnce, {}, Fussy);
    await assertRejects(() => server.listen(), Error, "not today");
    await assertRejects(() => kind.connect(server));
    failing = false;
    await using _running = await serving(server);
    assertEquals(await ask(server, "now"), "now");
  });

  test(".listen() may fail 1024 times in a row and leaks no descriptor (A-7)", async () => {
    class Failing extends kind.Server {
      override serverActivate(): void {
        throw new Error("no");
      }
    }
    await using server = make(kind, echo, {}, Failing);
    for (let n = 0; n < 1024; n++) await assertRejects(() => server.listen(), Error, "no");
  });

  test(".listen() at an address that is taken may fail 1024 times in a row and leaks no descriptor (A-7)", async () => {
    await using running = await serving(make(kind, echo));
    const taken = { ...kind.endpoint(), ...running.server.addr };
    await using server = new kind.Server(echo, taken);
    for (let n = 0; n < 1024; n++) await assertRejects(() => server.listen(), Deno.errors.AddrInUse);
  });
});
