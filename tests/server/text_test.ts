import { assertEquals } from "@std/assert";
import { Connection } from "../../mod.ts";
import { encodeText } from "../../server/_text.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";

const SAMPLES = ["", "a", "h\u00e4\u20ac", "\u{1f600}", "lone \ud800 surrogate", "\0", "\ufeffmark"];

Deno.test("encodeText() gives what TextEncoder gives, whatever the text and its length", () => {
  const encoder = new TextEncoder();
  for (const length of [0, 1, 340, 341, 342, 1_023, 1_024, 1_025, 5_461, 20_000]) {
    for (const sample of SAMPLES) {
      const text = sample.repeat(length).slice(0, length) + sample;
      assertEquals(encodeText(text), encoder.encode(text), `${length} of "${sample}"`);
    }
  }
});

Deno.test("encodeText() never writes into bytes that it has given", () => {
  const texts = Array.from({ length: 2_000 }, (_, n) => `${n} \u20ac`.repeat(1 + n % 7));
  const encoded = texts.map(encodeText);
  const decoder = new TextDecoder();
  assertEquals(encoded.map((bytes) => decoder.decode(bytes)), texts);
});

Deno.test("Connection.sendAll() keeps many texts apart that wait together", async () => {
  const transport = new MemoryTransport();
  transport.stall();
  using conn = new Connection(transport);
  const texts = Array.from({ length: 2_000 }, (_, n) => `line ${n} \u20ac\n`);
  const sent = Promise.all(texts.map((text) => conn.sendAll(text)));
  transport.flow();
  await sent;
  const bytes = await new Blob(transport.written as Uint8Array<ArrayBuffer>[]).text();
  assertEquals(bytes, texts.join(""));
});
