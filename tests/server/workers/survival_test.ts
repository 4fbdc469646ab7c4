import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { connect } from "../../../mod.ts";
import { handlerModule, startCli } from "../../_support/cli.ts";
import { run } from "../../_support/command.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { until } from "../../_support/living_threads.ts";
import { assertNoWorker, children } from "../../_support/living_workers.ts";
import { makePooled, POOLED_SERVERS, pooledKind, type PooledServer } from "../../_support/pooled_servers.ts";
import { untilGone } from "../../_support/process_end.ts";
import { Program } from "../../_support/program.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { ask, askAnother, ending } from "../../_support/workers.ts";

const TROUBLE = new URL("./_fixtures/troublemaker.ts", import.meta.url);
const SUPERVISED = "tests/server/workers/_fixtures/supervised.ts";
const notLinux = Deno.build.os !== "linux";
const noUnix = Deno.build.os === "windows";

// --- kill -9 of workers under load ----------------------------------------------------------------------------------------

/** How a client of the load fared. */
interface Fate {
  /** The worker that served it, if it got to one. */
  worker?: string;
  /** Where it stands in the eyes of the server. */
  port: number;
  error?: unknown;
}

/** Clients that come, stay for some lines, and leave, for as long as `going` says. */
async function load(addr: Deno.Addr, fates: Fate[], going: () => boolean): Promise<void> {
  while (going()) {
    const fate: Fate = { port: 0 };
    fates.push(fate);
    try {
      using client = await connect(addr, { readTimeout: 10_000, timeout: 10_000 });
      fate.port = (client.localAddr as Deno.NetAddr).port;
      await client.sendAll("who\n");
      fate.worker = lineOf(await client.readLine());
      for (let n = 0; n < 5; n++) {
        await client.sendAll(`line ${n}\n`);
        assertEquals(lineOf(await client.readLine()), `line ${n}`);
      }
    } catch (error) {
      fate.error = error;
    }
  }
}

function lineOf(line: string | null): string {
  if (line === null) throw new Deno.errors.UnexpectedEof("the worker has ended");
  return line;
}

const pidOf = (worker: string): number => Number(worker.split("/")[0]);

/** The workers that serve now. */
async function workersOf(server: PooledServer, count: number): Promise<string[]> {
  const workers: string[] = [];
  while (workers.length < count) {
    const { client, worker } = await askAnother(server.addr, ...workers);
    client.close();
    workers.push(worker);
  }
  return workers;
}

const SURVIVORS = POOLED_SERVERS.filter(({ name }) =>
  ["ForkingTcpServer (reuse-port)", "ForkingTcpServer (hand-over)", "ForkingUnixServer (hand-over)"].includes(
    name,
  )
);

for (const kind of SURVIVORS) {
  Deno.test({
    name:
      `${kind.name}: kill -9 of each worker under load harms none but its own clients, and each is replaced within 2 s`,
    ignore: noUnix || (kind.mechanism === "reuse-port" && notLinux),
    async fn() {
      const observer = new Recorder();
      const server = makePooled(kind, { size: 3, observers: [observer] }, TROUBLE);
      const fates: Fate[] = [];
      let going = true;
      {
        await using running = await serving(server);
        const loads = Array.from({ length: 8 }, () => load(server.addr, fates, () => going));
        const killed: string[] = [];
        for (const worker of await workersOf(server, 3)) {
          const before = performance.now();
          Deno.kill(pidOf(worker), "SIGKILL");
          killed.push(worker);
          await observer.until("error", killed.length);
          await workersOf(server, 3); // none of them is one that was killed
          assertLess(performance.now() - before, 2_000);
        }
        going = false;
        await within(Promise.all(loads), "the end of the load");
        const failed = fates.filter(({ error }) => error !== undefined);
        assertGreater(fates.length - failed.length, 100);
        for (const { error } of failed) {
          assert(!(error instanceof Deno.errors.ConnectionRefused), "nobody listened");
          assert(!(error instanceof Deno.errors.TimedOut), "a client was left alone");
        }
        assertEquals(failed.filter(({ worker }) => worker && !killed.includes(worker)), []);
        const mourned = observer.all("closed").filter(({ reason }) => reason === "worker").length;
        // Who was served by nobody yet: waits in the queue of the one that is killed, or has just been given to it.
        if (kind.mechanism === "hand-over") {
          assertEquals(failed.length <= mourned, true, `${failed.length}, ${mourned}`);
        } else assertLess(failed.filter(({ worker }) => !worker).length, 8 * 3);
        assertEquals(observer.all("error").length, 3);
        assert(!(await isSettled(running.loop)));
      }
      await assertNoWorker();
    },
  });
}

Deno.test({
  name:
    "ForkingTcpServer with a single process hands over by default, so that no client in the queue is lost with it",
  ignore: noUnix,
  async fn() {
    const { Server } = pooledKind(false, "hand-over");
    const observer = new Recorder();
    await using running = await serving(new Server(TROUBLE, { processes: 1, observers: [observer] }));
    const { server } = running;
    assertEquals(server.mechanism, "hand-over");
    const { client, worker } = await ask(server.addr);
    Deno.kill(pidOf(worker), "SIGKILL");
    await observer.until("error");
    const waiting = Array.from({ length: 20 }, () => ask(server.addr)); // there is nobody yet
    await ending(client);
    client.close();
    for (const served of await within(Promise.all(waiting), "all of them")) {
      assert(served.worker !== worker);
      served.client.close();
    }
    assertEquals(observer.all("closed").filter(({ reason }) => reason === "worker").length, 1);
  },
});

Deno.test({
  name: "ForkingTcpServer.shutdown() ends although a worker dies meanwhile, and starts no other",
  ignore: noUnix,
  async fn() {
    for (const mechanism of notLinux ? ["hand-over"] as const : ["hand-over", "reuse-port"] as const) {
      const observer = new Recorder();
      const server = makePooled(pooledKind(false, mechanism), { observers: [observer] }, TROUBLE);
      await using _running = await serving(server);
      const first = await ask(server.addr);
      const second = await askAnother(server.addr, first.worker);
      await observer.until("opened", 2);
      const shutdown = server.shutdown({ signal: AbortSignal.timeout(8_000) });
      Deno.kill(pidOf(first.worker), "SIGKILL");
      await ending(first.client);
      for (const { client } of [first, second]) client.close();
      await within(shutdown, "shutdown");
      await assertNoWorker();
    }
  },
});

// --- Parents that die -----------------------------------------------------------------------------------------------------

/** A program that serves a module on three processes. */
function supervised(specifier: string, options: object = {}): Program {
  return new Program(SUPERVISED, { args: [specifier, JSON.stringify({ processes: 3, ...options })] });
}

/** The children of a program, when there are so many. */
async function childrenOf(pid: number, count: number): Promise<number[]> {
  await until(() => children(pid).length >= count, `${count} children`);
  return children(pid);
}

for (const mechanism of ["reuse-port", "hand-over"]) {
  Deno.test({
    name: `no child outlives a parent that is killed, with ${mechanism}, whether it serves or is idle`,
    ignore: notLinux,
    async fn() {
      await using program = supervised(TROUBLE.href, { mechanism });
      const addr = await program.address();
      using _client = (await ask(addr)).client;
      const pids = children(program.pid);
      assertEquals(pids.length, 3);
      program.kill("SIGKILL");
      await Promise.all(pids.map(untilGone));
    },
  });
}

Deno.test({
  name: "no child outlives a parent that is killed while children start, or load their handler",
  ignore: notLinux,
  async fn() {
    const slow = handlerModule("await new Promise((go) => setTimeout(go, 60_000)); export default () => {};");
    for (const [specifier, count] of [[TROUBLE.href, 1], [TROUBLE.href, 2], [slow, 1]] as const) {
      await using program = supervised(specifier);
      const pids = await childrenOf(program.pid, count);
      program.kill("SIGKILL");
      await Promise.all(pids.map(untilGone));
    }
  },
});

Deno.test({
  name: "no child outlives a parent that ends by itself, though it be in a busy loop",
  ignore: notLinux,
  async fn() {
    await using program = supervised(TROUBLE.href);
    const { client } = await ask(await program.address());
    const pids = children(program.pid);
    await client.sendAll("spin\n");
    await program.type("exit");
    assertEquals((await program.end()).code, 0);
    client.close();
    await Promise.all(pids.map(untilGone));
  },
});

// --- Signals --------------------------------------------------------------------------------------------------------------

/** Sends a signal to a program, or to all that a terminal would send it to. */
async function signal(program: Program, name: "SIGINT" | "SIGTERM", toGroup: boolean): Promise<void> {
  if (!toGroup) return program.kill(name);
  const { code, errors } = await run("kill", [`-${name.slice(3)}`, "--", `-${program.pid}`]);
  assertEquals(code, 0, errors);
}

/** The command line, in a process group of its own. */
function inOwnGroup(...args: string[]): Program {
  return new Program("cli.ts", {
    args: ["serve", ...args],
    flags: ["--no-prompt", "-A"],
    starter: ["setsid"],
  });
}

for (const [name, toGroup] of [["SIGINT", true], ["SIGTERM", true], ["SIGTERM", false]] as const) {
  const whom = toGroup ? "the whole group" : "the parent alone";

  Deno.test({
    name:
      `cli serve --processes ends well and leaves no child when ${name} reaches ${whom} while children start`,
    ignore: notLinux,
    async fn() {
      for (const count of [1, 2, 3]) {
        await using program = inOwnGroup(TROUBLE.href, "--tcp", ":0", "--processes", "3");
        const pids = await childrenOf(program.pid, count);
        await signal(program, name, toGroup);
        const { code, errors } = await within(program.end(), "the end of the program");
        assertEquals(code, 0, errors);
        assertMatch(errors, new RegExp(`${name}: (nothing was served yet|draining)`));
        await Promise.all(pids.map(untilGone));
      }
    },
  });

  Deno.test({
    name: `cli serve --processes serves its clients to their end when ${name} reaches ${whom}`,
    ignore: notLinux,
    async fn() {
      const patient = handlerModule(`export default async function patient(conn) {
        await conn.sendAll("in\\n");
        await conn.sendAll(await conn.readLine() + "\\n");
      }`);
      await using program = inOwnGroup(patient, "--tcp", ":0", "--processes", "2");
      using client = await connect(await program.address(), { readTimeout: 10_000 });
      assertEquals(await client.readLine(), "in");
      const pids = children(program.pid);
      await signal(program, name, toGroup);
      await client.sendAll("the last line\n");
      assertEquals(await client.readLine(), "the last line");
      const { code, errors } = await within(program.end(), "the end of the program");
      assertEquals(code, 0, errors);
      assert(!errors.includes("worker"), errors);
      await Promise.all(pids.map(untilGone));
    },
  });
}

for (const flag of ["--workers", "--processes"]) {
  Deno.test(`cli serve ${flag} ends with exit code 1 and one line when workers die as soon as they start`, async () => {
    const dying = handlerModule(`
      const { isMainThread } = process.getBuiltinModule("node:worker_threads");
      if (!isMainThread || process.send) setTimeout(() => Deno.exit(3), 5);
      export default () => {};
    `);
    await using program = startCli(["serve", dying, "--tcp", ":0", flag, "1", "--max-restarts", "1"]);
    const { code, errors } = await within(program.end(), "the end of the program");
    assertEquals(code, 1);
    assertMatch(
      errors,
      /^error: Workers die as soon as they start, 2 times in a row; the last one: it ended with code 3$/m,
    );
    assert(!errors.includes("    at "), errors);
  });
}
