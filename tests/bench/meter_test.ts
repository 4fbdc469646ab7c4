import { assertEquals, assertGreater } from "@std/assert";
import { childrenOf, readFamilyKilobytes, readUsage } from "../../bench/meter.ts";
import { within } from "../_support/deadline.ts";

const LINUX = { ignore: Deno.build.os !== "linux" };
const BURN = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"; // a tenth of a second or more

/** Runs a script that says a line when there is something to look at, and then waits for its input to end. */
async function shell(script: string, look: (pid: number) => void): Promise<void> {
  const child = new Deno.Command("sh", {
    args: ["-c", `${script}; read -r end`],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  await within(output.read(), "the line of the script", 30_000);
  try {
    look(child.pid);
  } finally {
    await child.stdin.close();
    await child.status;
    await output.cancel();
  }
}

Deno.test("readUsage() counts a child that has ended and was waited for", LINUX, async () => {
  await shell(`(${BURN}) & wait; echo done`, (pid) => {
    assertEquals(childrenOf(pid), []);
    assertGreater(readUsage(pid)!.cpu, 0.03);
  });
});

Deno.test("readUsage() counts the children that still run, and theirs", LINUX, async () => {
  const grandchild = `(${BURN}; echo done; exec sleep 60)`;
  await shell(`(${grandchild} & exec sleep 60) & true`, (pid) => {
    const children = childrenOf(pid);
    try {
      assertGreater(children.length, 1);
      assertGreater(readUsage(pid)!.cpu, 0.03);
      assertGreater(readFamilyKilobytes(pid)!, 0);
    } finally {
      for (const child of children) Deno.kill(child, "SIGKILL");
    }
  });
});

Deno.test("readUsage() answers null for a process that is gone", LINUX, async () => {
  const child = new Deno.Command("true").spawn();
  await child.status;
  assertEquals(readUsage(child.pid), null);
});
