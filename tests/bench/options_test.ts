import { assertEquals, assertThrows } from "@std/assert";
import { contendersFor } from "../../bench/contender.ts";
import { UsageError } from "../../bench/complaint.ts";
import { parseOptions } from "../../bench/options.ts";
import { IN_CHECK, selectWorkloads, wantsCase } from "../../bench/selection.ts";
import { WORKLOADS } from "../../bench/workloads/mod.ts";

Deno.test("parseOptions() takes names of workloads, and shorter windows when peers are measured too", () => {
  const alone = parseOptions(["echo"], WORKLOADS);
  const together = parseOptions(["--peers", "--plot", "drawings"], WORKLOADS);
  assertEquals(alone.workloads, ["echo"]);
  assertEquals(together.workloads, []);
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

Deno.test("parseOptions() refuses an option with nothing behind it, and names what it needs", () => {
  const names = ["seconds", "rounds", "json", "plot", "from", "generator", "contenders", "case"];
  for (const args of names.flatMap((name) => [[`--${name}=`], [`--${name}`, ""], [`--${name}`]])) {
    const { message } = assertThrows(() => parseOptions(args, WORKLOADS), UsageError);
    const option = args[0].replace("=", "");
    assertEquals([message.startsWith(`${option} needs `), message.includes("\n")], [true, false], message);
  }
});

Deno.test("parseOptions() refuses numbers that are not greater than 0, negative ones too", () => {
  for (const given of ["0", "-1", "-.5", "-1e3", "Infinity", "many"]) {
    for (const args of [["--seconds", given], [`--rounds=${given}`, "echo"]]) {
      const { message } = assertThrows(() => parseOptions(args, WORKLOADS), UsageError);
      const option = args[0].split("=")[0];
      assertEquals(message, `${option} must be a number greater than 0: received ${given}`);
    }
  }
  assertThrows(() => parseOptions(["-1"], WORKLOADS), UsageError, "There is no option -1");
});

Deno.test("parseOptions() takes names with blanks after the commas", () => {
  const { contenders } = parseOptions(["--contenders", "kit_udp, go_udp "], WORKLOADS);
  assertEquals(contenders, ["kit_udp", "go_udp"]);
});

Deno.test("parseOptions() takes paths from the folder where the user stands", () => {
  const args = ["--json", "run.json", "--plot", "../plots", "--from", "/tmp/earlier.json"];
  const { json, plot, from } = parseOptions(args, WORKLOADS, "/home/somebody");
  assertEquals([json, plot, from], ["/home/somebody/run.json", "/home/plots", "/tmp/earlier.json"]);
});

Deno.test("--check measures the workloads that have a part in it, and refuses others by name", () => {
  const options = parseOptions(["--check"], WORKLOADS);
  assertEquals(selectWorkloads(WORKLOADS, options).map(({ name }) => name), [...IN_CHECK]);
  for (const args of [["redis"], ["echo", "upload"]]) {
    assertThrows(
      () => parseOptions(["--check", ...args], WORKLOADS),
      UsageError,
      `--check measures no promise of ${args.at(-1)}; it has echo, `,
    );
  }
  assertThrows(() => parseOptions(["--check", "--case", "1 GiB"], WORKLOADS), UsageError, "no case with");
  assertEquals(parseOptions(["--check", "redis", "--from", "run.json"], WORKLOADS).workloads, ["redis"]);
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
