import { assert, assertEquals } from "@std/assert";
import { within } from "../_support/deadline.ts";
import { Program } from "../_support/program.ts";

/** Runs an example to its end, with these flags only, and gives what it printed. */
async function printed(file: string, flags: string[], args: string[] = []): Promise<string[]> {
  await using program = new Program(file, { flags: ["--no-prompt", ...flags], args });
  const { code, output, errors } = await within(program.end(), `the end of ${file}`, 60_000);
  assertEquals([code, errors], [0, ""]);
  return output;
}

function indexOf(lines: string[], pattern: RegExp): number {
  const index = lines.findIndex((line) => pattern.test(line));
  assert(index >= 0, `no line like ${pattern}: ${lines.join("\n")}`);
  return index;
}

Deno.test("examples/threads.ts (S22) loses updates without a lock and none with one", async () => {
  const lines = await printed("examples/threads.ts", ["--allow-read"]);
  const [, without] = /: (\d+) of 300, \d+ updates were lost/.exec(lines[indexOf(lines, /^without a lock/)])!;
  assert(Number(without) < 300);
  indexOf(lines, /^with Lock: 300 of 300$/);
  indexOf(lines, /^with RLock: 300 of 300$/);
  assert(indexOf(lines, /^after join\(20\), the movie goes on$/) < indexOf(lines, /^the movie has ended$/));
  assert(indexOf(lines, /^movie: 2$/) < indexOf(lines, /^the movie has ended$/));
  const most = /^at most (\d) were in the shop/.exec(lines[indexOf(lines, /^at most/)])![1];
  assert(Number(most) <= 3);
  assertEquals(lines.filter((line) => / is in the shop/.test(line)).length, 6);
  const green = indexOf(lines, /^the light is green$/);
  for (const crosses of [/^the car crosses$/, /^the bus crosses$/]) assert(green < indexOf(lines, crosses));
  assertEquals(lines.slice(-2), ["the daemon goes on", "all threads have ended, the daemon too: true"]);
});

Deno.test("examples/processes.ts (S23) starts a process for each item, and none sees what another has", async () => {
  const lines = await printed("examples/processes.ts", ["--allow-run", "--allow-read"], [
    "red",
    "green",
    "blue",
  ]);
  const added = lines.flatMap((line) =>
    /^process (\d+) has added (\w+): \["\2"\]$/.exec(line)?.slice(1, 3) ?? []
  );
  assertEquals(added.filter((_, n) => n % 2).toSorted(), ["blue", "green", "red"]);
  assertEquals(new Set(added.filter((_, n) => n % 2 === 0)).size, 3);
  indexOf(lines.slice(-1), /has \[\]: nothing was shared$/);
});

Deno.test("examples/shared_data.ts (S24) shares an array, a map, a queue and a pipe", async () => {
  const lines = await printed("examples/shared_data.ts", ["--allow-read"]);
  indexOf(lines, /^the array is \[10,20,30\]$/);
  indexOf(lines, /^the map is {"name":"Switchboard","from":"a worker thread"}$/);
  assertEquals(lines.filter((line) => line.startsWith("got ")), ["got a", "got b", "got c"]);
  indexOf(lines, /^3 items went through the queue$/);
  indexOf(lines, /^through the pipe came "you said: hello"$/);
});

Deno.test("examples/process_pool.ts (S25) gives results in order by apply, and as they come to the callback", async () => {
  const lines = await printed("examples/process_pool.ts", ["--allow-read"]);
  const results = lines.flatMap((line) =>
    /^(\d) squared is (\d+), says worker/.exec(line)?.slice(1, 3).join(" ") ?? []
  );
  const all = ["0 0", "1 1", "2 4", "3 9", "4 16"];
  assertEquals(results.slice(0, 5), all);
  assertEquals(results.slice(5).toSorted(), all);
  assertEquals(lines.at(-1), "all tasks and all workers have ended");
});
