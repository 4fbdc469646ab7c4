/**
 * The permissions that servers need.
 *
 * What it takes to load a handler is not in it (see `handler_source.ts`): an executable has its handler inside.
 *
 * @module
 */
import type { Endpoint } from "../server/address.ts";
import type { HandlerModuleOptions } from "../server/load.ts";
import { listenPermissions, mergePermissions, type Permissions } from "../server/permissions.ts";
import { processPermissions, threadPermissions } from "../server/workers/_entry.ts";
import { shortened } from "./terminal.ts";

/** What is to be served. */
export interface Wanted {
  /** Where. */
  endpoints: readonly Endpoint[];
  /** The options of the servers: those of the handler's module, those of the command line over them. */
  options?: Pick<
    HandlerModuleOptions,
    "cert" | "key" | "multicast" | "broadcast" | "reusePort" | "workers" | "processes" | "permissions"
  >;
  /** What the handlers say that they need. */
  handlers?: readonly Permissions[];
}

/**
 * The fewest permissions with which the servers listen and answer and their handlers work. It asks nobody and reads
 * nothing; a relative path is one of the working directory.
 */
export async function permissionsToServe(
  { endpoints, options = {}, handlers = [] }: Wanted,
): Promise<Permissions> {
  const listening = await Promise.all(endpoints.map(listenPermissions));
  return mergePermissions([
    ...listening,
    ...endpoints.some(({ transport }) => transport === "tls") ? [keyPairPermissions(options)] : [],
    ...endpoints.some(({ transport }) => transport === "udp") ? [groupPermissions(options)] : [],
    ...handlers,
  ]);
}

/**
 * What workers take. Threads read what they run, and bind for themselves the port that was chosen where any will do. Processes
 * are run with permissions of their own: this process has to have what it grants.
 *
 * An executable has it all inside, see `build_plan.ts`.
 */
export function workerPermissions({ endpoints, options = {} }: Wanted): Permissions {
  const { workers, processes, permissions = {} } = options;
  if (processes !== undefined) return mergePermissions([processPermissions(), permissions]);
  if (workers === undefined) return {};
  const { pathToFileURL } = process.getBuiltinModule("node:url");
  const { read } = threadPermissions();
  const files = Array.isArray(read) ? read.map((path) => shortened(pathToFileURL(path).href)) : read;
  const chosen = endpoints.filter((endpoint) => "port" in endpoint && endpoint.port === 0);
  return mergePermissions([{ read: files }, anyPort(chosen)]);
}

/** Reading the certificate and its key; PEM text need not be read. */
function keyPairPermissions({ cert, key }: NonNullable<Wanted["options"]>): Permissions {
  const files = [cert, key].filter((source) => source !== undefined && !isPem(source));
  return files.length > 0 ? { read: files.map(pathOf) } : {};
}

function isPem(source: string | URL): boolean {
  return typeof source === "string" && source.includes("-----BEGIN");
}

function pathOf(source: string | URL | undefined): string {
  return source instanceof URL ? process.getBuiltinModule("node:url").fileURLToPath(source) : `${source}`;
}

/** Who sends to a group, or is sent to as everybody, may be anywhere. */
function groupPermissions({ multicast = [], broadcast }: NonNullable<Wanted["options"]>): Permissions {
  return multicast.length > 0 || broadcast ? { net: true } : {};
}

/**
 * Whether Deno has to be given `--unstable-net`: without it there are no Unix datagrams and no shared ports. UDP does
 * without, at half the speed.
 */
export function needsUnstableNet({ endpoints, options = {} }: Wanted): boolean {
  return endpoints.some(({ transport }) =>
    transport === "unixgram" || (options.reusePort === true && (transport === "tcp" || transport === "tls"))
  );
}

/** Listening, and whatever else, at any port of the hosts of these. */
export function anyPort(endpoints: readonly Endpoint[]): Permissions {
  const hosts = endpoints.flatMap((endpoint) =>
    "hostname" in endpoint
      ? [endpoint.hostname.includes(":") ? `[${endpoint.hostname}]` : endpoint.hostname]
      : []
  );
  return hosts.length > 0 ? { net: hosts } : {};
}
