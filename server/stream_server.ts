/**
 * What the servers of connections have in common: TCP, TLS and Unix.
 *
 * @module
 */
import { Admission } from "./admission.ts";
import { BaseServer } from "./base_server.ts";
import { type Connection, type ConnectionOptions, control } from "./connection.ts";
import { dispatchConnection, type Ending } from "./_dispatch.ts";
import type { ErrorPhase, RefusalReason } from "./observer.ts";
import { FrameError } from "./errors.ts";
import { resolveStreamHandler, type StreamHandler, type StreamHandlerLike } from "./handler.ts";
import { STREAM_DEFAULTS, type StreamServerOptions } from "./options.ts";

/** How many refused clients are said goodbye to at once; beyond, they are closed as they are. */
const MOST_GOODBYES = 100;

/**
 * A server of connections, after Python's `socketserver.TCPServer`. See `BaseServer` for its life and its hooks, and
 * `TcpServer`, `TlsServer` and `UnixServer` for what can be made.
 *
 * @typeParam T what the handler keeps in `conn.data`
 */
export abstract class StreamServer<T = unknown> extends BaseServer<Connection<T>> {
  /** The function that serves a connection; Python's `RequestHandlerClass`. */
  protected handler: StreamHandler<T>;
  readonly #admission: Admission;
  readonly #capacity: number;
  readonly #refuses: boolean;
  readonly #banner: Uint8Array | undefined;
  readonly #limits: ConnectionOptions;
  readonly #connections = new Map<number, Connection<T>>();
  #lastId = 0;
  #goodbyes = 0;

  /**
   * Checks handler and options; binds nothing.
   *
   * @throws {TypeError} if the handler is none
   * @throws {RangeError} naming an option that is out of range
   */
  constructor(handler: StreamHandlerLike<T>, options: StreamServerOptions = {}) {
    super(options);
    const { readTimeout, writeTimeout, idleTimeout, maxLifetime, banner } = options;
    const { maxConnections = STREAM_DEFAULTS.maxConnections, whenFull = STREAM_DEFAULTS.whenFull } = options;
    this.handler = resolveStreamHandler(handler);
    this.#limits = { readTimeout, writeTimeout, idleTimeout, maxLifetime };
    this.#capacity = Math.min(this.concurrency, maxConnections);
    this.#refuses = whenFull === "refuse";
    this.#banner = typeof banner === "string" ? new TextEncoder().encode(banner) : banner;
    this.#admission = options.admission ?? new Admission({ ...options, maxConnections });
    this.#admission.onRelease(() => this.roomChanged());
  }

  /** The live connections by id. */
  get connections(): ReadonlyMap<number, Connection<T>> {
    return this.#connections;
  }

  /** Closes the connection with this id now; `false` if there is none. */
  disconnect(id: number): boolean {
    const conn = this.#connections.get(id);
    if (conn) control.end(conn as Connection, "disconnected");
    return conn !== undefined;
  }

  /** Runs the handler. */
  finishRequest(conn: Connection<T>): unknown {
    return this.handler(conn, this);
  }

  /** Ends a connection: without a reset where that can be had within half a second, then {@linkcode closeRequest}. */
  override async shutdownRequest(conn: Connection<T>): Promise<void> {
    await control.linger(conn as Connection);
    await this.closeRequest(conn);
  }

  /** Closes the connection. */
  closeRequest(conn: Connection<T>): void | Promise<void> {
    control.end(conn as Connection, "done");
  }

  /**
   * Called with what a handler threw, and not for a connection that this side has closed. The base tells the observers,
   * without one `console.error`, of everything but a peer that left, was late or does not speak the protocol: those are
   * told when the connection closes.
   */
  handleError(error: unknown, conn: Connection<T>): void | Promise<void> {
    if (error instanceof FrameError || control.raised(conn as Connection, error)) return;
    this.observers.error({ error, phase: "handler", connection: conn });
  }

  /** What has to happen on a connection before its handler, such as a handshake. */
  protected prepare(_conn: Connection<T>): Promise<void> | undefined {
    return undefined;
  }

  /** The id and the limits for the next connection. */
  protected nextConnection(): ConnectionOptions {
    return { ...this.#limits, id: ++this.#lastId };
  }

  /** Whether one more may be accepted. A server that refuses always accepts, to say so. */
  protected get hasRoom(): boolean {
    return this.#refuses || (this.#connections.size < this.#capacity && this.#admission.hasRoom);
  }

  /** Steps 2 to 5 of a connection's path. */
  protected async dispatch(conn: Connection<T>): Promise<void> {
    const permit = await this.#admit(conn);
    if (typeof permit === "string") return await this.#refuse(conn, permit);
    try {
      if (await this.#isVerified(conn)) await dispatchConnection(conn as Connection, this.#host);
    } catch (error) {
      this.#failed(error, "handler", conn);
    } finally {
      permit[Symbol.dispose]();
    }
  }

  /** Servers that share an admission may both have seen the last place: the second then waits with its client. */
  async #admit(conn: Connection<T>): Promise<Disposable | RefusalReason> {
    for (;;) {
      if (this.#refuses && this.#connections.size >= this.#capacity) return "full";
      const permit = this.#admission.admit(conn.remoteAddr);
      if (permit !== "full" || this.#refuses) return permit;
      await new Promise<void>((resolve) => {
        const forget = this.#admission.onRelease(() => (forget(), resolve()));
      });
    }
  }

  /** Who is not welcome is closed without a word; who finds the house full is told. */
  async #refuse(conn: Connection<T>, reason: RefusalReason): Promise<void> {
    this.refused(conn.remoteAddr, reason);
    try {
      if (reason === "full" && this.#banner && this.#goodbyes < MOST_GOODBYES) {
        await this.#sayGoodbye(conn, this.#banner);
      }
    } finally {
      await this.closeRequest(conn);
    }
  }

  async #sayGoodbye(conn: Connection<T>, banner: Uint8Array): Promise<void> {
    this.#goodbyes++;
    try {
      if (conn.send(banner) === banner.length) await this.shutdownRequest(conn);
    } catch {
      // the client has left already
    } finally {
      this.#goodbyes--;
    }
  }

  /** Handshake, then the hook. A client that fails either is closed without its handler ever being called. */
  async #isVerified(conn: Connection<T>): Promise<boolean> {
    let phase: ErrorPhase = "handshake";
    try {
      const preparing = this.prepare(conn);
      if (preparing) await preparing;
      phase = "verify";
      const verdict = this.verifyRequest(conn);
      if (verdict instanceof Promise ? await verdict : verdict) return true;
    } catch (error) {
      await this.closeRequest(conn);
      this.#failed(error, phase, conn);
      return false;
    }
    this.refused(conn.remoteAddr, "unverified");
    await this.shutdownRequest(conn);
    return false;
  }

  /** Leaves `serveForever` if the handler is part of its loop; otherwise it is told. */
  #failed(error: unknown, phase: ErrorPhase, connection: Connection<T>): void {
    if (this.concurrency === 1 && phase !== "handshake") throw error;
    this.observers.error({ error, phase, connection });
  }

  protected drainAll(): void {
    for (const conn of this.#connections.values()) control.drain(conn as Connection);
  }

  protected closeAll(reason: "stopped" | "shutdown"): void {
    for (const conn of this.#connections.values()) control.end(conn as Connection, reason);
  }

  /** What dispatch sees of this server. The hooks are looked up when they are called. */
  readonly #host = {
    processRequest: (conn: Connection) => this.processRequest(conn as Connection<T>),
    handleError: (error: unknown, conn: Connection) => this.handleError(error, conn as Connection<T>),
    shutdownRequest: (conn: Connection) => this.shutdownRequest(conn as Connection<T>),
    opened: (conn: Connection) => this.#opened(conn as Connection<T>),
    closed: (conn: Connection, ending: Ending) => this.#closed(conn as Connection<T>, ending),
  };

  #opened(conn: Connection<T>): void {
    this.#connections.set(conn.id, conn);
    this.counters.active++;
    if (this.draining) control.drain(conn as Connection);
    this.observers.tell("opened", { connection: conn });
  }

  #closed(conn: Connection<T>, { reason, error }: Ending): void {
    const { counters } = this;
    this.#connections.delete(conn.id);
    counters.active--;
    counters.bytesIn += conn.bytesIn;
    counters.bytesOut += conn.bytesOut;
    if (reason === "done" || reason === "closed") counters.succeeded++;
    else counters.failed++;
    this.observers.tell("closed", { connection: conn, reason, error });
  }
}
