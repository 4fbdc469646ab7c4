import { assertEquals, assertGreater } from "@std/assert";
import { CoreDistance } from "../../bench/core_distance.ts";
import { kernelThreads } from "../_support/living_workers.ts";

Deno.test("CoreDistance says nothing where there are not two cores, and starts no thread", async () => {
  for (const cores of [1, 4]) {
    const threads = Deno.build.os === "linux" ? kernelThreads() : 0;
    await using distance = await CoreDistance.open(cores);
    assertEquals(distance.probe(), null);
    if (Deno.build.os === "linux") assertEquals(kernelThreads(), threads);
  }
});

Deno.test("CoreDistance.probe() answers nanoseconds, or null when both threads had to share a core", async () => {
  await using distance = await CoreDistance.open(2);
  const answers = Array.from({ length: 3 }, () => distance.probe());
  for (const nanoseconds of answers) if (nanoseconds !== null) assertGreater(nanoseconds, 0);
});

Deno.test("CoreDistance ends its thread, so that the program can end", async () => {
  const { href } = new URL("../../bench/core_distance.ts", import.meta.url);
  const program = `import { CoreDistance } from "${href}";
    await using distance = await CoreDistance.open(2);
    distance.probe();`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", program],
    signal: AbortSignal.timeout(30_000),
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
});
