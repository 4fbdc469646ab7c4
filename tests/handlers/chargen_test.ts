import { assert, assertEquals, assertLess } from "@std/assert";
import { connect, Connection, TcpServer } from "../../mod.ts";
import chargen from "../../handlers/chargen.ts";
import { isInstalled, python } from "../_support/command.ts";
import { turn } from "../_support/deadline.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";

/** "On line N, put characters (0+N mod 95) through (71+N mod 95)": RFC 864. */
function rfcLine(n: number): string {
  return Array.from({ length: 72 }, (_, i) => String.fromCharCode(32 + (n + i) % 95)).join("");
}

Deno.test("chargen sends the pattern of RFC 864, and after 95 lines the same again", async () => {
  await using running = await serving(new TcpServer(chargen));
  using conn = await connect(running.server.addr);
  assertEquals(
    await conn.readLine(),
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg",
  );
  for (let n = 1; n < 200; n++) {
    assertEquals(new TextDecoder().decode(await conn.readExactly(74)), rfcLine(n) + "\r\n");
  }
});

Deno.test("chargen throws away what the peer sends", async () => {
  await using running = await serving(new TcpServer(chargen));
  using conn = await connect(running.server.addr);
  const sending = conn.sendAll(new Uint8Array(10_000_000));
  let sent = false;
  sending.then(() => sent = true);
  while (!sent) assert(await conn.recv());
  await sending;
});

Deno.test("chargen goes on when the peer has nothing more to say", async () => {
  await using running = await serving(new TcpServer(chargen));
  using conn = await connect(running.server.addr);
  await conn.closeWrite();
  await conn.readExactly(10_000_000);
});

Deno.test("chargen makes nothing ready for a peer that does not read", async () => {
  const transport = new MemoryTransport();
  transport.stall();
  const conn = new Connection(transport);
  const generating = chargen(conn);
  for (let i = 0; i < 10; i++) await turn();
  assertEquals(transport.written.length, 0);
  conn.close();
  await generating.catch(() => {}); // its connection is closed
  assertLess(transport.written.length, 2);
});

Deno.test("chargen ends after a whole line when the server drains", async () => {
  const recorder = new Recorder();
  await using running = await serving(new TcpServer(chargen, { observers: [recorder] }));
  using conn = await connect(running.server.addr);
  await conn.readLine();
  const stopped = running.server.shutdown();
  const rest = await new Response(conn.readable).text();
  await stopped;
  assertEquals(rest.slice(-2), "\r\n");
  assertEquals((await recorder.until("closed")).reason, "done");
});

Deno.test({
  name: "chargen ends with the peer: python3 leaves in the middle",
  ignore: !isInstalled("python3"),
  fn: async () => {
    const recorder = new Recorder();
    await using running = await serving(new TcpServer(chargen, { observers: [recorder] }));
    const code = `
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    print(s.recv(3, socket.MSG_WAITALL))
`;
    assertEquals(await python(code, String(running.server.addr.port)), `b' !"'\n`);
    assertEquals((await recorder.until("closed")).reason, "peer");
    assertEquals(recorder.all("error"), []);
  },
});
