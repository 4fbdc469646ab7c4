import { assert, assertEquals, assertMatch } from "@std/assert";
import { Connection, TcpServer } from "../../mod.ts";
import daytime from "../../handlers/daytime.ts";
import { isInstalled, run } from "../_support/command.ts";
import { at } from "../_support/clock.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";
import { serving } from "../_support/serving.ts";

Deno.test("daytime writes the date as RFC 867 suggests", async () => {
  const transport = new MemoryTransport();
  await at(Date.UTC(1982, 1, 22, 0, 7, 3), () => daytime(new Connection(transport)));
  assertEquals(transport.text, "Monday, February 22, 1982 00:07:03-UTC\r\n");
});

Deno.test({
  name: "daytime tells ncat the time of this machine, and ends",
  ignore: !isInstalled("ncat"),
  fn: async () => {
    await using running = await serving(new TcpServer(daytime));
    const { code, output } = await run("ncat", ["127.0.0.1", String(running.server.addr.port)]);
    assertEquals(code, 0);
    assertMatch(output, /^\w+day, \w+ \d{1,2}, \d{4} \d\d:\d\d:\d\d-UTC\r\n$/);
    const told = Date.parse(output.replace(/^\w+, /, "").replace("-UTC\r\n", " UTC"));
    assert(Math.abs(Date.now() - told) < 60_000, output);
  },
});
