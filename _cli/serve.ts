/**
 * `serve`: handlers on endpoints, until a signal.
 *
 * @module
 */
import type { Endpoint } from "../server/address.ts";
import { WorkerError } from "../server/errors.ts";
import { missingPermissions, permissionFlags, type Permissions } from "../server/permissions.ts";
import { serve } from "../server/serve.ts";
import { withWayOut } from "./address_in_use.ts";
import { announce, type Served } from "./announcement.ts";
import {
  type Assignment,
  type BuiltIn,
  loadHandlers,
  loopback,
  PROGRAM_FLAGS,
  readServeArguments,
  type ServeArguments,
  settingFlags,
} from "./assignment.ts";
import { connectionLog } from "./connection_log.ts";
import { untilOver } from "./drain.ts";
import { EXEC_FLAGS } from "./exec.ts";
import { describeFlags, UsageError } from "./flags.ts";
import { asksForPermissions, printPermissions } from "./print_permissions.ts";
import { ENDPOINT_FLAGS, inFlags, OPTION_FLAGS, serverOptions } from "./server_flags.ts";
import { endingSignal, SIGNAL_DELAY } from "./signals.ts";
import { surviveStrayErrors } from "./stray_errors.ts";
import { complain, quoted, self } from "./terminal.ts";
import { type Watched, watchedFile, watchHandlers } from "./watch.ts";

/** What `serve --help` prints; with a handler (`serve upload --help`) also what that can be told. */
export async function usage(args: readonly string[]): Promise<string> {
  const modules = args.includes("--exec") ? [] : [...(await loadHandlers(args)).values()];
  const settings = settingFlags(modules);
  const own = Object.keys(settings).length > 0 ? `The handler:\n${describeFlags(settings)}\n\n` : "";
  return `\
Serves handlers until Ctrl-C.

Examples:
  ${self()} serve
  ${self()} serve echo --tcp 127.0.0.1:7000 --udp 127.0.0.1:7000
  ${self()} serve ./my_handler.ts --tcp :7000 --unix /tmp/my.sock --max-connections 100
  ${self()} serve upload --dir uploads --tcp :7000
  ${self()} serve ./my_handler.ts --tcp :7000 --workers 4
  ${self()} serve echo discard time --log json --drain 5
  ${self()} serve --exec --tcp :7000 --idle-timeout 1m -- /usr/bin/sort -u

Usage: serve [HANDLER …] [FLAG …]
       serve --exec [FLAG …] -- COMMAND [ARG …]

HANDLER is the name of a shipped handler (see "list"), or the path or URL of a module whose default export is one.
Without it, the operator and echo are served. Without an endpoint, each handler gets a free port of loopback. Some
handlers have flags of their own: serve HANDLER --help.

COMMAND is any program: its standard input and output are the connection, its standard error goes to the log, and the
variables of tcpserver (TCPREMOTEIP, …) tell it who calls.
${describeFlags(EXEC_FLAGS)}

--print-permissions serves nothing: it prints the shortest line that starts the same with no more permissions than that
takes, as in: ${self()} serve echo --tcp :7000 --print-permissions

${own}Where to listen (with one handler):
${usageOfFlags()}`;
}

/** What every program that serves says of its flags and of its end. */
export function usageOfFlags(): string {
  return `\
${describeFlags(ENDPOINT_FLAGS)}

Limits. A handler's module may have its own defaults. A TIME is in seconds; 500ms, 2m and 1h are understood too.
${describeFlags(OPTION_FLAGS)}

The program:
${describeFlags(PROGRAM_FLAGS)}

Exit codes: 0 drained, 1 failed or past the drain's deadline, 2 wrong usage, 128 and the signal's number where a second
signal ended it.`;
}

/** Runs `serve`, or what is `builtIn` in place of a handler that is named; resolves to its exit code. */
export async function run(args: readonly string[], builtIn?: BuiltIn): Promise<number> {
  if (!builtIn && asksForPermissions(args)) return await printPermissions(args);
  const signal = endingSignal();
  surviveStrayErrors();
  const wanted = await readServeArguments(args, builtIn);
  assertPermitted(wanted.assignments);
  if (wanted.watch) assertWatchable(wanted.assignments, builtIn);
  const starting = serveAll(wanted);
  const served = await Promise.race([starting, signal]).catch((error) => orSignal(error, signal));
  if (typeof served === "string") return endBefore(served, starting);
  using _watching = wanted.watch ? await watchHandlers(withModules(served, wanted), wanted.log) : undefined;
  announce(served, { canConnect: builtIn === undefined });
  return await untilOver(served.map(({ group }) => group), signal, wanted.drain);
}

/** A terminal sends its signals to processes that have only just begun, too, and they end of it: that is no failure. */
function orSignal(error: unknown, signal: Promise<Deno.Signal>): Promise<Deno.Signal> {
  if (!(error instanceof WorkerError)) throw error;
  return Promise.race([
    signal,
    new Promise<never>((_, reject) => setTimeout(() => reject(error), SIGNAL_DELAY)),
  ]);
}

/** Workers may take a while to start: who wants the program to end does not wait for them. */
function endBefore(signal: Deno.Signal, starting: Promise<Served[]>): number {
  complain(`${signal}: nothing was served yet`);
  starting.then(closeAll, () => {}); // nobody needs it any more
  return 0;
}

/** Before anything is bound. */
function assertWatchable(assignments: readonly Assignment[], builtIn: BuiltIn | undefined): void {
  if (builtIn) throw new UsageError(`--watch watches files, and ${builtIn.name} is built in`);
  for (const { name, module } of assignments) watchedFile(name, module);
  assertGranted({ run: [Deno.execPath()] }, "watch"); // Deno itself is asked what a handler imports
}

function withModules(served: readonly Served[], { assignments }: ServeArguments): Watched[] {
  return served.map(({ name, group }, index) => ({ name, group, module: assignments[index].module }));
}

/** What handlers need is asked for now: later the question, or the refusal, would come with the first client. */
function assertPermitted(assignments: readonly Assignment[]): void {
  for (const { name, module } of assignments) assertGranted(module.permissions?.({}) ?? {}, `serve ${name}`);
}

function assertGranted(permissions: Permissions, attempt: string): void {
  const flags = permissionFlags(missingPermissions(permissions, { ask: true })).map(quoted);
  if (flags.length === 0) return;
  throw new Deno.errors.NotCapable(
    `Cannot ${attempt}: permission is missing, run with ${flags.join(" ")}`,
  );
}

/** All of them, or none: what was bound is closed again if a later one fails. */
async function serveAll({ assignments, ...how }: ServeArguments): Promise<Served[]> {
  const served: Served[] = [];
  try {
    for (const assignment of assignments) {
      served.push(await serveOne(assignment, how));
    }
    return served;
  } catch (error) {
    await closeAll(served);
    throw error;
  }
}

async function closeAll(served: readonly Served[]): Promise<void> {
  await Promise.all(served.map(({ group }) => group.close()));
}

async function serveOne(
  { name, module, endpoints, movable }: Assignment,
  { options: given, log }: Pick<ServeArguments, "options" | "log">,
): Promise<Served> {
  const options = serverOptions(module.options, given);
  const observers = [...module.options.observers ?? [], connectionLog(name, log)];
  const at = async (listen: readonly Endpoint[]): Promise<Served> => {
    const group = await serve({ ...options, observers, listen }, module);
    return { name, endpoints, group, options };
  };
  try {
    return await at(endpoints);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw inFlags(error);
    if (movable) return await at([loopback(module)]);
    throw await withWayOut(error);
  }
}
