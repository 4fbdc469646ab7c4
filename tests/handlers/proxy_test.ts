import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  AddressError,
  connect,
  type Connection,
  type ConnectOptions,
  formatAddr,
  type StreamHandler,
  type StreamServer,
  TcpServer,
  type TcpServerOptions,
  TlsServer,
  UnixServer,
} from "../../mod.ts";
import unconfigured, { configure, proxy, type ProxyOptions } from "../../handlers/proxy.ts";
import { isInstalled } from "../_support/command.ts";
import { CA, CERT, KEY } from "../_support/certificates.ts";
import { turn, within } from "../_support/deadline.ts";
import { randomBytes } from "../_support/random_bytes.ts";
import { Recorder } from "../_support/recorder.ts";
import { readAndReset } from "../_support/resetting_client.ts";
import { type Serving, serving } from "../_support/serving.ts";
import { socketPath } from "../_support/socket_folder.ts";
import { echo, never } from "../_support/tiny_handlers.ts";

const WINDOWS = Deno.build.os === "windows";

/** A server behind a proxy, and who is told what happens in the proxy. */
interface Chain extends AsyncDisposable {
  readonly inner: StreamServer;
  readonly outer: StreamServer;
  readonly recorder: Recorder;
  client(options?: ConnectOptions): Promise<Connection>;
}

async function chain(
  handler: StreamHandler,
  options: TcpServerOptions = {},
  proxyOptions: Partial<ProxyOptions> = {},
): Promise<Chain> {
  const recorder = new Recorder();
  const inner = await serving(new TcpServer(handler, { observers: [{ error: () => {} }] }));
  const outer = await serving(
    new TcpServer(proxy({ to: inner.server.addr, ...proxyOptions }), { observers: [recorder], ...options }),
  );
  return {
    inner: inner.server,
    outer: outer.server,
    recorder,
    client: (options) => connect(outer.server.addr, options),
    [Symbol.asyncDispose]: async () => {
      await outer[Symbol.asyncDispose]();
      await inner[Symbol.asyncDispose]();
    },
  };
}

const OPTIONS = { caCerts: [CA], serverName: "localhost" };

/** Servers by transport. */
const KINDS: Record<string, (handler: StreamHandler) => StreamServer> = {
  tcp: (handler) => new TcpServer(handler),
  tls: (handler) => new TlsServer(handler, { cert: CERT, key: KEY }),
  unix: (handler) => new UnixServer(handler, { path: socketPath() }),
};

function endpoint({ server }: Serving<StreamServer>, kind: string): string {
  return formatAddr(server.addr, kind);
}

for (const outside of Object.keys(KINDS)) {
  for (const inside of Object.keys(KINDS)) {
    Deno.test({
      name: `proxy forwards both ways from ${outside} to ${inside}`,
      ignore: WINDOWS && (outside === "unix" || inside === "unix"),
      async fn() {
        await using inner = await serving(KINDS[inside](echo));
        await using outer = await serving(
          KINDS[outside](proxy({ to: endpoint(inner, inside), ...OPTIONS })),
        );
        using conn = await connect(endpoint(outer, outside), OPTIONS);
        const sent = randomBytes(1, 300_000);
        const sending = conn.sendAll(sent);
        const received = await within(conn.readExactly(sent.length), "the echo");
        await sending;
        assert(received.every((byte, i) => byte === sent[i]));
      },
    });
  }
}

Deno.test("proxy passes the client's end on, and what the other side answers to it", async () => {
  await using chained = await chain(async (conn) => {
    let count = 0;
    for (let chunk; (chunk = await conn.recv()) !== null;) count += chunk.length;
    await conn.sendAll(`${count} bytes\n`);
  });
  using conn = await chained.client();
  await conn.sendAll(new Uint8Array(100_000));
  await conn.closeWrite();
  assertEquals(await conn.readLine(), "100000 bytes");
  assertEquals(await conn.recv(), null);
});

Deno.test("proxy passes the other side's end on, and what the client sends after it", async () => {
  const received = Promise.withResolvers<string | null>();
  await using chained = await chain(async (conn) => {
    await conn.sendAll("bye\n");
    await conn.closeWrite();
    received.resolve(await conn.readLine());
  });
  using conn = await chained.client();
  assertEquals(await conn.readLine(), "bye");
  assertEquals(await conn.recv(), null);
  await conn.sendAll("still here\n");
  assertEquals(await within(received.promise, "the line"), "still here");
});

/**
 * Waits until a number has stayed the same for many turns of the event loop: whoever could go on has done so.
 */
async function settled(read: () => number): Promise<number> {
  for (let last = read(), same = 0; same < 50; same++) {
    await turn();
    if (read() !== last) [last, same] = [read(), 0];
  }
  return read();
}

const LARGE = 60_000_000;

Deno.test("proxy reads no faster from the client than the other side takes it", async () => {
  const gate = Promise.withResolvers<void>();
  const counted = Promise.withResolvers<number>();
  await using chained = await chain(async (conn) => {
    await gate.promise;
    let count = 0;
    for await (const chunk of conn) count += chunk.length;
    counted.resolve(count);
  });
  using conn = await chained.client();
  const sending = conn.sendAll(new Uint8Array(LARGE)).then(() => conn.closeWrite());
  await chained.recorder.until("opened");
  const [proxied] = chained.outer.connections.values();
  assert(await settled(() => proxied.bytesIn) < LARGE / 2);
  gate.resolve();
  assertEquals(await within(counted.promise, "the end"), LARGE);
  await sending;
});

Deno.test("proxy reads no faster from the other side than the client takes it", async () => {
  await using chained = await chain((conn) => conn.sendAll(new Uint8Array(LARGE)));
  using conn = await chained.client();
  await chained.recorder.until("opened");
  const [proxied] = chained.outer.connections.values();
  assert(await settled(() => proxied.bytesOut) < LARGE / 2);
  let count = 0;
  for await (const chunk of conn) count += chunk.length;
  assertEquals(count, LARGE);
});

Deno.test("proxy closes the client's connection without a byte when nobody listens on the other side, and says why", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const to = formatAddr(listener.addr);
  listener.close();
  const recorder = new Recorder();
  await using outer = await serving(new TcpServer(proxy({ to }), { observers: [recorder] }));
  using conn = await connect(outer.server.addr);
  await conn.sendAll("hello\n");
  assertEquals(await conn.recv(), null);
  const { error } = await recorder.until("error");
  assert(error instanceof Deno.errors.ConnectionRefused);
  assertStringIncludes(error.message, to);
});

Deno.test("proxy closes the client's connection when the other side does not answer in time", {
  ignore: WINDOWS,
}, async () => {
  // a full queue: the system leaves further clients unanswered
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const waiting: Deno.Conn[] = [];
  const stop = new AbortController();
  const fill = async () => {
    for (let i = 0; i < 5; i++) {
      waiting.push(await Deno.connect({ port: listener.addr.port, signal: stop.signal }));
    }
  };
  const filling = fill().catch(() => {}); // aborted below
  await turn();
  await using outer = await serving(
    new TcpServer(proxy({ to: listener.addr, timeout: 200 }), { observers: [{ error: () => {} }] }),
  );
  using conn = await connect(outer.server.addr);
  assertEquals(await within(conn.recv(), "the end"), null);
  stop.abort();
  await filling;
  for (const each of waiting) each.close();
});

Deno.test("proxy lets the answer of a server through that stops reading in the middle of the request", async () => {
  await using chained = await chain(async (conn) => {
    await conn.readExactly(1_000);
    await conn.sendAll("too large\n");
  });
  using conn = await chained.client();
  const sending = conn.sendAll(new Uint8Array(3_000_000)).catch(() => {}); // nobody needs to read it all
  assertEquals(await conn.readLine(), "too large");
  conn.close();
  await sending;
});

Deno.test({
  name: "proxy ends the other side's connection when the client resets",
  ignore: !isInstalled("python3"),
  async fn() {
    const ended = Promise.withResolvers<void>();
    await using chained = await chain(async (conn) => {
      await conn.sendAll("x");
      await conn.recv().catch(() => null);
      ended.resolve();
    });
    await readAndReset((chained.outer.addr as Deno.NetAddr).port);
    await within(ended.promise, "the end of the other side's connection");
    await chained.recorder.until("closed");
  },
});

Deno.test("proxy ends the other side's connection when the server disconnects a client whose bytes nobody takes", async () => {
  const gate = Promise.withResolvers<void>();
  await using chained = await chain(async (conn) => {
    await gate.promise;
    for await (const _chunk of conn);
  });
  using conn = await chained.client();
  const sending = conn.sendAll(new Uint8Array(LARGE)).catch(() => {}); // cut by the disconnect
  const { connection } = await chained.recorder.until("opened");
  const [proxied] = chained.outer.connections.values();
  await settled(() => proxied.bytesIn);
  chained.outer.disconnect(connection.id);
  await chained.recorder.until("closed");
  gate.resolve();
  await sending;
  while (chained.inner.connections.size > 0) await turn();
});

Deno.test("proxy closes both sides when no byte goes either way for the server's idleTimeout", async () => {
  await using chained = await chain(never, { idleTimeout: 50 });
  using conn = await chained.client();
  assertEquals(await within(conn.recv(), "the end"), null);
  assertEquals((await chained.recorder.until("closed")).reason, "idle");
});

Deno.test("proxy lets a client finish while its server drains", async () => {
  await using chained = await chain(echo);
  using conn = await chained.client();
  await conn.sendAll("before\n");
  await conn.readLine();
  const drained = chained.outer.shutdown();
  await conn.sendAll("after\n");
  assertEquals(await conn.readLine(), "after");
  await conn.closeWrite();
  assertEquals(await conn.recv(), null);
  await within(drained, "the end of the drain");
});

Deno.test("proxy closes both sides at the deadline of a shutdown", async () => {
  await using chained = await chain(never);
  using conn = await chained.client();
  await chained.recorder.until("opened");
  await within(chained.outer.shutdown({ signal: AbortSignal.abort() }), "the shutdown").catch(() => {}); // past its deadline
  assertEquals(await conn.recv(), null);
});

Deno.test("proxy's configure() forwards to the endpoint that the command line tells", async () => {
  await using inner = await serving(new TcpServer(echo));
  const handler = configure({ to: formatAddr(inner.server.addr), "connect-timeout": "1.5s", retries: "2" });
  await using outer = await serving(new TcpServer(handler));
  using conn = await connect(outer.server.addr);
  await conn.sendAll("hello\n");
  assertEquals(await conn.readLine(), "hello");
});

Deno.test("proxy's configure() refuses what it cannot use", () => {
  assertThrows(() => configure({}), TypeError, "--to");
  assertThrows(() => configure({ to: "127.0.0.1:80" }), AddressError, "127.0.0.1:80");
  assertThrows(() => configure({ to: "tcp://127.0.0.1:80", retries: "often" }), RangeError, "often");
  assertThrows(() => configure({ to: "tcp://127.0.0.1:80", "connect-timeout": "1y" }), RangeError, "1y");
});

Deno.test("proxy without a configuration says how to give it one", () => {
  assertThrows(() => unconfigured(undefined as never), TypeError, "--to");
});
