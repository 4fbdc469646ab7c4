import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { connectDatagram, ServerClosedError } from "../../../mod.ts";
import { ask, forEachDatagramServer, hear, make } from "../../_support/datagram_servers.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { echo, Gate, never } from "../../_support/tiny_datagram_handlers.ts";

forEachDatagramServer((kind, test) => {
  test(".constructor binds nothing", async () => {
    const server = make(kind, echo);
    assert(!kind.isBound(server.addr));
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
    await using server = make(kind, echo, { observers: [observer] });
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

  test(".shutdown() ends serveForever, frees the address, and resolves finished", async () => {
    const server = make(kind, echo);
    await using running = await serving(server);
    assert(kind.isBound(server.addr));
    assert(!(await isSettled(server.finished)));
    await server.shutdown();
    await within(running.loop, "the end of serveForever");
    await within(server.finished, "finished");
    assert(!kind.isBound(server.addr));
  });

  test(".serveForever() serves again at the same address after shutdown()", async () => {
    await using server = make(kind, echo);
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
    await using server = make(kind, echo);
    const loop = server.serveForever();
    await within(server.shutdown(), "shutdown");
    await within(loop, "the end of serveForever");
    await using _running = await serving(server);
    assertEquals(await ask(server, "again"), "again");
  });

  test(".shutdown() answers the packets that the kernel has queued", async () => {
    await using server = make(kind, echo);
    await server.listen();
    await using client = await connectDatagram(server.addr);
    for (const question of ["one", "two", "three"]) await client.send(question);
    const loop = server.serveForever();
    await server.shutdown();
    await loop;
    for (const question of ["one", "two", "three"]) assertEquals(await hear(client), question);
  });

  for (const way of ["short", "long"]) {
    // Somebody who listens to every packet makes all of them take the long way.
    const observe = (observer: Recorder): Recorder =>
      Object.assign(observer, way === "short" && { handled: undefined });

    test(`.shutdown() lets running handlers reply before the socket closes (the ${way} way, F.7)`, async () => {
      const gate = new Gate();
      const observer = observe(new Recorder());
      await using server = make(kind, gate.handler, { observers: [observer] });
      await server.listen();
      await using client = await connectDatagram(server.addr);
      await client.send("late");
      assert(await server.handleRequest());
      await within(gate.until(1), "the packet");
      const shutdown = server.shutdown(); // without a loop that sweeps the queue, nothing else holds it up
      assertEquals((await observer.until("draining")).active, 1);
      assert(gate.inside[0].signal.aborted);
      for (let n = 0; n < 3; n++) assert(!(await isSettled(shutdown)));
      gate.open();
      await within(shutdown, "shutdown");
      assertEquals(await hear(client), "late");
      assertEquals(observer.all("error"), []);
    });

    test(`.shutdown() past its deadline gives up handlers that hang (the ${way} way), and their places`, async () => {
      const gate = new Gate();
      const observer = observe(new Recorder());
      await using server = make(kind, gate.handler, { maxInFlight: 2, observers: [observer] });
      const loop = server.serveForever();
      await observer.until("listening");
      await using client = await connectDatagram(server.addr);
      await client.send("one");
      await client.send("two");
      await within(gate.until(2), "the packets");
      const { signal } = gate.inside[0];
      await within(server.shutdown({ signal: AbortSignal.timeout(10) }), "shutdown");
      await within(loop, "the end of serveForever");
      const { active, failed, succeeded } = server.stats;
      assertEquals([active, failed, succeeded], [0, 2, 0]);
      assert(signal.aborted);

      gate.open(); // now they find the server closed, which is no failure of theirs
      await using _running = await serving(server);
      await using other = await connectDatagram(server.addr);
      await other.send("three");
      assertEquals(await hear(other), "three");
      assertEquals(observer.all("error"), []);
      assertEquals(observer.all("refused"), []);
      assertEquals(server.stats.failed, 2);
    });

    test(`.close() gives up handlers that are still at work (the ${way} way) without blaming them`, async () => {
      const gate = new Gate();
      const observer = observe(new Recorder());
      const server = make(kind, gate.handler, { observers: [observer] });
      const running = await serving(server);
      await using client = await connectDatagram(server.addr);
      await client.send("one");
      await within(gate.until(1), "the packet");
      await within(server.close(), "close");
      await within(running.loop, "the end of serveForever");
      await within(server.finished, "finished");
      await assertRejects(() => gate.inside[0].reply("late"), ServerClosedError);
      gate.open();
      await assertRejects(() => client.receive({ timeout: 20 }), Deno.errors.TimedOut);
      assertEquals(observer.all("error"), []);
      assertEquals(server.stats.failed, 1);
    });
  }

  test(".close() ends a running loop normally, and everything that asks later hears that it is closed", async () => {
    const server = make(kind, never);
    const running = await serving(server);
    await server.close();
    await within(running.loop, "the end of serveForever");
    await within(server.finished, "finished");
    assert(!kind.isBound(server.addr));
    await assertRejects(() => server.listen(), ServerClosedError);
    await assertRejects(() => server.serveForever(), ServerClosedError);
    await assertRejects(() => server.handleRequest(), ServerClosedError);
    await assertRejects(() => server.send("x", server.addr), ServerClosedError);
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
    assert(!kind.isBound(binding.addr));
  });

  test(".close() while it drains ends the drain, and the end is told once", async () => {
    const observer = new Recorder();
    const gate = new Gate();
    const server = make(kind, gate.handler, { observers: [observer] });
    await using _running = await serving(server);
    await using client = await connectDatagram(server.addr);
    await client.send("one");
    await within(gate.until(1), "the packet");
    const shutdown = server.shutdown();
    await observer.until("draining");
    await within(server.close(), "close while draining");
    await within(shutdown, "shutdown");
    assertEquals(observer.all("finished").length, 1);
    assertEquals(observer.all("handled").map(({ reason }) => reason), ["stopped"]);
    gate.open();
  });

  test(".serveForever() closes the server when its signal aborts", async () => {
    const server = make(kind, echo);
    await server.listen();
    const controller = new AbortController();
    const loop = server.serveForever({ signal: controller.signal });
    assertEquals(await ask(server, "hello"), "hello");
    controller.abort();
    await within(loop, "the end of serveForever");
    await within(server.finished, "finished");
    await assertRejects(() => server.listen(), ServerClosedError);
  });

  test(".listen() that fails leaves nothing bound and may be tried again", async () => {
    let failing = true;
    class Fussy extends kind.Server {
      override async serverBind(): Promise<void> {
        await super.serverBind();
        if (failing) throw new Error("not today");
      }
    }
    await using server = make(kind, echo, {}, Fussy);
    await assertRejects(() => server.listen(), Error, "not today");
    assert(!kind.isBound(server.addr));
    failing = false;
    await using _running = await serving(server);
    assertEquals(await ask(server, "now"), "now");
  });

  test(".listen() at an address that is taken may fail 1024 times in a row and leaks no descriptor (A-7)", async () => {
    await using running = await serving(make(kind, echo));
    const taken = { ...kind.endpoint(), ...running.server.addr };
    await using server = new kind.Server(echo, taken);
    for (let n = 0; n < 1024; n++) await assertRejects(() => server.listen(), Deno.errors.AddrInUse);
  });

  test(".pause() leaves packets in the queue, and resume() serves them", async () => {
    await using running = await serving(make(kind, echo));
    const { server } = running;
    assertEquals(await ask(server, "before"), "before");
    server.pause();
    await using client = await connectDatagram(server.addr);
    await client.send("one");
    await client.send("two");
    await assertRejects(() => client.receive({ timeout: 20 }), Deno.errors.TimedOut);
    server.resume();
    assertEquals(await hear(client), "one");
    assertEquals(await hear(client), "two");
  });

  test(".unref() and ref() may be called before and after listen", async () => {
    await using server = make(kind, echo);
    server.unref();
    await server.listen();
    server.ref();
    await using _running = await serving(server);
    assertEquals(await ask(server, "hello"), "hello");
  });
});
