/**
 * A worker in a child process.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { findConfigFile } from "./_config_file.ts";
import { processEntry, singleProgram } from "./_entry.ts";
import type { Host } from "./_host.ts";
import type { Order, Word } from "./_messages.ts";
import { permissionFlags, type Permissions } from "../permissions.ts";
import { childEnvironment } from "./_process_environment.ts";

/** How children are started. */
export interface ProcessOptions {
  /** What they may do. */
  permissions: Permissions;
  /** More flags for `deno run`. */
  flags: readonly string[];
  /** The URL of the handler: a module that the child's own code imports needs no permission there. */
  handler: string;
}

/** How long what a child has said may be under way when it has ended, in milliseconds. */
const LAST_WORDS = 100;

/** What the channel to the parent needs to know; the child sees no other variable unless it is told so. */
const CHANNEL = ["NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE"];

/** The children that are alive. */
const living = new Set<ChildProcess>();

/** One that never returns to its event loop does not notice that this process ends. */
function endWithThisProcess(child: ChildProcess): void {
  if (living.size === 0) addEventListener("unload", endAll);
  living.add(child);
}

function ended(child: ChildProcess): void {
  living.delete(child);
  if (living.size === 0) removeEventListener("unload", endAll);
}

function endAll(): void {
  for (const child of living) child.kill("SIGKILL");
}

/**
 * Starts a child. Its permissions are written out: `fork` would give it all there are.
 *
 * It ends with this process. Where that is killed it cannot see to it: then the child ends when its event loop turns, and finds
 * the channel broken.
 */
export function startProcessHost({ permissions, flags, handler }: ProcessOptions): Host {
  const child = spawn(permissions, flags, handler);
  endWithThisProcess(child);
  const channel = new Channel(child);
  const { promise: gone, resolve } = Promise.withResolvers<string>();
  const host = {
    name: `process ${child.pid ?? "that did not start"}`,
    gone,
    onMessage: (_word: Word): void => {},
    send: (order: Order, socket?: unknown) => channel.send(order, socket),
    kill: () => void child.kill("SIGKILL"),
    over: false as boolean,
    lingers: false,
    ref: () => (child.ref(), child.channel?.ref?.()),
    unref: () => (child.unref(), child.channel?.unref?.()),
  } satisfies Host;
  child.on("message", (message: unknown) => {
    const word = message as Word;
    if (word.say === "synced") channel.synced();
    else host.onMessage(word);
  });
  child.on("error", (error) => {
    ended(child);
    host.over = true;
    resolve(error.message);
  });
  const disconnected = new Promise<void>((resolve) => child.once("disconnect", resolve));
  child.on("exit", async (code, signal) => {
    ended(child);
    host.over = true;
    await lastWords(child, disconnected);
    channel.end();
    resolve(signal ? `it was ended by ${signal}` : `it ended with code ${code}`);
  });
  return host;
}

/** What a child has said last may come after its end. Deno 2.9 does not always notice that no more will come. */
async function lastWords(child: ChildProcess, disconnected: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, LAST_WORDS));
  await Promise.race([disconnected, late]);
  clearTimeout(timer!);
  if (child.connected) child.disconnect();
}

function spawn(
  permissions: Permissions,
  flags: readonly string[],
  handler: string,
): ChildProcess {
  const { spawn } = process.getBuiltinModule("node:child_process");
  const single = singleProgram();
  const env = permissions.env === true ? true : [...CHANNEL, ...permissions.env ?? []];
  const args = [
    "run",
    "--quiet",
    "--no-prompt",
    "--unstable-net",
    ...permissionFlags({ ...permissions, env }),
    ...single ? [] : configFlag(flags),
    ...flags,
    ...single ?? [program(handler)],
  ];
  // deno-lint-ignore no-explicit-any -- Node's types know no `serialization` beside "ipc"
  const how: any = {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
    env: childEnvironment(permissions.env),
  };
  return spawn(Deno.execPath(), args, how);
}

/** These say which configuration it is to be. */
const CHOOSES_CONFIG = /^(-c|--config|--no-config|--import-map)(=|$)/;

/** The configuration of this process: Deno looks for none where the program is no file. */
function configFlag(flags: readonly string[]): string[] {
  const file = flags.some((flag) => CHOOSES_CONFIG.test(flag)) ? undefined : findConfigFile();
  return file === undefined ? [] : [`--config=${file}`];
}

/**
 * The child's program. It imports the handler by a literal, which needs no permission; and when the worker asks for it, so
 * that a handler that does not load is told rather than the child's end.
 */
function program(handler: string): string {
  const [url, entry, embedding] = [handler, ...processEntry()].map((text) => JSON.stringify(text));
  const code = `import { embed } from ${embedding}; import ${entry}; embed(${url}, () => import(${url}));`;
  return `data:application/javascript,${encodeURIComponent(code)}`;
}

/**
 * Orders on their way to a child, in their order.
 *
 * Deno 2.9 gives a socket to the wrong one of two orders that the child reads at once, and both are lost. So no socket goes
 * before the child has read the orders without one that went before it: where there are any, it is asked. And a socket that waits
 * for an earlier one in Deno's own queue is never closed if the child dies: so the next goes when the child has the last.
 */
class Channel {
  readonly #child: ChildProcess;
  readonly #waiting: [Order, unknown][] = [];
  /** Whether orders without a socket went since the child was asked. */
  #unread = false;
  #asking = false;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  send(order: Order, socket: unknown): void {
    this.#waiting.push([order, socket]);
    this.#flush();
  }

  /** The child has read all that went before it was asked, and nothing went since. */
  synced(): void {
    this.#unread = this.#asking = false;
    this.#flush();
  }

  #flush(): void {
    while (!this.#asking && this.#waiting.length > 0) {
      const [order, socket] = this.#waiting[0];
      if (socket && this.#unread) return this.#ask();
      this.#waiting.shift();
      if (socket) this.#asking = true; // the child answers unasked
      else this.#unread = true;
      this.#write(order, socket);
    }
  }

  #ask(): void {
    this.#asking = true;
    this.#write({ do: "sync" });
  }

  /** A message to a child that has just died is lost with it; its end is told by `gone`. */
  #write(order: Order, socket?: unknown): void {
    if (!this.#child.connected) return drop(socket);
    // deno-lint-ignore no-explicit-any -- Node's types for what can be sent
    this.#child.send(order as any, socket as any, { keepOpen: false }, (error) => error && drop(socket));
  }

  /** The child is gone, and with it whoever was on the way to it. */
  end(): void {
    for (const [, socket] of this.#waiting.splice(0)) drop(socket);
  }
}

/** Nobody else has it any more: its client would wait for ever. */
function drop(socket: unknown): void {
  (socket as Socket | undefined)?.destroy();
}
