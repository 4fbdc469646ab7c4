/**
 * The thread of a pool: loads the module with the tasks and calls them, one at a time. Nothing but `_entry.ts` starts it.
 *
 * @module
 */
import { embedded } from "../_embedded.ts";
import { whyNotLoaded } from "../_module.ts";
import { roleOfThread } from "./_entry.ts";
import type { PoolOrder, PoolWord } from "./_pool_messages.ts";
import { packError } from "./_remote_error.ts";
import { transferList } from "./transfer.ts";
import { holdForLife } from "./_web_lock.ts";

/** What Node's kind of thread has of a worker's globals. */
interface WorkerGlobal {
  postMessage(message: PoolWord, transfer?: Transferable[]): void;
  addEventListener<E>(type: string, listener: (event: E) => void): void;
  close(): void;
}
const thread = globalThis as unknown as WorkerGlobal;

type Tasks = Record<string, unknown>;
type CallOrder = Extract<PoolOrder, { task: number }>;

let tasks: Tasks = {};
let moduleName = "";
/** Whether an error that nobody catches is some task's. */
let busy = false;

async function load({ load: url, name }: Extract<PoolOrder, { load: string }>): Promise<void> {
  moduleName = name;
  try {
    tasks = await (embedded(url)?.() ?? import(url));
    await new Promise((resolve) => setTimeout(resolve, 0)); // a module that calls Deno.exit runs on until the event loop turns
    thread.postMessage({ ready: true });
  } catch (error) {
    thread.postMessage({ unable: whyNotLoaded(error, url), error: packError(error) });
  }
}

async function run({ task, name, calls }: CallOrder): Promise<void> {
  busy = true;
  try {
    const call = find(name);
    const results: unknown[] = [];
    for (const args of calls) results.push(await call(...args));
    thread.postMessage({ task, results }, transferList(results));
  } catch (error) {
    thread.postMessage({ task, error: packError(explained(error, name)) });
  }
  busy = false;
}

function find(name: string): (...args: unknown[]) => unknown {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  if (typeof task === "function") return task as (...args: unknown[]) => unknown;
  const names = Object.keys(tasks).filter((key) => typeof tasks[key] === "function");
  throw new TypeError(
    `There is no task "${name}" in ${moduleName}: it exports ${names.join(", ") || "no function"}`,
  );
}

/** The one error that can be the pool's as well as the task's. */
function explained(error: unknown, name: string): unknown {
  if (!(error instanceof DOMException && error.name === "DataCloneError")) return error;
  return new DOMException(
    `The result of "${name}" cannot be sent, or the task has sent what cannot be: ${error.message}`,
    error.name,
  );
}

/** Deno would print it and end the thread without telling the pool what it was. Between tasks it may do so. */
function uncaught(event: Event, error: unknown): void {
  if (!busy) return;
  event.preventDefault();
  thread.postMessage({ uncaught: packError(error) });
  thread.close();
}

async function obey(order: PoolOrder): Promise<void> {
  if ("end" in order) thread.close();
  else if ("load" in order) await load(order);
  else await run(order);
}

const role = roleOfThread();
if (role?.role === "pool") {
  // Deno ends a thread in the middle of a loop only if it holds a lock.
  const alive = holdForLife(role.text);
  thread.addEventListener("error", (event: ErrorEvent) => uncaught(event, event.error));
  thread.addEventListener(
    "unhandledrejection",
    (event: PromiseRejectionEvent) => uncaught(event, event.reason),
  );
  await alive;
  thread.addEventListener("message", ({ data }: MessageEvent<PoolOrder>) => void obey(data));
}
