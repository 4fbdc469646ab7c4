/**
 * The generators once more, for machines without a C compiler or without Linux. They do the same work, take the
 * same arguments after the generator's name and print the same lines, but a client in Deno costs about as much as
 * the server it talks to: figures are then about the load as much as about the server.
 *
 * usage: load.ts exchange PORT CONNECTIONS DEPTH WHAT RATE WARMUP SECONDS
 *        load.ts connect PORT PARALLEL WARMUP SECONDS
 *        load.ts idle PORT COUNT
 *        load.ts udp PORT WINDOW SIZE WARMUP SECONDS
 */
// deno-lint-ignore-file no-console

import process from "node:process";

const HOSTNAME = "127.0.0.1";
const DRAIN_MS = 3000;
const VARIANTS = 16;
const MESSAGE_SIZE = 16;
const LOOK_MS = 50; // how often it is looked for datagrams that wait for long
const PATIENCE_MS = 250;
const HEAD_START_MS = 200;
/** The shares of all operations whose latency makes the curve; load.h has the same. */
const CURVE = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1];

let sending = true; // false once the window has closed: take the replies that are due, ask for no more
let waiting = 0; // replies that are due
let errors = 0;
let firstError = "";

function fail(error: unknown): void {
  if (errors++ === 0) firstError = (error as Error).message;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** What is measured: the operations that end between the opening and the closing. */
class Window {
  #open = false;
  #started = 0;
  #cpuStarted = 0;
  #seconds = 0;
  #cpuSeconds = 0;
  #operations = 0;
  #slowest = 0;
  readonly #latencies: number[] = [];
  readonly #lateness: number[] = [];
  lost = 0;

  count(operations: number, milliseconds: number): void {
    if (this.#started === 0) return;
    this.#slowest = Math.max(this.#slowest, milliseconds);
    if (!this.#open) return;
    this.#operations += operations;
    this.#latencies.push(milliseconds * 1000);
  }

  /** Notes by how much the generator itself was behind its schedule. */
  countLate(milliseconds: number): void {
    if (this.#open) this.#lateness.push(milliseconds * 1000);
  }

  /** Lets the generator run for a warm-up and a window, and waits for the replies that are then due. */
  async run(warmup: number, seconds: number): Promise<void> {
    await sleep(warmup * 1000);
    console.log("measuring");
    this.#started = performance.now();
    this.#cpuStarted = cpuSeconds();
    this.#open = true;
    await sleep(seconds * 1000);
    this.#open = false;
    this.#seconds = (performance.now() - this.#started) / 1000;
    this.#cpuSeconds = cpuSeconds() - this.#cpuStarted;
    console.log("measured");
    sending = false;
    const end = performance.now() + DRAIN_MS;
    while (waiting > 0 && errors === 0 && performance.now() < end) await sleep(10);
  }

  report(): void {
    const percentile = percentilesOf(this.#latencies);
    const result = {
      operations: this.#operations,
      seconds: this.#seconds,
      cpuSeconds: this.#cpuSeconds,
      p50: percentile(0.5),
      p99: percentile(0.99),
      p999: percentile(0.999),
      slowest: this.#slowest * 1000,
      late: percentilesOf(this.#lateness)(0.99),
      curve: CURVE.map(percentile),
      lost: this.lost,
      errors,
      firstError,
    };
    console.log(JSON.stringify(result));
  }
}

function percentilesOf(values: readonly number[]): (share: number) => number {
  const sorted = Float64Array.from(values).sort();
  return (share) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** What is asked at once on a connection, and what must be the answer. */
interface Batch {
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
}

/** Messages of random letters that end with a newline: a reply meant for another request differs. */
function echoBatches(size: number, depth: number): Batch[] {
  return Array.from({ length: VARIANTS }, () => {
    const bytes = new Uint8Array(size * depth);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i + 1) % size === 0 ? 10 : 97 + Math.random() * 26;
    return { request: bytes, reply: bytes };
  });
}

/** The lines of a file, asked and answered in turn, from the start again where it ends. */
function dialogueBatches(path: string, depth: number): Batch[] {
  const lines = Deno.readTextFileSync(path).trimEnd().split("\n");
  let at = 0;
  const next = (): string => `${lines[at++ % lines.length]}\n`;
  return Array.from({ length: VARIANTS }, () => {
    const [requests, replies] = [[], []] as string[][];
    for (let i = 0; i < depth; i++) requests.push(next()), replies.push(next());
    const encoder = new TextEncoder();
    return { request: encoder.encode(requests.join("")), reply: encoder.encode(replies.join("")) };
  });
}

function textMessage(name: string, serial: number): Uint8Array {
  return new TextEncoder().encode(
    `${name} ${String(serial).padStart(MESSAGE_SIZE - name.length - 2, "0")}\n`,
  );
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

/** Reads, with room for one byte too many, until all of `expected` has come back. */
async function readBack(conn: Deno.Conn, expected: Uint8Array, buffer: Uint8Array): Promise<void> {
  for (let received = 0; received < expected.length;) {
    const count = await conn.read(buffer.subarray(0, expected.length - received + 1));
    if (count === null) throw new Error("closed before the reply was complete");
    if (received + count > expected.length) throw new Error("more bytes came back than were due");
    for (let i = 0; i < count; i++) {
      if (buffer[i] !== expected[received + i]) throw new Error("the reply is not the one that was due");
    }
    received += count;
  }
}

/** One request and its reply; they go at the same time, as a batch may be more than the kernel holds. */
async function ask(conn: Deno.Conn, { request, reply }: Batch, buffer: Uint8Array): Promise<void> {
  waiting++;
  try {
    await Promise.all([writeAll(conn, request), readBack(conn, reply, buffer)]);
  } finally {
    waiting--;
  }
}

async function connect(port: number): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: HOSTNAME, port });
  conn.setNoDelay();
  return conn;
}

/** Closed with rate 0, open otherwise; exchange.c says what that means. */
async function exchange([port, connections, depth, what, rate, warmup, seconds]: string[]): Promise<void> {
  const window = new Window();
  const [count, messages] = [Number(connections), Number(depth)];
  const batches = Number(what) > 0 ? echoBatches(Number(what), messages) : dialogueBatches(what, messages);
  const largest = Math.max(...batches.map(({ reply }) => reply.length));
  const interval = Number(rate) > 0 ? 1000 * messages / Number(rate) : 0;
  const first = performance.now() + HEAD_START_MS;
  const client = async (number: number): Promise<void> => {
    const conn = await connect(Number(port));
    const buffer = new Uint8Array(largest + 1);
    for (let turn = 0; sending; turn++) {
      let started = performance.now();
      if (interval > 0) {
        const due = first + (number + turn * count) * interval;
        if (due > started) {
          await sleep(due - started);
          window.countLate(performance.now() - due);
          if (!sending) break;
        }
        started = due;
      }
      await ask(conn, batches[(number * 7 + turn) % VARIANTS], buffer);
      window.count(messages, performance.now() - started);
    }
  };
  for (let number = 0; number < count; number++) client(number).catch(fail);
  await window.run(Number(warmup), Number(seconds));
  finish(window);
}

async function shortConnections(args: string[]): Promise<void> {
  const [port, parallel, warmup, seconds] = args.map(Number);
  const window = new Window();
  let serial = 0;
  const client = async (): Promise<void> => {
    const buffer = new Uint8Array(MESSAGE_SIZE + 1);
    while (sending) {
      const started = performance.now();
      const conn = await connect(port);
      const message = textMessage("visit", serial++);
      await ask(conn, { request: message, reply: message }, buffer);
      window.count(1, performance.now() - started);
      conn.close();
    }
  };
  for (let i = 0; i < parallel; i++) client().catch(fail);
  await window.run(warmup, seconds);
  finish(window);
}

function finish(window: Window): void {
  if (waiting > 0 && errors === 0) fail(new Error(`${waiting} replies never came`));
  window.report();
}

async function idle(args: string[]): Promise<void> {
  const [port, count] = args.map(Number);
  const told = Deno.stdin.readable.getReader();
  let connections: Deno.TcpConn[] = [];
  const buffer = new Uint8Array(MESSAGE_SIZE + 1);
  const step = async (work: () => Promise<unknown>): Promise<void> => {
    const started = performance.now();
    await work().catch(fail);
    const seconds = (performance.now() - started) / 1000;
    console.log(JSON.stringify({ operations: count, seconds, errors, firstError }));
    await told.read();
  };
  await step(async () => connections = await Promise.all(Array.from({ length: count }, () => connect(port))));
  await step(async () => {
    const messages = connections.map((_, number) => textMessage("idle ", number));
    await Promise.all(connections.map((conn, number) => writeAll(conn, messages[number])));
    for (const [number, conn] of connections.entries()) await readBack(conn, messages[number], buffer);
  });
}

/** A place in the window of datagrams. */
interface Place {
  /** Of the packet in flight; 0 when there is none. */
  serial: number;
  /** When the first packet was made of those that stand for one operation, and the last. */
  started: number;
  sent: number;
  /** The packets whose replies may be late. */
  readonly givenUp: Set<number>;
}

/** The datagrams of a window, and which replies are due; udp.c says what that means. */
class Datagrams {
  readonly #places: readonly Place[];
  readonly #packet: Uint8Array<ArrayBuffer>;
  #lastSerial = 0;

  constructor(places: number, size: number) {
    this.#places = Array.from(
      { length: places },
      () => ({ serial: 0, started: 0, sent: 0, givenUp: new Set() }),
    );
    this.#packet = new Uint8Array(size).fill(120);
  }

  /** The first packet of an operation. */
  start(number: number): Uint8Array<ArrayBuffer> {
    const packet = this.#put(number);
    this.#places[number].started = this.#places[number].sent;
    return packet;
  }

  /** Packets in place of those that have waited for too long. */
  *renew(time: number): Iterable<Uint8Array<ArrayBuffer>> {
    for (const [number, { serial, sent, givenUp }] of this.#places.entries()) {
      if (time - sent <= PATIENCE_MS * 4 ** givenUp.size) continue;
      givenUp.add(serial);
      yield this.#put(number);
    }
  }

  #put(number: number): Uint8Array<ArrayBuffer> {
    const place = this.#places[number];
    place.serial = ++this.#lastSerial;
    place.sent = performance.now();
    waiting++;
    const packet = this.#packet.slice();
    const head = new DataView(packet.buffer);
    head.setUint32(0, number);
    head.setUint32(4, place.serial);
    return packet;
  }

  /**
   * Takes a reply; throws unless it is due. Gives the place that is free again and when its operation started, or `null` if
   * the packet was given up before.
   */
  take(reply: Uint8Array): { number: number; started: number } | null {
    if (reply.length !== this.#packet.length || reply.subarray(8).some((byte) => byte !== 120)) {
      throw new Error("the reply differs from what was sent");
    }
    const head = new DataView(reply.buffer, reply.byteOffset);
    const [number, serial] = [head.getUint32(0), head.getUint32(4)];
    const place = this.#places[number];
    const inFlight = serial !== 0 && place?.serial === serial;
    if (!inFlight && !place?.givenUp.delete(serial)) {
      throw new Error(`a reply that was not due: packet ${serial} in place ${number}`);
    }
    waiting--;
    if (!inFlight) return null;
    place.serial = 0;
    return { number, started: place.started };
  }
}

async function udp(args: string[]): Promise<void> {
  const [port, places, size, warmup, seconds] = args.map(Number);
  const window = new Window();
  const datagrams = new Datagrams(places, size);
  const socket = Deno.listenDatagram({ transport: "udp", hostname: HOSTNAME, port: 0 });
  const server: Deno.NetAddr = { transport: "udp", hostname: HOSTNAME, port };
  const receive = async (): Promise<void> => {
    const buffer = new Uint8Array(size + 1); // with room for one byte too many
    for (;;) {
      const [reply] = await socket.receive(buffer);
      const done = datagrams.take(reply);
      if (done === null) continue;
      window.count(1, performance.now() - done.started);
      if (sending) await socket.send(datagrams.start(done.number), server);
    }
  };
  receive().catch(fail);
  for (let number = 0; number < places; number++) await socket.send(datagrams.start(number), server);
  const looking = setInterval(() => {
    if (!sending || errors > 0) return;
    for (const packet of datagrams.renew(performance.now())) socket.send(packet, server).catch(fail);
  }, LOOK_MS);
  await window.run(warmup, seconds);
  clearInterval(looking);
  window.lost = waiting;
  finish(window);
}

const generators: Record<string, (args: string[]) => Promise<void>> = {
  exchange,
  connect: shortConnections,
  idle,
  udp,
};

await generators[Deno.args[0]](Deno.args.slice(1));
Deno.exit(0);
