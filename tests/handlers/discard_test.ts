import { assertEquals } from "@std/assert";
import { connect, TcpServer } from "../../mod.ts";
import discard from "../../handlers/discard.ts";
import { isInstalled, python } from "../_support/command.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";

Deno.test("discard reads everything and answers nothing until the peer's end", async () => {
  const recorder = new Recorder();
  await using running = await serving(new TcpServer(discard, { observers: [recorder] }));
  using conn = await connect(running.server.addr);
  await conn.sendAll(new Uint8Array(10_000_000));
  await conn.closeWrite();
  assertEquals(await conn.recv(), null);
  const { connection, reason } = await recorder.until("closed");
  assertEquals([connection.bytesIn, connection.bytesOut, reason], [10_000_000, 0, "done"]);
});

Deno.test({
  name: "discard gives python3's socket nothing but the end",
  ignore: !isInstalled("python3"),
  fn: async () => {
    await using running = await serving(new TcpServer(discard));
    const code = `
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    s.sendall(b"x" * 100000)
    s.shutdown(socket.SHUT_WR)
    print(s.recv(10))
`;
    assertEquals(await python(code, String(running.server.addr.port)), "b''\n");
  },
});
