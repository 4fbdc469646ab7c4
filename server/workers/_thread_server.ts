/**
 * Where the threads of a server begin.
 *
 * @module
 */
import { roleOfThread } from "./_entry.ts";
import type { Lifeline, Link, Order, Word } from "./_messages.ts";
import { holdForLife } from "./_web_lock.ts";
import { type Load, work } from "./_worker.ts";

/**
 * Serves on this thread until the parent ends it.
 *
 * @param name a text of its own: the name of a Web Lock to hold for life. Deno 2.9 can end a thread that never returns to its event
 * loop if it holds one.
 */
export async function serveOnThread(name: string, load?: Load): Promise<void> {
  const port = process.getBuiltinModule("node:worker_threads").parentPort!;
  const link: Link<Word, Order> = {
    send: (word) => port.postMessage(word),
    onMessage: () => {},
  };
  const held = holdForLife(`switchboard:${name}`);
  const over = work(link, load);
  let lifeline: unknown; // closed when this thread ends
  port.on("message", async (order: Order | Lifeline) => { // before the first wait: what comes earlier is lost
    await held; // nothing of the handler's runs before
    if ("lifeline" in order) lifeline ??= order.lifeline;
    else link.onMessage(order);
  });
  process.exit(await over); // of this thread
}

const begun = roleOfThread();
if (begun?.role === "server") await serveOnThread(begun.text);
