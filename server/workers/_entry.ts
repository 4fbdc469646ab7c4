/**
 * Where threads and child processes begin. The one place in the kit that names the modules that they run.
 *
 * @module
 */
import type { Permissions } from "../permissions.ts";
import { isUsualSource } from "./_import_permissions.ts";
import { NEEDED } from "./_process_environment.ts";
import type { Worker as NodeWorker, WorkerOptions as NodeWorkerOptions } from "node:worker_threads";

/** What a worker is started for. */
export type Role = "server" | "pool";

/** A program of a single file: a bundle, or an executable. */
interface SingleFile {
  /** Its own URL. */
  url: string;
}

let single: SingleFile | undefined;

/**
 * Says that the program is one file: its workers are to begin there, too. It has to call {@linkcode roleOfThread} first thing, and
 * run the worker's entry if it is one.
 */
export function beginAt(url: string): void {
  single = { url };
}

/** Starts a thread. What it is told by its name is its role, and a text for whoever plays it. */
export function startThread(role: Role, text: string): Worker {
  const name = `${MARK}${role}:${text}`;
  if (single) return new Worker(single.url, { type: "module", name });
  return role === "server"
    ? new Worker(new URL("./_thread_server.ts", import.meta.url), { type: "module", name })
    : new Worker(new URL("./_pool_worker.ts", import.meta.url), { type: "module", name });
}

/**
 * The same, as Node's kind of thread. Deno 2.9 ends such a thread also while it never returns to its event loop, provided
 * that it holds a Web Lock; one of the other kind runs on until the process ends.
 */
export function startNodeThread(role: Role, text: string): NodeWorker {
  const threads = process.getBuiltinModule("node:worker_threads");
  const { Worker } = threads;
  const name = `${MARK}${role}:${text}`;
  const options: NodeWorkerOptions = { name, env: threads.SHARE_ENV }; // a copy would ask for --allow-env
  if (single) return new Worker(reachable(new URL(single.url)), options);
  return role === "server"
    ? new Worker(reachable(new URL("./_thread_server.ts", import.meta.url)), options)
    : new Worker(reachable(new URL("./_pool_worker.ts", import.meta.url)), options);
}

/** Node's threads begin at `file:` and `data:` URLs only: elsewhere it is a module that imports the right one. */
function reachable(entry: URL): URL {
  if (entry.protocol === "file:" || entry.protocol === "data:") return entry;
  return new URL(`data:text/javascript,${encodeURIComponent(`import ${JSON.stringify(entry.href)};`)}`);
}

/** What starting threads takes: Deno asks for each file that they run. Elsewhere than in files, the kit is where it was loaded from. */
export function threadPermissions(): Permissions {
  const place = single ? new URL(single.url) : new URL("../../", import.meta.url);
  return place.protocol === "file:" ? { read: [pathOf(place)] } : {};
}

/** Whether threads may be started; the kit's other files are where the first one is. */
export function mayStartThreads(): boolean {
  const { read = [] } = threadPermissions();
  if (read === true || read.length === 0) return true;
  const path = single ? read[0] : pathOf(new URL("./_thread_server.ts", import.meta.url));
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/** What starting child processes takes. A registry of one's own they have to find, too, if the kit is from there. */
export function processPermissions(): Permissions {
  return { run: [Deno.execPath()], env: [...NEEDED, ...isUsualSource(import.meta.url) ? [] : ["JSR_URL"]] };
}

function pathOf(url: URL): string {
  return process.getBuiltinModule("node:url").fileURLToPath(url).replace(/[/\\]$/, "");
}

/** The role of the thread that this is, if it is one that {@linkcode startThread} has started. */
export function roleOfThread(): { role: Role; text: string } | undefined {
  const { name = "" } = globalThis as { name?: string };
  const [, role, text] = /^switchboard:(server|pool):(.*)$/.exec(name) ?? [];
  return role === undefined ? undefined : { role: role as Role, text };
}

/** What a child process runs, where the program is one file: that, with an argument. */
export function singleProgram(): string[] | undefined {
  return single && [single.url, `${MARK}process`];
}

/** Whether this is a child process that runs {@linkcode singleProgram}. */
export function isSingleProcess(): boolean {
  return Deno.args[0] === `${MARK}process`;
}

/** The modules that the program of a child process imports: where it begins, and `_embedded.ts`. */
export function processEntry(): [entry: string, embedding: string] {
  return [
    new URL("./_process_server.ts", import.meta.url).href,
    new URL("../_embedded.ts", import.meta.url).href,
  ];
}

const MARK = "switchboard:";
