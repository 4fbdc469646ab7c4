import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { connect, WorkerError } from "../../../mod.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { until } from "../../_support/living_threads.ts";
import { assertNoWorker, children } from "../../_support/living_workers.ts";
import {
  makePooled,
  POOLED_TCP_SERVERS,
  pooledKind,
  type PooledServerKind,
} from "../../_support/pooled_servers.ts";
import { Program } from "../../_support/program.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { socketFolder } from "../../_support/socket_folder.ts";
import { ask, askAnother, ending } from "../../_support/workers.ts";

const TROUBLE = new URL("./_fixtures/troublemaker.ts", import.meta.url);
const SUPERVISED = "tests/server/workers/_fixtures/supervised.ts";
const noUnix = Deno.build.os === "windows";

/** One for each sort of worker and each sort of socket. */
const THREADS = pooledKind(true, "load-balanced");
const PROCESSES = pooledKind(false, noUnix ? "relay" : "hand-over");

/** A module of this text. */
function module(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

// --- Workers that die or hang ---------------------------------------------------------------------------------------------

/** What a worker is told, and what is told of it then. */
const DEATHS: [deed: string, why: RegExp][] = [
  ["exit 0", /died: it ended with code 0$/],
  ["exit 7", /died: it ended with code 7$/],
  ["throw", /died: nobody caught RangeError: out of the blue$/],
  ["reject", /died: nobody caught RangeError: out of the blue$/],
  ["spin", /died: it hangs: its event loop has not turned for 600 ms$/],
];

/** Some of the ways to hang do not end like others: in the regular expressions' own code, and in the engine's wait. */
const HANGS: [deed: string, why: RegExp][] = ["backtrack", "wait"].map((deed) => [deed, /died: it hangs/]);

async function replaces(kind: PooledServerKind, deed: string, why: RegExp): Promise<void> {
  const observer = new Recorder();
  const server = makePooled(kind, { observers: [observer], heartbeatTimeout: 600 }, TROUBLE);
  {
    await using running = await serving(server);
    const { addr } = server;
    const victim = await ask(addr);
    const steady = await askAnother(addr, victim.worker);
    using _victim = victim.client;
    using _steady = steady.client;
    await observer.until("opened", 2); // a worker tells of its connections every few milliseconds
    const { port } = victim.client.localAddr as Deno.NetAddr;
    await victim.client.sendAll(`${deed}\n`);
    await ending(victim.client);
    const { error, phase } = await observer.until("error");
    assertInstanceOf(error, WorkerError);
    assertEquals(phase, "worker");
    assertMatch(error.message, why);
    assertMatch(error.message, kind.isThreading ? /^A worker \(thread \d+\)/ : /^A worker \(process \d+\)/);
    await steady.client.sendAll("still there\n");
    assertEquals(await steady.client.readLine(), "still there");
    const fresh = await askAnother(addr, victim.worker, steady.worker);
    fresh.client.close();
    assertEquals(observer.all("error").length, 1);
    const told = observer.all("closed").filter(({ connection: { remoteAddr } }) =>
      (remoteAddr as Deno.NetAddr).port === port
    );
    assertEquals(told.map(({ reason }) => reason), ["worker"]);
    assert(!(await isSettled(running.loop)));
  }
  await assertNoWorker();
}

for (const kind of POOLED_TCP_SERVERS) {
  const isOne = kind === THREADS || kind === PROCESSES;
  const deaths = DEATHS.filter(([deed]) => isOne || deed === "exit 7");
  if (kind === THREADS) deaths.push(...HANGS);
  for (const [deed, why] of deaths) {
    Deno.test({
      name: `${kind.name} replaces a worker that is told to ${deed}, and serves others on`,
      ignore: noUnix && kind.mechanism === "hand-over",
      fn: () => replaces(kind, deed, why),
    });
  }
}

Deno.test("WorkerError has what nobody caught in the worker as its cause", async () => {
  const observer = new Recorder();
  await using running = await serving(makePooled(PROCESSES, { observers: [observer] }, TROUBLE));
  const { client } = await ask(running.server.addr);
  await client.sendAll("throw\n");
  await ending(client);
  client.close();
  const { cause } = (await observer.until("error")).error as WorkerError;
  assertInstanceOf(cause, RangeError);
  assertMatch(cause.stack!, /troublemaker\.ts/);
});

/** Ends what threads wait for that were told to sleep. */
function endSleep(): void {
  for (const pid of children()) Deno.kill(pid, "SIGKILL");
}

Deno.test({
  name:
    "ThreadingTcpServer replaces a thread that waits in the kernel, which ends when it returns from there",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const observer = new Recorder();
    await using running = await serving(
      makePooled(THREADS, { size: 1, observers: [observer], heartbeatTimeout: 300 }, TROUBLE),
    );
    const { addr } = running.server;
    const { client, worker } = await ask(addr);
    using _client = client;
    const over = ending(client);
    await client.sendAll("sleep 20\n");
    assertMatch(((await observer.until("error")).error as Error).message, /died: it hangs/);
    const other = await askAnother(addr, worker);
    other.client.close();
    assert(!(await isSettled(over))); // nobody else has its socket
    endSleep();
    await over;
  },
});

Deno.test({
  name: "ThreadingTcpServer gives up when more threads wait in the kernel than there may be",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const options = { size: 1, maxChildren: 2, heartbeatTimeout: 200, observers: [new Recorder()] };
    await using server = makePooled(THREADS, options, TROUBLE);
    await server.listen();
    const loop = assertRejects(
      () => server.serveForever(),
      WorkerError,
      "2 worker threads hang in the kernel",
    );
    const first = await ask(server.addr);
    await first.client.sendAll("sleep 20\n");
    const second = await askAnother(server.addr, first.worker);
    await second.client.sendAll("sleep 20\n");
    await within(loop, "the end of serveForever");
    await within(server.close(), "close", 2_000);
    endSleep();
    for (const { client } of [first, second]) {
      await ending(client);
      client.close();
    }
    await until(() => children().length === 0, "the end of what they waited for");
  },
});

Deno.test({
  name: "ForkingTcpServer replaces processes that abort, or run out of memory, and serves on",
  ignore: noUnix,
  async fn() {
    const options = {
      processes: 2,
      mechanism: "hand-over",
      denoFlags: ["--v8-flags=--max-old-space-size=32"],
    };
    const args = [TROUBLE.href, JSON.stringify(options)];
    await using program = new Program(SUPERVISED, { args });
    const addr = await program.address();
    for (const [deed, signal] of [["abort", "SIGABRT"], ["exhaust", "SIG(TRAP|ABRT|ILL|SEGV)"]]) {
      const victim = await ask(addr);
      const steady = await askAnother(addr, victim.worker);
      await victim.client.sendAll(`${deed}\n`);
      await program.until(
        new RegExp(`^worker failed: A worker \\(process \\d+\\) died: it was ended by ${signal}`),
      );
      await steady.client.sendAll("still there\n");
      assertEquals(await steady.client.readLine(), "still there");
      const fresh = await askAnother(addr, victim.worker, steady.worker);
      for (const { client } of [victim, steady, fresh]) client.close();
    }
    program.kill();
    assertEquals((await program.end()).code, 0);
  },
});

Deno.test("ThreadingTcpServer and ForkingTcpServer do not give up workers that wait, or work in turns, however long", async () => {
  const text = `export default async function busy(conn) {
    for (const until = performance.now() + 700; performance.now() < until;) {
      for (const pause = performance.now() + 40; performance.now() < pause;);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await conn.sendAll("done\\n");
  }`;
  for (const kind of [THREADS, PROCESSES]) {
    const observer = new Recorder();
    await using running = await serving(
      makePooled(kind, { size: 1, observers: [observer], heartbeatTimeout: 500 }, module(text)),
    );
    using client = await connect(running.server.addr);
    assertEquals(await within(client.readLine(), "the answer"), "done");
    assertEquals(observer.all("error"), []);
  }
});

// --- Crash loops ----------------------------------------------------------------------------------------------------------

for (const kind of [THREADS, PROCESSES]) {
  const noun = kind.isThreading ? "thread" : "process";

  Deno.test(`serveForever rejects when each ${noun} dies as soon as it has started`, async () => {
    const observer = new Recorder();
    const dying = module("setTimeout(() => Deno.exit(3), 5); export default () => {};");
    await using server = makePooled(kind, { observers: [observer], maxRestarts: 2 }, dying);
    await server.listen();
    const error = await assertRejects(() => within(server.serveForever(), "the end"), WorkerError);
    assertMatch(
      error.message,
      /^Workers die as soon as they start, 3 times in a row; the last one: it ended with code 3$/,
    );
    assert(observer.all("error").length >= 3);
    await server.close();
    await assertNoWorker();
  });

  Deno.test(`serveForever rejects when the module does not load any more, and a ${noun} has to be replaced`, async () => {
    const file = `${socketFolder()}/changing_${noun}.ts`;
    await Deno.writeTextFile(file, "export default () => Deno.exit(5);");
    const observer = new Recorder();
    await using server = makePooled(kind, { size: 1, observers: [observer], maxRestarts: 1 }, file);
    await server.listen();
    const loop = server.serveForever();
    await Deno.writeTextFile(file, "throw new RangeError('not today');");
    using client = await connect(server.addr);
    const error = await assertRejects(() => within(loop, "the end"), WorkerError);
    await ending(client);
    assertMatch(
      error.message,
      /^Workers die as soon as they start, 2 times in a row; .*changing_\w+\.ts.*RangeError: not today$/,
    );
    assertMatch((observer.all("error")[0].error as Error).message, /died: it ended with code 5$/);
    await server.close();
    await assertNoWorker();
  });

  Deno.test(`a client that ends one ${noun} after the other does not end the server`, async () => {
    await using running = await serving(
      makePooled(kind, { size: 1, observers: [new Recorder()], maxRestarts: 1 }, TROUBLE),
    );
    for (let n = 0; n < 3; n++) {
      const { client } = await askAnother(running.server.addr);
      await client.sendAll("exit 1\n");
      await ending(client);
      client.close();
    }
    const { client } = await askAnother(running.server.addr);
    client.close();
    assert(!(await isSettled(running.loop)));
  });
}

Deno.test("ThreadingTcpServer replaces a thread that dies while others still start", async () => {
  const text = `
    const { threadId } = process.getBuiltinModule("node:worker_threads");
    const marks = ${JSON.stringify(socketFolder())};
    const isFirst = (() => {
      try {
        Deno.mkdirSync(marks + "/first");
        return true;
      } catch {
        return false;
      }
    })();
    if (isFirst) setTimeout(() => Deno.exit(4), 1);
    else await new Promise((resolve) => setTimeout(resolve, 300));
    export default async (conn) => {
      await conn.sendAll(threadId + "\\n");
      await conn.recv();
    };
  `;
  const observer = new Recorder();
  await using running = await serving(makePooled(THREADS, { observers: [observer] }, module(text)));
  assertMatch(((await observer.until("error")).error as Error).message, /it ended with code 4$/);
  const workers = new Set<string>();
  const clients = [];
  for (const deadline = performance.now() + 5_000; workers.size < 2 && performance.now() < deadline;) {
    const client = await connect(running.server.addr);
    clients.push(client);
    workers.add((await client.readLine())!);
  }
  assertEquals(workers.size, 2);
  for (const client of clients) client.close();
});

// --- Modules that do not load ---------------------------------------------------------------------------------------------

/** What is wrong with a module, and the one line that `listen` rejects with. */
const UNLOADABLE: [fault: string, specifier: string, message: RegExp][] = [
  [
    "is not there",
    "/no/such/handler.ts",
    /^A worker does not start: .*no\/such\/handler\.ts.*: there is no such file$/,
  ],
  [
    "is no code",
    module("export default (;"),
    /^A worker does not start: Cannot load the handler data:.*expression/i,
  ],
  [
    "throws when it is imported",
    module("throw new RangeError('first line\\nsecond line');"),
    /^A worker does not start: Cannot load .*it throws when it is imported: RangeError: first line$/,
  ],
  [
    "exports nothing",
    module("export {};"),
    /^A worker does not start: Cannot use .*exports neither default nor datagram/,
  ],
  [
    "is for datagrams",
    module("export function datagram() {}"),
    /^A worker does not start: .* has no handler for connections$/,
  ],
  [
    "ends its worker",
    module("Deno.exit(9); await new Promise(() => {});"),
    /^A worker does not start: it ended with code 9$/,
  ],
  [
    "waits for ever",
    module("await new Promise((resolve) => setTimeout(resolve, 60000)); export default () => {};"),
    /^A worker does not start: it was not ready within 300 ms$/,
  ],
  [
    "never comes to its end",
    module("for (;;);"),
    /^A worker does not start: it was not ready within 300 ms$/,
  ],
];

for (const kind of [THREADS, PROCESSES]) {
  for (const [fault, specifier, message] of UNLOADABLE) {
    Deno.test(`${kind.Server.name}.listen() rejects with one line for a module that ${fault}`, async () => {
      const loadTimeout = message.source.includes("300") ? 300 : 20_000;
      await using server = makePooled(kind, { loadTimeout }, specifier);
      const error = await assertRejects(() => within(server.listen(), "the rejection", 4_000), WorkerError);
      assertMatch(error.message, message);
      assert(!error.message.includes("\n"));
      await assertNoWorker();
      await server.close();
    });
  }
}
