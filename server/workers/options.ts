/**
 * What pools of workers can be told.
 *
 * @module
 */
import type { Permissions } from "../permissions.ts";

/**
 * How connections get to the workers:
 *
 * - `"load-balanced"`: worker threads accept themselves, from one queue of the kernel. The fastest for threads; TCP and TLS.
 * - `"reuse-port"`: workers accept themselves, each from a queue of its own (`SO_REUSEPORT`, Linux); the kernel spreads by a
 *   hash. The fastest for processes; TCP and TLS. Clients in the queue of a worker that is killed are lost with it.
 * - `"hand-over"`: this process accepts and gives the socket to a child process. Unix, TCP and TLS; not on Windows.
 * - `"relay"`: this process accepts and carries the bytes. Every transport and platform, at a fraction of the speed; the one
 *   with which hooks that a subclass overrides are called, as the connections are here.
 */
export type Mechanism = "load-balanced" | "reuse-port" | "hand-over" | "relay";

/** What every pool of workers takes. Times are milliseconds. */
export interface WorkerOptions {
  /**
   * How connections get to the workers.
   *
   * @default the fastest that platform, transport and the other options allow
   */
  mechanism?: Mechanism;
  /**
   * A worker is replaced when it has served this many connections (or packets). 1 is Python's one process per client.
   *
   * @default {Infinity}
   */
  recycleAfter?: number;
  /**
   * How many workers are alive at once, those included that are being recycled and have connections left. Python's
   * `max_children`.
   *
   * @default {40} or the number of workers, if that is more
   */
  maxChildren?: number;
  /**
   * A worker whose event loop does not turn for this long is given up and replaced.
   *
   * @default {10_000}
   */
  heartbeatTimeout?: number;
  /**
   * How long a worker may take to start and to load the handler. Then it is given up: `listen` rejects; a replacement counts as
   * one that died.
   *
   * @default {30_000}
   */
  loadTimeout?: number;
  /**
   * How many times in a row a worker may die before it was given anything, or has lived for ten seconds. Then the server gives
   * up: `serveForever` rejects with a `WorkerError`. A worker that dies of what it was given is always replaced, after a while
   * that doubles up to two seconds if none of its clients was served well.
   *
   * @default {5}
   */
  maxRestarts?: number;
  /**
   * Python's `block_on_close`: whether `shutdown` and `close` wait for handlers that have not ended. If not, `finished` does.
   *
   * @default {true}
   */
  blockOnClose?: boolean;
}

/** What servers on threads take. */
export interface ThreadingOptions extends WorkerOptions {
  /**
   * How many threads.
   *
   * @default {navigator.hardwareConcurrency}
   */
  workers?: number;
  /**
   * Python's `daemon_threads`: whether threads are given up rather than waited for, as with `blockOnClose: false`.
   *
   * @default {false}
   */
  daemonThreads?: boolean;
}

/** What servers on processes take. */
export interface ForkingOptions extends WorkerOptions {
  /**
   * How many child processes.
   *
   * @default {navigator.hardwareConcurrency}
   */
  processes?: number;
  /**
   * What the children may do. What the kit itself needs there is added: listening at the server's address.
   *
   * @default every kind of permission that this process has in full, but for `run` and `ffi`, which have to be named
   */
  permissions?: Permissions;
  /** More flags for `deno run` in the children, such as `--v8-flags=--max-old-space-size=256` or `--config=deno.json`. */
  denoFlags?: readonly string[];
}

/** What the crews are made with: options of either kind. */
export interface CrewOptions extends WorkerOptions {
  /** How many workers. */
  size: number;
}

/** How long workers are waited for, and how often they may fail. */
export function patienceWith(
  { heartbeatTimeout = 10_000, loadTimeout = 30_000, maxRestarts = 5 }: WorkerOptions,
): Required<Pick<WorkerOptions, "heartbeatTimeout" | "loadTimeout" | "maxRestarts">> {
  return { heartbeatTimeout, loadTimeout, maxRestarts };
}

/** How many workers may be alive at once. */
export function mostWorkers({ size, maxChildren = Math.max(size, MAX_CHILDREN) }: CrewOptions): number {
  return maxChildren;
}

/** Python's default. */
const MAX_CHILDREN = 40;

/** The names of the options of pools: what a server's own options are without. */
const NAMES = [
  "mechanism",
  "recycleAfter",
  "maxChildren",
  "heartbeatTimeout",
  "loadTimeout",
  "maxRestarts",
  "blockOnClose",
  "workers",
  "daemonThreads",
  "processes",
  "permissions",
  "denoFlags",
] as const;

/** The options of a server without those of its pool. */
export function withoutWorkerOptions<O extends object>(options: O): O {
  const own = { ...options } as Record<string, unknown>;
  for (const name of NAMES) delete own[name];
  return own as O;
}
