import { assert, assertEquals, assertRejects } from "@std/assert";
import { Connection, ConnectionClosedError } from "../../mod.ts";
import { isSettled, turn } from "../_support/deadline.ts";
import { connectionPair, writeAll } from "../_support/connection_pair.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { randomBytes } from "../_support/random_bytes.ts";

function memoryConnection(): { conn: Connection; transport: MemoryTransport } {
  const transport = new MemoryTransport();
  return { conn: new Connection(transport), transport };
}

const decoder = new TextDecoder();

Deno.test("Connection.copyTo() hands over everything in order, until the end", async () => {
  using pair = await connectionPair();
  const sent = randomBytes(1, 3_000_000);
  const sending = writeAll(pair.far, sent).then(() => pair.far.closeWrite());
  const received = new Uint8Array(sent.length);
  let at = 0;
  const count = await pair.near.copyTo((chunk) => {
    received.set(chunk, at);
    at += chunk.length;
  });
  await sending;
  assertEquals(count, sent.length);
  assert(received.every((byte, i) => byte === sent[i]));
});

Deno.test("Connection.copyTo() copies no more than count, and leaves the rest to be read", async () => {
  const { conn, transport } = memoryConnection();
  transport.receive("0123456789");
  let text = "";
  assertEquals(await conn.copyTo((chunk) => void (text += decoder.decode(chunk)), { count: 4 }), 4);
  assertEquals([text, decoder.decode((await conn.recv())!)], ["0123", "456789"]);
  conn.close();
});

Deno.test("Connection.copyTo() begins with what was read ahead", async () => {
  const { conn, transport } = memoryConnection();
  transport.receive("line\nrest").end();
  assertEquals(await conn.readLine(), "line");
  let text = "";
  await conn.copyTo((chunk) => void (text += decoder.decode(chunk)));
  assertEquals(text, "rest");
  conn.close();
});

Deno.test("Connection.copyTo() answers with less than count when the end comes first", async () => {
  const { conn, transport } = memoryConnection();
  transport.receive("abc").end();
  assertEquals(await conn.copyTo(() => {}, { count: 10 }), 3);
  conn.close();
});

Deno.test("Connection.copyTo() reads no further while the sink is busy, and lets nobody else read", async () => {
  const { conn, transport } = memoryConnection();
  const gate = Promise.withResolvers<void>();
  transport.receive("first").receive("second").end();
  const seen: string[] = [];
  const copying = conn.copyTo((chunk) => {
    seen.push(decoder.decode(chunk));
    return gate.promise;
  });
  assert(!await isSettled(copying));
  assertEquals([seen, transport.reads], [["first"], 1]);
  await assertRejects(() => conn.recv(), Deno.errors.Busy);
  await assertRejects(() => conn.readLine(), Deno.errors.Busy);
  gate.resolve();
  await copying;
  assertEquals(seen, ["first", "second"]);
  conn.close();
});

Deno.test("Connection.copyTo() leaves the chunk that the sink threw at to be read again", async () => {
  const { conn, transport } = memoryConnection();
  transport.receive("again");
  const fail = () => {
    throw new Error("no room");
  };
  await assertRejects(() => conn.copyTo(fail), Error, "no room");
  assertEquals(decoder.decode((await conn.recv())!), "again");
  conn.close();
});

Deno.test("Connection.copyTo() that is aborted while it waits loses no byte", async () => {
  const { conn, transport } = memoryConnection();
  const abort = new AbortController();
  const copying = conn.copyTo(() => {}, { signal: abort.signal });
  abort.abort(new Error("enough"));
  await assertRejects(() => copying, Error, "enough");
  transport.receive("late");
  assertEquals(decoder.decode((await conn.recv())!), "late");
  conn.close();
});

Deno.test("Connection.copyTo() rejects when this side closes the connection, also while the sink is busy", async () => {
  const { conn, transport } = memoryConnection();
  transport.receive("abc");
  await assertRejects(() => conn.copyTo(() => conn.close()), ConnectionClosedError);
});

Deno.test("Connection.copyTo() takes ever larger pieces while many bytes wait", async () => {
  const { conn, transport } = memoryConnection();
  transport.receive(new Uint8Array(4_000_000));
  await conn.copyTo(() => {}, { count: 4_000_000 });
  assert(transport.reads < 20, `${transport.reads} reads`);
  conn.close();
});

Deno.test("Connection.read() into the same buffer takes ever larger pieces while many bytes wait", async () => {
  const { conn, transport } = memoryConnection();
  transport.receive(new Uint8Array(4_000_000)).end();
  const buffer = new Uint8Array(1_000_000);
  while (await conn.read(buffer) !== null);
  assert(transport.reads < 60, `${transport.reads} reads`);
  conn.close();
});

Deno.test("Connection.copyTo() lends bytes that stay as they are, also where an earlier read brings more meanwhile", async () => {
  const { conn, transport } = memoryConnection();
  for (let n = 0; n < 3; n++) {
    transport.receive("x".repeat(200));
    await conn.readExactly(200);
  }
  await assertRejects(() => conn.recv({ signal: AbortSignal.timeout(1) })); // its read stays under way
  conn.unread(new Uint8Array(2_000).fill(65));
  await conn.read(new Uint8Array(1_500));
  const seen: string[] = [];
  await conn.copyTo(async (chunk) => {
    transport.receive("B".repeat(1_300));
    await turn();
    await turn();
    seen.push(decoder.decode(chunk));
  }, { count: 500 });
  assertEquals(seen, ["A".repeat(500)]);
  assertEquals(decoder.decode(await conn.readExactly(1_300)), "B".repeat(1_300));
  conn.close();
});

Deno.test("Connection.unread() while a chunk is lent puts bytes behind it: they are read next", async () => {
  const { conn, transport } = memoryConnection();
  transport.receive("chunk1234").receive("rest").end();
  await conn.peek(9);
  await conn.copyTo(() => conn.unread(new TextEncoder().encode("NEW")), { count: 9 });
  assertEquals(decoder.decode(await conn.readExactly(7)), "NEWrest");
  conn.close();
});

Deno.test("Connection.copyTo() refuses a count that is none", async () => {
  const { conn } = memoryConnection();
  for (const count of [1.5, -1, NaN]) {
    await assertRejects(() => conn.copyTo(() => {}, { count }), RangeError, String(count));
  }
  conn.close();
});

Deno.test("Connection.copyTo() that fails and that nobody awaits does not end the process", async () => {
  const { conn } = memoryConnection();
  conn.copyTo(() => {});
  conn.close();
  await turn();
});
