import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { connect, Connection, ConnectionClosedError, type SendFileOptions, TcpServer } from "../../mod.ts";
import { turn, within } from "../_support/deadline.ts";
import { socketPath } from "../_support/socket_folder.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { randomBytes } from "../_support/random_bytes.ts";
import { run } from "../_support/command.ts";
import { serving } from "../_support/serving.ts";

/** A file that goes at the end of an `await using` block. */
class TemporaryFile implements AsyncDisposable {
  readonly path = Deno.makeTempFileSync();

  constructor(content: Uint8Array | string) {
    if (typeof content === "string") Deno.writeTextFileSync(this.path, content);
    else Deno.writeFileSync(this.path, content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path);
  }
}

/** What a client receives of a server that sends a file, and what `sendFile` answered. */
async function receive(
  file: string | Deno.FsFile,
  options?: SendFileOptions,
): Promise<{ bytes: Uint8Array; sent: number }> {
  const answer = Promise.withResolvers<number>();
  await using running = await serving(
    new TcpServer(async (conn) => {
      await conn.sendFile(file, options).then(answer.resolve, answer.reject);
    }),
  );
  using conn = await connect(running.server.addr);
  const bytes = new Uint8Array(await new Response(conn.readable).arrayBuffer());
  return { bytes, sent: await within(answer.promise, "the end of sendFile") };
}

function memoryConnection(): { conn: Connection; transport: MemoryTransport } {
  const transport = new MemoryTransport();
  return { conn: new Connection(transport), transport };
}

/** Lets whoever waits for a pipe go on. */
async function bringByte(path: string): Promise<void> {
  using pipe = await Deno.open(path, { write: true });
  await pipe.write(new Uint8Array(1));
  await turn();
}

/** A file that has a new length between two reads, as its owner might give it one. */
function changing(file: Deno.FsFile, change: () => void): Deno.FsFile {
  let reads = 0;
  return {
    stat: () => file.stat(),
    seek: (offset: number, whence: Deno.SeekMode) => file.seek(offset, whence),
    read: (p: Uint8Array) => {
      if (++reads === 2) change();
      return file.read(p);
    },
  } as Deno.FsFile;
}

Deno.test("Connection.sendFile() sends a file of many pieces unchanged", async () => {
  const content = randomBytes(1, 3_000_001);
  await using file = new TemporaryFile(content);
  const { bytes, sent } = await receive(file.path);
  assertEquals(sent, content.length);
  assert(content.every((byte, i) => byte === bytes[i]) && bytes.length === content.length);
});

Deno.test("Connection.sendFile() sends nothing of an empty file", async () => {
  await using file = new TemporaryFile("");
  assertEquals((await receive(file.path)).sent, 0);
});

Deno.test("Connection.sendFile() sends the part that offset and count name", async () => {
  await using file = new TemporaryFile("0123456789");
  const { bytes, sent } = await receive(file.path, { offset: 3, count: 4 });
  assertEquals([new TextDecoder().decode(bytes), sent], ["3456", 4]);
});

Deno.test("Connection.sendFile() sends nothing from an offset behind the end", async () => {
  await using file = new TemporaryFile("0123456789");
  assertEquals((await receive(file.path, { offset: 11 })).sent, 0);
});

Deno.test("Connection.sendFile() begins at the position of an open file, and leaves it open behind what it sent", async () => {
  await using file = new TemporaryFile("0123456789");
  using open = await Deno.open(file.path);
  await open.seek(2, Deno.SeekMode.Start);
  const { bytes } = await receive(open, { count: 3 });
  assertEquals(new TextDecoder().decode(bytes), "234");
  assertEquals(await open.seek(0, Deno.SeekMode.Current), 5);
});

Deno.test("Connection.sendFile() sends a file that has no size to its end", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const { bytes } = await receive("/proc/self/status");
  assertStringIncludes(new TextDecoder().decode(bytes), "VmRSS");
});

Deno.test("Connection.sendFile() tells its progress, which ends with all of the part", async () => {
  await using file = new TemporaryFile(new Uint8Array(1_200_000));
  const told: [number, number | undefined][] = [];
  await receive(file.path, { offset: 100_000, onProgress: (...progress) => told.push(progress) });
  assertEquals(told.at(-1), [1_100_000, 1_100_000]);
  assert(told.length > 1 && told.every(([sent], i) => i === 0 || sent > told[i - 1][0]));
});

Deno.test("Connection.sendFile() sends nothing of a file that is too short from the beginning", async () => {
  await using file = new TemporaryFile("0123456789");
  const { conn, transport } = memoryConnection();
  const error = await assertRejects(
    () => conn.sendFile(file.path, { offset: 5, count: 6 }),
    Deno.errors.UnexpectedEof,
  );
  assertStringIncludes(error.message, file.path);
  assertEquals(transport.written, []);
  assert(!conn.closed);
  conn.close();
});

Deno.test("Connection.sendFile() says how much it sent of a file that becomes shorter meanwhile", async () => {
  await using file = new TemporaryFile(new Uint8Array(1_000_000));
  using open = await Deno.open(file.path);
  const { conn, transport } = memoryConnection();
  const shrinking = changing(open, () => Deno.truncateSync(file.path, 600_000));
  const error = await assertRejects(
    () => conn.sendFile(shrinking, { count: 1_000_000 }),
    Deno.errors.UnexpectedEof,
  );
  assertStringIncludes(error.message, "600000 of 1000000");
  assertEquals(transport.written.reduce((sum, { length }) => sum + length, 0), 600_000);
  conn.close();
});

Deno.test("Connection.sendFile() answers what there was of a file without a count that becomes shorter meanwhile", async () => {
  await using file = new TemporaryFile(new Uint8Array(1_000_000));
  using open = await Deno.open(file.path);
  const { conn } = memoryConnection();
  assertEquals(await conn.sendFile(changing(open, () => Deno.truncateSync(file.path, 600_000))), 600_000);
  conn.close();
});

Deno.test("Connection.sendFile() sends no more than count of a file that grows meanwhile", async () => {
  await using file = new TemporaryFile(new Uint8Array(1_000_000));
  using open = await Deno.open(file.path);
  const { conn } = memoryConnection();
  const growing = changing(open, () => Deno.truncateSync(file.path, 2_000_000));
  assertEquals(await conn.sendFile(growing, { count: 1_000_000 }), 1_000_000);
  conn.close();
});

Deno.test("Connection.sendFile() lets nobody's bytes come between the file's", async () => {
  await using file = new TemporaryFile("F".repeat(1_200_000));
  const { conn, transport } = memoryConnection();
  conn.send(new TextEncoder().encode("before"));
  const sending = conn.sendFile(file.path, {
    onProgress: (sent) => {
      if (sent > 600_000) return;
      conn.send(new TextEncoder().encode("queued"));
      conn.sendAll("behind");
    },
  });
  await sending;
  await conn.flush();
  assertEquals(transport.text, `before${"F".repeat(1_200_000)}queuedbehind`);
  conn.close();
});

Deno.test("Connection.sendFile() has its turn from the call on, before the file is open", async () => {
  await using file = new TemporaryFile("F".repeat(1_200_000));
  const { conn, transport } = memoryConnection();
  const sending = [
    conn.sendAll("before"),
    conn.sendFile(file.path),
    conn.sendAll("behind"),
    conn.closeWrite(),
  ];
  await Promise.all(sending);
  assertEquals(transport.text, `before${"F".repeat(1_200_000)}behind`);
  conn.close();
});

Deno.test("Connection.sendFile() of no such file holds up nobody behind it", async () => {
  const { conn, transport } = memoryConnection();
  const failing = assertRejects(() => conn.sendFile("/no/such/file"), Deno.errors.NotFound);
  await Promise.all([failing, conn.sendAll("behind")]);
  assertEquals(transport.text, "behind");
  conn.close();
});

Deno.test("Connection.sendFile() waits for its turn behind another file", async () => {
  await using first = new TemporaryFile("1".repeat(600_000));
  await using second = new TemporaryFile("2".repeat(600_000));
  const { conn, transport } = memoryConnection();
  await Promise.all([conn.sendFile(first.path), conn.sendFile(second.path)]);
  assertEquals(transport.text, "1".repeat(600_000) + "2".repeat(600_000));
  conn.close();
});

Deno.test("Connection.closeWrite() during sendFile() ends the writing half behind the file", async () => {
  await using file = new TemporaryFile("F".repeat(1_200_000));
  const { conn, transport } = memoryConnection();
  let ended: Promise<void> | undefined;
  const sent = await conn.sendFile(file.path, { onProgress: () => void (ended ??= conn.closeWrite()) });
  await ended;
  assertEquals([sent, transport.text.length, transport.writeEnded], [1_200_000, 1_200_000, true]);
  conn.close();
});

Deno.test("Connection.sendFile() sends nothing when there is no such file, and the connection goes on", async () => {
  const { conn, transport } = memoryConnection();
  await assertRejects(() => conn.sendFile("/no/such/file"), Deno.errors.NotFound);
  await assertRejects(() => conn.sendFile(import.meta.dirname!), Deno.errors.IsADirectory);
  await conn.sendAll("on");
  assertEquals(transport.text, "on");
  conn.close();
});

Deno.test("Connection.sendFile() whose progress throws lets others send again", async () => {
  await using file = new TemporaryFile("F");
  const { conn, transport } = memoryConnection();
  const fail = () => {
    throw new Error("no more progress");
  };
  await assertRejects(() => conn.sendFile(file.path, { onProgress: fail }), Error, "no more progress");
  await conn.sendAll("on");
  assertEquals(transport.text, "Fon");
  conn.close();
});

Deno.test("Connection.sendFile() rejects with the signal's reason while the peer does not read, and closes", async () => {
  await using file = new TemporaryFile("F");
  const { conn, transport } = memoryConnection();
  transport.stall();
  const abort = new AbortController();
  const sending = conn.sendFile(file.path, { signal: abort.signal });
  const reason = new Error("enough");
  setTimeout(() => abort.abort(reason), 0);
  assertEquals(await assertRejects(() => within(sending, "the abort")), reason);
  assert(conn.closed);
});

Deno.test("Connection.sendFile() that is aborted between two pieces closes the connection", async () => {
  await using file = new TemporaryFile(new Uint8Array(1_200_000));
  const { conn } = memoryConnection();
  const abort = new AbortController();
  const sending = conn.sendFile(file.path, { signal: abort.signal, onProgress: () => abort.abort() });
  await assertRejects(() => sending, DOMException);
  assert(conn.closed);
});

Deno.test("Connection.sendFile() rejects when this side closes the connection", async () => {
  await using file = new TemporaryFile(new Uint8Array(1_200_000));
  const { conn } = memoryConnection();
  const sending = conn.sendFile(file.path, { onProgress: () => conn.close() });
  await assertRejects(() => sending, ConnectionClosedError);
});

Deno.test("Connection.sendFile() rejects when the peer has gone", async () => {
  await using file = new TemporaryFile(new Uint8Array(20_000_000));
  await using running = await serving(new TcpServer((conn) => conn.recv().then(() => conn.close())));
  using conn = await connect(running.server.addr);
  await assertRejects(() => within(conn.sendFile(file.path), "the failure"), Error, "os error");
});

for (const options of [{ offset: -1 }, { count: 1.5 }, { count: NaN }]) {
  Deno.test(`Connection.sendFile() refuses ${Deno.inspect(options)}`, async () => {
    const { conn } = memoryConnection();
    await assertRejects(() => conn.sendFile("any", options), RangeError, String(Object.values(options)[0]));
    conn.close();
  });
}

Deno.test("Connection.sendFile() of a pipe that brings nothing hears its signal and a close", {
  ignore: Deno.build.os === "windows",
}, async () => {
  for (const end of ["abort", "close"] as const) {
    const path = socketPath();
    await run("mkfifo", [path]);
    using pipe = await Deno.open(path, { read: true, write: true });
    const { conn } = memoryConnection();
    const abort = new AbortController();
    const sending = conn.sendFile(pipe, { signal: abort.signal });
    const behind = conn.sendAll("behind");
    await turn();
    if (end === "abort") abort.abort(new RangeError("enough"));
    else conn.close();
    await assertRejects(() => within(sending, end), end === "abort" ? RangeError : ConnectionClosedError);
    await assertRejects(() => within(behind, end));
    assert(conn.closed);
    await bringByte(path); // for the read that is still waiting
  }
});

Deno.test(
  "Connection.sendFile() of a path that cannot be opened yet hears its signal, and the file is closed",
  {
    ignore: Deno.build.os === "windows",
  },
  async () => {
    const path = socketPath();
    await run("mkfifo", [path]);
    const { conn } = memoryConnection();
    const abort = new AbortController();
    const sending = conn.sendFile(path, { signal: abort.signal });
    await turn();
    abort.abort(new RangeError("enough"));
    await assertRejects(() => within(sending, "the abort"), RangeError);
    await bringByte(path); // for the open that is still waiting
  },
);
