import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  ClientFactory,
  connect,
  connectDatagram,
  type Connector,
  DatagramProtocol,
  Protocol,
  ServerFactory,
} from "../../mod.ts";
import { Reactor } from "../../multiplex/mod.ts";
import { within } from "../_support/deadline.ts";
import { Recorder } from "../_support/recorder.ts";
import { socketPath } from "../_support/socket_folder.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

class Echo extends Protocol {
  override dataReceived(data: Uint8Array): void {
    this.transport.write(data);
  }
}

/** A factory that notes its life. */
class NotedFactory extends ServerFactory {
  readonly calls: string[] = [];
  override protocol = Echo;
  override startFactory(): void {
    this.calls.push("start");
  }
  override stopFactory(): void {
    this.calls.push("stop");
  }
}

/** Runs a reactor for the length of a test. */
function running(reactor: Reactor): AsyncDisposable {
  const over = reactor.run();
  return {
    [Symbol.asyncDispose]: async () => {
      if (reactor.running) reactor.stop();
      await within(over, "the reactor's end");
    },
  };
}

Deno.test("Reactor.listenTcp() serves with the protocols of a factory, on a port that it tells", async () => {
  const reactor = new Reactor();
  const port = await reactor.listenTcp(0, ServerFactory.forProtocol(Echo));
  await using _running = running(reactor);
  using client = await connect(port.host as Deno.NetAddr);
  await client.sendAll("hello\n");
  assertEquals(await client.readLine(), "hello");
});

Deno.test({
  name: "Reactor.listenUnix() and connectUnix() speak over a Unix socket",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    const reactor = new Reactor();
    const path = socketPath();
    await reactor.listenUnix(path, ServerFactory.forProtocol(Echo));
    await using _running = running(reactor);
    const got = Promise.withResolvers<string>();
    class Ask extends Protocol {
      override connectionMade(): void {
        this.transport.write(bytes("hello"));
      }
      override dataReceived(data: Uint8Array): void {
        got.resolve(text(data));
      }
    }
    reactor.connectUnix(path, ClientFactory.forProtocol(Ask));
    assertEquals(await within(got.promise, "the echo"), "hello");
  },
});

Deno.test("A port that is in use is refused, and its factory is not started", async () => {
  const reactor = new Reactor();
  const { host } = await reactor.listenTcp(0, ServerFactory.forProtocol(Echo));
  const factory = new NotedFactory();
  await assertRejects(
    () => reactor.listenTcp((host as Deno.NetAddr).port, factory),
    Deno.errors.AddrInUse,
  );
  assertEquals(factory.calls, []);
  await using _running = running(reactor);
});

Deno.test("startFactory and stopFactory are called for the first and the last port", async () => {
  const reactor = new Reactor();
  const factory = new NotedFactory();
  const ports = [await reactor.listenTcp(0, factory), await reactor.listenTcp(0, factory)];
  await using _running = running(reactor);
  assertEquals(factory.calls, ["start"]);
  await ports[0].stopListening();
  await ports[0].stopListening();
  assertEquals(factory.calls, ["start"]);
  await ports[1].stopListening();
  assertEquals(factory.calls, ["start", "stop"]);
});

Deno.test("Port.stopListening() frees the address, connections live on, and it can listen again", async () => {
  const reactor = new Reactor();
  const port = await reactor.listenTcp(0, ServerFactory.forProtocol(Echo));
  await using _running = running(reactor);
  const addr = port.host as Deno.NetAddr;
  using client = await connect(addr);
  await client.sendAll("one\n");
  assertEquals(await client.readLine(), "one");
  await within(port.stopListening(), "the stop");
  await assertRejects(() => connect(addr), Deno.errors.ConnectionRefused);
  await client.sendAll("two\n");
  assertEquals(await client.readLine(), "two");
  await port.startListening();
  assertEquals(port.host, addr);
  using second = await connect(addr);
  await second.sendAll("three\n");
  assertEquals(await second.readLine(), "three");
});

Deno.test("Port.stopListening() inside a protocol of a serial port is refused, and the port goes on listening", async () => {
  const refused = Promise.withResolvers<unknown>();
  class Stopping extends Echo {
    override async dataReceived(data: Uint8Array): Promise<void> {
      await port.stopListening().then(refused.reject, refused.resolve);
      super.dataReceived(data);
    }
  }
  class Factory extends NotedFactory {
    override protocol = Stopping;
  }
  const factory = new Factory();
  const reactor = new Reactor();
  const port = await reactor.listenTcp(0, factory, { concurrency: 1 });
  await using _running = running(reactor);
  const client = await connect(port.host as Deno.NetAddr);
  await client.sendAll("one\n");
  assertInstanceOf(await within(refused.promise, "the refusal"), TypeError);
  assertEquals(await client.readLine(), "one");
  client.close();
  const second = await connect(port.host as Deno.NetAddr);
  await second.sendAll("two\n");
  assertEquals(await second.readLine(), "two");
  second.close();
  assertEquals(factory.calls, ["start"]);
  await within(port.stopListening(), "the stop");
  assertEquals(factory.calls, ["start", "stop"]);
});

Deno.test("Port.stopListening() during a startListening that fails resolves, and does not stop the factory", async () => {
  const reactor = new Reactor();
  const factory = new NotedFactory();
  const port = await reactor.listenTcp(0, factory);
  const other = await reactor.listenTcp(0, factory);
  await using _running = running(reactor);
  await port.stopListening();
  const occupied = Deno.listen({ ...port.host as Deno.NetAddr, transport: "tcp" });
  const starting = assertRejects(() => port.startListening(), Deno.errors.AddrInUse);
  await within(port.stopListening(), "the stop");
  await starting;
  occupied.close();
  assertEquals(factory.calls, ["start"], "the other port counts");
  await port.startListening();
  await other.stopListening();
  assertEquals(factory.calls, ["start"]);
});

Deno.test("Port.stopListening() during a startListening that succeeds stops it", async () => {
  const reactor = new Reactor();
  const factory = new NotedFactory();
  const port = await reactor.listenTcp(0, factory);
  await using _running = running(reactor);
  await port.stopListening();
  const starting = port.startListening();
  await within(port.stopListening(), "the stop");
  await starting;
  await assertRejects(() => connect(port.host as Deno.NetAddr), Deno.errors.ConnectionRefused);
  assertEquals(factory.calls, ["start", "stop", "start", "stop"]);
});

Deno.test({
  name: "Port.stopListening() resolves though the file of a Unix socket cannot be removed, which is told",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    const folder = socketPath("gone");
    await Deno.mkdir(folder);
    const recorder = new Recorder();
    const reactor = new Reactor({ observers: [recorder] });
    const port = await reactor.listenUnix(`${folder}/socket`, ServerFactory.forProtocol(Echo));
    await using _running = running(reactor);
    await Deno.remove(folder, { recursive: true });
    await Deno.writeTextFile(folder, "a file where the folder was");
    await within(port.stopListening(), "the stop");
    assertEquals(recorder.all("error").map(({ phase }) => phase), ["close"]);
  },
});

Deno.test("Port.stopListening() of a port that is full waits for no room, and connections live on", async () => {
  const reactor = new Reactor();
  const port = await reactor.listenTcp(0, ServerFactory.forProtocol(Echo), { maxConnections: 1 });
  await using _running = running(reactor);
  using client = await connect(port.host as Deno.NetAddr);
  await client.sendAll("one\n");
  assertEquals(await client.readLine(), "one");
  using _waiting = await connect(port.host as Deno.NetAddr);
  await within(port.stopListening(), "the stop");
  await assertRejects(() => connect(port.host as Deno.NetAddr), Deno.errors.ConnectionRefused);
  await client.sendAll("two\n");
  assertEquals(await client.readLine(), "two");
});

Deno.test("Port.stopListening() takes in who waits while there is room, and none above the limit", async () => {
  const reactor = new Reactor();
  const port = await reactor.listenTcp(0, ServerFactory.forProtocol(Echo), { maxConnections: 2 });
  const clients = await Promise.all([1, 2, 3].map(() => connect(port.host as Deno.NetAddr)));
  await using _running = running(reactor);
  await within(port.stopListening(), "the stop");
  const served = await Promise.all(clients.map(async (client) => {
    try {
      await client.sendAll("hello\n");
      return await client.readLine() === "hello" ? 1 : 0 as number;
    } catch {
      return 0;
    }
  }));
  const sum = served.reduce((sum, one) => sum + one);
  assert(sum <= 2, `${sum} were served`);
  for (const client of clients) client.close();
});

Deno.test("A stopFactory that throws rejects stopListening, and the port can be opened again", async () => {
  class Broken extends ServerFactory {
    override protocol = Echo;
    override stopFactory(): void {
      throw new Error("cannot stop");
    }
  }
  const recorder = new Recorder();
  const reactor = new Reactor({ observers: [recorder] });
  const port = await reactor.listenTcp(0, new Broken());
  await using _running = running(reactor);
  await assertRejects(() => port.stopListening(), Error, "cannot stop");
  await port.startListening();
  using client = await connect(port.host as Deno.NetAddr);
  await client.sendAll("alive\n");
  assertEquals(await client.readLine(), "alive");
});

Deno.test("Reactor.stop() tells every protocol ConnectionLost, then stops the factories", async () => {
  const calls: string[] = [];
  const made = Promise.withResolvers<void>();
  class Told extends Protocol {
    override connectionMade(): void {
      made.resolve();
    }
    override connectionLost(reason: Error): void {
      calls.push(reason.name);
    }
  }
  class Factory extends ServerFactory {
    override protocol = Told;
    override stopFactory(): void {
      calls.push("stop");
    }
  }
  const reactor = new Reactor();
  reactor.addShutdownTrigger("before", () => void calls.push("before"));
  reactor.addShutdownTrigger("after", () => void calls.push("after"));
  reactor.addShutdownTrigger("after", () => void calls.push("never"))();
  const port = await reactor.listenTcp(0, new Factory());
  const over = reactor.run();
  using _client = await connect(port.host as Deno.NetAddr);
  await made.promise;
  reactor.stop();
  assertEquals(calls, [], "never at once");
  await within(over, "the end");
  assertEquals(calls, ["before", "ConnectionLost", "stop", "after"]);
});

Deno.test("A port whose factory or protocol fails to start is closed, and that factory is not stopped", async () => {
  const calls: string[] = [];
  class Failing extends ServerFactory {
    override startFactory(): void {
      throw new Error("not now");
    }
    override stopFactory(): void {
      calls.push("stop");
    }
  }
  class FailingPackets extends DatagramProtocol {
    override startProtocol(): void {
      calls.push(`bound ${(this.transport.host as Deno.NetAddr).port > 0}`);
      throw new Error("not now");
    }
    override datagramReceived(): void {}
  }
  const reactor = new Reactor();
  await assertRejects(() => reactor.listenTcp(0, new Failing()), Error, "not now");
  await assertRejects(() => reactor.listenUdp(0, new FailingPackets()), Error, "not now");
  await using _running = running(reactor);
  assertEquals(calls, ["bound true"]); // what is open still would be told by the sanitizers
});

Deno.test("A port that is being opened while the reactor stops is closed, and says so", async () => {
  const reactor = new Reactor();
  const over = reactor.run();
  const opening = reactor.listenTcp(0, ServerFactory.forProtocol(Echo));
  reactor.stop();
  await within(assertRejects(() => opening, TypeError, "stop"), "the refusal");
  await within(over, "the end");
});

Deno.test("A paused protocol does not hold up the end of a reactor", async () => {
  const lost = Promise.withResolvers<Error>();
  class Paused extends Protocol {
    override dataReceived(): void {
      this.transport.pauseProducing();
      reactor.callLater(0, () => reactor.stop());
    }
    override connectionLost(reason: Error): void {
      lost.resolve(reason);
    }
  }
  const reactor = new Reactor();
  const port = await reactor.listenTcp(0, ServerFactory.forProtocol(Paused));
  const over = reactor.run();
  using client = await connect(port.host as Deno.NetAddr);
  await client.sendAll("hello");
  await within(over, "the end", 900); // waiting for it in vain would take a second
  assertEquals((await lost.promise).name, "ConnectionLost");
});

Deno.test("A callback that never comes back does not hold up the end of a reactor", async () => {
  const begun = Promise.withResolvers<void>();
  class Stuck extends Protocol {
    override dataReceived(): Promise<void> {
      begun.resolve();
      return new Promise(() => {});
    }
  }
  const reactor = new Reactor();
  const port = await reactor.listenTcp(0, ServerFactory.forProtocol(Stuck));
  const over = reactor.run();
  using client = await connect(port.host as Deno.NetAddr);
  await client.sendAll("hello");
  await begun.promise;
  reactor.stop();
  await within(over, "the end");
});

Deno.test("A reactor runs once, and stops only while it runs", async () => {
  const reactor = new Reactor();
  assertThrows(() => reactor.stop(), TypeError);
  const over = reactor.run();
  await assertRejects(() => reactor.run(), TypeError, "runs already");
  reactor.stop();
  assertThrows(() => reactor.stop(), TypeError);
  await over;
  await assertRejects(() => reactor.run(), TypeError, "was stopped");
  await assertRejects(() => reactor.listenTcp(0, new NotedFactory()), TypeError);
});

Deno.test("Reactor.callLater() calls in the order of the times, never at once, and equal times in order", async () => {
  const reactor = new Reactor();
  const called: string[] = [];
  reactor.callLater(20, () => reactor.stop());
  reactor.callLater(5, () => called.push("later"));
  for (const n of [1, 2, 3]) reactor.callLater(0, (name) => called.push(name), `now ${n}`);
  assertEquals(called, []);
  await reactor.run();
  assertEquals(called, ["now 1", "now 2", "now 3", "later"]);
});

Deno.test("Reactor.callLater() keeps the order of times less than a millisecond apart, and waits for those far away", async () => {
  const reactor = new Reactor();
  const called: string[] = [];
  const calls = [1.9, 1.1, 1, 0].map((ms) => {
    const { time } = reactor.callLater(ms, () => called.push(String(ms)));
    return { ms: String(ms), time }; // the clock goes on between two calls
  });
  for (const ms of [2 ** 31, Infinity]) reactor.callLater(ms, () => called.push("too early"));
  const later = reactor.callLater(15, () => called.push("put off meanwhile"));
  reactor.callLater(5, () => called.push("last"));
  reactor.callLater(1.5, () => later.delay(100_000));
  reactor.callLater(20, () => reactor.stop());
  assertThrows(() => later.reset(-5), RangeError, "-5");
  assertThrows(() => later.delay(NaN), RangeError, "NaN");
  await reactor.run();
  const inOrder = calls.sort((a, b) => a.time - b.time).map(({ ms }) => ms);
  assertEquals(called, [...inOrder, "last"]);
});

Deno.test("A delayed call can be cancelled, put off and brought forward, until it was called", async () => {
  const reactor = new Reactor();
  const called: string[] = [];
  const cancelled = reactor.callLater(1, () => called.push("cancelled"));
  cancelled.cancel();
  assertThrows(() => cancelled.cancel(), TypeError, "cancelled");
  assert(!cancelled.active);
  const off = reactor.callLater(1, () => called.push("off"));
  off.delay(100_000);
  assert(off.time > performance.now() + 90_000);
  const forward = reactor.callLater(100_000, () => called.push("forward"));
  forward.reset(1);
  reactor.callLater(30, () => reactor.stop());
  await reactor.run();
  assertThrows(() => forward.reset(1), TypeError, "called");
  assertEquals(called, ["forward"]);
  assert(!off.active, "the end of the reactor cancels what is to come");
  assertThrows(() => reactor.callLater(-1, () => {}), RangeError, "-1");
});

Deno.test("Calls that are delayed while the reactor stops come if it takes so long, and do not outlive it", async () => {
  const reactor = new Reactor();
  const called: string[] = [];
  const left: { active: boolean }[] = [];
  for (const phase of ["before", "during", "after"] as const) {
    reactor.addShutdownTrigger(phase, () => {
      left.push(reactor.callLater(100_000, () => called.push("never")));
      return new Promise<void>((resolve) => reactor.callLater(0, () => (called.push(phase), resolve())));
    });
  }
  reactor.callLater(0, () => reactor.stop());
  await within(reactor.run(), "the end");
  assertEquals(called, ["before", "during", "after"]);
  assertEquals(left.map(({ active }) => active), [false, false, false]);
  assert(!reactor.callLater(0, () => called.push("after the end")).active);
  assertEquals(called.length, 3); // a timer that is left would be told by the sanitizers
});

Deno.test("A client's factory that tries again later does not keep a reactor that has stopped", async () => {
  const again: { active: boolean }[] = [];
  const made = Promise.withResolvers<void>();
  class Reconnecting extends ClientFactory {
    override protocol = class extends Protocol {
      override connectionMade(): void {
        made.resolve();
      }
    };
    override clientConnectionLost(connector: Connector): void {
      again.push(reactor.callLater(100_000, () => connector.connect()));
    }
  }
  const reactor = new Reactor();
  const { host } = await reactor.listenTcp(0, ServerFactory.forProtocol(Echo));
  const over = reactor.run();
  reactor.connectTcp("127.0.0.1", (host as Deno.NetAddr).port, new Reconnecting());
  await within(made.promise, "the connection");
  reactor.stop();
  await within(over, "the end");
  assertEquals(again.map(({ active }) => active), [false]);
});

Deno.test("What a delayed call throws is told to the observers, and the reactor goes on", async () => {
  const recorder = new Recorder();
  const reactor = new Reactor({ observers: [recorder] });
  reactor.callLater(0, () => {
    throw new Error("broken");
  });
  reactor.callLater(0, () => Promise.reject(new Error("later")));
  await using _running = running(reactor);
  await recorder.until("error", 2);
});

/** A client's factory that notes its life. */
class NotedClient extends ClientFactory {
  readonly calls: string[] = [];
  readonly over = Promise.withResolvers<Error>();
  override protocol: typeof Protocol = class extends Protocol {
    override connectionMade(): void {
      this.transport.write(bytes("hello"));
    }
    override dataReceived(): void {
      this.transport.loseConnection();
    }
    override connectionLost(): void {
      (this.factory as NotedClient).calls.push("protocol lost");
    }
  };
  override startedConnecting(connector: Connector): void {
    this.calls.push(connector.state);
  }
  override clientConnectionFailed(_connector: Connector, reason: Error): void {
    this.calls.push("failed");
    this.over.resolve(reason);
  }
  override clientConnectionLost(_connector: Connector, reason: Error): void {
    this.calls.push("lost");
    this.over.resolve(reason);
  }
}

Deno.test("Reactor.connectTcp(): the factory is told after its protocol that the connection is over", async () => {
  const reactor = new Reactor();
  const port = (await reactor.listenTcp(0, ServerFactory.forProtocol(Echo))).host as Deno.NetAddr;
  await using _running = running(reactor);
  const factory = new NotedClient();
  const connector = reactor.connectTcp(port.hostname, port.port, factory);
  assertEquals([connector.state, factory.calls], ["connecting", []]);
  assertEquals((await within(factory.over.promise, "the end")).name, "ConnectionDone");
  assertEquals(factory.calls, ["connecting", "protocol lost", "lost"]);
  assertEquals(connector.state, "disconnected");
});

Deno.test("Reactor.connectTcp() to nobody fails, and the connector tries again", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const reactor = new Reactor();
  await using _running = running(reactor);
  const factory = new NotedClient();
  const second = Promise.withResolvers<void>();
  factory.clientConnectionFailed = (connector, reason) => {
    assertInstanceOf(reason, Deno.errors.ConnectionRefused);
    if (factory.calls.push("failed") < 3) connector.connect();
    else second.resolve();
  };
  reactor.connectTcp("127.0.0.1", port, factory);
  await within(second.promise, "the second failure");
});

Deno.test("Connector.disconnect() gives up an attempt, and stop() ends connections", async () => {
  const reactor = new Reactor();
  const over = reactor.run();
  const factory = new NotedClient();
  reactor.connectTcp("127.0.0.1", 9, factory).disconnect();
  await within(factory.over.promise, "the end");
  assertEquals(factory.calls, ["connecting", "failed"]);
  reactor.stop();
  await over;
});

Deno.test("Reactor.listenUdp() gives packets to a protocol, which answers; a failure is told, the next is served", async () => {
  const calls: string[] = [];
  class Answer extends DatagramProtocol {
    override startProtocol(): void {
      calls.push("start");
    }
    override stopProtocol(): void {
      calls.push("stop");
    }
    override datagramReceived(data: Uint8Array, addr: Deno.Addr): void {
      if (text(data) === "die") throw new Error("broken");
      this.transport.write(data, addr as Deno.NetAddr);
    }
  }
  const recorder = new Recorder();
  const reactor = new Reactor({ observers: [recorder] });
  const port = await reactor.listenUdp(0, new Answer());
  const over = reactor.run();
  await using client = await connectDatagram(port.host as Deno.NetAddr);
  await client.send("die");
  assertEquals(((await recorder.until("error")).error as Error).message, "broken");
  await client.send("hello");
  assertEquals(text((await within(client.receive(), "the answer"))!), "hello");
  reactor.stop();
  await within(over, "the end");
  assertEquals(calls, ["start", "stop"]);
});
