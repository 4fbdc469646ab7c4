/**
 * The one-liner: one handler, one or several endpoints.
 *
 * @module
 */
import { Admission } from "./admission.ts";
import { type Endpoint, type EndpointLike, parseEndpoint } from "./address.ts";
import type { BaseServer, ShutdownOptions } from "./base_server.ts";
import type { Connection } from "./connection.ts";
import type { Datagram } from "./datagram.ts";
import { datagramAdmission, type DatagramServer } from "./datagram_server.ts";
import { AddressError } from "./errors.ts";
import type { DatagramHandlerLike, StreamHandlerLike } from "./handler.ts";
import type { ConnectionInfo } from "./observer.ts";
import type {
  DatagramServerOptions,
  StreamServerOptions,
  TcpServerOptions,
  TlsServerOptions,
  UdpServerOptions,
  UnixDatagramServerOptions,
  UnixServerOptions,
} from "./options.ts";
import type { HandlerModule } from "./load.ts";
import { addStats, type ServerStats } from "./stats.ts";
import type { StreamServer } from "./stream_server.ts";
import { TcpServer } from "./tcp_server.ts";
import { TlsServer } from "./tls_server.ts";
import { UdpServer } from "./udp_server.ts";
import { UnixDatagramServer } from "./unix_datagram_server.ts";
import { UnixServer } from "./unix_server.ts";
import type { ForkingOptions, ThreadingOptions } from "./workers/options.ts";
import { type Admissions, makePooledServer } from "./workers/_pooled_server.ts";

/** The workers that {@linkcode serve} runs handlers on: threads or processes, not both. */
export interface ServeWorkers extends Omit<ThreadingOptions, "workers">, Omit<ForkingOptions, "processes"> {
  /**
   * Runs the handler on this many worker threads, for each endpoint. It has to be a handler module then, see
   * {@linkcode loadHandler}: a function cannot be sent to them.
   *
   * @default {undefined} on this thread
   */
  workers?: number;
  /**
   * Runs the handler in this many child processes, for each endpoint.
   *
   * @default {undefined} in this process
   */
  processes?: number;
}

/** What `serve` takes: where to listen, and the options of the servers that it makes. Limits are totals of them all. */
export interface ServeOptions
  extends
    Omit<TcpServerOptions, "hostname" | "port" | "admission">,
    Omit<TlsServerOptions, "hostname" | "port" | "admission" | "cert" | "key">,
    Partial<Pick<TlsServerOptions, "cert" | "key">>,
    Omit<UnixServerOptions, "path" | "admission">,
    Omit<UdpServerOptions, "hostname" | "port" | "admission">,
    Omit<UnixDatagramServerOptions, "path" | "admission">,
    ServeWorkers {
  /** One endpoint or several: `"tcp://127.0.0.1:9999"`, `"unix:/run/x.sock"`, `"udp://127.0.0.1:514"`, … */
  listen: EndpointLike | readonly EndpointLike[];
  /** Closes everything when it aborts, as `ServerGroup.close` does. */
  signal?: AbortSignal;
}

/** Handlers by kind of endpoint, as a handler module exports them. */
export interface Handlers<T = unknown> {
  /** Serves TCP, TLS and Unix endpoints. */
  stream?: StreamHandlerLike<T>;
  /** Serves UDP and Unix datagram endpoints. */
  datagram?: DatagramHandlerLike;
  /** Says whether a client, or a packet, is served. Both have a `remoteAddr`. */
  verifyRequest?(request: Connection<T> | Datagram): boolean | Promise<boolean>;
}

/**
 * Serves `handler` on every endpoint.
 *
 * All endpoints are bound when it resolves, or none: if one cannot be, the others are closed again.
 *
 * @param options where to listen, limits, observers
 * @param handler a function or class for connections, or an object with handlers by kind
 * @returns the servers, as one
 * @throws {AddressError} for an endpoint that cannot be understood, or has no handler
 * @throws {Deno.errors.AddrInUse} and what else the system says to an endpoint, with its name
 *
 * @example
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve(
 *   { listen: ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"], maxConnections: 100, idleTimeout: 60_000 },
 *   async (conn) => {
 *     for await (const line of conn.lines()) await conn.sendAll(line.toUpperCase() + "\n");
 *   },
 * );
 * using conn = await connect(group.addrs[1]);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "HELLO");
 * ```
 */
export async function serve<T = unknown>(
  options: ServeOptions,
  handler: StreamHandlerLike<T> | Handlers<T>,
): Promise<ServerGroup> {
  const { listen, signal, ...shared } = options;
  const endpoints = (isList(listen) ? listen : [listen]).map(parseEndpoint);
  if (endpoints.length === 0) throw new AddressError("Cannot serve: no endpoint is given to listen on");
  const handlers = isHandlers(handler) ? handler : { stream: handler };
  const admissions = { connections: new Admission(shared), packets: datagramAdmission(shared) };
  const pooled = hasWorkers(shared);
  const servers = endpoints.map((endpoint) => {
    assertHandled(endpoint, handlers);
    return pooled
      ? makePooledServer(endpoint, handler as HandlerModule, shared, admissions)
      : makeServer(endpoint, handlers, shared, admissions);
  });
  try {
    for (const server of servers) await server.listen();
  } catch (error) {
    await Promise.all(servers.map((server) => server.close()));
    throw error;
  }
  return new ServerGroup(servers, signal);
}

function hasWorkers({ workers, processes }: ServeWorkers): boolean {
  if (workers !== undefined && processes !== undefined) {
    throw new TypeError("Cannot serve on threads and in processes at once: give either workers or processes");
  }
  return workers !== undefined || processes !== undefined;
}

function assertHandled<T>(endpoint: Endpoint, { stream, datagram }: Handlers<T>): void {
  const [handler, of] = isForDatagrams(endpoint) ? [datagram, "datagrams"] : [stream, "connections"];
  if (!handler) throw new AddressError(`Cannot serve ${endpoint.transport}: no handler for ${of} is given`);
}

function makeServer<T>(
  endpoint: Endpoint,
  handlers: Handlers<T>,
  options: Omit<ServeOptions, "listen">,
  admissions: Admissions,
): AnyServer {
  const server = isForDatagrams(endpoint)
    ? makeDatagramServer(endpoint, handlers, { ...options, admission: admissions.packets })
    : makeStreamServer(endpoint, handlers, { ...options, admission: admissions.connections });
  if (handlers.verifyRequest) server.verifyRequest = handlers.verifyRequest;
  return server;
}

function isForDatagrams({ transport }: Endpoint): boolean {
  return transport === "udp" || transport === "unixgram";
}

function makeDatagramServer<T>(
  endpoint: Endpoint,
  { datagram: handler }: Handlers<T>,
  options: DatagramServerOptions,
): DatagramServer {
  const datagram = handler!; // see assertHandled
  return "path" in endpoint
    ? new UnixDatagramServer(datagram, { ...options, path: endpoint.path })
    : new UdpServer(datagram, { ...options, hostname: endpoint.hostname, port: endpoint.port });
}

function makeStreamServer<T>(
  endpoint: Endpoint,
  { stream }: Handlers<T>,
  options: StreamServerOptions & Omit<ServeOptions, "listen">,
): StreamServer<T> {
  const handler = stream!; // see assertHandled
  switch (endpoint.transport) {
    case "tcp":
      return new TcpServer(handler, { ...options, hostname: endpoint.hostname, port: endpoint.port });
    case "tls":
      return new TlsServer(handler, {
        ...options as TlsServerOptions,
        hostname: endpoint.hostname,
        port: endpoint.port,
      });
    case "unix":
      return new UnixServer(handler, { ...options, path: endpoint.path });
    default:
      throw new AddressError(`Cannot serve ${endpoint.transport} endpoints`);
  }
}

/** A server of any kind, whatever its handlers keep in `conn.data`. */
// deno-lint-ignore no-explicit-any
export type AnyServer = BaseServer<any>;

/**
 * Several servers as one: what {@linkcode serve} gives.
 *
 * @example
 * ```ts
 * import { serve } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * const group = await serve({ listen: ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"] }, () => {});
 * assertEquals(group.addrs.length, 2);
 * await group.shutdown({ signal: AbortSignal.timeout(10_000) });
 * await group.finished;
 * ```
 */
export class ServerGroup {
  /** The servers, in the order of their endpoints. */
  readonly servers: readonly AnyServer[];
  /**
   * Resolves when all is over: no listener, no connection. Rejects with what ended a server's `serveForever`, if
   * something did.
   */
  readonly finished: Promise<void>;

  /** Serves servers that are bound, until `signal` aborts. */
  constructor(servers: readonly AnyServer[], signal?: AbortSignal) {
    this.servers = servers;
    this.finished = this.#serve(signal);
  }

  async #serve(signal: AbortSignal | undefined): Promise<void> {
    const close = () => void this.close();
    signal?.addEventListener("abort", close, { once: true });
    const finished = Promise.all(this.servers.map((server) => server.finished));
    // Not when one fails: it stays bound, and the signal is still to close it.
    finished.then(() => signal?.removeEventListener("abort", close));
    await Promise.all(this.servers.map((server) => server.serveForever({ signal })));
    await finished;
  }

  /** Where the servers listen, in the order of their endpoints. */
  get addrs(): Deno.Addr[] {
    return this.servers.map((server) => server.addr);
  }

  /** Where the first one listens. */
  get addr(): Deno.Addr {
    return this.servers[0].addr;
  }

  /** The live connections of all. Ids are unique within a server only. */
  get connections(): ConnectionInfo[] {
    return this.servers.flatMap((server) => [...server.connections.values()]);
  }

  /** The counters of all, added up. */
  get stats(): ServerStats {
    return this.servers.map((server) => server.stats).reduce(addStats);
  }

  /** Stops accepting everywhere and waits for the handlers; see `BaseServer.shutdown`. */
  async shutdown(options?: ShutdownOptions): Promise<void> {
    await Promise.all(this.servers.map((server) => server.shutdown(options)));
  }

  /**
   * Replaces the workers by fresh ones, which load the handler anew: its code may have changed. Who is served is served on by
   * the old ones.
   *
   * @throws {WorkerError} if the handler does not load any more; then the old ones go on
   * @throws {TypeError} if handlers run on this thread, where a module is loaded once
   */
  async reload(): Promise<void> {
    const pools = this.servers as readonly Partial<{ reload(): Promise<void> }>[];
    if (!pools.every((server) => server.reload)) {
      throw new TypeError("Cannot reload: handlers run on this thread, give workers or processes");
    }
    await Promise.all(pools.map((server) => server.reload!()));
  }

  /** Closes everything now. */
  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()));
  }

  /** Closes everything, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Stops taking clients in. */
  pause(): void {
    for (const server of this.servers) server.pause();
  }

  /** Takes clients in again. */
  resume(): void {
    for (const server of this.servers) server.resume();
  }

  /** Lets the listeners keep the process alive (the default). */
  ref(): void {
    for (const server of this.servers) server.ref();
  }

  /** Lets the process end although the servers listen. */
  unref(): void {
    for (const server of this.servers) server.unref();
  }
}

function isList(listen: EndpointLike | readonly EndpointLike[]): listen is readonly EndpointLike[] {
  return Array.isArray(listen);
}

/** A plain object with handlers by kind, as opposed to a function, a class or a factory that is one itself. */
function isHandlers<T>(handler: StreamHandlerLike<T> | Handlers<T>): handler is Handlers<T> {
  return typeof handler === "object" && handler !== null && ("stream" in handler || "datagram" in handler);
}
