import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  Connection,
  ConnectionClosedError,
  FrameTooLargeError,
  TcpServer,
  type Transport,
} from "../../mod.ts";
import { bytes, connectionPair, text, writeAll } from "../_support/connection_pair.ts";
import { isSettled, turn } from "../_support/deadline.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { serving } from "../_support/serving.ts";

/** A connection to which the given parts arrive, and then the end. */
function receiving(...parts: (string | Error)[]): Connection {
  const transport = new MemoryTransport();
  for (const part of parts) transport.receive(part);
  return new Connection(transport.end());
}

Deno.test("Connection.recv() gives what is there, waits for more, and is null at the end, again and again", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  await writeAll(far, "one");
  assertEquals(text(await near.recv()), "one");
  const waiting = near.recv();
  assert(!(await isSettled(waiting)));
  await writeAll(far, "two");
  assertEquals(text(await waiting), "two");
  await far.closeWrite();
  assertEquals(await near.recv(), null);
  assertEquals(await near.recv(), null);
});

Deno.test("Connection.read() copies at most as much as fits, and the rest stays", async () => {
  using conn = receiving("hello");
  const p = new Uint8Array(3);
  assertEquals(await conn.read(p), 3);
  assertEquals(text(p), "hel");
  assertEquals(await conn.read(new Uint8Array(0)), 0);
  assertEquals(await conn.read(p), 2);
  assertEquals(text(p.subarray(0, 2)), "lo");
  assertEquals(await conn.read(p), null);
});

Deno.test("Connection.read() that was given up never writes into the caller's buffer", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  const p = new Uint8Array(16).fill(7);
  await assertRejects(() => near.read(p, { signal: AbortSignal.timeout(1) }));
  await writeAll(far, "late bytes");
  assertEquals(text(await near.recv()), "late bytes");
  assertEquals(p, new Uint8Array(16).fill(7));
});

Deno.test("Connection.readExactly() joins what comes in pieces and leaves what is over", async () => {
  using conn = receiving("ab", "cd", "ef");
  assertEquals(text(await conn.readExactly(0)), "");
  assertEquals(text(await conn.readExactly(3)), "abc");
  assertEquals(text(await conn.readExactly(2)), "de");
  const error = await assertRejects(() => conn.readExactly(5), Deno.errors.UnexpectedEof);
  assertEquals(error.message, "the peer has sent its end after 1 of 5 bytes");
  assertEquals(text(await conn.recv()), "f");
});

Deno.test("Connection.readExactly() of more than the buffer holds loses nothing when it fails half-way", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport, { readTimeout: 5 });
  const sent = crypto.getRandomValues(new Uint8Array(65_536));
  transport.receive(sent);
  await assertRejects(() => conn.readExactly(200_000), Deno.errors.TimedOut);
  transport.receive("more").end();
  const error = await assertRejects(() => conn.readExactly(200_000), Deno.errors.UnexpectedEof);
  assertEquals(error.message, "the peer has sent its end after 65540 of 200000 bytes");
  assertEquals(await conn.readExactly(65_536), sent);
  assertEquals(text(await conn.readExactly(4)), "more");
});

Deno.test("Connection.readExactly() rejects a count that is none", async () => {
  using conn = receiving();
  for (const n of [-1, 1.5, NaN, Infinity]) {
    await assertRejects(() => conn.readExactly(n), RangeError, `${n}`);
  }
});

Deno.test("Connection.readUntil() finds a delimiter that is split over chunks", async () => {
  const marks = ["\r\n\r\n", new Uint8Array([13, 10, 13, 10])];
  for (const mark of marks) {
    using conn = receiving("head\r", "\n", "\r", "\nbody");
    assertEquals(text(await conn.readUntil(mark)), "head\r\n\r\n");
    await assertRejects(() => conn.readUntil(mark), Deno.errors.UnexpectedEof, "4 bytes");
    assertEquals(text(await conn.recv()), "body");
    assertEquals(await conn.readUntil(mark), null);
  }
});

Deno.test("Connection.readUntil() stops at its limit, and what is too long stays unread", async () => {
  using conn = receiving("12345;", "123456;7");
  assertEquals(text(await conn.readUntil(";", { limit: 5 })), "12345;");
  await assertRejects(() => conn.readUntil(";", { limit: 5 }), FrameTooLargeError, "limit of 5 bytes");
  await assertRejects(() => conn.readUntil(";", { limit: 5 }), FrameTooLargeError);
  assertEquals(text(await conn.readUntil(";")), "123456;");
  await assertRejects(() => conn.readUntil(""), RangeError);
});

Deno.test("Connection.readUntil() reports a part that is too long before its end has come", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  transport.receive("123456");
  const error = await assertRejects(() => conn.readUntil(";", { limit: 5 }), FrameTooLargeError);
  assertEquals([error.limit, error.size], [5, 6]);
});

Deno.test("Connection.readLine() takes lines without their ends, and the last one without an end", async () => {
  using conn = receiving("one\ntwo\r\n\nfo", "ur\r", "\nwith\rin\nlast");
  for (const line of ["one", "two", "", "four", "with\rin", "last", null, null]) {
    assertEquals(await conn.readLine(), line);
  }
});

Deno.test("Connection.readLine() reads the same lines as conn.lines(), whatever the input", async () => {
  const inputs = [
    "a\nb\r\nc",
    "\n\n\r\n",
    "x\r",
    "x\r\r\n",
    "\ufeffmark\n\ufeffmark",
    "h\u00e4\u20ac\u{1f600}\n",
    "",
  ];
  for (const input of inputs) {
    using one = receiving(...input);
    using other = receiving(input);
    const lines: string[] = [];
    for (let line; (line = await one.readLine()) !== null;) lines.push(line);
    assertEquals(lines, await Array.fromAsync(other.lines()), JSON.stringify(input));
  }
});

Deno.test("Connection.readLine() counts its limit without the line's end, as conn.lines() does", async () => {
  for (const end of ["\n", "\r\n"]) {
    using conn = receiving(`12345${end}123456${end}`);
    assertEquals(await conn.readLine({ limit: 5 }), "12345");
    await assertRejects(() => conn.readLine({ limit: 5 }), FrameTooLargeError);
    assertEquals(await conn.readLine({ limit: 6 }), "123456");
    using other = receiving(`12345${end}123456${end}`);
    const lines = other.lines({ limit: 5 });
    assertEquals((await lines.next()).value, "12345");
    await assertRejects(() => lines.next(), FrameTooLargeError);
  }
  using last = receiving("123456");
  await assertRejects(() => last.readLine({ limit: 5 }), FrameTooLargeError);
});

Deno.test("Connection.peek() shows what comes without taking it", async () => {
  const transport = new MemoryTransport().receive("GET");
  using conn = new Connection(transport);
  assertEquals(text(await conn.peek()), "GET");
  assertEquals(text(await conn.peek(3)), "GET");
  const waiting = conn.peek(4);
  assert(!(await isSettled(waiting)));
  transport.receive(" / HTTP/1.1\n").end();
  const seen = (await waiting)!;
  seen.fill(0); // a copy
  assertEquals(await conn.readLine(), "GET / HTTP/1.1");
  assertEquals(await conn.peek(), null);
  for (const n of [0, -1, 65_537, NaN]) await assertRejects(() => conn.peek(n), RangeError);
});

Deno.test("Connection.unread() puts bytes back, copied, before those that wait", async () => {
  using conn = receiving("world\n");
  const first = bytes("hello, ");
  await conn.peek();
  conn.unread(first);
  first.fill(0);
  conn.unread(new Uint8Array(0));
  assertEquals(await conn.readLine(), "hello, world");
  conn.unread(bytes("once more"));
  assertEquals(text(await conn.recv()), "once more");
  assertEquals(await conn.recv(), null);
});

Deno.test("Connection iteration gives the chunks to the end; leaving it early closes nothing and loses nothing", async () => {
  using conn = receiving("one", "two", "three");
  for await (const chunk of conn) {
    assertEquals(text(chunk), "one");
    break;
  }
  const rest: (string | null)[] = [];
  for await (const chunk of conn) rest.push(text(chunk));
  assertEquals(rest.join(""), "twothree");
  assert(!conn.closed);
});

Deno.test("Connection.lines() that is left early leaves what it had read ahead", async () => {
  using conn = receiving("one\ntwo\nthr", "ee\nrest");
  for await (const line of conn.lines()) if (line === "one") break;
  assertEquals(await conn.readLine(), "two");
  for await (const line of conn.lines()) if (line === "three") break;
  assertEquals(text(await conn.readExactly(4)), "rest");
});

Deno.test("Connection reads fail with Busy while another read is waiting, also when bytes are there already", async () => {
  const transport = new MemoryTransport().receive("12345");
  using conn = new Connection(transport);
  const waiting = conn.readExactly(10);
  await turn();
  await assertRejects(() => conn.recv(), Deno.errors.Busy);
  await assertRejects(() => conn.read(new Uint8Array(1)), Deno.errors.Busy);
  await assertRejects(() => conn.readExactly(2), Deno.errors.Busy);
  await assertRejects(() => conn.readLine(), Deno.errors.Busy);
  await assertRejects(() => conn.peek(), Deno.errors.Busy);
  await assertRejects(() => conn[Symbol.asyncIterator]().next(), Deno.errors.Busy);
  transport.receive("67890");
  assertEquals(text(await waiting), "1234567890");
});

Deno.test("Connection reads that timed out lose no byte", async () => {
  using pair = await connectionPair({ readTimeout: 2 });
  const { near, far } = pair;
  const reads: (() => Promise<unknown>)[] = [
    () => near.recv(),
    () => near.read(new Uint8Array(100)),
    () => near.readExactly(100),
    () => near.readExactly(100_000),
    () => near.readUntil("@"),
    () => near.readLine(),
    () => near.peek(100),
    () => near.lines().next(),
    () => near[Symbol.asyncIterator]().next(),
  ];
  for (const [n, read] of reads.entries()) {
    await assertRejects(read, Deno.errors.TimedOut, "within 2 ms");
    await writeAll(far, `half ${n}`);
    near.readTimeout = undefined;
    assertEquals(text(await near.peek(6)), `half ${n}`);
    near.readTimeout = 2;
    if (n > 1 && n < 7) await assertRejects(read, Deno.errors.TimedOut);
    assertEquals(text(await near.readExactly(6)), `half ${n}`);
  }
});

Deno.test("Connection reads that were aborted throw the signal's reason and lose no byte", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  const reason = new Error("enough");
  const reads: ((signal: AbortSignal) => Promise<unknown>)[] = [
    (signal) => near.recv({ signal }),
    (signal) => near.read(new Uint8Array(100), { signal }),
    (signal) => near.readExactly(100, { signal }),
    (signal) => near.readExactly(100_000, { signal }),
    (signal) => near.readUntil("@", { signal }),
    (signal) => near.readLine({ signal }),
    (signal) => near.peek(100, { signal }),
  ];
  for (const [n, read] of reads.entries()) {
    const controller = new AbortController();
    const waiting = assertRejects(() => read(controller.signal), Error, "enough");
    controller.abort(reason);
    assertEquals(await waiting, reason);
    await writeAll(far, `half ${n}`);
    assertEquals(text(await near.readExactly(6)), `half ${n}`);
    await assertRejects(() => read(AbortSignal.abort(reason)), Error, "enough");
  }
});

Deno.test("Connection leaves no listener on a signal that many reads were given", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  const { signal } = new AbortController();
  let listeners = 0;
  const [add, remove] = [signal.addEventListener, signal.removeEventListener];
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add.apply(signal, args));
  signal.removeEventListener = (
    ...args: Parameters<typeof remove>
  ) => (listeners--, remove.apply(signal, args));
  for (let n = 0; n < 10; n++) {
    const waiting = conn.readLine({ signal });
    transport.receive("half");
    await turn();
    transport.receive("line\n");
    await waiting;
  }
  assertEquals(listeners, 0);
});

Deno.test("Connection hands out what has arrived before a reset, and then throws the reset", async () => {
  const transport = new MemoryTransport().receive("before");
  using conn = new Connection(transport);
  const waiting = conn.readExactly(100);
  await turn();
  transport.receive(new Deno.errors.ConnectionReset("reset"));
  await assertRejects(() => waiting, Deno.errors.ConnectionReset);
  assertEquals(text(await conn.recv()), "before");
  await assertRejects(() => conn.recv(), Deno.errors.ConnectionReset);
  await assertRejects(() => conn.readLine(), Deno.errors.ConnectionReset);
});

Deno.test("Connection.close() rejects the read that waits and all later ones, and may be called twice", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  await writeAll(far, "unread");
  await near.peek();
  const waiting = assertRejects(() => near.readExactly(100), ConnectionClosedError);
  near.close();
  near.close();
  assertEquals((await waiting).reason, "closed");
  assert(near.closed);
  await assertRejects(() => near.recv(), ConnectionClosedError);
  await assertRejects(() => near.read(new Uint8Array(1)), ConnectionClosedError);
  await assertRejects(() => near.readLine(), ConnectionClosedError);
  await assertRejects(() => near[Symbol.asyncIterator]().next(), ConnectionClosedError);
});

Deno.test("Connection reads that fail and that nobody awaits do not end the process", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  conn.readLine();
  await turn();
  conn.recv();
  conn.readExactly(-1);
  conn.readExactly(2, { signal: AbortSignal.abort() });
  transport.receive(new Deno.errors.ConnectionReset("reset"));
  await turn();
  for (
    const read of [
      () => conn.recv(),
      () => conn.read(new Uint8Array(1)),
      () => conn.readExactly(1),
      () => conn.readExactly(100_000),
      () => conn.readUntil("x"),
      () => conn.readLine(),
      () => conn.peek(),
      () => conn[Symbol.asyncIterator]().next(),
    ]
  ) read();
  await turn();
});

Deno.test("Connection time limits that a timer cannot keep are refused with a sentence", () => {
  using conn = receiving();
  for (const name of ["readTimeout", "writeTimeout", "idleTimeout"] as const) {
    for (const ms of [0, -1, NaN, Infinity, 2 ** 31]) {
      const error = assertThrows(() => conn[name] = ms, RangeError, name);
      assert(error.message.includes(`${ms}`), error.message);
    }
    conn[name] = 1_000;
    assertEquals(conn[name], 1_000);
    conn[name] = undefined;
    assertEquals(conn[name], undefined);
  }
});

Deno.test("Connection of a client that floods lets the event loop turn after 256 KiB", async () => {
  const flood: Transport = Object.assign(new MemoryTransport(), {
    read: (p: Uint8Array) => Promise.resolve(p.fill(10).length),
  });
  using conn = new Connection(flood);
  let turned = false;
  setImmediate(() => turned = true); // the next turn, whatever the clock says
  while (!turned && conn.bytesIn < 50_000_000) await conn.recv();
  assert(turned && conn.bytesIn < 2_000_000, `${conn.bytesIn} bytes were read in one turn`);
});

Deno.test("Connection whose chunk is transferred while the next read is under way fails, and nothing else does", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  await writeAll(far, "first");
  const chunk = await near.recv();
  const next = near.recv();
  structuredClone(chunk, { transfer: [chunk!.buffer] });
  await writeAll(far, "second");
  await assertRejects(() => next, TypeError, "transfer");
});

Deno.test("Connection.drain lets a request through that is larger than the block of a new connection", async () => {
  let served = 0;
  const server = new TcpServer(async (conn) => {
    for await (const chunk of conn) await conn.sendAll(chunk).then(() => served += chunk.length);
  }, { port: 0 });
  await using running = await serving(server);
  using client = await connect(running.server.addr);
  while (server.stats.active === 0) await turn();
  const sent = "x".repeat(1_000);
  await client.sendAll(sent);
  await server.shutdown();
  assertEquals(served, sent.length);
});
