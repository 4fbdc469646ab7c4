import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Connection, ConnectionClosedError } from "../../mod.ts";
import { bytes, connectionPair, readAll } from "../_support/connection_pair.ts";
import { isSettled, turn, within } from "../_support/deadline.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";

const KIB_64 = 65_536;

Deno.test("Connection.sendAll() sends everything although the kernel takes a few bytes at a time", async () => {
  const transport = new MemoryTransport();
  transport.mostPerWrite = 7;
  using conn = new Connection(transport);
  const sent = crypto.getRandomValues(new Uint8Array(1_000));
  await conn.sendAll(sent);
  assertEquals(await new Blob(transport.written as Uint8Array<ArrayBuffer>[]).bytes(), sent);
  assertEquals(conn.bytesOut, 1_000);
});

Deno.test("Connection.sendAll() sends text as UTF-8, and nothing for nothing", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  await conn.sendAll("h\u00e4\u20ac");
  await conn.sendAll("");
  await conn.sendAll(new Uint8Array(0));
  assertEquals(transport.text, "h\u00e4\u20ac");
  assertEquals(transport.written.length, 1);
});

Deno.test("Connection.sendAll() called many times at once goes out whole and in the order of the calls", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  const messages = Array.from({ length: 40 }, (_, n) => new Uint8Array(100_000 + n).fill(n));
  const received = readAll(far);
  const sent = Promise.all(messages.map((message) => near.sendAll(message)));
  await Promise.all([sent, near.closeWrite()]);
  assertEquals(await received, await new Blob(messages).bytes());
});

Deno.test("Connection.sendAll() called many times at once shares writes of up to 64 KiB", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  const messages = Array.from({ length: 100 }, (_, n) => new Uint8Array(1_000 + n).fill(n));
  const large = new Uint8Array(KIB_64 + 1).fill(255);
  await Promise.all([...messages, large, ...messages].map((message) => conn.sendAll(message)));
  const sent = await new Blob(transport.written as Uint8Array<ArrayBuffer>[]).bytes();
  assertEquals(sent, await new Blob([...messages, large, ...messages]).bytes());
  assertEquals(
    transport.written.length,
    1 + 2 + 1 + 2,
    "the first alone, two shares, the large one alone, two shares",
  );
});

Deno.test("Connection.sendAll() that shares a write resolves when its own bytes are out", async () => {
  const transport = new MemoryTransport();
  transport.mostPerWrite = 10;
  using conn = new Connection(transport);
  const taken: number[] = [];
  await Promise.all(Array.from({ length: 5 }, async () => {
    await conn.sendAll(new Uint8Array(8));
    taken.push(conn.bytesOut);
  }));
  assertEquals(taken, [8, 18, 28, 38, 40]);
});

Deno.test("Connection.sendAll() that shares a write rejects with the others when the peer is gone", async () => {
  const transport = new MemoryTransport();
  transport.stall();
  using conn = new Connection(transport);
  const sending = Array.from({ length: 5 }, () => conn.sendAll(new Uint8Array(8)));
  const failed = Promise.all(sending.map((sent) => assertRejects(() => sent, ConnectionClosedError)));
  conn.close();
  await failed;
});

Deno.test("Connection.send() takes what its queue of 64 KiB has room for, at once and in order", async () => {
  const transport = new MemoryTransport();
  transport.stall();
  using conn = new Connection(transport);
  assertEquals(conn.send(bytes("one ")), 4);
  assertEquals(conn.send(bytes("two ")), 4);
  await turn();
  assertEquals(conn.send(new Uint8Array(100_000)), KIB_64 - 8);
  assertEquals(conn.send(bytes("no room")), 0);
  assertEquals(conn.sendRoom, 0);
  transport.flow();
  await conn.flush();
  assertEquals(conn.bytesOut, KIB_64);
  assertEquals(conn.send(bytes("three")), 5);
  await conn.flush();
  assertEquals(transport.text.replaceAll("\0", ""), "one two three");
  assertEquals(transport.written.length, 3, "several sends of one turn make one write");
});

Deno.test("Connection.send() copies: the caller's bytes may change at once", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  const reused = bytes("first");
  conn.send(reused);
  reused.set(bytes("wrong"));
  await conn.flush();
  assertEquals(transport.text, "first");
});

Deno.test("Connection.send() and sendAll() keep the order of the calls however they are mixed", async () => {
  const transport = new MemoryTransport();
  transport.mostPerWrite = 3;
  using conn = new Connection(transport);
  const pending: Promise<void>[] = [];
  let expected = "";
  for (let n = 0; n < 200; n++) {
    const word = `${n},`;
    if (n % 3 === 0) pending.push(conn.sendAll(word));
    else if (conn.send(bytes(word)) !== word.length) {
      pending.push(conn.sendAll(word)); // a sendAll waits for its turn: send takes nothing, or all of so little
    }
    expected += word;
    if (n % 17 === 0) await turn();
    if (n % 50 === 0) pending.push(conn.flush());
  }
  await Promise.all(pending);
  await conn.flush();
  assertEquals(transport.text, expected);
});

Deno.test("Connection.flush() resolves when what was handed over before it is with the kernel", async () => {
  const transport = new MemoryTransport();
  transport.stall();
  using conn = new Connection(transport);
  await conn.flush();
  conn.send(bytes("one"));
  const flushed = conn.flush();
  assert(!(await isSettled(flushed)));
  transport.flow();
  await flushed;
  assertEquals(transport.text, "one");
});

Deno.test("Connection.closeWrite() sends what is queued and then the end; reading goes on, sending does not", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  near.send(bytes("queued, "));
  const sent = near.sendAll("sent");
  await near.closeWrite();
  await sent;
  await near.closeWrite();
  assertEquals(new TextDecoder().decode(await readAll(far)), "queued, sent");
  await assertRejects(() => near.sendAll("more"), Deno.errors.BrokenPipe);
  assertThrows(() => near.send(bytes("more")), Deno.errors.BrokenPipe);
  await far.write(bytes("answer"));
  assertEquals(await near.readExactly(6), bytes("answer"));
});

Deno.test("Connection.write() is Deno.Conn's: it resolves to the number of bytes, all of them", async () => {
  const transport = new MemoryTransport();
  transport.mostPerWrite = 2;
  using conn = new Connection(transport);
  assertEquals(await conn.write(bytes("hello")), 5);
  assertEquals(transport.text, "hello");
});

Deno.test("Connection.close() rejects what is being sent, drops what is queued, and rejects what comes later", async () => {
  const transport = new MemoryTransport();
  transport.stall();
  const conn = new Connection(transport);
  const sends = [conn.sendAll("one"), conn.sendAll("two"), conn.flush()];
  conn.close();
  for (const sent of sends) {
    const error = await assertRejects(() => within(sent, "the rejection"), ConnectionClosedError);
    assertEquals(error.reason, "closed");
  }
  await assertRejects(() => conn.sendAll("three"), ConnectionClosedError);
  await assertRejects(() => conn.write(bytes("three")), ConnectionClosedError);
  await assertRejects(() => conn.closeWrite(), ConnectionClosedError);
  assertThrows(() => conn.send(bytes("three")), ConnectionClosedError);
  assertEquals(transport.text, "");
});

Deno.test("Connection.sendAll() that is aborted closes the connection and rejects with the signal's reason", async () => {
  for (const others of [0, 2]) {
    const transport = new MemoryTransport();
    transport.stall();
    using conn = new Connection(transport);
    const waiting = Array.from({ length: others }, () => conn.sendAll("before"));
    const controller = new AbortController();
    const sent = conn.sendAll("text", { signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    assertEquals(await assertRejects(() => sent), reason);
    for (const other of waiting) await assertRejects(() => other);
    assert(conn.closed);
    assert(transport.closed);
  }
});

Deno.test("Connection.sendAll() whose signal has aborted already sends nothing and closes nothing", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  await assertRejects(
    () => conn.sendAll("text", { signal: AbortSignal.abort(new Error("enough")) }),
    Error,
    "enough",
  );
  await conn.sendAll("other");
  assertEquals(transport.text, "other");
});

Deno.test("Connection.writeTimeout cuts a connection whose peer takes no byte, and counts anew with every byte", async () => {
  const transport = new MemoryTransport();
  const write = transport.write.bind(transport);
  transport.write = async (p) => {
    await new Promise((resolve) => setTimeout(resolve, 6));
    return await write(p.subarray(0, 1));
  };
  using conn = new Connection(transport, { writeTimeout: 80 });
  await conn.sendAll("slow, but steady"); // takes longer than the limit
  transport.stall();
  conn.send(bytes("queued"));
  const waiting = conn.flush();
  const error = await assertRejects(() => within(waiting, "the cut"), Deno.errors.TimedOut);
  assertEquals(error.message, "the peer took no byte within 80 ms");
  assert(conn.closed);
  await assertRejects(() => conn.sendAll("more"), Deno.errors.TimedOut);
  await assertRejects(() => conn.recv(), ConnectionClosedError);
});

Deno.test("Connection.writeTimeout that is set while a write waits counts from then", async () => {
  const transport = new MemoryTransport();
  transport.stall();
  using conn = new Connection(transport);
  const waiting = conn.sendAll("text");
  conn.writeTimeout = 5;
  await assertRejects(() => within(waiting, "the cut"), Deno.errors.TimedOut);
});

Deno.test("Connection sends that fail and that nobody awaits do not end the process", async () => {
  for (const end of ["reset", "close", "timeout", "abort"] as const) {
    const transport = new MemoryTransport();
    transport.stall();
    using conn = new Connection(transport, { writeTimeout: end === "timeout" ? 2 : undefined });
    const controller = new AbortController();
    if (end === "abort") conn.sendAll("first", { signal: controller.signal });
    conn.sendAll("one");
    conn.sendAll("two");
    conn.write(bytes("three"));
    conn.flush();
    conn.closeWrite();
    if (end === "close") conn.close();
    if (end === "abort") controller.abort();
    if (end === "timeout") await within(conn.flush().catch(() => {}), "the cut");
    if (end === "reset") {
      transport.write = () => Promise.reject(new Deno.errors.BrokenPipe("broken"));
      transport.flow();
    }
    await turn();
    conn.sendAll("later");
    conn.write(bytes("later"));
    conn.flush();
    conn.closeWrite();
    await turn();
  }
});

Deno.test("Connection.send() throws what an earlier write has met with", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  far.close();
  await assertRejects(async () => {
    for (;;) {
      near.send(bytes("text"));
      await turn();
    }
  }, Error);
  assertThrows(() => near.send(bytes("text")));
  await assertRejects(() => near.sendAll("text"));
});

Deno.test("Connection.closeWrite() called again waits for the same end, and fails with it", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  transport.stall();
  conn.sendAll("first");
  const ends = [conn.closeWrite(), conn.closeWrite()];
  assertEquals(await Promise.all(ends.map(isSettled)), [false, false]);
  transport.flow();
  await Promise.all(ends);
  assert(transport.writeEnded);
  await conn.closeWrite();

  using failing = new Connection(new MemoryTransport());
  failing.sendAll("x");
  const both = [failing.closeWrite(), failing.closeWrite()];
  failing.close();
  for (const end of both) await assertRejects(() => end, ConnectionClosedError);
});

Deno.test("Connection.sendAll() that is done does not hear its signal any more, also where it shared a write", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  const second = new AbortController();
  conn.sendAll("0");
  const first = conn.sendAll("1", { signal: new AbortController().signal }).then(() => second.abort());
  await Promise.all([first, conn.sendAll("2", { signal: second.signal })]);
  await turn();
  assert(!conn.closed);
  assertEquals(transport.text, "012");
});
