import { assertEquals } from "@std/assert";
import { connect, TcpServer } from "../../mod.ts";
import echo from "../../handlers/echo.ts";
import { isInstalled, run } from "../_support/command.ts";
import { Recorder } from "../_support/recorder.ts";
import { readAndReset } from "../_support/resetting_client.ts";
import { serving } from "../_support/serving.ts";

Deno.test("echo sends back every byte of a stream much larger than any buffer, and then its end", async () => {
  await using running = await serving(new TcpServer(echo));
  using conn = await connect(running.server.addr);
  const sent = new Uint8Array(5_000_000).map((_, i) => i * 7);
  const sending = conn.sendAll(sent).then(() => conn.closeWrite());
  const received = new Uint8Array(await new Response(conn.readable).arrayBuffer());
  await sending;
  assertEquals(received.length, sent.length);
  assertEquals(received.every((byte, i) => byte === sent[i]), true);
});

Deno.test("echo takes an empty stream as a hang-up", async () => {
  const recorder = new Recorder();
  await using running = await serving(new TcpServer(echo, { observers: [recorder] }));
  (await connect(running.server.addr)).close();
  assertEquals((await recorder.until("closed")).reason, "done");
});

Deno.test({
  name: "echo survives a client that resets, and serves the next",
  ignore: !isInstalled("python3"),
  fn: async () => {
    const recorder = new Recorder();
    await using running = await serving(new TcpServer(echo, { observers: [recorder] }));
    await readAndReset(running.server.addr.port, "hello");
    assertEquals((await recorder.until("closed")).reason, "peer");
    assertEquals(recorder.all("error"), []);
    using conn = await connect(running.server.addr);
    await conn.sendAll("still there?\n");
    assertEquals(await conn.readLine(), "still there?");
  },
});

Deno.test({
  name: "echo gives ncat back what was piped into it",
  ignore: !isInstalled("ncat"),
  fn: async () => {
    await using running = await serving(new TcpServer(echo));
    const { port } = running.server.addr;
    const { output } = await run("ncat", ["127.0.0.1", String(port)], "one\ntwo\n");
    assertEquals(output, "one\ntwo\n");
  },
});
