import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect, type Connection } from "../../mod.ts";
import { within } from "../_support/deadline.ts";
import { untilGone } from "../_support/process_end.ts";
import { Program } from "../_support/program.ts";

const NET = ["--no-prompt", "--allow-net=127.0.0.1"];
/** As the examples' first lines say. */
const THREADS = { args: ["--port", "0"], flags: [...NET, "--allow-read=."] };
const PROCESSES = { args: ["--port", "0"], flags: [...NET, "--allow-read=.", "--allow-env", "--allow-run"] };

const ignore = Deno.build.os === "windows";

async function client(addr: Deno.NetAddr): Promise<Connection> {
  return await connect(addr, { readTimeout: 20_000 });
}

async function say(conn: Connection, line: string): Promise<string | null> {
  await conn.sendAll(line + "\n");
  return await conn.readLine();
}

for (const [name, how] of [["operator_threading", THREADS], ["operator_forking", PROCESSES]] as const) {
  Deno.test({
    name: `examples/${name}.ts (S6) speaks the operator's dialogue with callers side by side`,
    ignore,
    async fn() {
      await using server = new Program(`examples/${name}.ts`, how);
      const addr = await server.address();
      using first = await client(addr);
      using second = await client(addr);
      for (const caller of [first, second]) {
        assertStringIncludes((await caller.readLine())!, "Welcome to call 10086");
        assertMatch((await say(caller, "7"))!, /enter again/);
      }
      await second.sendAll("exit\n");
      assertEquals(await second.readLine(), null);
      await server.until(/^call \d over: done$/);
      assertMatch((await say(first, "0"))!, /recorded/);
    },
  });
}

Deno.test({
  name:
    "examples/forking_identity.ts (S5) shows another process to each client, and lets each go with its client",
  ignore,
  async fn() {
    await using server = new Program("examples/forking_identity.ts", PROCESSES);
    const addr = await server.address();
    const pids = new Set([server.pid]);
    for (let i = 0; i < 4; i++) {
      using conn = await client(addr);
      const [, pid] = /^process (\d+) is here for you alone$/.exec((await conn.readLine())!)!;
      assertEquals(await say(conn, "hello"), `${pid}: hello`);
      pids.add(Number(pid));
      conn.close();
      await untilGone(Number(pid));
    }
    assertEquals(pids.size, 5);
  },
});

Deno.test("examples/threading_long_calls.ts (S4) serves one client while the thread of another sleeps", async () => {
  await using server = new Program("examples/threading_long_calls.ts", THREADS);
  const addr = await server.address();
  using sleeper = await client(addr);
  assertEquals(await sleeper.readLine(), "How many seconds do I sleep?");
  await sleeper.sendAll("60\n"); // longer than the test may take
  for (let i = 0; i < 3; i++) {
    using other = await client(addr);
    assertEquals(await other.readLine(), "How many seconds do I sleep?");
    assertEquals(await say(other, "0.01"), "slept 0.01");
  }
  assertEquals(sleeper.bytesIn, "How many seconds do I sleep?\n".length);
});

Deno.test("examples/two_ports_threading.ts (S12) greets the clients of two ports, each from a thread of its own", async () => {
  await using server = new Program("examples/two_ports_threading.ts", THREADS);
  const addrs = [await server.address(), await server.address()];
  assert(addrs[0].port !== addrs[1].port);
  const threads = new Set<string>();
  const clients: Connection[] = [];
  for (const addr of [...addrs, ...addrs]) {
    const conn = await client(addr);
    clients.push(conn);
    const [, port, thread] = /^welcome to port (\d+), this is thread (\d+)$/.exec((await conn.readLine())!)!;
    assertEquals(port, `${addr.port}`);
    threads.add(thread);
    assertEquals(await say(conn, "hello"), `${addr.port}: hello`);
  }
  for (const conn of clients) conn.close();
  assertEquals(threads.size, 4);
});

Deno.test("examples/factor_server.ts takes numbers of several clients apart", async () => {
  await using server = new Program("examples/factor_server.ts", THREADS);
  const addr = await server.address();
  const answers = await within(
    Promise.all(["2", "360", "9007199254740881", "9007199254740991", "1", "x"].map(async (number) => {
      using conn = await client(addr);
      return await say(conn, number);
    })),
    "all answers",
    60_000,
  );
  assertEquals(answers, [
    "2 = 2",
    "360 = 2 * 2 * 2 * 3 * 3 * 5",
    "9007199254740881 = 9007199254740881",
    "9007199254740991 = 6361 * 69431 * 20394401",
    "a whole number from 2, please",
    "a whole number from 2, please",
  ]);
});
