import { assertEquals, assertThrows } from "@std/assert";
import { contendersFor } from "../../bench/contender.ts";
import { parseOptions, UsageError } from "../../bench/options.ts";
import { selectWorkloads, wantsCase } from "../../bench/selection.ts";
import { WORKLOADS } from "../../bench/workloads/mod.ts";

Deno.test("parseOptions() takes names of workloads, and shorter windows when peers are measured too", () => {
  const alone = parseOptions(["echo"], WORKLOADS);
  const together = parseOptions(["--peers", "--plot", "drawings"], WORKLOADS);
  assertEquals(alone.workloads, ["echo"]);
  assertEquals([together.workloads, together.plot], [[], "drawings"]);
  assertEquals(together.seconds < alone.seconds, true);
});

Deno.test("--case chooses the cases with a text in their titles, and the workloads that have one", () => {
  const options = parseOptions(["--case", "64 KIB, 64"], WORKLOADS);
  assertEquals(selectWorkloads(WORKLOADS, options).map(({ name }) => name), ["echo"]);
  assertEquals(wantsCase(options, "64 KiB, 64 connections"), true);
  assertEquals(wantsCase(options, "4 KiB, 64 connections"), false);
  const everything = parseOptions([], WORKLOADS);
  assertEquals(selectWorkloads(WORKLOADS, everything), [...WORKLOADS]);
  assertEquals(wantsCase(everything, "64 KiB, 64 connections"), true);
});

Deno.test("--case names the cases there are when none has its text", () => {
  const { message } = assertThrows(
    () => parseOptions(["udp_echo", "burst", "--case", "nope"], WORKLOADS),
    UsageError,
    'There is no case with "nope" in its title; there are burst: 6000 connects at once; udp_echo: 64 bytes,',
  );
  assertEquals(message.includes("\n"), false, message);
});

Deno.test("parseOptions() refuses in one sentence what there is not", () => {
  for (
    const args of [["ecko"], ["--contenders", "nobody"], ["--seconds", "0"], ["--generator", "perl"], [
      "--fast",
    ]]
  ) {
    const { message } = assertThrows(() => parseOptions(args, WORKLOADS), UsageError);
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
