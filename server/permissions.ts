/**
 * Permissions: what Deno has to grant to somebody who listens, connects, or handles.
 *
 * @module
 */
import {
  type Endpoint,
  type EndpointLike,
  formatHostPort,
  type NetEndpoint,
  parseEndpoint,
} from "./address.ts";
import { temporaryName } from "./_socket_file.ts";

/** One kind of permission: `"net"` is what `--allow-net` grants. */
export type PermissionKind = "net" | "read" | "write" | "import" | "env" | "sys" | "run" | "ffi";

/** All of them, in the order in which a command line names them. */
const KINDS: readonly PermissionKind[] = ["net", "read", "write", "import", "env", "sys", "run", "ffi"];

/**
 * Permissions by kind: `true` is all of the kind, a list is what stands behind `=` in its flag. What is left out is not
 * needed. A worker's `permissions` are written the same way.
 */
export type Permissions = { [K in PermissionKind]?: true | string[] };

/**
 * What a server needs to listen, and to answer.
 *
 * - Packets of UDP are answered to wherever they come from, which is all of `net` unless the server is on loopback.
 * - The file of a Unix socket is made under another name first, and under a lock.
 * - Unix datagrams are answered to whatever path their sender has bound.
 * - An abstract name is no path, and so takes all of `net`.
 */
export async function listenPermissions(endpoint: Endpoint): Promise<Permissions> {
  if (!("path" in endpoint)) return hostPermissions(endpoint);
  if (endpoint.path.startsWith("\0")) return { net: true };
  const [path, temporary] = [endpoint.path, await temporaryName(endpoint.path)].map(absolute);
  const files = [path, temporary, `${temporary}.lock`];
  if (endpoint.transport === "unixgram") return { net: true, read: files, write: true };
  return { net: [`unix:${path}`, `unix:${temporary}`], read: files, write: files };
}

/** Ports are left out: a client's may be any. */
const LOOPBACK: Readonly<Record<string, string[]>> = {
  "127.0.0.1": ["127.0.0.1"],
  "::1": ["[::1]"],
  "localhost": ["localhost", "127.0.0.1", "[::1]"],
};

function hostPermissions({ transport, hostname, port }: NetEndpoint): Permissions {
  if (transport !== "udp") return { net: [formatHostPort({ hostname, port })] };
  return { net: Object.hasOwn(LOOPBACK, hostname) ? [...LOOPBACK[hostname]] : true };
}

/**
 * What {@linkcode connect} needs: for the `permissions` of a handler module that connects.
 *
 * @param endpoint where to
 * @returns the permissions
 * @throws {AddressError} if the endpoint cannot be understood
 *
 * @example
 * ```ts
 * import { connectPermissions } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(connectPermissions("tcp://127.0.0.1:7000"), { net: ["127.0.0.1:7000"] });
 * assertEquals(connectPermissions("unix:/run/x.sock"), {
 *   net: ["unix:/run/x.sock"],
 *   read: ["/run/x.sock"],
 *   write: ["/run/x.sock"],
 * });
 * ```
 */
export function connectPermissions(endpoint: EndpointLike): Permissions {
  const to = parseEndpoint(endpoint);
  if (!("path" in to)) return { net: [formatHostPort(to)] };
  if (to.path.startsWith("\0")) return { net: true };
  const path = absolute(to.path);
  return { net: [`unix:${path}`], read: [path], write: [path] };
}

/** Deno takes the path of a socket in `--allow-net` only if it is absolute. */
function absolute(path: string): string {
  return process.getBuiltinModule("node:path").resolve(path);
}

/** All of them together, nothing named twice. */
export function mergePermissions(all: readonly Permissions[]): Permissions {
  const merged: Permissions = {};
  for (const kind of KINDS) {
    const given = all.map((permissions) => permissions[kind] ?? []);
    const items = given.flatMap((items) => items === true ? [] : items);
    if (given.includes(true)) merged[kind] = true;
    else if (items.length > 0) merged[kind] = withoutCovered(items);
  }
  return merged;
}

/** A host covers all of its ports. */
function withoutCovered(items: readonly string[]): string[] {
  return [...new Set(items)].filter((item) => {
    const host = /^(.+):\d+$/.exec(item)?.[1];
    return host === undefined || !items.includes(host);
  });
}

/**
 * The flags that grant them, for example `["--allow-net=127.0.0.1:7000", "--allow-read=cert.pem,key.pem"]`.
 *
 * A comma parts what a list names: where a name holds one, the flag grants all.
 */
export function permissionFlags(permissions: Permissions): string[] {
  return KINDS.flatMap((kind) => {
    const items = permissions[kind];
    if (items === undefined || (items !== true && items.length === 0)) return [];
    const all = items === true || items.some((item) => item.includes(","));
    return [`--allow-${kind}${all ? "" : `=${items.join(",")}`}`];
  });
}

/**
 * Those that are not granted; `ask` lets Deno ask for them at a terminal. With `whole`, a kind of which something is denied is
 * not granted: who gets it would get that, too.
 */
export function missingPermissions(
  permissions: Permissions,
  { ask = false, whole = false } = {},
): Permissions {
  const missing: Permissions = {};
  for (const kind of KINDS) {
    const items = permissions[kind];
    if (items === true) {
      if (!isGranted({ ask, whole }, kind)) missing[kind] = true;
    } else {
      const denied = items?.filter((item) => !isGranted({ ask, whole }, kind, item)) ?? [];
      if (denied.length > 0) missing[kind] = denied;
    }
  }
  return missing;
}

/** What Deno calls that which stands behind `=` in the flag. */
const SCOPES: Readonly<Record<PermissionKind, string>> = {
  net: "host",
  read: "path",
  write: "path",
  import: "host",
  env: "variable",
  sys: "kind",
  run: "command",
  ffi: "path",
};

function isGranted(
  { ask, whole }: { ask: boolean; whole: boolean },
  kind: PermissionKind,
  item?: string,
): boolean {
  const descriptor = { name: kind, ...item !== undefined && { [SCOPES[kind]]: item } };
  const { state, partial } = Deno.permissions[ask ? "requestSync" : "querySync"](
    descriptor as Deno.PermissionDescriptor,
  );
  return state === "granted" && !(whole && partial);
}

/** What to add to the command line where some of them are missing: the flags of those, or of all if none is found to be. */
export function flagsToAdd(permissions: Permissions): string {
  const flags = permissionFlags(missingPermissions(permissions));
  return (flags.length > 0 ? flags : permissionFlags(permissions)).join(" ");
}

/**
 * What a handler module says that it needs, found to be permissions.
 *
 * @throws {TypeError} naming what is none
 */
export function checkPermissions(permissions: unknown): Permissions {
  if (typeof permissions !== "object" || permissions === null) {
    throw new TypeError(`permissions are an object such as { read: ["data"] }: received ${permissions}`);
  }
  for (const [kind, items] of Object.entries(permissions)) {
    if (!KINDS.includes(kind as PermissionKind)) {
      throw new TypeError(`there is no permission "${kind}": there are ${KINDS.join(", ")}`);
    }
    const isList = Array.isArray(items) && items.every((item) => typeof item === "string" && item !== "");
    if (items !== undefined && items !== true && !isList) {
      throw new TypeError(`the permission "${kind}" is true or a list of texts`);
    }
  }
  return permissions;
}
