/**
 * What workers leave behind: the leak sanitizers do not notice them. Only on Linux can they be counted.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { until, webLocks } from "./living_threads.ts";

/** The child processes of this process, or of another one, whichever of its threads has started them. */
export function children(pid = Deno.pid): number[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) => startedBy(pid, name));
}

function startedBy(pid: number, thread: string): number[] {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${thread}/children`);
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // the thread has just ended
  }
}

/** How many threads the kernel counts in this process; only on Linux. */
export function kernelThreads(): number {
  return [...Deno.readDirSync("/proc/self/task")].length;
}

/** Fails if a thread or a process of a server lives on. */
export async function assertNoWorker(): Promise<void> {
  await until(async () => (await webLocks("switchboard:")).length === 0, "the end of the threads' locks");
  if (Deno.build.os === "linux") assertEquals(children(), []);
}
