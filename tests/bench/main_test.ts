import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../_support/command.ts";

const MAIN = new URL("../../bench/main.ts", import.meta.url).pathname;

/** Quick and with nothing but Deno. */
const QUICK = ["--generator", "typescript", "--seconds", "0.05", "--rounds", "1"];

function bench(...args: string[]): ReturnType<typeof run> {
  return run(Deno.execPath(), ["run", "-A", "--quiet", MAIN, ...args]);
}

Deno.test({
  name: "bench measures with nothing but Deno, keeps and draws what it found, and shows it again",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const [json, plots] = [`${folder}/run.json`, `${folder}/plots`];
      const first = await bench(
        ...["udp_echo", "--contenders", "kit_udp", "--json", json, "--plot", plots],
        ...QUICK,
      );
      assertEquals([first.code, first.errors.includes("in TypeScript")], [0, true], first.errors);
      assertStringIncludes(first.output, "kit, function");
      const drawing = await Deno.readTextFile(`${plots}/udp_echo.svg`);
      assertStringIncludes(drawing, "Datagram echo");
      assertStringIncludes(first.errors, "1 drawing is in");

      await Deno.remove(plots, { recursive: true });
      const again = await bench("--from", json, "--plot", plots);
      assertEquals([again.code, again.output], [0, first.output], again.errors);
      assertEquals(await Deno.readTextFile(`${plots}/udp_echo.svg`), drawing);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("bench says in one line what it does not know, and ends with 2", async () => {
  const { code, output, errors } = await bench("ecko");
  assertEquals([code, output], [2, ""]);
  assertEquals(errors.startsWith("There is no workload ecko; there are echo, "), true, errors);
  assertEquals(errors.trimEnd().includes("\n"), false, errors);
});

Deno.test("bench says before it measures, in one line, what it cannot do, and ends with 2", async () => {
  for (const args of [["--from", "/nowhere.json"], ["--json", "/nowhere/run.json"], ["--plot", MAIN]]) {
    const { code, output, errors } = await bench("udp_echo", ...args);
    assertEquals([code, output], [2, ""], errors);
    assertEquals([errors.includes(args[1]), errors.trimEnd().includes("\n")], [true, false], errors);
  }
});

Deno.test("bench --check does not pass when it judged nothing", async () => {
  const { code, output, errors } = await bench(
    "udp_echo",
    "--check",
    "--contenders",
    "kit_function",
    ...QUICK,
  );
  assertEquals([code, output.startsWith("No promises judged; ")], [1, true], output);
  assertStringIncludes(errors, "udp_echo: no part for kit_function; its contenders are bare_udp, kit_udp,");
});

Deno.test({
  name: "bench ends quietly when nobody reads any more",
  ignore: Deno.build.os === "windows",
  async fn() {
    const command = [
      Deno.execPath(),
      "run",
      "-A",
      "--quiet",
      MAIN,
      "udp_echo",
      "--contenders",
      "kit_udp",
      ...QUICK,
    ];
    const { errors } = await run("sh", ["-c", '{ "$@"; echo "$?" >&2; } | true', "sh", ...command]);
    assertEquals(errors.trimEnd().split("\n").slice(1), ["141"], errors); // after the remark on the generator
  },
});

Deno.test({
  name: "bench keeps what it has measured when a signal ends it",
  ignore: Deno.build.os === "windows",
  async fn() {
    const json = await Deno.makeTempFile();
    try {
      const workloads = ["udp_echo", "worker_echo", "--contenders", "kit_udp,worker_echo"];
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", MAIN, ...workloads, ...QUICK, "--json", json],
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const errors = new Response(child.stderr).text();
      const output = child.stdout.getReader();
      await output.read(); // the first table
      child.kill("SIGINT");
      while (!(await output.read()).done);
      assertEquals((await child.status).code, 130);
      assertStringIncludes(await errors, `What was measured until now is in ${json}: udp_echo.`);
      const { reports } = JSON.parse(await Deno.readTextFile(json));
      assertEquals(reports.map(({ workload }: { workload: string }) => workload), ["udp_echo"]);
    } finally {
      await Deno.remove(json);
    }
  },
});
