/**
 * `serve`: handlers on endpoints, until a signal.
 *
 * @module
 */
import type { Endpoint } from "../server/address.ts";
import { serve, type ServerGroup } from "../server/serve.ts";
import { withWayOut } from "./address_in_use.ts";
import { announce, type Served } from "./announcement.ts";
import {
  type Assignment,
  loadHandlers,
  loopback,
  PROGRAM_FLAGS,
  readServeArguments,
  type ServeArguments,
  settingFlags,
} from "./assignment.ts";
import { connectionLog } from "./connection_log.ts";
import { untilOver } from "./drain.ts";
import { describeFlags } from "./flags.ts";
import { ENDPOINT_FLAGS, inFlags, OPTION_FLAGS } from "./server_flags.ts";
import { endingSignal } from "./signals.ts";
import { surviveStrayErrors } from "./stray_errors.ts";
import { self } from "./terminal.ts";

/** What `serve --help` prints; with a handler (`serve upload --help`) also what that can be told. */
export async function usage(args: readonly string[]): Promise<string> {
  const settings = settingFlags([...(await loadHandlers(args)).values()]);
  const own = Object.keys(settings).length > 0 ? `The handler:\n${describeFlags(settings)}\n\n` : "";
  return `\
Serves handlers until Ctrl-C.

Examples:
  ${self()} serve
  ${self()} serve echo --tcp 127.0.0.1:7000 --udp 127.0.0.1:7000
  ${self()} serve ./my_handler.ts --tcp :7000 --unix /tmp/my.sock --max-connections 100
  ${self()} serve upload --dir uploads --tcp :7000
  ${self()} serve echo discard time --log json --drain 5

Usage: serve [HANDLER …] [FLAG …]

HANDLER is the name of a shipped handler (see "list"), or the path or URL of a module whose default export is one.
Without it, the operator and echo are served. Without an endpoint, each handler gets a free port of loopback. Some
handlers have flags of their own: serve HANDLER --help.

${own}Where to listen (with one handler):
${describeFlags(ENDPOINT_FLAGS)}

Limits. A handler's module may have its own defaults. A TIME is in seconds; 500ms, 2m and 1h are understood too.
${describeFlags(OPTION_FLAGS)}

The program:
${describeFlags(PROGRAM_FLAGS)}

Exit codes: 0 drained, 1 failed or past the drain's deadline, 2 wrong usage, 128 and the signal's number where a second
signal ended it.`;
}

/** Runs `serve`; resolves to its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const signal = endingSignal();
  surviveStrayErrors();
  const wanted = await readServeArguments(args);
  const served = await serveAll(wanted);
  announce(served);
  return await untilOver(served.map(({ group }) => group), signal, wanted.drain);
}

/** All of them, or none: what was bound is closed again if a later one fails. */
async function serveAll({ assignments, ...how }: ServeArguments): Promise<Served[]> {
  const served: Served[] = [];
  try {
    for (const assignment of assignments) {
      const { name, endpoints } = assignment;
      served.push({ name, endpoints, group: await serveOne(assignment, how) });
    }
    return served;
  } catch (error) {
    await Promise.all(served.map(({ group }) => group.close()));
    throw error;
  }
}

async function serveOne(
  { name, module, endpoints, movable }: Assignment,
  { options, log }: Pick<ServeArguments, "options" | "log">,
): Promise<ServerGroup> {
  const observers = [...module.options.observers ?? [], connectionLog(name, log)];
  const at = (listen: readonly Endpoint[]) =>
    serve({ ...module.options, ...options, observers, listen }, module);
  try {
    return await at(endpoints);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw inFlags(error);
    if (movable) return await at([loopback(module)]);
    throw await withWayOut(error);
  }
}
