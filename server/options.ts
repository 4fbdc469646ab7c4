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
   * queue, `"refuse"` accepts, sends {@linkcode StreamServerOptions.banner} and closes.
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
} as const;

type Check = (value: unknown) => string | undefined;

const count: Check = (value) =>
  value === Infinity || (Number.isInteger(value) && (value as number) >= 1)
    ? undefined
    : "must be a whole number from 1, or Infinity";
const rate: Check = (value) =>
  typeof value === "number" && value > 0 ? undefined : "must be a number greater than 0";
/** `setTimeout` cannot wait longer than 2^31 - 1 ms; a longer limit would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
const milliseconds: Check = (value) =>
  typeof value === "number" && value > 0 && value <= LONGEST_TIMER
    ? undefined
    : `must be a number of milliseconds from 1 to ${LONGEST_TIMER}`;
const anyNumber: Check = (value) =>
  typeof value === "number" && !Number.isNaN(value) ? undefined : "must be a number";
const flag: Check = (value) => typeof value === "boolean" ? undefined : "must be true or false";
const text: Check = (value) => typeof value === "string" && value !== "" ? undefined : "must be a text";
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
  hostname: text,
  port: whole(0, 65535),
  noDelay: flag,
  keepAlive: flag,
  reusePort: flag,
  path: text,
  mode: whole(0, 0o777),
  reclaim: flag,
  maxPacketSize: whole(1, 65507),
};

/**
 * Checks every option that is given, whichever server it is for.
 *
 * @throws {RangeError} naming the first option that is out of range, and its value
 */
export function checkOptions(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const wrong = CHECKS[name]?.(value);
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
