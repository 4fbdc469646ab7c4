import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import { Connection } from "../../mod.ts";
import { connectionPair, text, writeAll } from "../_support/connection_pair.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { Random } from "../_support/random.ts";
import { randomBytes } from "../_support/random_bytes.ts";

Deno.test("Chunks that a handler keeps are never overwritten, whatever comes after them", async () => {
  const random = new Random(1);
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  const kept: [Uint8Array, Uint8Array][] = [];
  for (let n = 0; n < 2_000; n++) {
    transport.receive(randomBytes(n, 1 + random.below(n % 100 === 0 ? 100_000 : 2_000)));
    const chunk = random.chance(1 / 2) ? await conn.readExactly(1 + random.below(20)) : (await conn.recv())!;
    if (random.chance(1 / 5)) conn.unread(chunk.slice(0, random.below(chunk.length)));
    if (random.chance(1 / 5)) await conn.read(new Uint8Array(random.below(3_000)));
    if (kept.length < 300) kept.push([chunk, chunk.slice()]);
    while (n % 10 === 0 && (await conn.peek(1, { signal: AbortSignal.abort() }).catch(() => null))) {
      await conn.recv();
    }
  }
  for (const [chunk, copy] of kept) assertEquals(chunk, copy);
});

Deno.test("Chunks of two connections never share a buffer", async () => {
  using one = await connectionPair();
  using two = await connectionPair();
  for (let n = 0; n < 50; n++) {
    await writeAll(one.far, "secret of one");
    await writeAll(two.far, "secret of two");
    const [a, b] = [(await one.near.recv())!, (await two.near.recv())!];
    assertNotStrictEquals(a.buffer, b.buffer);
    assertEquals([text(a), text(b)], ["secret of one", "secret of two"]);
    const whole = new TextDecoder().decode(new Uint8Array(a.buffer));
    assert(!whole.includes("two"));
  }
});

Deno.test("Chunks that are transferred away take nothing along that is still to be read", async () => {
  const transport = new MemoryTransport().receive("first line\nsecond line\n");
  using conn = new Connection(transport);
  const first = (await conn.readUntil("\n"))!;
  const copy = first.slice();
  structuredClone(copy, { transfer: [copy.buffer] });
  assertEquals(await conn.readLine(), "second line");
});

Deno.test("Chunks of small reads after a large one do not each hold a large buffer", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  for (let n = 0; n < 8; n++) {
    transport.receive(new Uint8Array(65_536));
    await conn.readExactly(65_536);
  }
  const kept = new Set<ArrayBuffer>();
  for (let n = 0; n < 1_000; n++) {
    transport.receive("a few bytes");
    kept.add((await conn.recv())!.buffer);
  }
  const held = [...kept].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert(held < 400_000, `11 000 bytes hold ${held}`);
});
