/**
 * A handler that harms the worker that it runs on, as each line tells it.
 *
 * @module
 */
import type { Connection } from "../../../../mod.ts";

const DEEDS: Record<string, (...args: string[]) => unknown> = {
  spin: () => {
    for (;;);
  },
  backtrack: () => /^(a+)+$/.test("a".repeat(60) + "b"),
  wait: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  /** Waits in the kernel, where nobody can end a thread. */
  sleep: (seconds) => new Deno.Command("sleep", { args: [seconds] }).outputSync(),
  exit: (code) => Deno.exit(Number(code)),
  throw: () =>
    setTimeout(() => {
      throw new RangeError("out of the blue");
    }, 0),
  reject: () => void Promise.reject(new RangeError("out of the blue")),
  abort: () => process.abort(),
  exhaust: () => {
    for (const kept: unknown[] = [];;) kept.push(new Array(100_000).fill(kept.length));
  },
};

/** Answers `who` with its process and thread, does what it is told, and sends back everything else. */
export default async function makeTrouble(conn: Connection): Promise<void> {
  const { threadId } = process.getBuiltinModule("node:worker_threads");
  for await (const line of conn.lines()) {
    const [deed, ...args] = line.split(" ");
    if (deed === "who") await conn.sendAll(`${Deno.pid}/${threadId}\n`);
    else if (deed in DEEDS) DEEDS[deed](...args);
    else await conn.sendAll(line + "\n");
  }
}
