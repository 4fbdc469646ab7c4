import { assert, assertEquals } from "@std/assert";
import { Connection, TcpServer } from "../../mod.ts";
import time from "../../handlers/time.ts";
import { at } from "../_support/clock.ts";
import { isInstalled, python } from "../_support/command.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { serving } from "../_support/serving.ts";

async function told(now: number): Promise<number> {
  const transport = new MemoryTransport();
  await at(now, () => time(new Connection(transport)));
  const [message] = transport.written;
  assertEquals(message.length, 4);
  return new DataView(message.buffer, message.byteOffset).getUint32(0);
}

Deno.test("time counts as the examples of RFC 868 do", async () => {
  assertEquals(await told(Date.UTC(1970, 0, 1)), 2_208_988_800);
  assertEquals(await told(Date.UTC(1976, 0, 1)), 2_398_291_200);
  assertEquals(await told(Date.UTC(1980, 0, 1)), 2_524_521_600);
  assertEquals(await told(Date.UTC(1983, 4, 1)), 2_629_584_000);
});

Deno.test("time begins anew after 2036-02-07 06:28:15", async () => {
  assertEquals(await told(Date.UTC(2036, 1, 7, 6, 28, 15)), 2 ** 32 - 1);
  assertEquals(await told(Date.UTC(2036, 1, 7, 6, 28, 16)), 0);
});

Deno.test({
  name: "time tells python3 the time of this machine in four bytes, and ends",
  ignore: !isInstalled("python3"),
  fn: async () => {
    await using running = await serving(new TcpServer(time));
    const code = `
import socket, struct, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    message = b""
    while chunk := s.recv(100):
        message += chunk
    print(struct.unpack("!I", message)[0] - 2208988800)
`;
    const seconds = Number(await python(code, String(running.server.addr.port)));
    assert(Math.abs(Date.now() / 1_000 - seconds) < 60, String(seconds));
  },
});
