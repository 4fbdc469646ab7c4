import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect, Connection, StreamRequestHandler, StreamWriter, TcpServer } from "../../mod.ts";
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
