/**
 * What a program that `build` made does when it is started: it finds out what part of itself it is to be.
 *
 * @module
 */
import { embed } from "../server/_embedded.ts";
import { beginAt, isSingleProcess, roleOfThread } from "../server/workers/_entry.ts";

/** Imports a module. */
type Load = () => Promise<Record<string, unknown>>;

/** What the entry of such a program says. */
export interface Program {
  /** What it calls its handler. */
  readonly name: string;
  /** Imports the handler's module. */
  readonly load: Load;
  /** Imports of other modules that the handler names at run time, by their paths from the handler's. */
  readonly include: Readonly<Record<string, Load>>;
  /** The flags that stand where it is given no others. */
  readonly args: readonly string[];
  /** The URL of the entry, which is the whole program. */
  readonly url: string;
}

/**
 * Runs it: the server, or the worker that this thread or process was started for. Whatever it is not, it does not load: each
 * import waits until it is reached.
 */
export async function runProgram(program: Program): Promise<void> {
  embedAll(program);
  beginAt(program.url);
  const role = isSingleProcess() ? "process" : roleOfThread()?.role;
  if (role === "process") await import("../server/workers/_process_server.ts");
  else if (role === "server") await import("../server/workers/_thread_server.ts");
  else if (role === "pool") await import("../server/workers/_pool_worker.ts");
  else {
    const { serveBuiltIn } = await import("./program_server.ts");
    Deno.exit(await serveBuiltIn(program));
  }
}

/** To the handler's own code, its URL is that of the program. */
function embedAll(program: Program): void {
  for (const specifier of [handlerOf(program), program.url]) embed(specifier, program.load);
  for (const [path, load] of Object.entries(program.include)) embed(new URL(path, program.url).href, load);
}

/** The name under which the handler is loaded. */
export function handlerOf({ name }: Program): string {
  return `built-in:${name}`;
}
