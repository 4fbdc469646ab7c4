/**
 * The threads of the kit's pools that are alive: the leak sanitizers do not notice them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { turn, within } from "./deadline.ts";

interface Locks {
  query(): Promise<{ held: { name: string }[]; pending: { name: string }[] }>;
}

/** The Web Locks that are held or waited for, in the whole process. */
export async function webLocks(prefix: string): Promise<string[]> {
  const { held, pending } = await (navigator as unknown as { locks: Locks }).locks.query();
  return [...held, ...pending].map(({ name }) => name).filter((name) => name.startsWith(prefix));
}

/** Fails if a thread of a pool is alive: each holds a lock for as long as it is. */
export async function assertNoPoolThread(): Promise<void> {
  assertEquals(await webLocks("switchboard:pool:"), []);
}

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const give = new AbortController();
  const look = async (): Promise<void> => {
    while (!await isSo() && !give.signal.aborted) await turn();
  };
  try {
    await within(look(), what);
  } finally {
    give.abort();
  }
}
