/**
 * What `serve` says when it is ready: the addresses, each with lines to paste that talk to it.
 *
 * @module
 */
import { getNetworkAddress } from "@std/net/get-network-address";
import { type Endpoint, formatAddr, type NetEndpoint } from "../server/address.ts";
import type { HandlerModuleOptions } from "../server/load.ts";
import type { AnyServer, ServerGroup } from "../server/serve.ts";
import type { Mechanism } from "../server/workers/options.ts";
import { print, self } from "./terminal.ts";

/** A handler that is being served. */
export interface Served {
  /** What the command line calls it. */
  name: string;
  /** Where it was to be served. */
  endpoints: readonly Endpoint[];
  /** Who serves it. */
  group: ServerGroup;
  /** What it was served with. */
  options: Pick<HandlerModuleOptions, "workers" | "processes">;
}

/** Prints the addresses, and how to end it; lines with `connect` only if the program has that. */
export function announce(served: readonly Served[], { canConnect }: { canConnect: boolean }): void {
  for (const { name, endpoints, group, options } of served) {
    for (const [index, addr] of group.addrs.entries()) {
      const { transport } = endpoints[index];
      print(
        `${name}: listening on ${formatAddr(addr, transport)}${withWorkers(options, group.servers[index])}`,
      );
      for (const line of waysToTalk({ ...addr, transport } as Endpoint, canConnect)) print(`  ${line}`);
    }
  }
  print("Ctrl-C lets the connections come to their end, and stops.");
}

function withWorkers({ workers, processes }: Served["options"], server: AnyServer): string {
  const count = workers ?? processes;
  if (count === undefined) return "";
  const [one, more] = workers === undefined ? ["process", "processes"] : ["thread", "threads"];
  const { mechanism } = server as { mechanism?: Mechanism };
  return ` with ${count} ${count === 1 ? one : more} (${mechanism})`;
}

/** Lines to paste into another terminal. */
function waysToTalk(endpoint: Endpoint, canConnect: boolean): string[] {
  const here = "path" in endpoint ? endpoint : reachable(endpoint);
  return [...canConnect ? [`${self()} connect ${formatAddr(here)}`] : [], ...ncat(here)];
}

const NCAT_FLAGS = { tcp: "", tls: "--ssl ", udp: "-u " } as const;

function ncat(endpoint: Endpoint): string[] {
  if (!("path" in endpoint)) {
    return [`ncat ${NCAT_FLAGS[endpoint.transport]}${endpoint.hostname} ${endpoint.port}`];
  }
  const isNamed = endpoint.transport === "unix" && !endpoint.path.startsWith("\0");
  return isNamed ? [`ncat -U ${endpoint.path}`] : [];
}

/** A server that listens everywhere is reached at one place. */
function reachable(endpoint: NetEndpoint): NetEndpoint {
  const { hostname } = endpoint;
  if (hostname !== "0.0.0.0" && hostname !== "::") return endpoint;
  const family = hostname === "::" ? "IPv6" : "IPv4";
  const maySee = Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" }).state === "granted";
  const address = maySee ? getNetworkAddress(family) : undefined;
  return { ...endpoint, hostname: address ?? (family === "IPv6" ? "::1" : "127.0.0.1") };
}
