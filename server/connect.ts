/**
 * The client's side: a `Connection` to any stream endpoint.
 *
 * @module
 */
import { type Endpoint, type EndpointLike, formatAddr, parseEndpoint } from "./address.ts";
import { Backoff } from "./_backoff.ts";
import { socketError } from "./_bind_error.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { AddressError } from "./errors.ts";
import { checkConnectOptions } from "./options.ts";
import { connectPermissions } from "./permissions.ts";
import { clientSide } from "./_tls_side.ts";
import { shakeHands, TlsTransport } from "./_tls_transport.ts";
import type { Transport } from "./_transport.ts";

/** What `connect` can be told. */
export interface ConnectOptions extends Omit<ConnectionOptions, "id"> {
  /**
   * How long one attempt may take, in milliseconds.
   *
   * @default {10_000}
   */
  timeout?: number;
  /**
   * How often to try again when nobody listens yet or the attempt took too long, waiting 50 ms at first and doubling to
   * 2 s.
   *
   * @default {0}
   */
  retries?: number;
  /** Gives up, also between attempts. */
  signal?: AbortSignal;
  /**
   * Sends small writes at once (turns Nagle's algorithm off).
   *
   * @default {true}
   */
  noDelay?: boolean;
  /** TLS only: certificates to trust besides the system's, as PEM text. */
  caCerts?: string[];
  /** TLS only: the protocols to offer. */
  alpnProtocols?: string[];
  /** TLS only: the name to expect in the certificate. @default the endpoint's host name */
  serverName?: string;
  /**
   * TLS only: what runs it. `"node"` is `node:tls`; `"native"` is Deno's own, which is faster, but keeps the descriptor of
   * a handshake that was given up until the server leaves.
   *
   * @default {"node"}
   */
  engine?: "node" | "native";
}

/**
 * Connects to `tcp://…`, `tls://…` or `unix:…`.
 *
 * Abort and time-out leave nothing open.
 *
 * @param endpoint where to; a server's `addr` will do, for TCP and Unix
 * @param options what to wait for and how often to try
 * @returns the connection; it is the caller's to close
 * @throws {AddressError} if the endpoint cannot be understood
 * @throws {Deno.errors.ConnectionRefused} if nobody listens there, after the last attempt; the message has the address
 * @throws {Deno.errors.TimedOut} if the last attempt took too long
 * @throws {Error} with the `code` `"ENOTFOUND"` if no host has the name
 *
 * @example
 * ```ts
 * import { connect, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await new TcpServer((conn) => conn.sendAll("hello\n")).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr, { timeout: 1_000, retries: 3 });
 * assertEquals(await conn.readLine(), "hello");
 * await server.close();
 * await serving;
 * ```
 */
export async function connect<T = unknown>(
  endpoint: EndpointLike,
  options: ConnectOptions = {},
): Promise<Connection<T>> {
  const target = parseEndpoint(endpoint);
  const { readTimeout, writeTimeout, idleTimeout, maxLifetime } = options;
  checkConnectOptions(options);
  const conn = await withRetries(() => attempt(target, options), options);
  return new Connection<T>(conn, { readTimeout, writeTimeout, idleTimeout, maxLifetime });
}

async function withRetries<R>(once: () => Promise<R>, { retries = 0, signal }: ConnectOptions): Promise<R> {
  const backoff = new Backoff(50, 2_000);
  for (let left = retries;; left--) {
    try {
      return await once();
    } catch (error) {
      if (left <= 0 || !isWorthRetrying(error)) throw error;
    }
    await pause(backoff.next(), signal);
  }
}

/** Whether a server that is just starting could answer so. */
function isWorthRetrying(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.TimedOut ||
    error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.WouldBlock; // the queue of a Unix socket is full
}

async function attempt(target: Endpoint, options: ConnectOptions): Promise<Transport> {
  const { timeout = 10_000, signal } = options;
  // Not AbortSignal.timeout(): its timer stays for the whole time, also when the connection was there at once.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeout);
  const both = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  try {
    return await withSignal(dial(target, options, both), both);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (late.signal.aborted) {
      throw new Deno.errors.TimedOut(
        `Cannot connect to ${formatAddr(target)}: no answer within ${timeout} ms`,
      );
    }
    throw socketError(error, `connect to ${formatAddr(target)}`, connectPermissions(target));
  } finally {
    clearTimeout(timer);
  }
}

async function dial(target: Endpoint, options: ConnectOptions, signal: AbortSignal): Promise<Transport> {
  switch (target.transport) {
    case "tcp": {
      return await dialTcp(target, options, signal);
    }
    case "unix":
      return await Deno.connect({ transport: "unix", path: target.path });
    case "tls":
      return await dialTls(target, options, signal);
    default:
      throw new AddressError(`Cannot connect to ${formatAddr(target)}: datagrams have no connections`);
  }
}

async function dialTcp(
  { hostname, port }: { hostname: string; port: number },
  { noDelay = true }: ConnectOptions,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname, port, signal });
  try {
    if (noDelay) conn.setNoDelay();
    return conn;
  } catch (error) {
    conn.close(); // the server has reset it already
    throw error;
  }
}

/** TCP first, so that `serverName` may differ from the address, and so that a stalled handshake can be cut. */
async function dialTls(
  target: { hostname: string; port: number },
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Transport> {
  const tcp = await dialTcp(target, options, signal);
  const { transport, handshake } = await startTls(tcp, target.hostname, options).catch((error) => {
    tcp.close(); // it was refused before it took the connection over
    throw error;
  });
  const cut = () => {
    try {
      transport.close();
    } catch {
      // by the signal, before it failed
    }
  };
  signal.addEventListener("abort", cut, { once: true });
  try {
    signal.throwIfAborted();
    await handshake();
    return transport;
  } catch (error) {
    cut();
    throw error;
  } finally {
    signal.removeEventListener("abort", cut);
  }
}

interface Starting {
  transport: Transport;
  handshake(): Promise<void>;
}

async function startTls(tcp: Deno.TcpConn, hostname: string, options: ConnectOptions): Promise<Starting> {
  const { serverName = hostname, caCerts, alpnProtocols, engine = "node" } = options;
  if (engine === "native") {
    const conn = await Deno.startTls(tcp, { hostname: serverName, caCerts, alpnProtocols });
    return { transport: conn, handshake: () => shakeHands(conn) };
  }
  const transport = new TlsTransport(tcp, clientSide({ serverName, caCerts, alpnProtocols }));
  return { transport, handshake: () => transport.handshake() };
}

/** Rejects when the signal aborts; a connection that comes all the same is closed. */
function withSignal(dialing: Promise<Transport>, signal: AbortSignal): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      dialing.then((conn) => conn.close()).catch(() => {}); // it failed by itself: nothing was opened
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    dialing.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => (clearTimeout(timer), reject(signal!.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", abort), resolve()), ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
