/**
 * Processes that a test has not started itself: children of a program.
 *
 * @module
 */
import { turn, within } from "./deadline.ts";

/** Waits until a process is gone, or is one that only waits to be buried. */
export async function untilGone(pid: number): Promise<void> {
  await within(gone(pid), `the end of process ${pid}`);
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await turn();
}

function isAlive(pid: number): boolean {
  try {
    process.getBuiltinModule("node:process").kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^.*\) [ZX]/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return Deno.build.os !== "linux"; // it ended just now
  }
}
