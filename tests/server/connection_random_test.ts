import { assert, assertEquals } from "@std/assert";
import { Connection, FrameTooLargeError } from "../../mod.ts";
import { bytes, connectionPair, writeAll } from "../_support/connection_pair.ts";
import { turn } from "../_support/deadline.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { Random } from "../_support/random.ts";
import { randomBytes } from "../_support/random_bytes.ts";

const NEWLINE = 10;

/** A stream of which every part can be recognised: random bytes with lines of all lengths between them. */
function known(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const random = new Random(seed);
  const stream = randomBytes(seed, length).map((byte) => byte % 26 + 97);
  for (let at = 0; at < length; at += random.chance(1 / 4) ? random.below(9_000) : random.below(40)) {
    stream[at] = NEWLINE;
  }
  return stream;
}

/** Reads in every way that there is, and gives the bytes that came out. */
class Reader {
  readonly #conn: Connection;
  readonly #random: Random;
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];
  /** How often a read was given up. */
  givenUp = 0;
  /** Whether the end has come. */
  ended = false;

  constructor(conn: Connection, random: Random) {
    this.#conn = conn;
    this.#random = random;
  }

  /** What was read so far. */
  get bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Blob(this.#parts).bytes() as Promise<Uint8Array<ArrayBuffer>>;
  }

  /** One read; a time-out or an abort in the middle takes nothing. */
  async step(): Promise<void> {
    const options = this.#random.chance(1 / 3) ? { signal: this.#impatient() } : undefined;
    try {
      await this.#random.pick(this.#ways)(options);
    } catch (error) {
      if (error instanceof FrameTooLargeError || error instanceof Deno.errors.UnexpectedEof) return;
      assert((error as Error).name === "Impatience" || error instanceof Deno.errors.TimedOut, `${error}`);
      this.givenUp++;
    }
  }

  readonly #ways: ((options?: { signal: AbortSignal }) => Promise<void>)[] = [
    async (options) => this.#take(await this.#conn.recv(options)),
    async (options) => {
      const p = new Uint8Array(1 + this.#random.below(3_000));
      const n = await this.#conn.read(p, options);
      this.#take(n === null ? null : p.slice(0, n));
    },
    async (options) => this.#take(await this.#conn.readExactly(this.#random.below(50), options)),
    async (options) => this.#take(await this.#conn.readExactly(this.#random.below(9_000), options)),
    async (options) => {
      const n = this.#random.chance(1 / 20) ? 65_537 : 1; // the large are read in another way
      this.#take(await this.#conn.readExactly(n + this.#random.below(2_000), options));
    },
    async (options) => this.#take(await this.#conn.readUntil("\n", options)),
    async (options) => this.#take(await this.#conn.readUntil("\n", { ...options, limit: 100 })),
    async (options) => {
      const line = await this.#conn.readLine(options);
      this.#take(line === null ? null : bytes(`${line}\n`));
    },
    async (options) => {
      const seen = await this.#conn.peek(1 + this.#random.below(200), options);
      const taken = seen && await this.#conn.readExactly(Math.min(seen.length, this.#random.below(100)));
      if (taken) assertEquals(taken, seen.subarray(0, taken.length));
      this.#take(taken);
    },
    async () => {
      for await (const chunk of this.#conn) {
        this.#take(chunk);
        if (this.#random.chance(1 / 3)) return;
      }
      this.ended = true;
    },
    async () => {
      for await (const line of this.#conn.lines()) {
        this.#parts.push(bytes(`${line}\n`)); // nothing is put back while the loop has read ahead
        if (this.#random.chance(1 / 3)) return;
      }
      this.ended = true;
    },
  ];

  #take(part: Uint8Array<ArrayBuffer> | null): void {
    if (!part) return void (this.ended = true);
    const back = this.#random.chance(1 / 6) ? this.#random.below(part.length + 1) : 0;
    if (back > 0) this.#conn.unread(part.subarray(part.length - back));
    this.#parts.push(part.slice(0, part.length - back));
  }

  #impatient(): AbortSignal {
    const controller = new AbortController();
    const reason = Object.assign(new Error("given up"), { name: "Impatience" });
    const abort = (): void => controller.abort(reason);
    if (this.#random.chance(1 / 4)) abort();
    else if (this.#random.chance(1 / 2)) queueMicrotask(abort);
    else turn().then(abort);
    return controller.signal;
  }
}

/** As `assertEquals`, with a message that can be read. */
function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  const at = actual.findIndex((byte, n) => byte !== expected[n]);
  assertEquals([at, actual.length], [-1, expected.length], "the first byte that differs, and the length");
}

/** Lets a stream arrive in random pieces, at random moments. */
async function arrive(
  stream: Uint8Array,
  random: Random,
  send: (piece: Uint8Array) => unknown,
): Promise<void> {
  for (let at = 0; at < stream.length;) {
    const piece = stream.slice(
      at,
      at + 1 + random.below(random.pick([3, 200, 2_000, random.chance(1 / 50) ? 70_000 : 20])),
    );
    at += piece.length;
    await send(piece);
    if (random.chance(3 / 4)) await turn();
  }
}

for (let seed = 1; seed <= 5; seed++) {
  Deno.test(`Connection reads give the stream that was sent, however they are mixed and given up (seed ${seed})`, async () => {
    const random = new Random(seed);
    const stream = known(seed, 80_000);
    stream[stream.length - 1] = NEWLINE; // readLine says nothing about a last line's end
    const transport = new MemoryTransport();
    using conn = new Connection(transport, { readTimeout: random.pick([undefined, 2]) });
    const arriving = arrive(stream, new Random(seed + 100), (piece) => transport.receive(piece))
      .then(() => transport.end());
    const reader = new Reader(conn, random);
    while (!reader.ended) await reader.step();
    await arriving;
    assertSame(await reader.bytes, stream);
    assertEquals(conn.bytesIn, stream.length);
    assert(reader.givenUp > 0);
    await turn(); // the last signals abort
  });
}

Deno.test("Connection reads give the stream that was sent over a real socket", async () => {
  const random = new Random(99);
  using pair = await connectionPair({ readTimeout: 2 });
  const { near, far } = pair;
  const stream = known(99, 150_000);
  stream[stream.length - 1] = NEWLINE;
  const arriving = arrive(stream, new Random(199), (piece) => writeAll(far, piece)).then(() =>
    far.closeWrite()
  );
  const reader = new Reader(near, random);
  while (!reader.ended) await reader.step();
  await arriving;
  assertSame(await reader.bytes, stream);
  await turn(); // the last signals abort
});

for (let seed = 1; seed <= 4; seed++) {
  Deno.test(`Connection sends put out the stream that was handed over, however they are mixed (seed ${seed})`, async () => {
    const random = new Random(seed);
    const transport = new MemoryTransport();
    const write = transport.write.bind(transport);
    transport.write = async (p) => {
      if (random.chance(1 / 3)) await turn();
      return await write(p.subarray(0, 1 + random.below(random.pick([10, 5_000, 100_000]))));
    };
    using conn = new Connection(transport);
    const stream = randomBytes(seed, 300_000);
    const pending: Promise<unknown>[] = [];
    for (let at = 0; at < stream.length;) {
      const piece = stream.slice(at, at + 1 + random.below(random.pick([20, 3_000, 90_000])));
      const way = random.below(4);
      if (way === 0) at += conn.send(piece);
      else if (way === 1) pending.push(conn.write(piece));
      else pending.push(conn.sendAll(piece));
      if (way !== 0) at += piece.length;
      if (random.chance(1 / 4)) await conn.flush();
      else if (random.chance(1 / 2)) await turn();
      if (random.chance(1 / 10)) pending.push(conn.flush());
    }
    await Promise.all(pending);
    await conn.flush();
    const out = await new Blob(transport.written as Uint8Array<ArrayBuffer>[]).bytes();
    assertSame(out, stream);
    assertEquals(conn.bytesOut, stream.length);
  });
}
