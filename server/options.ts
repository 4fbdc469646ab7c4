/**
 * The options of all servers: one interface each, one table of defaults, one check.
 *
 * @module
 */
import type { Admission } from "./admission.ts";
import type { Observer } from "./observer.ts";

/** What every server takes. Limits are totals; times are milliseconds. */
export interface ServerOptions {
  /**
   * How many handlers run at once. 1 is Python's plain server: the next client is accepted when the handler of the last
   * one has ended, and what `handleError` throws leaves `serveForever`.
   *
   * @default {Infinity}
   */
  concurrency?: number;
  /**
   * Networks that may come, as CIDR (`"192.0.2.0/24"`, `"2001:db8::/32"`) or single addresses; all others are refused. An
   * IPv4-mapped IPv6 peer counts as the IPv4 address that it is.
   *
   * @default {[]} everybody
   */
  allow?: readonly string[];
  /**
   * Networks that may not come, even if `allow` names them.
   *
   * @default {[]} nobody
   */
  deny?: readonly string[];
  /**
   * How long `handleRequest` waits for a client, in milliseconds, when it is not told itself.
   *
   * @default {undefined} as long as it takes
   */
  timeout?: number;
  /**
   * Milliseconds between two calls of `serviceActions`, where a subclass has one.
   *
   * @default {500}
   */
  pollInterval?: number;
  /** Who is told what happens. */
  observers?: readonly Observer[];
}

/** What the stream servers take: TCP, TLS and Unix. */
export interface StreamServerOptions extends ServerOptions {
  /**
   * How many connections are open at once.
   *
   * @default {10_000}
   */
  maxConnections?: number;
  /**
   * How many connections one peer has open at once; see `peerKey` for what a peer is.
   *
   * @default {Infinity}
   */
  maxConnectionsPerPeer?: number;
  /**
   * New connections per second, with bursts up to one second's worth; those beyond are closed.
   *
   * @default {Infinity}
   */
  maxConnectionRate?: number;
  /**
   * New connections per second from one peer.
   *
   * @default {Infinity}
   */
  maxConnectionRatePerPeer?: number;
  /**
   * What happens to clients while `maxConnections` (or `concurrency`) is reached: `"wait"` leaves them in the kernel's
   * queue, `"refuse"` accepts, sends {@linkcode StreamServerOptions.banner} and closes. With `concurrency: 1` the next client
   * is accepted only when the last one has ended, so that nobody is ever refused.
   *
   * @default {"wait"}
   */
  whenFull?: "wait" | "refuse";
  /** What a client that is refused because the server is full is sent. Text is sent as UTF-8. */
  banner?: string | Uint8Array;
  /**
   * How many clients the kernel queues; it cuts this to its own limit (`somaxconn`). Python's `request_queue_size`.
   *
   * @default {4096}
   */
  backlog?: number;
  /**
   * A read that waits longer than this for bytes throws `Deno.errors.TimedOut`; no byte is lost, the next read goes on.
   *
   * @default {undefined} no limit
   */
  readTimeout?: number;
  /**
   * A connection whose peer takes no byte for this long while some wait to be sent is closed, and the write throws
   * `Deno.errors.TimedOut`.
   *
   * @default {undefined} no limit
   */
  writeTimeout?: number;
  /**
   * A connection on which no byte goes either way for this long is closed.
   *
   * @default {undefined} no limit
   */
  idleTimeout?: number;
  /**
   * A connection is closed when it is this old.
   *
   * @default {undefined} no limit
   */
  maxLifetime?: number;
  /** An admission shared with other servers, whose limits then count for all of them; `serve` uses it. */
  admission?: Admission;
}

/** What TCP and TLS servers take. */
export interface TcpServerOptions extends StreamServerOptions {
  /**
   * Where to listen: an IP address or a host name.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * 0 to 65 535; 0 lets the system choose.
   *
   * @default {0}
   */
  port?: number;
  /**
   * Sends small writes at once (turns Nagle's algorithm off).
   *
   * @default {true}
   */
  noDelay?: boolean;
  /**
   * Lets the kernel ask silent peers whether they are still there (after two hours, on Linux).
   *
   * @default {false}
   */
  keepAlive?: boolean;
  /**
   * Lets several processes listen on the port (Linux; needs `--unstable-net`).
   *
   * @default {false}
   */
  reusePort?: boolean;
}

/** What a TLS server takes. */
export interface TlsServerOptions extends TcpServerOptions {
  /**
   * The certificate, and after it those that lead to one which clients know: PEM text (`"-----BEGIN CERTIFICATE…"`), or
   * the path or URL of a file of it. Read by `listen`.
   */
  cert: string | URL;
  /** The private key that belongs to the first certificate: PEM text, or the path or URL of a file of it. */
  key: string | URL;
  /**
   * The application protocols to choose from (ALPN, RFC 7301), the best one first, for example `["h2", "http/1.1"]`. The
   * choice is in `conn.tls.alpnProtocol`; a client that asks only for others is turned away.
   *
   * @default {[]} whatever the client asks for is ignored
   */
  alpnProtocols?: readonly string[];
  /**
   * How long a client may take for its part of the handshake, in milliseconds, before it is closed. It holds its place
   * among `maxConnections` meanwhile.
   *
   * @default {5_000}
   */
  handshakeTimeout?: number;
  /**
   * What runs TLS. `"node"` is `node:tls`. `"native"` is `Deno.listenTls`: an echo costs it two thirds of the CPU time and
   * a handshake half, but it cannot give a handshake up: at `handshakeTimeout` (and at `close`) the client loses its
   * place, while its descriptor stays in use until the client leaves. So it is for clients that you know. It has no
   * `noDelay` and no `keepAlive`, and `conn.tls` has `alpnProtocol` only.
   *
   * @default {"node"}
   */
  engine?: "node" | "native";
}

/** What a Unix server takes. */
export interface UnixServerOptions extends StreamServerOptions {
  /** The path of the socket; a leading NUL makes an abstract name (Linux). */
  path: string;
  /**
   * The permissions of the file: who may write to it may connect.
   *
   * @default {0o600} this user only
   */
  mode?: number;
  /**
   * Takes the place of a socket file that a dead process left behind; never of one that answers, and never of a file
   * that is no socket.
   *
   * @default {false}
   */
  reclaim?: boolean;
}

/** What the datagram servers take: UDP and Unix. */
export interface DatagramServerOptions extends ServerOptions {
  /**
   * The most bytes of a packet that a handler is given; longer ones are cut, and say so (`packet.truncated`).
   *
   * @default {8192}
   */
  maxPacketSize?: number;
  /**
   * How many packets are being handled at once. Those that come while as many are, are dropped and counted
   * (`stats.refused.full`). With a lower `concurrency` they wait in the kernel's queue instead, which is short and drops
   * without a word.
   *
   * @default {10_000}
   */
  maxInFlight?: number;
  /**
   * How many packets of one peer are being handled at once; see `peerKey` for what a peer is.
   *
   * @default {Infinity}
   */
  maxInFlightPerPeer?: number;
  /**
   * Packets per second, with bursts up to one second's worth; those beyond are dropped.
   *
   * @default {Infinity}
   */
  maxPacketRate?: number;
  /**
   * Packets per second from one peer.
   *
   * @default {Infinity}
   */
  maxPacketRatePerPeer?: number;
  /**
   * How long a handler may take, in milliseconds. Then its packet is given up: its place is free, its `signal` aborts,
   * and `handleError` is told.
   *
   * @default {undefined} no limit
   */
  handlerTimeout?: number;
  /** An admission shared with other servers, whose limits then count for all of them; `serve` uses it. */
  admission?: Admission;
}

/** A multicast group to be a member of. */
export interface MulticastGroup {
  /** The group's address, such as `"239.255.0.1"` or `"ff02::fb"`. */
  address: string;
  /**
   * Where to join: the IPv4 address of an interface, or for an IPv6 group the number of one.
   *
   * @default {undefined} the interface that the system chooses
   */
  interface?: string | number;
}

/** What a UDP server takes. */
export interface UdpServerOptions extends DatagramServerOptions {
  /**
   * Where to listen: an IP address or a host name. Broadcasts and multicasts reach `"0.0.0.0"` and `"::"` only.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * 0 to 65 535; 0 lets the system choose.
   *
   * @default {0}
   */
  port?: number;
  /**
   * Lets several sockets listen on the port: multicasts then reach all of them, other packets only one.
   *
   * @default {false}
   */
  reuseAddress?: boolean;
  /**
   * Lets `server.send` address everybody, 255.255.255.255. A network's own broadcast address cannot be told from others
   * here and is always allowed.
   *
   * @default {false}
   */
  broadcast?: boolean;
  /**
   * Multicast groups to be a member of, by address or with the interface to join on.
   *
   * @default {[]}
   */
  multicast?: readonly (string | MulticastGroup)[];
  /**
   * Lets this machine receive what is sent to a group from here.
   *
   * @default {false}
   */
  multicastLoopback?: boolean;
  /**
   * How many routers a packet to a group may pass. Counts where a group is joined.
   *
   * @default {1} this network only
   */
  multicastTtl?: number;
}

/** What a Unix datagram server takes. */
export interface UnixDatagramServerOptions extends DatagramServerOptions {
  /** The path of the socket; a leading NUL makes an abstract name (Linux). */
  path: string;
  /**
   * The permissions of the file: who may write to it may send.
   *
   * @default {0o600} this user only
   */
  mode?: number;
  /**
   * Takes the place of a socket file that a dead process left behind; never of one that somebody listens on, and never
   * of a file that is no socket.
   *
   * @default {false}
   */
  reclaim?: boolean;
}

/** The defaults of every server; what is not here has none. */
export const SERVER_DEFAULTS = {
  concurrency: Infinity,
  pollInterval: 500,
} as const;

/** The defaults of the stream servers. */
export const STREAM_DEFAULTS = {
  maxConnections: 10_000,
  maxConnectionsPerPeer: Infinity,
  maxConnectionRate: Infinity,
  maxConnectionRatePerPeer: Infinity,
  whenFull: "wait",
  backlog: 4096,
  handshakeTimeout: 5_000,
} as const;

/** The defaults of the datagram servers. */
export const DATAGRAM_DEFAULTS = {
  maxPacketSize: 8_192,
  maxInFlight: 10_000,
  maxInFlightPerPeer: Infinity,
  maxPacketRate: Infinity,
  maxPacketRatePerPeer: Infinity,
} as const;

type Check = (value: unknown) => string | undefined;

const count: Check = (value) =>
  value === Infinity || (Number.isInteger(value) && (value as number) >= 1)
    ? undefined
    : "must be a whole number from 1, or Infinity";
const retries: Check = (value) => value === 0 ? undefined : count(value)?.replace("from 1", "from 0");
const rate: Check = (value) =>
  typeof value === "number" && value > 0 ? undefined : "must be a number greater than 0";
/** `setTimeout` cannot wait longer than 2^31 - 1 ms; a longer limit would fire at once. */
export const LONGEST_TIMER: number = 2 ** 31 - 1;
const milliseconds: Check = (value) =>
  typeof value === "number" && value > 0 && value <= LONGEST_TIMER
    ? undefined
    : `must be a number of milliseconds from 1 to ${LONGEST_TIMER}`;
const anyNumber: Check = (value) =>
  typeof value === "number" && !Number.isNaN(value) ? undefined : "must be a number";
const flag: Check = (value) => typeof value === "boolean" ? undefined : "must be true or false";
const text: Check = (value) => typeof value === "string" && value !== "" ? undefined : "must be a text";
const pem: Check = (value) =>
  (typeof value === "string" && value !== "") || value instanceof URL
    ? undefined
    : "must be PEM text, or the path or URL of a file of it";
const protocols: Check = (value) =>
  Array.isArray(value) && value.every((name) => typeof name === "string" && /^[!-~]{1,255}$/.test(name))
    ? undefined
    : "must be an array of protocol names of 1 to 255 characters";
const list: Check = (value) => Array.isArray(value) ? undefined : "must be an array";
const whole = (low: number, high: number): Check => (value) =>
  Number.isInteger(value) && (value as number) >= low && (value as number) <= high
    ? undefined
    : `must be a whole number from ${low} to ${high}`;

const CHECKS: Record<string, Check> = {
  concurrency: count,
  maxConnections: count,
  maxConnectionsPerPeer: count,
  maxConnectionRate: rate,
  maxConnectionRatePerPeer: rate,
  whenFull: (value) => value === "wait" || value === "refuse" ? undefined : 'must be "wait" or "refuse"',
  banner: (value) =>
    typeof value === "string" || value instanceof Uint8Array ? undefined : "must be a text or bytes",
  allow: list,
  deny: list,
  observers: list,
  backlog: whole(1, 2 ** 31 - 1),
  timeout: anyNumber,
  pollInterval: milliseconds,
  readTimeout: milliseconds,
  writeTimeout: milliseconds,
  idleTimeout: milliseconds,
  maxLifetime: milliseconds,
  handshakeTimeout: milliseconds,
  cert: pem,
  key: pem,
  alpnProtocols: protocols,
  engine: (value) => value === "node" || value === "native" ? undefined : 'must be "node" or "native"',
  hostname: text,
  port: whole(0, 65535),
  noDelay: flag,
  keepAlive: flag,
  reusePort: flag,
  path: text,
  mode: whole(0, 0o777),
  reclaim: flag,
  maxPacketSize: whole(1, 65507),
  maxInFlight: count,
  maxInFlightPerPeer: count,
  maxPacketRate: rate,
  maxPacketRatePerPeer: rate,
  handlerTimeout: milliseconds,
  reuseAddress: flag,
  broadcast: flag,
  multicast: list,
  multicastLoopback: flag,
  multicastTtl: whole(0, 255),
  workers: whole(1, 1_024),
  processes: whole(1, 1_024),
  mechanism: (value) =>
    MECHANISMS.includes(value as string) ? undefined : `must be one of ${MECHANISMS.map(show).join(", ")}`,
  recycleAfter: count,
  maxChildren: whole(1, 4_096),
  heartbeatTimeout: milliseconds,
  loadTimeout: milliseconds,
  maxRestarts: retries,
  blockOnClose: flag,
  daemonThreads: flag,
  permissions: (value) => typeof value === "object" && value !== null ? undefined : "must be an object",
  denoFlags: list,
};

const MECHANISMS = ["load-balanced", "reuse-port", "hand-over", "relay"];

/**
 * Checks every option that is given, whichever server it is for.
 *
 * @throws {RangeError} naming the first option that is out of range, and its value
 */
export function checkOptions(options: object): void {
  check(options, CHECKS);
}

/**
 * Checks that every name is one of an option: a module's misspelt limit would be none at all.
 *
 * @throws {TypeError} naming the first that is not
 */
export function checkOptionNames(options: object): void {
  const stranger = Object.keys(options).find((name) => !Object.hasOwn(CHECKS, name));
  if (stranger !== undefined) throw new TypeError(`There is no option "${stranger}"`);
}

/** The same for what `connect` takes: its `timeout` is another one. */
export function checkConnectOptions(options: object): void {
  check(options, { ...CHECKS, timeout: milliseconds, retries });
}

function check(options: object, checks: Record<string, Check>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const wrong = checks[name]?.(value);
    if (wrong) throw new RangeError(`Option "${name}" ${wrong}: current value is ${show(value)}`);
  }
}

function show(value: unknown): string {
  return typeof value === "string"
    ? `"${value}"`
    : typeof value === "object"
    ? JSON.stringify(value)
    : `${value}`;
}
