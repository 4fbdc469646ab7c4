import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, connectDatagram } from "../../mod.ts";
import { within } from "../_support/deadline.ts";
import { Program } from "../_support/program.ts";

const PORT_0 = { args: ["--port", "0"] };

Deno.test("examples/select_greet.ts (S8) greets every new connection", async () => {
  await using server = new Program("examples/select_greet.ts", PORT_0);
  const addr = await server.address();
  for (let n = 0; n < 3; n++) {
    using conn = await connect(addr);
    assertEquals(await conn.readLine(), "hello, you are connected");
    assertEquals(await conn.recv(), null);
  }
});

Deno.test("examples/select_receive.ts (S9) receives from all its clients, and goes on when one hangs up", async () => {
  await using server = new Program("examples/select_receive.ts", PORT_0);
  const addr = await server.address();
  using first = await connect(addr);
  const second = await connect(addr);
  await second.sendAll("from the second\n");
  await server.until(/: from the second$/);
  second.close();
  await server.until(/hung up$/);
  await first.sendAll("from the first\n");
  await server.until(/: from the first$/);
});

Deno.test("examples/select_read_write.ts (S10) answers whoever sent something", async () => {
  await using server = new Program("examples/select_read_write.ts", PORT_0);
  const addr = await server.address();
  using silent = await connect(addr);
  const talker = await connect(addr);
  for (const message of ["one", "two"]) {
    await talker.sendAll(`${message}\n`);
    assertEquals(await talker.readLine(), "response");
  }
  talker.close();
  await server.until(/hung up$/);
  await silent.sendAll("at last\n");
  assertEquals(await silent.readLine(), "response");
});

Deno.test("examples/select_queues.ts (S11) answers every message with itself and a response", async () => {
  await using server = new Program("examples/select_queues.ts", PORT_0);
  const addr = await server.address();
  const clients = await Promise.all([1, 2, 3].map(() => connect(addr)));
  for (const [n, client] of clients.entries()) await client.sendAll(`message ${n}\n`);
  for (const [n, client] of clients.entries()) {
    assertEquals(await client.readLine(), `message ${n} response`);
    client.close();
    await server.until(/hung up$/);
  }
});

Deno.test("examples/select_two_ports.ts (S12) serves two ports in one loop, many clients at a time", async () => {
  await using server = new Program("examples/select_two_ports.ts", PORT_0);
  const addrs = [await server.address(), await server.address()];
  const clients = await Promise.all([...addrs, ...addrs].map((addr) => connect(addr)));
  for (const [n, client] of clients.entries()) {
    const { port } = addrs[n % 2];
    assertEquals(await client.readLine(), `welcome to port ${port}`);
    await client.sendAll(`hello ${n}\n`);
    assertEquals(await client.readLine(), `${port}: hello ${n}`);
  }
  for (const client of clients) client.close();
});

Deno.test("examples/poll_compare.ts (S13) shows that only the poller's cost does not grow", async () => {
  await using program = new Program("examples/poll_compare.ts");
  const { code, output, errors } = await within(program.end(), "its end", 60_000);
  assertEquals({ code, errors }, { code: 0, errors: "" });
  const row = (name: string): number[] =>
    output.find((line) => line.startsWith(name))!.slice(32).trim().split(/ +/).map(Number);
  assert(row("select")[3] > 10 * row("Poller")[3]);
  assert(row("Promise.race")[3] > 10 * row("Poller")[3]);
  assertEquals([row("level"), row("edge"), row("oneshot")], [[2, 3], [1, 1], [1, 1]]);
});

Deno.test("examples/event_list.ts (S19) triggers its handlers, and refuses one without execute", async () => {
  await using program = new Program("examples/event_list.ts", { flags: [] });
  const { code, output } = await within(program.end(), "its end");
  assertEquals(code, 0);
  assertEquals(output, [
    "hello",
    "run 1",
    "hello",
    "run 2",
    "refused: Cannot register Forgetful: it does not implement execute()",
  ]);
});

Deno.test("examples/reactor_echo.ts (S20) echoes", async () => {
  await using server = new Program("examples/reactor_echo.ts", PORT_0);
  using conn = await connect(await server.address());
  await conn.sendAll("hello\n");
  assertEquals(await conn.readLine(), "hello");
});

Deno.test("examples/get_page.ts (S21) asks for two pages at once, and the loop goes on meanwhile", async () => {
  const both = Promise.withResolvers<void>();
  let asked = 0;
  await using site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async ({ url }) => {
    if (++asked === 2) both.resolve();
    await both.promise; // neither is answered before both were asked for
    return new Response(`page ${new URL(url).pathname}`);
  });
  const base = `http://127.0.0.1:${site.addr.port}`;
  await using program = new Program("examples/get_page.ts", { args: [`${base}/one`, `${base}/second`] });
  const { code, output } = await within(program.end(), "its end");
  assertEquals(code, 0);
  assertEquals(output.slice(0, 3), [
    `asking for ${base}/one`,
    `asking for ${base}/second`,
    "the loop goes on",
  ]);
  assertMatch(output.slice(3).sort()[0], /\/one: HTTP\/1\.[01] 200 OK, 9 characters$/);
  assertMatch(output.slice(3).sort()[1], /\/second: HTTP\/1\.[01] 200 OK, 12 characters$/);
});

Deno.test({
  name: "examples/poll_everything.ts serves TCP, UDP, typed lines, a timer and SIGINT in one loop",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    await using program = new Program("examples/poll_everything.ts", PORT_0);
    const addr = await program.address();
    using conn = await connect(addr);
    await conn.sendAll("over TCP\n");
    assertEquals(await conn.readLine(), "over TCP");
    await using packets = await connectDatagram({ ...addr, transport: "udp" });
    await packets.send("over UDP");
    assertEquals(new TextDecoder().decode((await packets.receive())!), "over UDP");
    await program.type("hello");
    await program.until(/^you typed hello; running for \d+ s with 6 sources$/);
    program.kill("SIGINT");
    const { code, output } = await within(program.end(), "its end");
    assertEquals({ code, output }, { code: 0, output: ["interrupted"] });
  },
});
