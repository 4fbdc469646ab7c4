import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import {
  connect,
  type Connection,
  execHandler,
  type ExecOptions,
  type ExecStatus,
  formatAddr,
  type StreamServer,
  TcpServer,
  type TcpServerOptions,
  TlsServer,
  UnixServer,
} from "../../mod.ts";
import { CA, CERT, KEY } from "../_support/certificates.ts";
import { isInstalled } from "../_support/command.ts";
import { turn, within } from "../_support/deadline.ts";
import { Program } from "../_support/program.ts";
import { randomBytes } from "../_support/random_bytes.ts";
import { Recorder } from "../_support/recorder.ts";
import { readAndReset } from "../_support/resetting_client.ts";
import { serving } from "../_support/serving.ts";
import { socketPath } from "../_support/socket_folder.ts";

const ignore = Deno.build.os === "windows" || !isInstalled("sh") || !isInstalled("cat");
const PATH = Deno.env.get("PATH") ?? "/usr/bin:/bin";

/** A server of a program, and what is told of its processes. */
interface Programs extends AsyncDisposable {
  readonly server: StreamServer;
  readonly recorder: Recorder;
  readonly exits: ExecStatus[];
  readonly complaints: string[];
  client(): Promise<Connection>;
  /** Waits until so many processes have ended, and gives the last. */
  exit(count?: number): Promise<ExecStatus>;
}

async function programs(
  command: string,
  options: ExecOptions = {},
  serverOptions: TcpServerOptions = {},
): Promise<Programs> {
  const [recorder, exits, complaints]: [Recorder, ExecStatus[], string[]] = [new Recorder(), [], []];
  const handler = execHandler(command, {
    env: { PATH },
    stderr: (line) => complaints.push(line),
    exited: (status) => exits.push(status),
    ...options,
  });
  const { server, [Symbol.asyncDispose]: dispose } = await serving(
    new TcpServer(handler, { observers: [recorder], ...serverOptions }),
  );
  const exit = async (count = 1): Promise<ExecStatus> => {
    await within(until(() => exits.length >= count), `the end of process ${count}`);
    return exits[count - 1];
  };
  return {
    server,
    recorder,
    exits,
    complaints,
    exit,
    client: () => connect(server.addr),
    [Symbol.asyncDispose]: async () => {
      await dispose();
      await exit(recorder.all("opened").length); // none is left behind
    },
  };
}

const sh = (
  script: string,
  options: ExecOptions = {},
  serverOptions: TcpServerOptions = {},
): Promise<Programs> => programs("sh", { args: ["-c", script], ...options }, serverOptions);

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

async function readAll(conn: Connection): Promise<string> {
  let text = "";
  for await (const line of conn.lines()) text += line + "\n";
  return text;
}

/** Whether there is such a process; one that has ended and waits for init to notice is none. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return !/^\d+ \(.*\) Z/.test(stat);
  } catch {
    return false;
  }
}

/** Waits until a process is gone. */
async function gone(pid: number): Promise<void> {
  await within(
    (async () => {
      while (await isAlive(pid)) await turn();
    })(),
    `the end of process ${pid}`,
  );
}

const hasProc = Deno.build.os === "linux";

// --- Bytes --------------------------------------------------------------------------------------------------------------

Deno.test({
  name: "execHandler() carries every byte both ways, and the client's end to the program",
  ignore,
  async fn() {
    await using cats = await programs("cat");
    using conn = await cats.client();
    const sent = randomBytes(7, 3_000_000);
    const sending = conn.sendAll(sent).then(() => conn.closeWrite());
    const received = await within(conn.readExactly(sent.length), "the echo");
    await sending;
    assert(received.every((byte, i) => byte === sent[i]));
    assertEquals(await conn.recv(), null);
    assertEquals((await cats.exit()).code, 0);
    assertEquals((await cats.recorder.until("closed")).reason, "done");
  },
});

Deno.test({
  name: "execHandler() lets a program answer after the client's end",
  ignore,
  async fn() {
    await using counters = await programs("wc", { args: ["-c"] });
    using conn = await counters.client();
    await conn.sendAll(new Uint8Array(100_000));
    await conn.closeWrite();
    assertEquals((await conn.readLine())?.trim(), "100000");
  },
});

Deno.test({
  name: "execHandler() passes arguments on as they are",
  ignore,
  async fn() {
    await using prints = await programs("printf", { args: ["%s|", "a b", "$HOME", "*", "'\""] });
    using conn = await prints.client();
    assertEquals(await conn.readLine(), `a b|$HOME|*|'"|`);
  },
});

/** Waits until a number has stayed the same for many turns of the event loop. */
async function settled(read: () => number): Promise<number> {
  for (let last = read(), same = 0; same < 50; same++) {
    await turn();
    if (read() !== last) [last, same] = [read(), 0];
  }
  return read();
}

const LARGE = 60_000_000;

Deno.test({
  name: "execHandler() reads no faster from the client than the program takes it",
  ignore,
  async fn() {
    const gate = `${await Deno.makeTempDir()}/gate`;
    await new Deno.Command("mkfifo", { args: [gate] }).output();
    await using gated = await sh(`read -r go < ${gate}; wc -c`);
    using conn = await gated.client();
    const sending = conn.sendAll(new Uint8Array(LARGE)).then(() => conn.closeWrite());
    await gated.recorder.until("opened");
    const [held] = gated.server.connections.values();
    assert(await settled(() => held.bytesIn) < LARGE / 2);
    await Deno.writeTextFile(gate, "go\n");
    assertEquals((await within(conn.readLine(), "the count"))?.trim(), String(LARGE));
    await sending;
  },
});

Deno.test({
  name: "execHandler() reads no faster from the program than the client takes it",
  ignore,
  async fn() {
    await using zeros = await sh(`head -c ${LARGE} /dev/zero`);
    using conn = await zeros.client();
    await zeros.recorder.until("opened");
    const [held] = zeros.server.connections.values();
    assert(await settled(() => held.bytesOut) < LARGE / 2);
    let count = 0;
    for await (const chunk of conn) count += chunk.length;
    assertEquals(count, LARGE);
  },
});

// --- Ends ---------------------------------------------------------------------------------------------------------------

Deno.test({
  name: "execHandler() ends the connection when the program exits, though the client goes on sending",
  ignore,
  async fn() {
    await using brief = await sh("read -r line; echo got $line");
    using conn = await brief.client();
    await conn.sendAll("one\n" + "more\n".repeat(100_000));
    assertEquals(await conn.readLine(), "got one");
    assertEquals(await within(conn.recv(), "the end"), null);
    assertEquals(brief.recorder.all("error"), []);
  },
});

Deno.test({
  name:
    "execHandler() sends the end of the program's output on, and what the client sends then to the program",
  ignore,
  async fn() {
    await using half = await sh("echo bye; exec >&-; read -r line; echo heard $line >&2");
    using conn = await half.client();
    assertEquals(await readAll(conn), "bye\n");
    assertEquals(half.exits, []);
    await conn.sendAll("still here\n");
    await half.exit();
    assertEquals(half.complaints, ["heard still here"]);
  },
});

Deno.test({
  name: "execHandler() throws away what a program does not want that has closed its input",
  ignore,
  async fn() {
    await using deaf = await sh("exec <&-; echo ready; sleep 60");
    using conn = await deaf.client();
    assertEquals(await conn.readLine(), "ready");
    await within(conn.sendAll(new Uint8Array(LARGE)), "the sending");
    assertEquals(deaf.recorder.all("error"), []);
  },
});

Deno.test({
  name:
    "execHandler() waits for a quarter of a second of silence where the program leaves a process in the background",
  ignore,
  async fn() {
    const started = performance.now();
    await using daemon = await sh("sleep 60 & echo $!");
    using conn = await daemon.client();
    const pid = Number(await conn.readLine());
    assertEquals(await within(conn.recv(), "the end"), null);
    assert(performance.now() - started >= 240);
    Deno.kill(pid, "SIGKILL"); // ours to end: it was left alone
  },
});

Deno.test({
  name: "execHandler() ends a program whose client resets, and every process that it has started",
  ignore: ignore || !isInstalled("python3") || !hasProc,
  async fn() {
    await using family = await sh("sleep 60 & echo $! $$ >&2; echo x; wait");
    await readAndReset((family.server.addr as Deno.NetAddr).port);
    const { signal, asked } = await family.exit();
    assertEquals([signal, asked], ["SIGTERM", true]);
    for (const pid of family.complaints[0].split(" ")) await gone(Number(pid));
    assertEquals((await family.recorder.until("closed")).reason, "peer");
  },
});

Deno.test({
  name: "execHandler() ends a program by SIGKILL that does not end within killTimeout",
  ignore: ignore || !isInstalled("python3"),
  async fn() {
    await using stubborn = await sh("trap '' TERM PIPE; echo x; while :; do sleep 0.05; done", {
      killTimeout: 200,
    });
    await readAndReset((stubborn.server.addr as Deno.NetAddr).port);
    const { signal, asked } = await stubborn.exit();
    assertEquals([signal, asked], ["SIGKILL", true]);
  },
});

Deno.test({
  name: "execHandler() sends the killSignal that it is given",
  ignore,
  async fn() {
    await using hangable = await sh(
      "trap 'echo hung up >&2; exit 5' HUP; echo x; while :; do sleep 0.05; done",
      {
        killSignal: "SIGHUP",
      },
    );
    using conn = await hangable.client();
    await conn.readLine();
    hangable.server.disconnect(1);
    assertEquals((await hangable.exit()).code, 5);
    assert(hangable.complaints.includes("hung up")); // dash has a word of its own for the sleep
  },
});

for (
  const [option, reason] of [["idleTimeout", "idle"], ["maxLifetime", "lifetime"], [
    "readTimeout",
    "read-timeout",
  ]]
) {
  Deno.test({
    name: `execHandler() asks a program to end whose connection comes to the server's ${option}`,
    ignore,
    async fn() {
      await using silent = await sh("sleep 60", {}, { [option]: 50 });
      using conn = await silent.client();
      const { signal, asked } = await silent.exit();
      assertEquals([signal, asked], ["SIGTERM", true]);
      assertEquals((await silent.recorder.until("closed")).reason, reason);
      assertEquals(await conn.recv().catch(() => null), null);
    },
  });
}

// --- The end of the server ----------------------------------------------------------------------------------------------

Deno.test({
  name: "execHandler() ends the input of its programs when the server drains, after what has come",
  ignore,
  async fn() {
    await using cats = await programs("cat");
    using conn = await cats.client();
    await conn.sendAll("before\n");
    assertEquals(await conn.readLine(), "before");
    const drained = cats.server.shutdown();
    assertEquals(await within(conn.recv(), "the end"), null);
    await within(drained, "the end of the drain");
    assertEquals(await cats.exit(), { pid: cats.exits[0].pid, code: 0, signal: null, asked: false });
  },
});

Deno.test({
  name: "execHandler() leaves its programs their input while the server drains, where it is told to wait",
  ignore,
  async fn() {
    await using cats = await programs("cat", { whenDraining: "wait" });
    using conn = await cats.client();
    await conn.sendAll("before\n");
    await conn.readLine();
    const drained = cats.server.shutdown();
    await cats.recorder.until("draining");
    await conn.sendAll("after\n");
    assertEquals(await conn.readLine(), "after");
    await conn.closeWrite();
    await within(drained, "the end of the drain");
  },
});

for (
  const [what, end] of Object.entries({ "a shutdown's deadline": "shutdown", "close()": "close" } as const)
) {
  Deno.test({
    name: `execHandler() ends its programs by SIGKILL at ${what}`,
    ignore,
    async fn() {
      await using stubborn = await sh("trap '' TERM HUP; echo x; while :; do sleep 0.05; done");
      using conn = await stubborn.client();
      await conn.readLine();
      await stubborn.server[end]({ signal: AbortSignal.abort() }).catch(() => {}); // past its deadline
      assertEquals((await stubborn.exit()).signal, "SIGKILL");
    },
  });
}

Deno.test({
  name: "execHandler() leaves no program behind when its process ends by Deno.exit()",
  ignore: ignore || !hasProc,
  async fn() {
    await using program = new Program("tests/handlers/_fixtures/exec_exit.ts");
    const [, pid] = await program.until(/^pid (\d+)$/);
    await program.type("exit");
    assertEquals((await within(program.end(), "the end of the program")).code, 7);
    await gone(Number(pid));
  },
});

// --- How many -----------------------------------------------------------------------------------------------------------

Deno.test({
  name: "execHandler() starts no more than maxChildren programs, and serves who waits in the order of coming",
  ignore,
  async fn() {
    await using cats = await programs("cat", { maxChildren: 1 });
    using first = await cats.client();
    await first.sendAll("1\n");
    await first.readLine();
    using second = await cats.client();
    await second.sendAll("2\n");
    await cats.recorder.until("opened", 2);
    const answer = second.readLine();
    await settled(() => cats.server.connections.size);
    assertEquals([...cats.server.connections.values()].map(({ bytesOut }) => bytesOut), [2, 0]);
    await first.closeWrite();
    assertEquals(await within(answer, "the second program"), "2");
    await second.closeWrite();
    await cats.exit(2);
  },
});

Deno.test({
  name:
    "execHandler() gives the place of a program to another only when it has ended, though its connection is gone",
  ignore,
  async fn() {
    const script = "trap '' TERM; echo $$; while :; do sleep 0.05; done";
    await using stubborn = await sh(script, { maxChildren: 1, killTimeout: 300 });
    using first = await stubborn.client();
    await first.readLine();
    stubborn.server.disconnect(1);
    await stubborn.recorder.until("closed");
    using second = await stubborn.client();
    assertMatch(await within(second.readLine(), "the second program") ?? "", /^\d+$/);
    assertEquals(stubborn.exits.map(({ signal }) => signal), ["SIGKILL"]);
  },
});

// --- What the program knows -----------------------------------------------------------------------------------------------

Deno.test({
  name: "execHandler() gives its programs the variables of tcpserver, and nothing of its own environment",
  ignore,
  async fn() {
    await using envs = await programs("env", { env: { PATH, GREETING: "hello" } });
    using conn = await envs.client();
    const { hostname, port } = envs.server.addr as Deno.NetAddr;
    const local = conn.localAddr as Deno.NetAddr;
    assertEquals((await readAll(conn)).trim().split("\n").toSorted(), [
      "GREETING=hello",
      `PATH=${PATH}`,
      "PROTO=TCP",
      `TCPLOCALIP=${hostname}`,
      `TCPLOCALPORT=${port}`,
      `TCPREMOTEIP=${local.hostname}`,
      `TCPREMOTEPORT=${local.port}`,
    ]);
  },
});

Deno.test({
  name: "execHandler() tells its programs the path of a Unix socket",
  ignore,
  async fn() {
    const path = socketPath();
    const ended = Promise.withResolvers<ExecStatus>();
    const handler = execHandler("env", { env: { PATH }, exited: ended.resolve });
    await using served = await serving(new UnixServer(handler, { path }));
    using conn = await connect(served.server.addr);
    assertEquals((await readAll(conn)).trim().split("\n").toSorted(), [
      `PATH=${PATH}`,
      "PROTO=UNIX",
      `UNIXLOCALPATH=${path}`,
    ]);
    await within(ended.promise, "the end of the program");
  },
});

Deno.test({
  name: "execHandler() tells its programs what TLS has agreed on",
  ignore,
  async fn() {
    const ended = Promise.withResolvers<ExecStatus>();
    const handler = execHandler("env", { env: { PATH }, exited: ended.resolve });
    await using served = await serving(new TlsServer(handler, { cert: CERT, key: KEY }));
    using conn = await connect(formatAddr(served.server.addr, "tls"), {
      caCerts: [CA],
      serverName: "localhost",
    });
    const text = await readAll(conn);
    for (
      const part of [
        "PROTO=SSL\n",
        "SSL_PROTOCOL=TLSv1.3\n",
        "SSL_TLS_SNI=localhost\n",
        "SSLREMOTEIP=127.0.0.1\n",
      ]
    ) {
      assertStringIncludes(text, part);
    }
    assertMatch(text, /^TCPREMOTEPORT=\d+$/m);
    await within(ended.promise, "the end of the program");
  },
});

// --- What the program complains of --------------------------------------------------------------------------------------

Deno.test({
  name: "execHandler() hands on standard error in lines, without their ends, and the last one without an end",
  ignore,
  async fn() {
    await using complainers = await sh(`printf 'one\\r\\n\\n  two\\n' >&2; printf 'rest' >&2`);
    using conn = await complainers.client();
    await conn.recv();
    await complainers.exit();
    assertEquals(complainers.complaints, ["one", "", "  two", "rest"]);
  },
});

Deno.test({
  name: "execHandler() cuts a line of standard error at 4096 bytes, and goes on with the next",
  ignore,
  async fn() {
    await using complainers = await sh(
      `head -c 5000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo short >&2`,
    );
    using conn = await complainers.client();
    await conn.recv();
    await complainers.exit();
    assertEquals(complainers.complaints, ["x".repeat(4096) + "…", "short"]);
  },
});

Deno.test({
  name: "execHandler() tells the exit code, and the signal, with which a program ends",
  ignore,
  async fn() {
    await using failing = await sh("exit 3");
    using first = await failing.client();
    await first.recv();
    const { code, signal, asked } = await failing.exit();
    assertEquals([code, signal, asked], [3, null, false]);
    assertEquals((await failing.recorder.until("closed")).reason, "done");
    await using crashing = await sh("kill -SEGV $$");
    using second = await crashing.client();
    await second.recv();
    assertEquals((await crashing.exit()).signal, "SIGSEGV");
  },
});

Deno.test("execHandler() closes the connection without a byte when the program cannot be started, and says why", async () => {
  const recorder = new Recorder();
  await using served = await serving(
    new TcpServer(execHandler("/no/such/program"), { observers: [recorder] }),
  );
  using conn = await connect(served.server.addr);
  assertEquals(await conn.recv(), null);
  const { error } = await recorder.until("error");
  assert(error instanceof Deno.errors.NotFound);
  assertStringIncludes(error.message, "/no/such/program");
});

Deno.test("execHandler() refuses options that cannot be", () => {
  assertThrows(() => execHandler("cat", { maxChildren: 0 }), RangeError, "maxChildren");
  assertThrows(() => execHandler("cat", { maxChildren: 1.5 }), RangeError, "1.5");
  assertThrows(() => execHandler("cat", { killTimeout: -1 }), RangeError, "killTimeout");
  assertThrows(() => execHandler("cat", { killTimeout: Infinity }), RangeError, "Infinity");
  assertThrows(() => execHandler("cat", { whenDraining: "stop" as never }), RangeError, "whenDraining");
});
