import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "../../mod.ts";
import { isInstalled, run } from "../_support/command.ts";
import { Program } from "../_support/program.ts";

const PORT_0 = { args: ["--port", "0"] };

Deno.test("examples/basic_server.ts (S1) answers its client with the fixed sentence", async () => {
  await using server = new Program("examples/basic_server.ts", PORT_0);
  const { port } = await server.address();
  await using client = new Program("examples/basic_client.ts", { args: ["--port", String(port)] });
  const { code, output } = await client.end();
  assertEquals(output, ["Hello, I have received your message."]);
  assertEquals(code, 0);
  await server.until(/^received: Hello, server\.$/);
});

for (const name of ["operator_serial", "operator_concurrent"]) {
  Deno.test(`examples/${name}.ts (S6) speaks the operator's dialogue`, async () => {
    await using server = new Program(`examples/${name}.ts`, PORT_0);
    using conn = await connect(await server.address());
    assertStringIncludes((await conn.readLine())!, "Welcome to call 10086");
    await conn.sendAll("7\n");
    assert((await conn.readLine())!.length > 0);
    await conn.sendAll("exit\n");
    while (await conn.readLine() !== null);
  });
}

Deno.test("examples/operator_serial.ts (S6) serves the second caller when the first has hung up", async () => {
  await using server = new Program("examples/operator_serial.ts", PORT_0);
  const addr = await server.address();
  const first = await connect(addr);
  await first.readLine();
  using second = await connect(addr, { readTimeout: 10_000 });
  await second.sendAll("exit\n");
  first.close();
  assertStringIncludes((await second.readLine())!, "Welcome");
});

Deno.test("examples/operator_concurrent.ts (S6) serves callers side by side", async () => {
  await using server = new Program("examples/operator_concurrent.ts", PORT_0);
  const addr = await server.address();
  using first = await connect(addr);
  using second = await connect(addr);
  assertStringIncludes((await first.readLine())!, "Welcome");
  assertStringIncludes((await second.readLine())!, "Welcome");
});

Deno.test("examples/echo_server.ts (S7) prints who comes and goes, and its client ends on an empty line", async () => {
  await using server = new Program("examples/echo_server.ts", PORT_0);
  const { port } = await server.address();
  await using client = new Program("examples/echo_client.ts", { args: ["--port", String(port)] });
  await client.type("hello");
  await client.until(/^hello$/);
  await server.until(/^new connection from tcp:/);
  await client.type("");
  assertEquals((await client.end()).code, 0);
  await server.until(/hung up after 6 bytes$/);
});

Deno.test({
  name: "examples/http_answer.ts (S15) answers curl",
  ignore: !isInstalled("curl"),
  async fn() {
    await using server = new Program("examples/http_answer.ts", PORT_0);
    const { port } = await server.address();
    const { code, output } = await run("curl", ["-sS", "-i", `http://127.0.0.1:${port}/`]);
    assertEquals(code, 0);
    assertStringIncludes(output, "HTTP/1.1 200 OK");
    assert(output.endsWith("Hello, World\n"));
  },
});

Deno.test({
  name: "examples/http_answer.ts (S15) answers a curl whose body it never reads",
  ignore: !isInstalled("curl"),
  async fn() {
    await using server = new Program("examples/http_answer.ts", PORT_0);
    const { port } = await server.address();
    const args = ["-sS", "-H", "Expect:", "--data-binary", "@-", `http://127.0.0.1:${port}/`];
    const { code, output } = await run("curl", args, "x".repeat(200_000));
    assertEquals({ code, output }, { code: 0, output: "Hello, World\n" });
  },
});

Deno.test("examples/chat.ts shows to all others what one says", async () => {
  await using server = new Program("examples/chat.ts", PORT_0);
  const addr = await server.address();
  using ada = await connect(addr);
  await ada.readUntil("? ");
  await ada.sendAll("Ada\n");
  using bob = await connect(addr);
  await bob.readUntil("? ");
  await bob.sendAll("Bob\n");
  assertEquals(await ada.readLine(), "* Bob has joined");
  await bob.sendAll("hello\x1b[2J\n");
  assertEquals(await ada.readLine(), "Bob: hello[2J");
  bob.close();
  assertEquals(await ada.readLine(), "* Bob has left");
});

Deno.test({
  name: "examples/graceful_shutdown.ts finishes the answer it is giving when SIGTERM comes",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using server = new Program("examples/graceful_shutdown.ts", PORT_0);
    using conn = await connect(await server.address());
    await conn.sendAll("5\n");
    assertEquals(await conn.readLine(), "1");
    server.kill("SIGTERM");
    const rest = await Array.fromAsync(conn.lines());
    assertEquals(rest, ["2", "3", "4", "5", "done"]);
    const { code, output } = await server.end();
    assertEquals({ code, output }, { code: 0, output: ["draining 1 connections", "served 1 connections"] });
  },
});

Deno.test({
  name: "examples/exec_server.ts serves a shell script, and prints what it complains of",
  ignore: Deno.build.os === "windows" || !isInstalled("sh"),
  async fn() {
    const flags = ["--no-prompt", "--allow-net=127.0.0.1", "--allow-run=sh"];
    await using server = new Program("examples/exec_server.ts", { ...PORT_0, flags });
    using conn = await connect(await server.address());
    assertStringIncludes((await conn.readLine())!, "Welcome, 127.0.0.1.");
    await conn.sendAll("20\n22\nx\n\n");
    assertEquals(await Array.fromAsync(conn.lines()), ["20", "42", "What?"]);
    await server.until(/^#1: no number: x$/);
    await server.until(/^#1 has ended: 0$/);
  },
});
