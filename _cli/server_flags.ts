/**
 * The flags that stand for options of servers.
 *
 * @module
 */
import { type Endpoint, parseEndpoint } from "../server/address.ts";
import { checkOptions } from "../server/options.ts";
import type { HandlerModuleOptions } from "../server/load.ts";
import { checkPermissions, mergePermissions, type Permissions } from "../server/permissions.ts";
import { type Flag, type Flags, oneOf, readNumber, readTime, UsageError } from "./flags.ts";
import { oneLine } from "./terminal.ts";

/** Where to listen: the transport of the endpoint is the name of the flag. */
export const ENDPOINT_FLAGS: Flags = {
  tcp: {
    value: "HOST:PORT",
    many: true,
    help: "TCP; :7000 is loopback, *:7000 every IPv4 address, port 0 a free one",
  },
  tls: { value: "HOST:PORT", many: true, help: "TLS; needs --cert and --key" },
  unix: { value: "PATH", many: true, help: "a Unix socket" },
  udp: { value: "HOST:PORT", many: true, help: "UDP" },
  unixgram: { value: "PATH", many: true, help: "a Unix socket for datagrams" },
};

/** The endpoints among the values of the flags. */
export function endpointsOf(values: Record<string, string[] | undefined>): Endpoint[] {
  return Object.keys(ENDPOINT_FLAGS).flatMap((transport) =>
    (values[transport] ?? []).map((place) =>
      parseEndpoint(`${transport}:${transport.startsWith("unix") ? "" : "//"}${place}`)
    )
  );
}

/**
 * What no flag is for: the command line has its own observers, and its servers neither wait for one request nor have service
 * actions; it waits for its workers in any case, as `--drain` says; and flags of Deno are for those who know what Deno
 * makes of them, which takes a program.
 */
type Unflagged =
  | "observers"
  | "timeout"
  | "pollInterval"
  | "blockOnClose"
  | "daemonThreads"
  | "denoFlags";

interface OptionFlag extends Flag {
  /** The flag's name, where it is not the option's. */
  name?: string;
  /** Whether the switch turns the option off. */
  negates?: boolean;
  /** Makes the option of all values of a flag that may be repeated, where it is no list. */
  // deno-lint-ignore no-explicit-any -- as the table says
  merge?: (values: any[]) => unknown;
  /** What is served by workers alone: a flag that would do nothing is refused. */
  only?: "workers" | "processes";
}

/** Every other option has its flag: one that is missing here is a type error. */
const OPTIONS: { [O in keyof Required<Omit<HandlerModuleOptions, Unflagged>>]: OptionFlag } = {
  maxConnections: { value: "N", read: readNumber, help: "open at once; the kernel queues the rest (10000)" },
  maxConnectionsPerPeer: { value: "N", read: readNumber, help: "open at once from one address (no limit)" },
  maxConnectionRate: { value: "N", read: readNumber, help: "new ones per second (no limit)" },
  maxConnectionRatePerPeer: {
    value: "N",
    read: readNumber,
    help: "new ones per second from one address (no limit)",
  },
  concurrency: {
    value: "N",
    read: readNumber,
    help: "handlers at once; 1 serves one after the other (no limit)",
  },
  whenFull: {
    value: "wait|refuse",
    read: oneOf("wait", "refuse"),
    help: "what clients beyond a limit get (wait)",
  },
  banner: { value: "TEXT", help: "what a client that is refused is told" },
  backlog: { value: "N", read: readNumber, help: "how many the kernel queues (4096)" },
  allow: { value: "CIDR", many: true, help: "networks that may come, all others may not" },
  deny: { value: "CIDR", many: true, help: "networks that may not come" },
  readTimeout: { value: "TIME", read: readTime, help: "longest wait for a byte of the peer's (no limit)" },
  writeTimeout: {
    value: "TIME",
    read: readTime,
    help: "longest wait for the peer to take a byte (no limit)",
  },
  idleTimeout: { value: "TIME", read: readTime, help: "longest silence in both directions (no limit)" },
  maxLifetime: { value: "TIME", read: readTime, help: "longest life of a connection (no limit)" },
  noDelay: { name: "nagle", negates: true, help: "collects small writes into larger packets" },
  keepAlive: { help: "lets the kernel ask whether silent peers are still there" },
  reusePort: { help: "lets several processes listen on the same port (Linux)" },
  cert: { value: "FILE", help: "TLS: the certificate and those that lead to it, as PEM" },
  key: { value: "FILE", help: "TLS: the certificate's private key, as PEM" },
  alpnProtocols: {
    name: "alpn",
    value: "NAME",
    many: true,
    help: "TLS: a protocol to choose, the best one first",
  },
  handshakeTimeout: { value: "TIME", read: readTime, help: "TLS: longest handshake (5)" },
  engine: {
    value: "node|native",
    read: oneOf("node", "native"),
    help: "TLS: native is faster, but cannot cut a handshake off (node)",
  },
  mode: { value: "OCTAL", read: readMode, help: "Unix: permissions of the socket's file (600)" },
  reclaim: { help: "Unix: takes over the socket of a process that is gone" },
  maxPacketSize: { value: "N", read: readNumber, help: "datagrams: bytes of a packet that are kept (8192)" },
  maxInFlight: { value: "N", read: readNumber, help: "datagrams: packets handled at once (10000)" },
  maxInFlightPerPeer: { value: "N", read: readNumber, help: "datagrams: the same of one address (no limit)" },
  maxPacketRate: { value: "N", read: readNumber, help: "datagrams: packets per second (no limit)" },
  maxPacketRatePerPeer: {
    value: "N",
    read: readNumber,
    help: "datagrams: the same of one address (no limit)",
  },
  handlerTimeout: {
    value: "TIME",
    read: readTime,
    help: "datagrams: how long a handler may take (no limit)",
  },
  reuseAddress: { help: "UDP: lets several sockets listen on the port" },
  broadcast: { help: "UDP: lets the handler send to everybody" },
  multicast: { value: "ADDRESS", many: true, help: "UDP: a group to be a member of" },
  multicastLoopback: { help: "UDP: receives what is sent to a group from here" },
  multicastTtl: { value: "N", read: readNumber, help: "UDP: routers that a packet to a group may pass (1)" },
  workers: { value: "N", read: readNumber, help: "runs the handler on so many threads, for each endpoint" },
  processes: {
    value: "N",
    read: readNumber,
    help: "runs it in so many child processes instead",
  },
  mechanism: {
    value: "NAME",
    read: oneOf("load-balanced", "reuse-port", "hand-over", "relay"),
    only: "workers",
    help: "workers: load-balanced, reuse-port, hand-over or relay: how clients get to them (the fastest)",
  },
  recycleAfter: {
    value: "N",
    read: readNumber,
    only: "workers",
    help: "workers: replaced after so many clients; 1 is a fresh one for each (never)",
  },
  maxChildren: {
    value: "N",
    read: readNumber,
    only: "workers",
    help: "workers: alive at once, with those that are being replaced (40)",
  },
  heartbeatTimeout: {
    value: "TIME",
    read: readTime,
    only: "workers",
    help: "workers: replaced if busy for so long without a pause (10)",
  },
  loadTimeout: {
    value: "TIME",
    read: readTime,
    only: "workers",
    help: "workers: given up if not ready after so long (30)",
  },
  maxRestarts: {
    value: "N",
    read: readNumber,
    only: "workers",
    help: "workers: deaths in a row, right after the start, that end the server (5)",
  },
  permissions: {
    name: "grant",
    value: "KIND[=LIST]",
    many: true,
    read: readGrant,
    merge: mergePermissions,
    only: "processes",
    help:
      "processes: what they may do, as read=data, net or none, and nothing else (what this one may, but run and ffi)",
  },
};

/** `read=data,/etc/hosts`, `net`, `none` */
function readGrant(text: string): Permissions {
  if (text === "none") return {};
  const [, kind, items] = /^([^=]*)(?:=(.*))?$/s.exec(text)!;
  try {
    return checkPermissions({ [kind]: items === undefined ? true : items.split(",") });
  } catch (error) {
    throw new UsageError(oneLine(error), { cause: error });
  }
}

function readMode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return parseInt(text, 8);
  throw new UsageError(`"${text}" is no file mode: write three digits from 0 to 7, such as 660`);
}

/** The same by the name of the flag. */
export const OPTION_FLAGS: Flags = Object.fromEntries(
  Object.entries(OPTIONS).map(([option, flag]) => [flagName(option, flag), flag]),
);

function flagName(option: string, { name }: OptionFlag): string {
  return name ?? option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * The options among the values of the flags.
 *
 * @throws {UsageError} naming a flag whose value is out of range
 */
export function optionsOf(values: Record<string, unknown>): HandlerModuleOptions {
  const options: Record<string, unknown> = {};
  for (const [option, flag] of Object.entries(OPTIONS)) {
    const name = flagName(option, flag);
    if (!(name in values) || (flag.merge && (values[name] as unknown[]).length === 0)) continue;
    const value = flag.negates ? !values[name] : values[name];
    options[option] = flag.merge ? flag.merge(value as unknown[]) : value;
  }
  try {
    checkOptions(options);
  } catch (error) {
    throw inFlags(error);
  }
  return options;
}

/**
 * The options of the servers of a handler: its module's own, and over them what the flags say.
 *
 * @throws {UsageError} naming a flag that would do nothing
 */
export function serverOptions(own: HandlerModuleOptions, given: HandlerModuleOptions): HandlerModuleOptions {
  const options = { ...own, ...given };
  if (given.workers !== undefined && given.processes !== undefined) {
    throw new UsageError("--workers and --processes are two ways to do it: one of them can be had");
  }
  if (given.workers !== undefined) delete options.processes;
  if (given.processes !== undefined) delete options.workers;
  const { workers, processes } = options;
  for (const [option, flag] of Object.entries(OPTIONS)) {
    if (!flag.only || !Object.hasOwn(given, option)) continue;
    if (processes !== undefined || (workers !== undefined && flag.only === "workers")) continue;
    const needed = flag.only === "workers" ? "--workers or --processes" : "--processes";
    throw new UsageError(`--${flagName(option, flag)} says nothing without ${needed}`);
  }
  return options;
}

/** What a server says about an option, said about its flag; any other error as it is. */
export function inFlags(error: unknown): unknown {
  const message = error instanceof Error ? error.message : "";
  const option = OPTION.exec(message)?.[1] as keyof typeof OPTIONS;
  if (!Object.hasOwn(OPTIONS, option)) return error;
  return new UsageError(message.replace(`Option "${option}"`, `--${flagName(option, OPTIONS[option])}`));
}

/** What cannot be at an address begins with that. */
const OPTION = /^(?:Cannot listen on \S+: )?Option "(\w+)"/;
