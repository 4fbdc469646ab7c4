import { assertEquals, assertInstanceOf, assertMatch, assertNotStrictEquals } from "@std/assert";
import {
  BaseRequestHandler,
  connect,
  Connection,
  ConnectionClosedError,
  StreamRequestHandler,
  StreamWriter,
  TcpServer,
  UnixServer,
} from "../../mod.ts";
import { runRequestHandler } from "../../handlers/request_handler.ts";
import { isInstalled } from "../_support/command.ts";
import { turn } from "../_support/deadline.ts";
import { logged } from "../_support/hook_log.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { Recorder } from "../_support/recorder.ts";
import { readAndReset } from "../_support/resetting_client.ts";
import { serving } from "../_support/serving.ts";
import { socketPath } from "../_support/socket_folder.ts";
import type { StreamServerClass } from "../_support/stream_servers.ts";

/** Serves one client with a handler that throws where it is told; the hooks that were called, and the errors. */
async function trace(throwing: readonly string[]): Promise<{ hooks: string[]; messages: string[] }> {
  const { Server, hooks, errors } = logged(TcpServer as StreamServerClass);
  const step = (name: string): void => {
    hooks.push(name);
    if (throwing.includes(name)) throw new Error(`${name} failed`);
  };
  class Traced extends StreamRequestHandler {
    override setup(): void {
      step("setup");
      super.setup();
    }
    override async handle(): Promise<void> {
      await this.wfile.write("hello\n");
      step("handle");
    }
    override async finish(): Promise<void> {
      await super.finish();
      step("finish");
    }
  }
  const recorder = new Recorder();
  await using running = await serving(new Server(Traced, { observers: [recorder] }));
  using conn = await connect(running.server.addr);
  while (await conn.recv());
  conn.close(); // the server waits a while for a client that it has not heard
  await recorder.until("closed");
  return { hooks, messages: errors.map((error) => (error as Error).message) };
}

const BEFORE = ["getRequest", "verifyRequest", "processRequest", "finishRequest"];
const AFTER = ["shutdownRequest", "closeRequest"];

Deno.test("StreamRequestHandler is set up, handles, finishes, and is then closed", async () => {
  const { hooks, messages } = await trace([]);
  assertEquals(hooks, [...BEFORE, "setup", "handle", "finish", ...AFTER]);
  assertEquals(messages, []);
});

Deno.test("StreamRequestHandler whose setup throws neither handles nor finishes", async () => {
  const { hooks, messages } = await trace(["setup"]);
  assertEquals(hooks, [...BEFORE, "setup", "handleError", ...AFTER]);
  assertEquals(messages, ["setup failed"]);
});

Deno.test("StreamRequestHandler whose handle throws finishes before the error is handled", async () => {
  const { hooks, messages } = await trace(["handle"]);
  assertEquals(hooks, [...BEFORE, "setup", "handle", "finish", "handleError", ...AFTER]);
  assertEquals(messages, ["handle failed"]);
});

Deno.test("StreamRequestHandler whose finish throws has that error handled once", async () => {
  const { hooks, messages } = await trace(["finish"]);
  assertEquals(hooks, [...BEFORE, "setup", "handle", "finish", "handleError", ...AFTER]);
  assertEquals(messages, ["finish failed"]);
});

Deno.test("StreamRequestHandler whose handle and finish throw has the error of finish handled, once", async () => {
  const { hooks, messages } = await trace(["handle", "finish"]);
  assertEquals(hooks, [...BEFORE, "setup", "handle", "finish", "handleError", ...AFTER]);
  assertEquals(messages, ["finish failed"]);
});

Deno.test("BaseRequestHandler knows its request, the client's address and its server", async () => {
  const made: BaseRequestHandler[] = [];
  class Known extends BaseRequestHandler {
    override async handle(): Promise<void> {
      made.push(this);
      await this.request.sendAll("seen\n");
    }
  }
  await using running = await serving(new TcpServer(Known));
  using conn = await connect(running.server.addr);
  assertEquals(await conn.readLine(), "seen");
  assertEquals(made[0].clientAddress, conn.localAddr);
  assertInstanceOf(made[0].request, Connection);
  assertEquals(made[0].server, running.server as unknown);
});

Deno.test("BaseRequestHandler is made anew for every connection", async () => {
  const made: BaseRequestHandler[] = [];
  class Counted extends BaseRequestHandler {
    override handle(): void {
      made.push(this);
    }
  }
  await using running = await serving(new TcpServer(Counted));
  for (let i = 0; i < 2; i++) {
    using conn = await connect(running.server.addr);
    assertEquals(await conn.recv(), null);
  }
  assertEquals(made.length, 2);
  assertNotStrictEquals(made[0], made[1]);
});

Deno.test("BaseRequestHandler that overrides nothing closes the connection", async () => {
  await using running = await serving(new TcpServer(BaseRequestHandler));
  using conn = await connect(running.server.addr);
  assertEquals(await conn.recv(), null);
});

Deno.test("StreamRequestHandler serves Unix connections, asked for no-delay too", async () => {
  class Echo extends StreamRequestHandler {
    override disableNagleAlgorithm = true;
    override async handle(): Promise<void> {
      for await (const chunk of this.rfile) await this.wfile.write(chunk);
    }
  }
  await using running = await serving(new UnixServer(Echo, { path: socketPath() }));
  using conn = await connect(running.server.addr);
  await conn.sendAll("hello\n");
  assertEquals(await conn.readLine(), "hello");
});

Deno.test("StreamRequestHandler.timeout ends a read that is late, and the next read gets the bytes", async () => {
  class Patient extends StreamRequestHandler {
    override timeout = 10;
    override async handle(): Promise<void> {
      const late = await this.rfile.readLine().catch((error: Error) => error);
      await this.wfile.write(`${(late as Error).name}\n`);
      this.connection.readTimeout = undefined;
      await this.wfile.write(`${await this.rfile.readLine()}\n`);
    }
  }
  await using running = await serving(new TcpServer(Patient));
  using conn = await connect(running.server.addr);
  assertEquals(await conn.readLine(), "TimedOut");
  await conn.sendAll("here I am\n");
  assertEquals(await conn.readLine(), "here I am");
});

Deno.test("StreamRequestHandler that lets its time-out through ends the connection as late, not as failed", async () => {
  class Impatient extends StreamRequestHandler {
    override timeout = 10;
    override async handle(): Promise<void> {
      await this.rfile.read();
    }
  }
  const recorder = new Recorder();
  await using running = await serving(new TcpServer(Impatient, { observers: [recorder] }));
  using conn = await connect(running.server.addr);
  assertEquals(await conn.recv(), null);
  assertEquals((await recorder.until("closed")).reason, "read-timeout");
});

Deno.test("StreamRequestHandler sends what its buffered wfile holds when it finishes, in one write", async () => {
  const transport = new MemoryTransport();
  class Chatty extends StreamRequestHandler {
    override writeBufferSize = 100;
    override async handle(): Promise<void> {
      for (const word of ["many ", "small ", "writes"]) await this.wfile.write(word);
      assertEquals(transport.written.length, 0);
    }
  }
  const conn = new Connection(transport);
  await runRequestHandler(new Chatty(conn, conn.remoteAddr, new TcpServer(() => {})));
  assertEquals(transport.written.length, 1);
  assertEquals(transport.text, "many small writes");
});

Deno.test("StreamRequestHandler sends what its buffered wfile holds before it waits for the peer", async () => {
  class Shout extends StreamRequestHandler {
    override writeBufferSize = 100;
    override async handle(): Promise<void> {
      for await (const line of this.rfile.lines()) await this.wfile.write(`${line.toUpperCase()}\n`);
    }
  }
  await using running = await serving(new TcpServer(Shout));
  using conn = await connect(running.server.addr);
  for (let n = 0; n < 3; n++) { // each waits for its answer
    await conn.sendAll(`line ${n}\n`);
    assertEquals(await conn.readLine(), `LINE ${n}`);
  }
});

Deno.test("StreamWriter with a buffer answers what came together with one write, whichever way it is read", async () => {
  const read: Record<string, (conn: Connection) => Promise<unknown>> = {
    recv: (conn) => conn.recv(),
    read: (conn) => conn.read(new Uint8Array(1)),
    readLine: (conn) => conn.readLine(),
    readExactly: (conn) => conn.readExactly(1),
    lines: (conn) => conn.lines().next(),
    chunks: (conn) => conn[Symbol.asyncIterator]().next(),
  };
  for (const [name, wait] of Object.entries(read)) {
    const transport = new MemoryTransport();
    const conn = new Connection(transport);
    const out = new StreamWriter(conn, 100);
    for (const word of ["many ", "small ", "writes"]) await out.write(word);
    assertEquals(transport.written.length, 0, name);
    const waiting = wait(conn).catch(() => {});
    await turn();
    assertEquals([transport.written.length, transport.text], [1, "many small writes"], name);
    conn.close();
    await waiting;
  }
});

Deno.test("StreamWriter sends what it holds at the end of its block, and two of one connection each their own", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  {
    await using first = new StreamWriter(conn, 100);
    await using second = new StreamWriter(conn, 100);
    await first.write("1");
    await second.write("2");
    const waiting = conn.recv({ signal: AbortSignal.abort() }).catch(() => {});
    await Promise.all([waiting, conn.flush()]);
    assertEquals(transport.text, "", "who does not wait sends nothing");
    const reading = new AbortController();
    const read = conn.recv({ signal: reading.signal }).catch(() => {});
    reading.abort();
    await read;
    await conn.flush();
    assertEquals(transport.text, "12");
    await second.write("4");
    await first.write("3");
  }
  assertEquals(transport.text, "1243");
});

Deno.test("StreamWriter in a block whose client has left is the client's fault, and no failure of the handler", async () => {
  const { Server, errors } = logged(TcpServer as StreamServerClass);
  const recorder = new Recorder();
  const left = Promise.withResolvers<void>();
  await using running = await serving(
    new Server(async (conn: Connection) => {
      await using out = new StreamWriter(conn, 100);
      await left.promise;
      for (;;) await out.write("x".repeat(99)); // each sends the one before, and leaves one to be sent by the block
    }, { observers: [recorder] }),
  );
  (await connect(running.server.addr)).close();
  left.resolve();
  assertEquals((await recorder.until("closed")).reason, "peer");
  assertEquals(recorder.all("error"), []);
  assertEquals(errors.map((error) => (error as Error).name), ["SuppressedError"]);
});

Deno.test({
  name: "StreamRequestHandler reports the failure of its last flush once",
  ignore: !isInstalled("python3"),
  fn: async () => {
    class Late extends StreamRequestHandler {
      override writeBufferSize = 100;
      override async handle(): Promise<void> {
        await this.connection.sendAll("hello\n");
        await this.rfile.read().catch(() => {}); // the reset
        await this.wfile.write("lost");
      }
    }
    const { Server, errors } = logged(TcpServer as StreamServerClass);
    const recorder = new Recorder();
    await using running = await serving(new Server(Late, { observers: [recorder] }));
    await readAndReset(running.server.addr.port);
    assertEquals((await recorder.until("closed")).reason, "peer");
    assertEquals(errors.length, 1);
    assertMatch((errors[0] as Error).name, /BrokenPipe|ConnectionReset/);
  },
});

Deno.test("StreamRequestHandler finishes also when the server has cut its connection off", async () => {
  const finished = Promise.withResolvers<unknown>();
  class Cut extends StreamRequestHandler {
    #error: unknown;
    override async handle(): Promise<void> {
      await this.wfile.write("hello\n");
      await this.rfile.read().catch((error) => this.#error = error);
    }
    override async finish(): Promise<void> {
      await super.finish();
      finished.resolve(this.#error);
    }
  }
  const recorder = new Recorder();
  await using running = await serving(new TcpServer(Cut, { observers: [recorder] }));
  using conn = await connect(running.server.addr);
  assertEquals(await conn.readLine(), "hello");
  const [id] = running.server.connections.keys();
  running.server.disconnect(id);
  assertInstanceOf(await finished.promise, ConnectionClosedError);
  assertEquals((await recorder.until("closed")).reason, "disconnected");
  assertEquals(recorder.all("error"), []);
});

Deno.test("StreamRequestHandler keeps what it likes in the connection's data", async () => {
  interface Session {
    name: string;
  }
  class Remembering extends StreamRequestHandler<Session> {
    override async handle(): Promise<void> {
      this.connection.data = { name: await this.rfile.readLine() ?? "nobody" };
      await this.wfile.write(`hello, ${this.request.data.name}\n`);
    }
  }
  await using running = await serving(new TcpServer<Session>(Remembering));
  using conn = await connect(running.server.addr);
  await conn.sendAll("Ada\n");
  assertEquals(await conn.readLine(), "hello, Ada");
});
