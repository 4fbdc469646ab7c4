import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  Connection,
  ConnectionAborted,
  ConnectionDone,
  ConnectionLost,
  type FrameError,
  LengthPrefixedReceiver,
  LimitTotalConnectionsFactory,
  LineReceiver,
  NetstringReceiver,
  Protocol,
  type ProtocolTransport,
  runProtocol,
  ServerFactory,
  TcpServer,
} from "../../mod.ts";
import { isSettled, turn, within } from "../_support/deadline.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** A protocol that notes what it is called with, and does what a test says. */
class Note extends Protocol {
  readonly calls: string[] = [];
  made: (transport: ProtocolTransport) => void | Promise<void> = () => {};
  received: (data: string, transport: ProtocolTransport) => void | Promise<void> = () => {};

  override connectionMade(): void | Promise<void> {
    this.calls.push("made");
    return this.made(this.transport);
  }

  override dataReceived(data: Uint8Array): void | Promise<void> {
    this.calls.push(`received ${text(data)}`);
    return this.received(text(data), this.transport);
  }

  override connectionLost(reason: Error): void | Promise<void> {
    this.calls.push(`lost ${reason.name}`);
  }
}

/** A protocol on a connection without a socket. */
function start<P extends Protocol>(
  protocol: P,
): { peer: MemoryTransport; over: Promise<Error>; protocol: P } {
  const peer = new MemoryTransport();
  return { peer, protocol, over: runProtocol(new Connection(peer), protocol) };
}

Deno.test("Protocol: made, received, lost, in this order and the last once", async () => {
  const { peer, over, protocol } = start(new Note());
  peer.receive("one").receive("two").end();
  assertInstanceOf(await within(over, "the end"), ConnectionDone);
  assertEquals(protocol.calls, ["made", "received one", "received two", "lost ConnectionDone"]);
  assert(protocol.connected && protocol.transport.disconnecting);
});

Deno.test("Protocol: a reset is a ConnectionLost that says why", async () => {
  const { peer, over } = start(new Note());
  peer.receive(new Deno.errors.ConnectionReset("reset by peer"));
  const reason = await within(over, "the end");
  assertInstanceOf(reason, ConnectionLost);
  assertInstanceOf(reason.cause, Deno.errors.ConnectionReset);
});

for (const where of ["made", "received"] as const) {
  Deno.test(`Protocol: what is thrown in ${where} is the reason and is thrown on`, async () => {
    for (const late of [false, true]) {
      const note = new Note();
      note[where] = () => {
        if (late) return Promise.reject(new TypeError("broken"));
        throw new TypeError("broken");
      };
      const { peer, over, protocol } = start(note);
      peer.receive("one");
      await within(assertRejects(() => over, TypeError, "broken"), "the end");
      assertEquals(protocol.calls.at(-1), "lost TypeError");
    }
  });
}

Deno.test("Protocol: a callback that returns a promise is waited for before more is read", async () => {
  const { peer, over, protocol } = start(new Note());
  const gate = Promise.withResolvers<void>();
  protocol.received = () => gate.promise;
  peer.receive("one").receive("two").end();
  await turn();
  assertEquals(protocol.calls, ["made", "received one"]);
  gate.resolve();
  await over;
  assertEquals(protocol.calls.length, 4);
});

Deno.test("transport.write() keeps the order, takes bytes only, and drops what comes after the end", async () => {
  const { peer, over, protocol } = start(new Note());
  await turn();
  const { transport } = protocol;
  transport.write(bytes("a"));
  transport.writeSequence([bytes("b"), bytes("c")]);
  assertThrows(() => transport.write("text" as never), TypeError, "bytes");
  peer.end();
  await over;
  transport.write(bytes("late"));
  assertEquals(peer.text, "abc");
  assertEquals(transport.buffered, 0);
});

Deno.test("transport.loseConnection() stops reading at once and sends what was written, also meanwhile", async () => {
  const { peer, over, protocol } = start(new Note());
  protocol.received = (_, transport) => {
    peer.stall();
    transport.write(bytes("before "));
    transport.loseConnection();
    transport.loseConnection();
  };
  peer.receive("one").receive("two");
  await turn();
  protocol.transport.write(bytes("while flushing"));
  peer.flow();
  assertInstanceOf(await within(over, "the end"), ConnectionDone);
  assertEquals(peer.text, "before while flushing");
  assertEquals(protocol.calls, ["made", "received one", "lost ConnectionDone"]);
});

Deno.test("transport.loseConnection() while nothing comes ends the connection", async () => {
  const { over, protocol, peer } = start(new Note());
  await turn();
  protocol.transport.write(bytes("bye"));
  protocol.transport.loseConnection();
  assertEquals(protocol.calls, ["made"], "never called from within");
  assertInstanceOf(await within(over, "the end"), ConnectionDone);
  assertEquals([peer.text, peer.closed], ["bye", true]);
});

Deno.test("transport.abortConnection() drops what is queued and tells in a later turn", async () => {
  const { over, protocol, peer } = start(new Note());
  await turn();
  peer.stall();
  protocol.transport.write(bytes("never"));
  protocol.transport.write(bytes("ever"));
  protocol.transport.abortConnection();
  protocol.transport.abortConnection();
  protocol.transport.loseConnection();
  assertEquals(protocol.calls, ["made"]);
  assertInstanceOf(await within(over, "the end"), ConnectionAborted);
  assertEquals(peer.text, "");
});

Deno.test("What is thrown after abortConnection in the same callback is the reason", async () => {
  const { over, protocol, peer } = start(new Note());
  protocol.received = (_, transport) => {
    transport.abortConnection();
    throw new RangeError("a bug");
  };
  peer.receive("one");
  await within(assertRejects(() => over, RangeError), "the end");
  assertEquals(protocol.calls.at(-1), "lost RangeError");
});

Deno.test("transport.pauseProducing() stops delivery, also from connectionMade, until resumeProducing", async () => {
  const note = new Note();
  note.made = (transport) => transport.pauseProducing();
  const { over, protocol, peer } = start(note);
  peer.receive("one").end();
  assert(!(await isSettled(over)));
  assertEquals(protocol.calls, ["made"]);
  protocol.transport.resumeProducing();
  await within(over, "the end");
  assertEquals(protocol.calls, ["made", "received one", "lost ConnectionDone"]);
  protocol.transport.resumeProducing();
});

Deno.test("A pause while a read is under way holds what it brings", async () => {
  const { over, protocol, peer } = start(new Note());
  await turn();
  protocol.transport.pauseProducing();
  peer.receive("one").end();
  assert(!(await isSettled(over)));
  assertEquals(protocol.calls, ["made"]);
  protocol.transport.resumeProducing();
  await within(over, "the end");
  assertEquals(protocol.calls[1], "received one");
});

Deno.test("transport.loseConnection() ends a paused connection", async () => {
  const note = new Note();
  note.made = (transport) => transport.pauseProducing();
  const { over, protocol } = start(note);
  await turn();
  protocol.transport.loseConnection();
  assertInstanceOf(await within(over, "the end"), ConnectionDone);
});

class HalfCloser extends Note {
  override readConnectionLost(): void {
    this.calls.push("read lost");
    this.transport.write(bytes("answer"));
  }

  override writeConnectionLost(): void {
    this.calls.push("write lost");
  }
}

Deno.test("A protocol with readConnectionLost may answer after the peer's end", async () => {
  const { over, protocol, peer } = start(new HalfCloser());
  peer.receive("question").end();
  assert(!(await isSettled(over)));
  assertEquals(protocol.calls, ["made", "received question", "read lost"]);
  protocol.transport.loseConnection();
  assertInstanceOf(await within(over, "the end"), ConnectionDone);
  assertEquals(peer.text, "answer");
});

Deno.test("transport.loseWriteConnection() ends this half, and reading goes on", async () => {
  const { over, protocol, peer } = start(new HalfCloser());
  await turn();
  protocol.transport.write(bytes("all"));
  protocol.transport.loseWriteConnection();
  await turn();
  assertEquals([protocol.calls, peer.writeEnded, peer.text], [["made", "write lost"], true, "all"]);
  peer.receive("more").end();
  assertInstanceOf(await within(over, "the end"), ConnectionDone);
  assertEquals(protocol.calls.slice(2), ["received more", "read lost", "lost ConnectionDone"]);
});

/** What a protocol does when it has begun, after which it does not read. */
const SILENT: Record<string, (note: Note) => void> = {
  "paused": ({ transport }) => transport.pauseProducing(),
  "that writes after the peer's end": () => {},
  "that waits for a pull producer": ({ transport }) => {
    transport.registerProducer({ resumeProducing: () => {} }, false); // it has nothing to say
    transport.loseConnection();
  },
};

for (const [state, begin] of Object.entries(SILENT)) {
  Deno.test(`A protocol ${state} is told when the connection is closed on this side`, async () => {
    const peer = new MemoryTransport();
    const conn = new Connection(peer);
    const protocol = new HalfCloser();
    const over = runProtocol(conn, protocol);
    peer.receive("question").end();
    await turn();
    begin(protocol);
    assert(!(await isSettled(over)));
    conn.close();
    await within(over, "the end");
    assertEquals(protocol.calls.filter((call) => /^lost/.test(call)).length, 1);
  });

  Deno.test(`A protocol ${state} is told when a write fails`, async () => {
    const peer = new MemoryTransport();
    const protocol = new HalfCloser();
    protocol.made = () => begin(protocol);
    const over = runProtocol(new Connection(peer), protocol);
    peer.end();
    await turn();
    peer.write = () => Promise.reject(new Deno.errors.BrokenPipe("broken pipe"));
    protocol.transport.write(bytes("more"));
    const reason = await within(over, "the end");
    assertInstanceOf(reason, ConnectionLost);
    assertInstanceOf(reason.cause, Deno.errors.BrokenPipe);
  });
}

Deno.test("Protocol.dataReceived() gets 64 KiB at most; a pause holds the rest of a larger read", async () => {
  const sizes: number[] = [];
  class Sizes extends Protocol {
    override dataReceived(data: Uint8Array): void {
      sizes.push(data.length);
      if (data.length === 65_536) this.transport.pauseProducing();
    }
  }
  const { peer, over, protocol } = start(new Sizes());
  const total = 2_000_000;
  peer.receive(new Uint8Array(total)).end();
  while (!(await isSettled(over))) {
    assert(protocol.transport.paused, "65 536 bytes have come");
    protocol.transport.resumeProducing();
  }
  assertEquals(sizes.reduce((a, b) => a + b), total);
  assertEquals(Math.max(...sizes), 65_536);
});

Deno.test("A push producer is paused beyond 64 KiB and resumed when all has gone", async () => {
  const { over, protocol, peer } = start(new Note());
  await turn();
  const told: string[] = [];
  const resumed = Promise.withResolvers<void>();
  protocol.transport.registerProducer({
    pauseProducing: () => void told.push("pause"),
    resumeProducing: () => (told.push("resume"), resumed.resolve()),
    stopProducing: () => void told.push("stop"),
  }, true);
  peer.stall();
  protocol.transport.write(new Uint8Array(65_536));
  assertEquals(told, []);
  protocol.transport.write(new Uint8Array(1));
  assertEquals(told, ["pause"]);
  peer.flow();
  await within(resumed.promise, "resume");
  assertThrows(() => protocol.transport.registerProducer({ resumeProducing() {} }, true), TypeError);
  peer.end();
  await within(over, "the end");
  assertEquals(told, ["pause", "resume", "stop"]);
});

Deno.test("A pull producer is asked for every piece, and loseConnection waits for its end", async () => {
  const { over, protocol, peer } = start(new Note());
  await turn();
  const { transport } = protocol;
  let left = 5;
  transport.registerProducer({
    resumeProducing() {
      if (left-- > 0) transport.write(bytes("piece "));
      else transport.unregisterProducer();
    },
  }, false);
  transport.loseConnection();
  assertInstanceOf(await within(over, "the end"), ConnectionDone);
  assertEquals(peer.text, "piece ".repeat(5));
});

Deno.test("A producer that fails to stop does not keep the end from its protocol", async () => {
  const { peer, over, protocol } = start(new Note());
  await turn();
  const stopProducing = (): never => {
    throw new TypeError("broken");
  };
  protocol.transport.registerProducer({ resumeProducing() {}, stopProducing }, true);
  peer.end();
  await within(assertRejects(() => over, TypeError, "broken"), "the end");
  assertEquals(protocol.calls, ["made", "lost ConnectionDone"]);
});

Deno.test("A producer that comes too late is stopped", async () => {
  const { over, protocol, peer } = start(new Note());
  peer.end();
  await over;
  let stopped = 0;
  protocol.transport.registerProducer({ resumeProducing() {}, stopProducing: () => void stopped++ }, true);
  assertEquals(stopped, 1);
});

Deno.test("Protocol.setTimeout() closes an idle connection, and gives the limit until now", async () => {
  const note = new Note();
  note.made = () => {
    assertEquals(note.setTimeout(50_000), undefined);
    assertEquals(note.setTimeout(5), 50_000);
    note.resetTimeout();
  };
  const { over, protocol } = start(note);
  assertInstanceOf(await within(over, "the end"), ConnectionDone);
  assertEquals(protocol.calls, ["made", "lost ConnectionDone"]);
});

Deno.test("A Protocol class is a handler for the kit's servers, and its failure is told to their observers", async () => {
  class Fragile extends Protocol {
    override dataReceived(data: Uint8Array): void {
      if (text(data) === "die") throw new Error("broken");
      this.transport.write(data);
    }
  }
  const recorder = new Recorder();
  await using served = await serving(new TcpServer(Fragile, { observers: [recorder] }));
  using good = await connect(served.server.addr);
  using bad = await connect(served.server.addr);
  await bad.sendAll("die");
  assertEquals(((await recorder.until("error")).error as Error).message, "broken");
  await good.sendAll("alive\n");
  assertEquals(await good.readLine(), "alive");
  assertEquals(recorder.all("error").length, 1);
});

Deno.test("A factory that builds null closes the connection, one that throws is told to the observers", async () => {
  class Choosy extends ServerFactory {
    count = 0;
    override buildProtocol(): Protocol | null {
      if (this.count++ === 0) return null;
      throw new Error("no");
    }
  }
  const recorder = new Recorder();
  await using served = await serving(new TcpServer(new Choosy(), { observers: [recorder] }));
  using first = await connect(served.server.addr);
  assertEquals(await first.recv(), null);
  using second = await connect(served.server.addr);
  assertEquals(await second.recv(), null);
  assertEquals(((await recorder.until("error")).error as Error).message, "no");
});

Deno.test("A drained server ends idle protocols", async () => {
  const lost = Promise.withResolvers<string>();
  class Idle extends Protocol {
    override connectionMade(): void {
      this.transport.write(bytes("hello\n"));
    }
    override connectionLost(reason: Error): void {
      lost.resolve(reason.name);
    }
  }
  await using served = await serving(new TcpServer(Idle));
  using client = await connect(served.server.addr);
  await client.readLine();
  await within(served.server.shutdown(), "the shutdown");
  assertEquals(await lost.promise, "ConnectionDone");
});

Deno.test("LimitTotalConnectionsFactory turns away whoever is too many, with a word", async () => {
  class Hello extends Protocol {
    override connectionMade(): void {
      this.transport.write(bytes("hello\n"));
    }
  }
  class Sorry extends Protocol {
    override connectionMade(): void {
      this.transport.write(bytes("full\n"));
      this.transport.loseConnection();
    }
  }
  const factory = new LimitTotalConnectionsFactory();
  Object.assign(factory, { protocol: Hello, overflowProtocol: Sorry, connectionLimit: 1 });
  await using served = await serving(new TcpServer(factory));
  using first = await connect(served.server.addr);
  assertEquals(await first.readLine(), "hello");
  using second = await connect(served.server.addr);
  assertEquals([await second.readLine(), await second.readLine()], ["full", null]);
});

class Lines extends LineReceiver {
  readonly got: string[] = [];
  onLine: (line: string) => void = () => {};

  override lineReceived(line: string): void {
    this.got.push(line);
    this.onLine(line);
  }

  override rawDataReceived(data: Uint8Array): void {
    this.got.push(`raw ${text(data)}`);
    const end = text(data).indexOf(".");
    if (end >= 0) this.setLineMode(data.slice(end + 1));
  }

  override lineLengthExceeded(rest: Uint8Array): void {
    this.got.push(`exceeded ${rest.length}`);
    super.lineLengthExceeded(rest);
  }
}

for (const size of [1, 2, 3, 5, 9]) {
  Deno.test(`LineReceiver gives the same lines in packets of ${size} bytes`, async () => {
    const { over, protocol, peer } = start(new Lines());
    const input = bytes("one\r\ntwo\n\nlast line\r\nunfinished");
    for (let n = 0; n < input.length; n += size) peer.receive(text(input.slice(n, n + size)));
    peer.end();
    await within(over, "the end");
    assertEquals(protocol.got, ["one", "two", "", "last line"]);
  });
}

Deno.test("LineReceiver: a pause inside lineReceived stops delivery there, resuming goes on", async () => {
  const { over, protocol, peer } = start(new Lines());
  protocol.onLine = (line) => line === "b" && protocol.transport.pauseProducing();
  peer.receive("a\nb\nc\nd\n").end();
  assert(!(await isSettled(over)));
  assertEquals(protocol.got, ["a", "b"]);
  protocol.transport.resumeProducing();
  await within(over, "the end");
  assertEquals(protocol.got, ["a", "b", "c", "d"]);
});

Deno.test("LineReceiver: loseConnection inside lineReceived drops the remaining lines", async () => {
  const { over, protocol, peer } = start(new Lines());
  protocol.onLine = () => protocol.transport.loseConnection();
  peer.receive("a\nb\n");
  await within(over, "the end");
  assertEquals(protocol.got, ["a"]);
});

Deno.test("LineReceiver: switching to raw mode and back ten thousand times does not recurse", async () => {
  const { over, protocol, peer } = start(new Lines());
  protocol.onLine = () => protocol.setRawMode();
  peer.receive("x\ny.".repeat(10_000)).end();
  await within(over, "the end");
  assertEquals(protocol.got.filter((line) => line === "x").length, 10_000);
});

Deno.test("LineReceiver: a line that is too long is told with everything behind it", async () => {
  const { over, protocol, peer } = start(new Lines());
  protocol.maxLength = 10;
  peer.receive("ok\n").receive("x".repeat(20) + "\nnext\n");
  assertInstanceOf(await within(over, "the end"), ConnectionDone);
  assertEquals(protocol.got, ["ok", "exceeded 26"]);
});

for (
  const [Receiver, wire] of [
    [LengthPrefixedReceiver, "\0\0\0\x05hello"],
    [NetstringReceiver, "5:hello,"],
  ] as const
) {
  Deno.test(`${Receiver.name} gives whole strings, and is told of those too long before they arrive`, async () => {
    class Receiving extends (Receiver as typeof LengthPrefixedReceiver) {
      readonly got: string[] = [];
      override maxLength = 100;
      override stringReceived(data: Uint8Array): void {
        this.got.push(text(data));
        this.sendString(data);
      }
      override lengthLimitExceeded(error: FrameError): void {
        this.got.push(error.name);
        super.lengthLimitExceeded(error);
      }
    }
    const { over, protocol, peer } = start(new Receiving());
    for (const byte of wire) peer.receive(byte);
    peer.receive(wire.startsWith("5") ? "101:" : "\0\0\0\x65");
    await within(over, "the end");
    assertEquals(protocol.got, ["hello", "FrameTooLargeError"]);
    assertEquals(peer.text, wire);
  });
}

Deno.test("LineReceiver: answers to lines that came together go out in one write, in the order of the calls", async () => {
  class Answer extends LineReceiver {
    override delimiter = "\n" as const;
    override lineReceived(line: string): void {
      if (line === "c") this.transport.connection.sendAll("[sent]");
      this.sendLine(line.toUpperCase());
    }
  }
  const { peer, over } = start(new Answer());
  peer.receive("a\nb\nc\nd\n").end();
  await within(over, "the end");
  assertEquals(peer.text, "A\nB\n[sent]C\nD\n");
  assertEquals(peer.written.length, 2, "what is queued, and the callers behind it");

  const plain = start(new Answer());
  plain.peer.receive("a\nb\nd\n").end();
  await within(plain.over, "the end");
  assertEquals([plain.peer.text, plain.peer.written.length], ["A\nB\nD\n", 1]);
});

Deno.test("LineReceiver: what was answered goes out although a later line throws", async () => {
  class Fails extends LineReceiver {
    override lineReceived(line: string): void {
      if (line === "b") throw new Error("no b");
      this.sendLine(line);
    }
  }
  const { peer, over } = start(new Fails());
  const failed = assertRejects(() => over, Error, "no b");
  peer.receive("a\nb\n").end();
  await within(failed, "the end");
  await turn();
  assertEquals(peer.text, "a\r\n");
});

Deno.test("ProtocolTransport.write: many writes at once go out whole, in order and in few writes", async () => {
  const note = new Note();
  const { peer, over } = start(note);
  note.received = (_, transport) => {
    for (let n = 0; n < 1_000; n++) transport.write(bytes(`${n} `.padEnd(100)));
    assert(transport.buffered > 90_000);
    transport.loseConnection();
  };
  peer.receive("go");
  await within(over, "the end");
  assertEquals(peer.text.match(/\d+/g)?.map(Number), Array.from({ length: 1_000 }, (_, n) => n));
  assert(peer.written.length <= 4, `${peer.written.length} writes`);
});

Deno.test("transport.write() behind a writing half that its connection has ended is dropped, and holds up nothing", async () => {
  const { peer, over, protocol } = start(new Note());
  const buffered: number[] = [];
  protocol.received = (_, transport) => {
    transport.connection.closeWrite();
    transport.write(bytes("dropped"));
    buffered.push(transport.buffered);
    transport.loseConnection();
  };
  peer.receive("end");
  assertInstanceOf(await within(over, "the end"), ConnectionDone);
  assertEquals([peer.text, buffered], ["", [0]]);
});

Deno.test("transport.buffered counts what the kernel has not taken, whoever wrote it", async () => {
  const peer = new MemoryTransport();
  const buffered: number[] = [];
  const protocol = new Note();
  protocol.made = async (transport) => {
    peer.stall();
    const { connection } = transport;
    buffered.push(transport.buffered);
    connection.sendAll("abc");
    transport.write(bytes("de"));
    connection.send(bytes("f"));
    buffered.push(transport.buffered);
    peer.flow();
    await connection.flush();
    buffered.push(transport.buffered);
    transport.write(bytes("g"));
    buffered.push(transport.buffered);
    transport.loseConnection();
  };
  await within(runProtocol(new Connection(peer), protocol), "the end");
  assertEquals([peer.text, buffered], ["abcdefg", [0, 6, 0, 1]]);
});
