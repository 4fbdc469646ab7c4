import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Connection, ConnectionClosedError } from "../../mod.ts";
import { bytes, connectionPair, readAll, text, writeAll } from "../_support/connection_pair.ts";
import { turn, within } from "../_support/deadline.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";

Deno.test("Connection.readable gives the bytes to the end and closes nothing", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  await writeAll(far, "hello");
  await far.closeWrite();
  assertEquals(await new Response(near.readable).text(), "hello");
  assert(!near.closed);
  await near.sendAll("still open");
  assertEquals(near.readable, near.readable);
});

Deno.test("Connection.readable owns what it gives: transferring a chunk harms no other", async () => {
  const transport = new MemoryTransport().receive("one");
  using conn = new Connection(transport);
  const kept = (await conn.peek())!;
  const reader = conn.readable.getReader();
  const { value } = await reader.read();
  structuredClone(value, { transfer: [value!.buffer] });
  assertEquals(text(kept), "one");
  transport.receive("two");
  assertEquals(text((await reader.read()).value!), "two");
});

Deno.test("Connection.readable that is cancelled while it waits loses no byte and leaves the connection to be read", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  const reader = near.readable.getReader();
  const reading = reader.read();
  await reader.cancel();
  assertEquals((await reading).done, true);
  await writeAll(far, "after");
  assertEquals(text(await within(near.recv(), "the read")), "after");
});

Deno.test("Connection.readable reads nothing ahead of its reader", async () => {
  const transport = new MemoryTransport().receive("one");
  using conn = new Connection(transport);
  const reader = conn.readable.getReader();
  await turn();
  assertEquals(transport.reads, 0);
  assertEquals(text((await reader.read()).value!), "one");
  await turn();
  assertEquals(transport.reads, 1);
});

Deno.test("Connection.readable reads into the reader's own buffer (BYOB), to the end", async () => {
  const transport = new MemoryTransport().receive("hello");
  using conn = new Connection(transport);
  const reader = conn.readable.getReader({ mode: "byob" });
  const first = await reader.read(new Uint8Array(3));
  const second = await reader.read(new Uint8Array(3));
  assertEquals([text(first.value!), text(second.value!)], ["hel", "lo"]);
  transport.end();
  assertEquals((await reader.read(new Uint8Array(3))).done, true);
});

Deno.test("Connection.readable fails with what the connection fails with", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  const reader = conn.readable.getReader();
  const reading = assertRejects(() => reader.read(), Deno.errors.ConnectionReset);
  transport.receive(new Deno.errors.ConnectionReset("reset"));
  await reading;
});

Deno.test("Connection.writable sends everything, and closing it sends the end only", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  const received = readAll(far);
  const stream = new Blob([new Uint8Array(300_000).fill(1), "end"]).stream();
  await stream.pipeTo(near.writable);
  assertEquals((await received).length, 300_003);
  await writeAll(far, "answer");
  assertEquals(text(await near.readExactly(6)), "answer");
});

Deno.test("Connection.writable that is aborted closes the connection", async () => {
  const transport = new MemoryTransport();
  const conn = new Connection(transport);
  await conn.writable.abort();
  assert(conn.closed);
  assert(transport.closed);
});

Deno.test("Connection.readable piped to its own writable echoes, and ends when the client does", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  const echoing = near.readable.pipeTo(near.writable);
  const received = readAll(far);
  await writeAll(far, new Uint8Array(200_000).fill(7));
  await far.closeWrite();
  assertEquals(await received, new Uint8Array(200_000).fill(7));
  await echoing;
});

Deno.test("Connection.detach() hands out the raw connection and what was read ahead, and closes nothing", async () => {
  using pair = await connectionPair({ readTimeout: 1_000, idleTimeout: 1_000, maxLifetime: 10_000 });
  const { near, far } = pair;
  await writeAll(far, "line\nrest");
  await near.peek(9);
  assertEquals(await near.readLine(), "line");
  const { conn, rest } = near.detach();
  assertEquals(text(rest), "rest");
  assert(near.closed);
  await assertRejects(() => near.recv(), ConnectionClosedError);
  near.close();
  await writeAll(conn, "raw");
  const p = new Uint8Array(8);
  assertEquals(await far.read(p), 3);
  conn.close();
  assertEquals(await far.read(p), null);
});

Deno.test("Connection.detach() refuses while a read or a write is under way, also one whose wait has ended", async () => {
  using pair = await connectionPair();
  const { near, far } = pair;
  await assertRejects(() => near.recv({ signal: AbortSignal.timeout(1) }));
  assertThrows(() => near.detach(), Deno.errors.Busy);
  await writeAll(far, "bytes");
  await near.recv();
  near.send(bytes("queued"));
  assertThrows(() => near.detach(), Deno.errors.Busy);
  await near.flush();
  near.detach().conn.close();
});

Deno.test("Connection.detach() refuses where there is no Deno.Conn beneath", () => {
  using conn = new Connection(new MemoryTransport());
  assertThrows(() => conn.detach(), TypeError, "no Deno.Conn");
  assert(!conn.closed);
});

Deno.test("Connection.signal aborts when the connection ends, also for who asks for it afterwards", async () => {
  const early = new Connection(new MemoryTransport());
  const { signal } = early;
  assert(!signal.aborted);
  early.close();
  assert(signal.aborted);
  assert(signal.reason instanceof ConnectionClosedError);
  const late = new Connection(new MemoryTransport());
  late.close();
  assert(late.signal.aborted);
  await assertRejects(() => late.recv({ signal: late.signal }), ConnectionClosedError);
});

Deno.test("Connection.idleTimeout closes a connection on which no byte goes either way, and each byte counts", async () => {
  using pair = await connectionPair({ idleTimeout: 500 });
  const { near, far } = pair;
  const begun = performance.now();
  while (performance.now() - begun < 700) {
    await writeAll(far, "x");
    await near.recv();
    await new Promise((resolve) => setTimeout(resolve, 15));
    await near.sendAll("y");
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  const error = await assertRejects(() => within(near.recv(), "the close"), ConnectionClosedError);
  assertEquals(error.reason, "idle");
});

Deno.test("Connection.maxLifetime closes a busy connection, a byte at a time or not", async () => {
  using pair = await connectionPair({ maxLifetime: 500, readTimeout: 400 });
  const { near, far } = pair;
  const error = await assertRejects(async () => {
    for (;;) {
      await writeAll(far, "x");
      await near.recv();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }, ConnectionClosedError);
  assertEquals(error.reason, "lifetime");
});

Deno.test("Connection time limits that are changed or taken away while a read waits count at once", async () => {
  using pair = await connectionPair({ readTimeout: 10_000, idleTimeout: 10_000 });
  const { near } = pair;
  const waiting = near.recv();
  near.readTimeout = 5;
  await assertRejects(() => within(waiting, "the time-out"), Deno.errors.TimedOut, "within 5 ms");
  near.readTimeout = undefined;
  const again = near.recv();
  near.idleTimeout = 5;
  await assertRejects(() => within(again, "the close"), ConnectionClosedError);
});

Deno.test("Connection.readable that is left in the turn in which bytes come loses none", async () => {
  for (const waiting of [true, false]) {
    const transport = new MemoryTransport();
    using conn = new Connection(transport);
    transport.receive("bytes");
    if (waiting) await conn.peek();
    const reader = conn.readable.getReader();
    const read = reader.read();
    await reader.cancel();
    await read;
    assertEquals(new TextDecoder().decode(await conn.readExactly(5)), "bytes");
  }
});

Deno.test("Connection.readable gives a view of a reader's own as much as it holds, and keeps the rest", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  transport.receive("abcdefgh");
  const reader = conn.readable.getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(4));
  reader.releaseLock();
  assertEquals(new TextDecoder().decode(value), "abcd");
  assertEquals(new TextDecoder().decode(await conn.readExactly(4)), "efgh");
});
