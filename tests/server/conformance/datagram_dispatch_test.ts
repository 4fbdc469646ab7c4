import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AddressError,
  BaseRequestHandler,
  connectDatagram,
  type Datagram,
  type DatagramHandler,
} from "../../../mod.ts";
import { ask, forEachDatagramServer, hear, make } from "../../_support/datagram_servers.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { echo, Gate, never } from "../../_support/tiny_datagram_handlers.ts";

forEachDatagramServer((kind, test) => {
  test(" runs handlers side by side by default", async () => {
    const gate = new Gate();
    await using running = await serving(make(kind, gate.handler));
    await using client = await connectDatagram(running.server.addr);
    for (const name of ["one", "two", "three"]) await client.send(name);
    await within(gate.until(3), "three handlers");
    assertEquals(running.server.stats.active, 3);
    gate.open();
    for (const name of ["one", "two", "three"]) assertEquals(await hear(client), name);
    assertEquals(running.server.stats.active, 0);
  });

  for (const concurrency of [1, 2]) {
    test(` with concurrency ${concurrency} never runs more handlers at once, and loses no packet of a short queue`, async () => {
      const gate = new Gate();
      await using running = await serving(make(kind, gate.handler, { concurrency }));
      await using client = await connectDatagram(running.server.addr);
      const names = ["one", "two", "three", "four", "five"];
      for (const name of names) await client.send(name);
      await within(gate.until(concurrency), "the first handlers");
      assertEquals(running.server.stats.accepted, concurrency);
      gate.open();
      for (const name of names) assertEquals(await hear(client), name);
      assertEquals(gate.most, concurrency);
    });
  }

  test(" answers others while one handler hangs and another throws", async () => {
    const observer = new Recorder();
    const handler: DatagramHandler = (packet, server) => {
      if (packet.text() === "hang") return never(packet, server);
      if (packet.text() === "throw") throw new Error("at once");
      if (packet.text() === "reject") return Promise.reject(new Error("later"));
      return packet.reply(packet.data);
    };
    await using running = await serving(make(kind, handler, { observers: [observer] }));
    await using client = await connectDatagram(running.server.addr);
    for (const name of ["hang", "throw", "reject", "echo"]) await client.send(name);
    assertEquals(await hear(client), "echo");
    await observer.until("error", 2);
    assertEquals(observer.all("error").map(({ error }) => (error as Error).message), ["at once", "later"]);
    const { remoteAddr, phase } = observer.all("error")[0];
    assertEquals([remoteAddr, phase], [client.localAddr, "handler"]);
    const { active, failed, succeeded } = running.server.stats;
    assertEquals([active, failed, succeeded], [1, 2, 1]);
  });

  for (const observed of [false, true]) {
    const observe = (observer: Recorder): Recorder =>
      Object.assign(observer, observed || { handled: undefined });
    const how = observed ? "with an observer of every packet" : "with nobody who looks";

    test(` drops and counts what comes while maxInFlight handlers run (${how})`, async () => {
      const gate = new Gate();
      const observer = observe(new Recorder());
      await using running = await serving(
        make(kind, gate.handler, { maxInFlight: 2, observers: [observer] }),
      );
      await using client = await connectDatagram(running.server.addr);
      for (const name of ["one", "two", "three", "four"]) await client.send(name);
      await observer.until("refused", 2);
      gate.open();
      assertEquals(await hear(client), "one");
      assertEquals(await hear(client), "two");
      await client.send("five");
      assertEquals(await hear(client), "five");
      const { accepted, succeeded, refused } = running.server.stats;
      assertEquals([accepted, succeeded, refused.full], [5, 3, 2]);
      assertEquals(observer.all("refused").map(({ reason }) => reason), ["full", "full"]);
      assertEquals(observer.all("refused")[0].remoteAddr, client.localAddr);
    });

    test(` counts packets, bytes and ends (${how})`, async () => {
      const observer = observe(new Recorder());
      await using running = await serving(make(kind, echo, { observers: [observer] }));
      for (const question of ["1", "22", "333"]) await ask(running.server, question);
      const { accepted, succeeded, failed, active, bytesIn, bytesOut } = running.server.stats;
      assertEquals([accepted, succeeded, failed, active, bytesIn, bytesOut], [3, 3, 0, 0, 6, 6]);
    });
  }

  test(" tells of every packet that was handled to who wants to hear it", async () => {
    const observer = new Recorder();
    await using running = await serving(make(kind, echo, { observers: [observer], maxPacketSize: 4 }));
    await using client = await connectDatagram(running.server.addr);
    await client.send("hello");
    assertEquals(await hear(client), "hell");
    const { duration, ...event } = await observer.until("handled");
    assert(duration >= 0);
    assertEquals(event, {
      remoteAddr: client.localAddr,
      localAddr: running.server.addr,
      bytesIn: 4,
      bytesOut: 4,
      truncated: true,
      reason: "done",
    });
  });

  test(" gives up a handler that takes longer than handlerTimeout, tells of it, and frees its place", async () => {
    const observer = new Recorder();
    const aborted = Promise.withResolvers<void>();
    const handler: DatagramHandler = (packet, server) => {
      if (packet.text() !== "hang") return packet.reply(packet.data);
      packet.signal.addEventListener("abort", () => aborted.resolve());
      return never(packet, server);
    };
    await using running = await serving(
      make(kind, handler, { handlerTimeout: 10, maxInFlight: 1, observers: [observer] }),
    );
    await using client = await connectDatagram(running.server.addr);
    await client.send("hang");
    const { error } = await observer.until("error");
    assert(error instanceof Deno.errors.TimedOut);
    await within(aborted.promise, "the abort of the packet's signal");
    await observer.until("handled");
    await client.send("next");
    assertEquals(await hear(client), "next");
    assertEquals(observer.all("handled").map(({ reason }) => reason), ["timeout", "done"]);
    assertEquals([running.server.stats.failed, running.server.stats.active], [1, 0]);
  });

  test(" lets through maxPacketRate packets a second, and counts the others", async () => {
    const observer = new Recorder();
    await using running = await serving(make(kind, echo, { maxPacketRate: 2, observers: [observer] }));
    await using client = await connectDatagram(running.server.addr);
    for (const name of ["one", "two", "three", "four"]) await client.send(name);
    await observer.until("refused", 2);
    assertEquals([await hear(client), await hear(client)], ["one", "two"]);
    assertEquals(running.server.stats.refused.rate, 2);
  });

  test(" keeps a packet that the handler keeps as it was, whatever comes after it", async () => {
    const kept: Datagram[] = [];
    await using running = await serving(
      make(kind, (packet) => (kept.push(packet), packet.reply("kept")), { maxPacketSize: 1_000 }),
    );
    await using client = await connectDatagram(running.server.addr);
    const sent: Uint8Array[] = [];
    for (let n = 0; n < 1_000; n++) {
      sent.push(new Uint8Array(n % 7 === 0 ? 1_000 : n % 90).fill(n));
      await client.send(sent[n]);
      await hear(client);
    }
    for (const [n, { data }] of kept.entries()) assertEquals(data, sent[n]);
  });

  test(".send() reaches anybody, from the server's own address", async () => {
    await using running = await serving(make(kind, echo));
    const { server } = running;
    await using client = await connectDatagram(server.addr);
    await server.send("unasked", client.localAddr);
    assertEquals(await hear(client), "unasked");
    assertEquals(server.stats.bytesOut, 7);
    await assertRejects(() => server.send("x", "tcp://127.0.0.1:1"), AddressError, "tcp");
  });

  test(".shutdown() awaited inside a serial handler rejects instead of hanging (F.3)", async () => {
    const observer = new Recorder();
    const handler: DatagramHandler = (_packet, server) => server.shutdown();
    await using running = await serving(make(kind, handler, { concurrency: 1, observers: [observer] }));
    await using client = await connectDatagram(running.server.addr);
    await client.send("stop");
    const { error } = await observer.until("error");
    assert(error instanceof TypeError);
    await within(running.server.shutdown(), "shutdown");
  });

  test(" sends a reply that nobody awaits", async () => {
    const gate = new Gate();
    const handler: DatagramHandler = (packet, server) => void gate.handler(packet, server);
    await using running = await serving(make(kind, handler));
    await using client = await connectDatagram(running.server.addr);
    await client.send("one");
    await within(gate.until(1), "the packet");
    gate.open();
    await within(running.server.shutdown(), "shutdown");
    assertEquals(await hear(client), "one");
  });

  test(" serves a class that extends BaseRequestHandler, a new instance for each packet", async () => {
    const steps: string[] = [];
    class Echo extends BaseRequestHandler<Datagram> {
      override setup(): void {
        steps.push(`setup ${this.request.text()}`);
      }
      override async handle(): Promise<void> {
        assertEquals(this.clientAddress, this.request.remoteAddr);
        await this.request.reply(this.request.data);
      }
      override finish(): void {
        steps.push(`finish ${this.request.text()}`);
      }
    }
    await using running = await serving(make(kind, Echo));
    assertEquals(await ask(running.server, "one"), "one");
    assertEquals(await ask(running.server, "two"), "two");
    assertEquals(steps, ["setup one", "finish one", "setup two", "finish two"]);
  });

  test(".constructor refuses what is no handler, and options that are out of range", () => {
    assertThrows(() => make(kind, undefined as never), TypeError, "got undefined");
    assertThrows(() => make(kind, class Foo {} as never), TypeError, "Foo");
    for (
      const wrong of [
        { maxPacketSize: 0 },
        { maxPacketSize: 65_508 },
        { maxInFlight: 0 },
        { maxPacketRate: 0 },
        { handlerTimeout: -1 },
        { maxInFlightPerPeer: 1.5 },
        { maxPacketRatePerPeer: NaN },
      ]
    ) assertThrows(() => make(kind, echo, wrong), RangeError, Object.keys(wrong)[0]);
    return Promise.resolve();
  });

  test(" does nothing before it is asked to: a handler is not called for a packet that nobody takes", async () => {
    let called = false;
    await using server = make(kind, () => called = true);
    await server.listen();
    await using client = await connectDatagram(server.addr);
    await client.send("one");
    assert(!(await isSettled(server.finished)));
    assert(!called);
  });
});
