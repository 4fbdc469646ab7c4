import { assertEquals, assertThrows } from "@std/assert";
import { contendersFor } from "../../bench/contender.ts";
import { parseOptions, UsageError } from "../../bench/options.ts";
import { WORKLOADS } from "../../bench/workloads/mod.ts";

const NAMES = WORKLOADS.map(({ name }) => name);

Deno.test("parseOptions() takes names of workloads, and shorter windows when peers are measured too", () => {
  const alone = parseOptions(["echo"], NAMES);
  const together = parseOptions(["--peers", "--plot", "drawings"], NAMES);
  assertEquals(alone.workloads, ["echo"]);
  assertEquals([together.workloads, together.plot], [[], "drawings"]);
  assertEquals(together.seconds < alone.seconds, true);
});

Deno.test("parseOptions() refuses in one sentence what there is not", () => {
  for (
    const args of [["ecko"], ["--contenders", "nobody"], ["--seconds", "0"], ["--generator", "perl"], [
      "--fast",
    ]]
  ) {
    const { message } = assertThrows(() => parseOptions(args, NAMES), UsageError);
    assertEquals(message.includes("\n"), false, message);
  }
});

Deno.test("contendersFor() adds peers only when asked, and of those only who is wanted or named", () => {
  const names = (choice: Parameters<typeof contendersFor>[1]): string[] =>
    contendersFor("echo", choice).map(({ name }) => name);
  const kit = names({ names: [], withPeers: false });
  assertEquals([kit.includes("bare"), kit.includes("kit_function"), kit.includes("go")], [true, true, false]);
  assertEquals(names({ names: [], withPeers: true, wanted: ["go"] }), ["bare", "go"]);
  assertEquals(names({ names: ["gevent"], withPeers: false, wanted: ["go"] }), ["bare", "gevent"]);
});

Deno.test("contendersFor() gives nobody where bare Deno would be alone", () => {
  assertEquals(contendersFor("echo", { names: ["go_udp"], withPeers: false }), []);
});
