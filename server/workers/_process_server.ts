/**
 * Where the child processes of a server begin.
 *
 * @module
 */
import type { Link, Order, Word } from "./_messages.ts";
import { type Load, work } from "./_worker.ts";

/** Serves in this process until the parent ends it, or is gone. What it is told comes after this turn at the earliest. */
export async function serveInProcess(load?: Load): Promise<void> {
  const channel = process;
  const link: Link<Word, Order> = {
    send: (word) => void channel.send?.(word, undefined, undefined, () => {}),
    onMessage: () => {},
  };
  channel.on("message", (order: Order, socket: unknown) => {
    if (order.do === "sync" || socket) link.send({ say: "synced" });
    if (order.do !== "sync") link.onMessage(order, socket);
  });
  endWithParent();
  // The terminal sends these to parents and children alike; the parent decides what they mean.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  const code = await work(link, load);
  channel.send?.({ say: "synced" }, undefined, undefined, () => process.exit(code)); // it goes behind all that was said
}

/** How often a process looks whether its parent is there, in milliseconds. */
const LOOK = 1_000;

/**
 * Nobody is to outlive the parent. Deno 2.9 says nothing of a parent that was killed before it had read all that this
 * process said.
 */
function endWithParent(): void {
  const parent = Deno.ppid;
  const leave = (): void => process.exit(0);
  process.once("disconnect", leave);
  Deno.unrefTimer(setInterval(() => Deno.ppid === parent || leave(), LOOK));
}

if (typeof process.send === "function") void serveInProcess();
