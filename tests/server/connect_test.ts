import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AddressError, connect, type ConnectOptions, TcpServer, UnixServer } from "../../mod.ts";
import { isSettled, turn, within } from "../_support/deadline.ts";
import { serving } from "../_support/serving.ts";
import { socketPath } from "../_support/socket_folder.ts";
import { answerOnce, echo } from "../_support/tiny_handlers.ts";

const isWindows = Deno.build.os === "windows";

/** A listener that has as many clients in its queue as fit: the next one gets no answer. */
class FullListener implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  #queued: Deno.Conn[] = [];

  get addr(): Deno.NetAddr {
    return this.#listener.addr;
  }

  /** Connects until somebody has to wait. */
  async fill(): Promise<this> {
    for (;;) {
      const signal = AbortSignal.timeout(100);
      const conn = await Deno.connect({ port: this.addr.port, signal }).catch(() => undefined);
      if (!conn) return this;
      this.#queued.push(conn);
    }
  }

  [Symbol.dispose](): void {
    for (const conn of this.#queued) conn.close();
    this.#listener.close();
  }
}

/** A port at which nobody listens. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("connect() takes a server's address, an endpoint and its text", async () => {
  await using running = await serving(new TcpServer(answerOnce));
  const { addr } = running.server;
  for (const endpoint of [addr, { ...addr, transport: "tcp" as const }, `tcp://127.0.0.1:${addr.port}`]) {
    using conn = await connect(endpoint);
    await conn.sendAll("hello\n");
    assertEquals(await conn.readLine(), "hello");
  }
});

Deno.test("connect() gives a connection the limits that it is given", async () => {
  await using running = await serving(new TcpServer(echo));
  using conn = await connect(running.server.addr, {
    readTimeout: 5,
    writeTimeout: 1_000,
    idleTimeout: 2_000,
  });
  assertEquals([conn.readTimeout, conn.writeTimeout, conn.idleTimeout], [5, 1_000, 2_000]);
  await assertRejects(() => conn.recv(), Deno.errors.TimedOut);
});

Deno.test("connect() to nobody rejects with ConnectionRefused and the address, in one line", async () => {
  const port = freePort();
  const error = await assertRejects(() => connect(`tcp://127.0.0.1:${port}`), Deno.errors.ConnectionRefused);
  assertEquals(error.message, `Cannot connect to tcp://127.0.0.1:${port}: nobody listens there`);
});

Deno.test({
  name: "connect() to a socket that is not there rejects with NotFound and the path, in one line",
  ignore: isWindows,
  fn: async () => {
    const path = socketPath();
    const error = await assertRejects(() => connect(`unix:${path}`), Deno.errors.NotFound);
    assertEquals(error.message, `Cannot connect to unix:${path}: there is no such file or directory`);
  },
});

Deno.test({
  name: "connect({ retries }) connects to a server that starts later",
  ignore: isWindows,
  fn: async () => {
    const path = socketPath();
    const connecting = connect(`unix:${path}`, { retries: 5 });
    await turn();
    assert(!(await isSettled(connecting)));
    await using _running = await serving(new UnixServer(answerOnce, { path }));
    using conn = await within(connecting, "the connection");
    await conn.sendAll("at last\n");
    assertEquals(await conn.readLine(), "at last");
  },
});

Deno.test("connect() to a name that no host has rejects with the code ENOTFOUND and the address, in one line", async () => {
  const name = `${"x".repeat(64)}.invalid`; // too long a label to be asked for
  const error = await assertRejects(() => connect(`tcp://${name}:1`), Error);
  assertEquals((error as { code?: string }).code, "ENOTFOUND");
  assertEquals(error.message, `Cannot connect to tcp://${name}:1: there is no host of this name`);
});

Deno.test("connect({ retries }) gives up after so many, with the last attempt's error", async () => {
  const port = freePort();
  const before = performance.now();
  await assertRejects(
    () => connect(`tcp://127.0.0.1:${port}`, { retries: 2 }),
    Deno.errors.ConnectionRefused,
  );
  assert(performance.now() - before >= 148, "waits 50 and 100 ms");
});

Deno.test("connect({ retries }) tries no second time what will not change", async () => {
  const options = { retries: 5, signal: AbortSignal.timeout(5_000) };
  await assertRejects(() => connect("udp://127.0.0.1:9", options), AddressError, "datagrams");
  await assertRejects(() => connect("tcp://no-such-host.invalid:9", options), Error, "no-such-host.invalid");
});

Deno.test("connect({ timeout }) gives up on a server that does not answer, and leaves nothing open", async () => {
  using listener = await new FullListener().fill();
  const { port } = listener.addr;
  const error = await assertRejects(() => connect(listener.addr, { timeout: 30 }), Deno.errors.TimedOut);
  assertEquals(error.message, `Cannot connect to tcp://127.0.0.1:${port}: no answer within 30 ms`);
  await assertRejects(() => connect(listener.addr, { timeout: 10, retries: 1 }), Deno.errors.TimedOut);
});

Deno.test("connect({ timeout }) gives up on a server that does not answer a TLS handshake, and closes", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const connecting = connect(`tls://127.0.0.1:${listener.addr.port}`, { timeout: 50 });
  const failed = assertRejects(() => connecting, Deno.errors.TimedOut, "no answer within 50 ms");
  using accepted = await accepting;
  await failed;
  const p = new Uint8Array(65_536);
  while (await within(accepted.read(p).catch(() => null), "the end") !== null);
});

Deno.test("connect() to a server that does not speak TLS, or with certificates that are none, rejects in one line", async () => {
  await using running = await serving(new TcpServer((conn) => conn.sendAll("hello, this is no TLS\n")));
  const endpoint = `tls://127.0.0.1:${running.server.addr.port}`;
  for (const options of [{}, { caCerts: ["garbage"] }] as ConnectOptions[]) {
    for (const engine of ["node", "native"] as const) {
      const error = await assertRejects(
        () => connect(endpoint, { ...options, engine, timeout: 5_000 }),
        Error,
      );
      assertMatch(error.message, /^Cannot connect to tls:\/\/127\.0\.0\.1:\d+: [^\n]+$/);
    }
  }
});

Deno.test("connect({ signal }) gives up with the signal's reason: before, while it waits, and between attempts", async () => {
  using listener = await new FullListener().fill();
  const reason = new Error("enough");
  const gaveUp = async (
    endpoint: Deno.NetAddr,
    options: ConnectOptions,
    abortAt: "before" | "later",
  ): Promise<void> => {
    const controller = new AbortController();
    if (abortAt === "before") controller.abort(reason);
    const connecting = connect(endpoint, { ...options, signal: controller.signal });
    const failed = assertRejects(() => connecting, Error, "enough");
    await turn();
    controller.abort(reason);
    assertEquals(await within(failed, "giving up"), reason);
  };
  await gaveUp(listener.addr, {}, "before");
  await gaveUp(listener.addr, {}, "later");
  await gaveUp({ ...listener.addr, port: freePort() }, { retries: 100 }, "later");
});

Deno.test("connect() refuses options that are none, by name", async () => {
  const wrong: ConnectOptions[] = [
    ...[0, -1, NaN, Infinity, 2 ** 31].map((timeout) => ({ timeout })),
    ...[-1, 1.5, NaN].map((retries) => ({ retries })),
    ...[0, -1, NaN, Infinity].map((readTimeout) => ({ readTimeout })),
    { maxLifetime: 0 },
  ];
  for (const options of wrong) {
    const [[name, value]] = Object.entries(options);
    const error = await assertRejects(() => connect("tcp://127.0.0.1:9", options), RangeError, `"${name}"`);
    assert(error.message.endsWith(`current value is ${value}`), error.message);
  }
});
