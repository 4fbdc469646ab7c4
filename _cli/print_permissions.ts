/**
 * `serve --print-permissions`: the line that starts the same servers with no more permissions than they need.
 *
 * @module
 */
import { hasListenDatagram } from "../server/_datagram_socket.ts";
import { embed } from "../server/_embedded.ts";
import type { TlsServerOptions } from "../server/options.ts";
import { mergePermissions, permissionFlags, type Permissions } from "../server/permissions.ts";
import { TlsServer } from "../server/tls_server.ts";
import { configFileOf } from "../server/workers/_config_file.ts";
import { handlersNamed, readServeArguments, serveFlags } from "./assignment.ts";
import { EXEC_FLAGS, splitCommand } from "./exec.ts";
import { flagsOf, readArguments } from "./flags.ts";
import { type HandlerSource, handlerSource } from "./handler_source.ts";
import {
  anyPort,
  needsUnstableNet,
  permissionsToServe,
  type Wanted,
  workerPermissions,
} from "./permissions.ts";
import { endpointsOf, inFlags, optionsOf, serverOptions } from "./server_flags.ts";
import { complain, print, quoted, self, shortened } from "./terminal.ts";

const FLAG = "--print-permissions";

/** Whether a command line of `serve` asks for it. */
export function asksForPermissions(args: readonly string[]): boolean {
  return splitCommand(args).own.includes(FLAG);
}

/**
 * Prints the line, and nothing else on standard output; resolves to the exit code.
 *
 * @throws {UsageError} for a command line that cannot be
 */
export async function printPermissions(args: readonly string[]): Promise<number> {
  const at = args.indexOf(FLAG);
  const others = args.toSpliced(at, 1);
  const { wanted, permissions } = await need(others);
  const unstable = !isUnstableNetSetUp();
  const flags = [
    ...permissionFlags(permissions),
    ...unstable && wanted.some(needsUnstableNet) ? ["--unstable-net"] : [],
  ];
  print([self(flags), "serve", ...others.map(quoted)].join(" "));
  const hasUdp = wanted.some(({ endpoints }) => endpoints.some(({ transport }) => transport === "udp"));
  if (unstable && hasUdp && !flags.includes("--unstable-net")) {
    complain("note: with --unstable-net UDP is about twice as fast");
  }
  return 0;
}

interface Need {
  /** What is served. */
  wanted: readonly Wanted[];
  /** All that it takes. */
  permissions: Permissions;
}

async function need(args: readonly string[]): Promise<Need> {
  const { own, command } = splitCommand(args);
  return command ? await needOfCommand(own, command[0]) : await needOfHandlers(args);
}

/** The program is not looked for: that would take the permission to run it. */
async function needOfCommand(own: readonly string[], program: string): Promise<Need> {
  const { values } = readArguments(own, { ...serveFlags([]), ...EXEC_FLAGS });
  const given = endpointsOf(values);
  const variables: string[] = (values["exec-env"] ?? []).filter((text: string) => !text.includes("="));
  const wanted: Wanted = {
    endpoints: given.length > 0 ? given : [{ transport: "tcp", hostname: "127.0.0.1", port: 0 }],
    options: optionsOf(values),
    handlers: [{ run: [program], env: variables }],
  };
  return { wanted: [wanted], permissions: await permissionsToServe(wanted) };
}

async function needOfHandlers(args: readonly string[]): Promise<Need> {
  const named = handlersNamed(args);
  const sources = await Promise.all(named.map(handlerSource));
  const unseen = named.filter((_, i) => !sources[i].loadable);
  for (const { url, loadable } of sources) if (url && !loadable) embed(url, standIn);
  const known = unseen.length > 0 ? [...named, ...flagsOf(args, serveFlags([]))] : args;
  const { assignments, options, watch } = await readServeArguments(known);
  const wanted = assignments.map(({ endpoints, module }): Wanted => ({
    endpoints,
    options: serverOptions(module.options, options),
    handlers: [module.permissions?.({}) ?? {}],
  }));
  wanted.forEach(assertKeyPair);
  for (const name of unseen) {
    complain(`note: ${name} was not looked into; ${wayToLook(name)}, the line may be narrower`);
  }
  return {
    wanted,
    permissions: mergePermissions([
      ...await Promise.all(wanted.map(permissionsToServe)),
      ...assignments.filter(({ movable }) => movable).map(({ endpoints }) => anyPort(endpoints)),
      ...sources.map(({ permissions }) => permissions),
      ...wanted.map(workerPermissions),
      ...wanted.some(({ options }) => options?.processes) ? sources.map(configPermissions) : [],
      ...watch ? sources.map(watchPermissions) : [],
    ]),
  };
}

/** A child process is told where the configuration is by which a local handler finds what it imports. */
function configPermissions({ url }: HandlerSource): Permissions {
  const file = url?.startsWith("file:") ? configFileOf(url) : undefined;
  return file === undefined
    ? {}
    : { read: [shortened(process.getBuiltinModule("node:url").pathToFileURL(file).href)] };
}

/** Deno itself is asked which files there are, and their folders are watched. */
function watchPermissions({ permissions: { read = [] } }: HandlerSource): Permissions {
  const { dirname } = process.getBuiltinModule("node:path");
  const folders = read === true ? true : [...new Set(read.map(dirname))];
  return { run: [Deno.execPath()], read: folders };
}

/** A server of TLS is made to see whether it can be: that reads no file. */
function assertKeyPair({ endpoints, options }: Wanted): void {
  if (!endpoints.some(({ transport }) => transport === "tls")) return;
  try {
    new TlsServer(() => {}, options as TlsServerOptions);
  } catch (error) {
    throw inFlags(error);
  }
}

/** Stands in for a handler that may not be looked into: served over UDP, where none is said, as that takes the most. */
function standIn(): Promise<Record<string, unknown>> {
  return Promise.resolve({ datagram() {} });
}

function wayToLook(name: string): string {
  return `where deno run gets ${/^https?:/.test(name) ? "--allow-import" : "--allow-read"}`;
}

/** A clone of the kit has it in its configuration; a package cannot. */
function isUnstableNetSetUp(): boolean {
  return hasListenDatagram() && Deno.mainModule.startsWith("file:");
}
