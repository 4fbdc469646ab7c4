import { assertEquals, assertRejects } from "@std/assert";
import { Connection, FrameTooLargeError, StreamReader } from "../../mod.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";

const text = (bytes: Uint8Array | null): string | null => bytes && new TextDecoder().decode(bytes);

function readerOf(...chunks: string[]): StreamReader {
  const transport = new MemoryTransport();
  for (const chunk of chunks) transport.receive(chunk);
  return new StreamReader(new Connection(transport.end()));
}

Deno.test("StreamReader.read() gives chunks as they come, and null at the end", async () => {
  const reader = readerOf("one", "two");
  assertEquals(text(await reader.read()), "one");
  assertEquals(text(await reader.read()), "two");
  assertEquals(await reader.read(), null);
});

Deno.test("StreamReader.read() with a size gives no more than that, and keeps the rest", async () => {
  const reader = readerOf("hello");
  assertEquals(text(await reader.read(2)), "he");
  assertEquals(text(await reader.read(200)), "llo");
  assertEquals(await reader.read(2), null);
});

Deno.test("StreamReader.read() refuses a size that is none", async () => {
  for (const size of [0, -1, NaN]) await assertRejects(() => readerOf().read(size), RangeError, String(size));
});

Deno.test("StreamReader reads lines, exact counts, delimited parts and chunks from one stream", async () => {
  const reader = readerOf("PUT x\r\n4\ndata|re", "st");
  assertEquals(await reader.readLine(), "PUT x");
  assertEquals(await reader.readLine(), "4");
  assertEquals(text(await reader.readExactly(4)), "data");
  assertEquals(text(await reader.readUntil("|")), "|");
  assertEquals((await Array.fromAsync(reader)).map(text), ["re", "st"]);
});

Deno.test("StreamReader.readExactly() rejects when the end comes first", async () => {
  await assertRejects(() => readerOf("abc").readExactly(4), Deno.errors.UnexpectedEof);
});

Deno.test("StreamReader.readLine() rejects a line over the limit before it is buffered", async () => {
  await assertRejects(() => readerOf("abcdef").readLine({ limit: 4 }), FrameTooLargeError);
});

Deno.test("StreamReader.lines() gives every line", async () => {
  assertEquals(await Array.fromAsync(readerOf("a\nb", "c\nd").lines()), ["a", "bc", "d"]);
});
