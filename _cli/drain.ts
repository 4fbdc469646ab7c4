/**
 * The end of `serve`.
 *
 * @module
 */
import type { ServerGroup } from "../server/serve.ts";
import { complain } from "./terminal.ts";

/**
 * Waits for the signal, drains, and says how that went.
 *
 * @param drain how long handlers may take, in milliseconds
 * @returns the exit code: 0 drained, 1 past the deadline
 * @throws what ended a server before a signal came
 */
export async function untilOver(
  groups: readonly ServerGroup[],
  signal: Promise<Deno.Signal>,
  drain: number,
): Promise<number> {
  const ended = Promise.all(groups.map((group) => group.finished));
  const first = await Promise.race([signal, ended]);
  if (typeof first !== "string") return 0;
  complain(`${first}: draining, ${countActive(groups)} still served; the same again ends at once`);
  const deadline = new AbortController();
  let left = 0;
  const timer = setTimeout(() => {
    left = countActive(groups);
    deadline.abort();
  }, drain);
  await Promise.all(groups.map((group) => group.shutdown({ signal: deadline.signal })));
  await ended;
  clearTimeout(timer);
  if (left === 0) return 0;
  complain(`The time to drain is over: ${left} cut off`);
  return 1;
}

/** Connections, and packets that are being handled. */
function countActive(groups: readonly ServerGroup[]): number {
  return groups.reduce((sum, { stats }) => sum + stats.active, 0);
}
