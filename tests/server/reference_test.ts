import { assertEquals } from "@std/assert";
import { connect } from "../../mod.ts";
import { within } from "../_support/deadline.ts";
import { Program } from "../_support/program.ts";
import { socketPath } from "../_support/socket_folder.ts";

const FILE = "tests/server/_fixtures/unreferenced_server.ts";

for (const args of [[], ["late"], ["service"], ["late", "service"]]) {
  for (const kind of ["TcpServer", "UnixServer"]) {
    Deno.test({
      name: `${kind}.unref() lets the process end (${args.join(", ") || "before it listens"})`,
      ignore: Deno.build.os === "windows" && kind === "UnixServer",
      fn: async () => {
        const path = kind === "UnixServer" ? [socketPath()] : [];
        await using program = new Program(FILE, { args: [...args, ...path] });
        const { code, errors } = await within(program.end(), "the process's end");
        assertEquals([code, errors], [0, ""]);
      },
    });
  }
}

Deno.test("TcpServer.ref() after unref() keeps the process alive", async () => {
  await using program = new Program(FILE, { args: ["late", "service", "again"] });
  using conn = await connect(await program.address());
  assertEquals(await conn.readLine(), "hello");
});
