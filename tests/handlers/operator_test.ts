import { assertEquals, assertMatch } from "@std/assert";
import { connect, type Connection, TcpServer } from "../../mod.ts";
import operator from "../../handlers/operator.ts";
import { isInstalled, run } from "../_support/command.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";

const GREETING = "Welcome to call 10086, please enter 1xxx, 0 for manual service";
const AGAIN = "There is no such number, please enter again.";

/** Calls the operator, hears the greeting, and goes on with `talk`. */
async function call(talk: (conn: Connection, recorder: Recorder) => Promise<void>): Promise<void> {
  const recorder = new Recorder();
  await using running = await serving(new TcpServer(operator, { observers: [recorder] }));
  using conn = await connect(running.server.addr);
  assertEquals(await conn.readLine(), GREETING);
  await talk(conn, recorder);
}

Deno.test("operator hangs up on exit", () =>
  call(async (conn, recorder) => {
    await conn.sendAll("exit\n");
    assertEquals(await conn.recv(), null);
    assertEquals((await recorder.until("closed")).reason, "done");
  }));

Deno.test("operator says that the call may be recorded, makes a long speech, and listens again", () =>
  call(async (conn) => {
    await conn.sendAll("0\n");
    assertMatch(await conn.readLine() ?? "", /may be recorded/);
    let speech = "";
    for (let i = 0; i < 4; i++) speech += await conn.readLine();
    assertEquals(speech.length > 300, true);
    await conn.sendAll("1\n");
    assertEquals(await conn.readLine(), AGAIN);
  }));

Deno.test("operator asks to enter again what it does not know, exit and 0 with more around them too", () =>
  call(async (conn) => {
    for (const entry of ["1", "1234", "00", "exits", "EXIT", "", "0 please"]) {
      await conn.sendAll(entry + "\r\n");
      assertEquals(await conn.readLine(), AGAIN, entry);
    }
  }));

Deno.test("operator answers lines that come in pieces and lines that come together", () =>
  call(async (conn) => {
    await conn.sendAll("1");
    await conn.sendAll("2\n3\n4");
    await conn.sendAll("5\nexit\n6\n");
    assertEquals(await Array.fromAsync(conn.lines()), [AGAIN, AGAIN, AGAIN]);
  }));

Deno.test("operator ends the call with one answer when a line is too long", () =>
  call(async (conn, recorder) => {
    await conn.sendAll("1".repeat(257));
    const answers = await Array.fromAsync(conn.lines());
    assertEquals(answers.length, 1);
    assertMatch(answers[0], /too long/);
    conn.close(); // while it is open, the server reads away what it had not read
    assertEquals((await recorder.until("closed")).reason, "done");
  }));

Deno.test("operator takes a line of 256 bytes for a number", () =>
  call(async (conn) => {
    await conn.sendAll("1".repeat(256) + "\n");
    assertEquals(await conn.readLine(), AGAIN);
  }));

Deno.test("operator takes a hang-up for one", () =>
  call(async (conn, recorder) => {
    await conn.closeWrite();
    assertEquals(await conn.recv(), null);
    assertEquals((await recorder.until("closed")).reason, "done");
  }));

Deno.test({
  name: "operator talks with socat",
  ignore: !isInstalled("socat"),
  fn: async () => {
    await using running = await serving(new TcpServer(operator));
    const { output } = await run(
      "socat",
      ["-t", "5", "-", `TCP:127.0.0.1:${running.server.addr.port}`],
      "7\nexit\n",
    );
    assertEquals(output, `${GREETING}\n${AGAIN}\n`);
  },
});
