import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../_support/command.ts";

const MAIN = new URL("../../bench/main.ts", import.meta.url).pathname;

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
        ...["udp_echo", "--contenders", "kit_udp", "--generator", "typescript"],
        ...["--seconds", "0.05", "--rounds", "1", "--json", json, "--plot", plots],
      );
      assertEquals([first.code, first.errors.includes("in TypeScript")], [0, true], first.errors);
      assertStringIncludes(first.output, "kit, function");
      const drawing = await Deno.readTextFile(`${plots}/udp_echo.svg`);
      assertStringIncludes(drawing, "Datagram echo");

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
