import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect, Connection, StreamRequestHandler, StreamWriter, TcpServer } from "../../mod.ts";
import { Poller } from "../../multiplex/mod.ts";
import { connectionPair, readAll, text } from "../_support/connection_pair.ts";
import { turn } from "../_support/deadline.ts";
import { control } from "../../server/connection.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { serving } from "../_support/serving.ts";

function writer(bufferSize?: number): { wfile: StreamWriter; transport: MemoryTransport; conn: Connection } {
  const transport = new MemoryTransport();
  const conn = new Connection(transport);
  return { wfile: new StreamWriter(conn, bufferSize), transport, conn };
}

Deno.test("StreamWriter.write() sends at once and counts bytes, whatever the view", async () => {
  const { wfile, transport } = writer();
  assertEquals(await wfile.write(new Uint8Array([104, 105])), 2);
  assertEquals(await wfile.write(new Uint32Array([1, 2])), 8);
  assertEquals(await wfile.write(new DataView(new ArrayBuffer(5), 2)), 3);
  assertEquals(await wfile.write(new ArrayBuffer(4)), 4);
  assertEquals(await wfile.write("Grüße"), 7);
  assertEquals(await wfile.write(new Uint8Array(0)), 0);
  assertEquals(transport.written.map(({ length }) => length), [2, 8, 3, 4, 7]);
});

Deno.test("StreamWriter.write() refuses what is neither bytes nor text", () => {
  const { wfile } = writer();
  for (const wrong of [7, null, undefined, {}]) {
    assertThrows(() => wfile.write(wrong as unknown as Uint8Array), TypeError, "bytes");
  }
});

Deno.test("StreamWriter.write() sends 16 MiB and a byte whole", async () => {
  const size = 16 * 1024 * 1024 + 1;
  const counts: number[] = [];
  class Large extends StreamRequestHandler {
    override async handle(): Promise<void> {
      counts.push(await this.wfile.write(new Uint8Array(size).fill(7)));
    }
  }
  await using running = await serving(new TcpServer(Large));
  using conn = await connect(running.server.addr);
  let received = 0;
  for await (const chunk of conn) received += chunk.length;
  assertEquals(received, size);
  assertEquals(counts, [size]);
});

Deno.test("StreamWriter with a buffer sends when it is full, when it is flushed, and in order", async () => {
  const { wfile, transport } = writer(8);
  await wfile.write("1234");
  await wfile.write("5678");
  assertEquals(transport.written.length, 0);
  await wfile.write("9");
  assertEquals(transport.text, "12345678");
  await wfile.write("larger than the buffer");
  assertEquals(transport.text, "123456789larger than the buffer");
  await wfile.write("end");
  await wfile.flush();
  await wfile.flush();
  assertEquals(transport.text, "123456789larger than the bufferend");
});

Deno.test("StreamWriter with a buffer keeps the order of writes that nobody awaits", async () => {
  const { wfile, transport } = writer(4);
  transport.mostPerWrite = 3;
  const writes = Array.from({ length: 20 }, (_, i) => wfile.write(String(i)));
  await wfile.flush();
  assertEquals(await Promise.all(writes), writes.map((_, i) => String(i).length));
  assertEquals(transport.text, Array.from({ length: 20 }, (_, i) => String(i)).join(""));
});

Deno.test("StreamWriter.flush() fails when the connection is closed and something was held, else not", async () => {
  const { wfile, conn } = writer(8);
  await wfile.write("held");
  conn.close();
  await assertRejects(() => wfile.flush(), Error, "closed");
  await wfile.flush();
});

Deno.test("StreamWriter refuses a buffer size that is none", () => {
  for (const size of [-1, 1.5, NaN]) assertThrows(() => writer(size), RangeError, String(size));
});

Deno.test("StreamWriter writes that fail and that nobody awaits do not end the process", async () => {
  for (const size of [0, 4, 600, 1_000]) {
    const { wfile, conn } = writer(size);
    conn.close();
    for (let n = 0; n < 3; n++) wfile.write("x".repeat(500));
    await turn();
  }
});

Deno.test("StreamWriter with a buffer sends what it holds before its connection waits for the peer, by whatever way", async () => {
  const ways: Record<string, (conn: Connection) => unknown> = {
    recv: (conn) => conn.recv(),
    read: (conn) => conn.read(new Uint8Array(100)),
    readLine: (conn) => conn.readLine(),
    "the iteration": (conn) => conn[Symbol.asyncIterator]().next(),
    lines: (conn) => conn.lines().next(),
    "a poller": async (conn) => {
      using poller = new Poller();
      const key = poller.register(conn);
      await poller.poll();
      key.take();
    },
  };
  for (const [way, read] of Object.entries(ways)) {
    const { wfile, transport, conn } = writer(100);
    for (const [answer, sent] of [["one", "one"], ["two", "onetwo"]]) {
      await wfile.write(answer);
      const reading = read(conn);
      await turn();
      assertEquals(transport.text, sent, way);
      transport.receive("question\n");
      await reading;
    }
    conn.close();
  }
});

Deno.test("StreamWriters of one connection that are done with leave nothing behind", async () => {
  const { transport, conn } = writer();
  for (let n = 0; n < 20_000; n++) {
    await using wfile = new StreamWriter(conn, 100);
    await wfile.write("x");
    await wfile.write("");
    if (n % 2) continue; // one that never waits for its client
    transport.receive("y");
    await conn.recv();
  }
  assertEquals(transport.text.length, 20_000);
  assertEquals(control.holders(conn).size, 0);
  conn.close();
});

Deno.test("Connection.detach() leaves nothing in a writer: it is sent first, and detach is to be called again", async () => {
  using pair = await connectionPair();
  const wfile = new StreamWriter(pair.near, 100);
  await wfile.write("held");
  assertThrows(() => pair.near.detach(), Deno.errors.Busy, "under way");
  await pair.near.flush();
  pair.near.detach().conn.close();
  assertEquals(text(await readAll(pair.far)), "held");
});
