/**
 * The TCP server.
 *
 * @module
 */
import { formatAddr } from "./address.ts";
import { type Listening, listening } from "./base_server.ts";
import { socketError } from "./_bind_error.ts";
import { Connection } from "./connection.ts";
import type { StreamHandlerLike } from "./handler.ts";
import type { ConnectionInfo } from "./observer.ts";
import { STREAM_DEFAULTS, type TcpServerOptions } from "./options.ts";
import { listenPermissions } from "./permissions.ts";
import { StreamServer } from "./stream_server.ts";

/**
 * Serves TCP connections: Python's `TCPServer`, and with its default concurrency what `ThreadingTCPServer` is used for.
 *
 * @typeParam T what the handler keeps in `conn.data`
 * @typeParam C what `connections` tells of each
 *
 * @example Echo
 * ```ts
 * import { connect, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new TcpServer(async (conn) => {
 *   for await (const chunk of conn) await conn.sendAll(chunk);
 * }, { port: 0 });
 * await server.listen();
 * const serving = server.serveForever();
 *
 * using conn = await connect(server.addr);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "hello");
 *
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @example One after the other, and only whom you know
 * ```ts
 * import { type Connection, TcpServer } from "@switchboard/kit";
 *
 * class LocalServer extends TcpServer {
 *   override verifyRequest(conn: Connection): boolean {
 *     return (conn.remoteAddr as Deno.NetAddr).hostname === "127.0.0.1";
 *   }
 * }
 * const server = new LocalServer((conn) => conn.sendAll("hello\n"), { concurrency: 1 });
 * await server.handleRequest({ timeout: 0 });
 * await server.close();
 * ```
 */
export class TcpServer<T = unknown, C extends ConnectionInfo = Connection<T>> extends StreamServer<T, C> {
  /** How its endpoints begin. */
  protected readonly scheme: string = "tcp";
  readonly #options: TcpServerOptions;
  #addr: Deno.NetAddr;

  /**
   * A server for `handler`; binds nothing yet.
   *
   * @throws {TypeError} if the handler is none
   * @throws {RangeError} naming an option that is out of range
   */
  constructor(handler: StreamHandlerLike<T>, options: TcpServerOptions = {}) {
    super(handler, options);
    this.#options = options;
    const { hostname = "127.0.0.1", port = 0 } = options;
    this.#addr = { transport: "tcp", hostname, port };
  }

  /** Where it listens: the address that was asked for, with the real port once it is bound. */
  get addr(): Deno.NetAddr {
    return this.#addr;
  }

  /** Binds, to the same port again after a shutdown. */
  protected open(): Listening<Connection<T>> | Promise<Listening<Connection<T>>> {
    return this.#listen();
  }

  async #listen(): Promise<Listening<Connection<T>>> {
    const { hostname, port } = this.#addr;
    try {
      const address = { scheme: this.scheme, hostname, port, options: this.workerOptions() };
      const theirs = await this.crew?.start(address);
      if (!theirs) return await this.#open({ hostname, port });
      this.#addr = theirs.addr as Deno.NetAddr;
      return theirs;
    } catch (error) {
      const needed = await listenPermissions({ ...this.#addr, transport: "tcp" });
      throw socketError(error, `listen on ${formatAddr(this.#addr, this.scheme)}`, needed);
    }
  }

  /** What servers in workers are made with. */
  protected workerOptions(): TcpServerOptions {
    return this.#options;
  }

  async #open(where: { hostname: string; port: number }): Promise<Listening<Connection<T>>> {
    const { backlog = STREAM_DEFAULTS.backlog, noDelay = true, keepAlive = false, reusePort } = this.#options;
    const options = { ...where, tcpBacklog: backlog, ...reusePort && { reusePort } };
    const listener = await this.crew?.bind(options) as Deno.TcpListener ?? this.bind(options);
    this.#addr = listener.addr;
    const next = async (): Promise<Connection<T>> => {
      const conn = await listener.accept();
      tune(conn, noDelay, keepAlive);
      return this.connection(conn);
    };
    return listening(listener, next);
  }

  /** The hooks as they are where nobody has overridden one. */
  protected get plainHooks(): StreamServer<T, ConnectionInfo> {
    return TcpServer.prototype;
  }

  /** Opens the listening socket. */
  protected bind(options: Deno.TcpListenOptions): Deno.TcpListener {
    return Deno.listen(options);
  }

  /** Makes the connection for what was accepted. */
  protected connection(conn: Deno.TcpConn): Connection<T> {
    return new Connection<T>(conn, this.nextConnection());
  }
}

/** Setting an option on a connection that the peer has reset already fails on some systems: the peer's fault. */
function tune(conn: Deno.TcpConn, noDelay: boolean, keepAlive: boolean): void {
  try {
    if (noDelay) conn.setNoDelay?.(); // Deno's own TLS connections have neither
    if (keepAlive) conn.setKeepAlive?.();
  } catch (cause) {
    conn.close();
    throw new Deno.errors.NotConnected("the client left before it was served", { cause });
  }
}
