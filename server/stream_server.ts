/**
 * What the servers of connections have in common: TCP, TLS and Unix.
 *
 * @module
 */
import { Admission, type Permit } from "./admission.ts";
import { Crew, type CrewHost } from "./_crew.ts";
import { BaseServer, type HandleRequestOptions } from "./base_server.ts";
import { type Connection, type ConnectionOptions, control } from "./connection.ts";
import { ConnectionTable } from "./_connection_table.ts";
import { dispatchConnection, type DispatchHost, type Ending, isPeersFault } from "./_dispatch.ts";
import { Door, type DoorHost } from "./_door.ts";
import type { ConnectionInfo, ErrorPhase } from "./observer.ts";
import { resolveStreamHandler, type StreamHandler, type StreamHandlerLike } from "./handler.ts";
import { STREAM_DEFAULTS, type StreamServerOptions } from "./options.ts";
import type { SocketReadiness } from "./_readiness.ts";

/**
 * A server of connections, after Python's `socketserver.TCPServer`. See `BaseServer` for its life and its hooks, and
 * `TcpServer`, `TlsServer` and `UnixServer` for what can be made.
 *
 * @typeParam T what the handler keeps in `conn.data`
 *
 * @example A function for servers of any transport
 * ```ts
 * import { connect, StreamServer, TcpServer, UnixServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * function hangUp(server: StreamServer) {
 *   return [...server.connections.keys()].filter((id) => server.disconnect(id)).length;
 * }
 *
 * const path = `${await Deno.makeTempDir()}/quiet.sock`;
 * const wait = (conn: Deno.Conn) => conn.read(new Uint8Array(1));
 * for (const server of [new TcpServer(wait, { port: 0 }), new UnixServer(wait, { path })]) {
 *   await server.listen();
 *   using client = await connect(server.addr);
 *   await server.handleRequest();
 *   assertEquals(hangUp(server), 1);
 *   assertEquals(await client.recv(), null);
 *   await server.close();
 * }
 * ```
 */
export abstract class StreamServer<T = unknown, C extends ConnectionInfo = Connection<T>>
  extends BaseServer<Connection<T>> {
  /** The function that serves a connection; Python's `RequestHandlerClass`. */
  protected handler: StreamHandler<T>;
  /**
   * The workers that serve in this thread's stead, where some do.
   *
   * @internal
   */
  protected readonly crew: Crew | undefined;
  readonly #door: Door;
  readonly #limits: ConnectionOptions;
  readonly #backlog: number;
  readonly #connections = new ConnectionTable<Connection<T>>();
  #lastId = 0;

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
    this.crew = (handler as unknown) instanceof Crew ? handler as Crew : undefined;
    this.#backlog = options.backlog ?? STREAM_DEFAULTS.backlog;
    this.#limits = this.crew ? {} : { readTimeout, writeTimeout, idleTimeout, maxLifetime };
    const admission = options.admission ?? new Admission({ ...options, maxConnections });
    this.crew?.join(this.#crewHost(admission, options));
    this.#hearOfRoom(admission);
    this.#door = new Door(this.#host, {
      admission,
      capacity: Math.min(this.concurrency, maxConnections),
      refuses: whenFull === "refuse",
      banner: typeof banner === "string" ? new TextEncoder().encode(banner) : banner,
    });
  }

  /** An admission may be several servers', and outlive this one: it must not keep it. */
  #hearOfRoom(admission: Admission): void {
    const self = new WeakRef(this);
    const forget = admission.onRelease(() => {
      const server = self.deref();
      if (server) server.roomChanged();
      else forget();
    });
  }

  /** More than that the kernel does not queue: who comes later is not to hold up a shutdown. */
  protected override get queueLength(): number {
    return this.#backlog;
  }

  /** The live connections by id. */
  get connections(): ReadonlyMap<number, C> {
    const own = this.#connections as unknown as ReadonlyMap<number, C>;
    const theirs = this.crew?.connections as ReadonlyMap<number, C> | undefined;
    return theirs?.size ? new Map([...own, ...theirs]) : own;
  }

  /**
   * Waits for one client and dispatches it; see `BaseServer.handleRequest`.
   *
   * @throws {TypeError} if workers accept the clients: then nobody else can. `mechanism: "relay"` lets this server accept
   */
  override async handleRequest(options?: HandleRequestOptions): Promise<boolean> {
    if (this.crew) await this.listen();
    this.#assertAccepts("handle a request");
    return await super.handleRequest(options);
  }

  /**
   * For a `Poller`; see `BaseServer.readiness`.
   *
   * @throws {TypeError} if it has never listened, or if workers accept the clients
   */
  override readiness(): SocketReadiness<Connection<T>> {
    this.#assertAccepts("watch the server");
    return super.readiness();
  }

  #assertAccepts(what: string): void {
    if (!this.crew?.accepts) return;
    throw new TypeError(
      `Cannot ${what}: its workers accept the clients. With mechanism: "relay" the server does`,
    );
  }

  /** Closes the connection with this id now; `false` if there is none. */
  disconnect(id: number): boolean {
    const conn = this.#connections.get(id);
    if (conn) control.end(conn as Connection, "disconnected");
    return conn !== undefined || this.crew?.disconnect(id) === true;
  }

  /** Runs the handler. */
  finishRequest(conn: Connection<T>): unknown {
    return this.handler(conn, this);
  }

  /** Ends a connection: without a reset where that can be had within half a second, then {@linkcode closeRequest}. */
  override shutdownRequest(conn: Connection<T>): void | Promise<void> {
    const lingering = control.linger(conn as Connection);
    return lingering ? lingering.then(() => this.closeRequest(conn)) : this.closeRequest(conn);
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
    if (isPeersFault(conn as Connection, error)) return;
    this.observers.error({ error, phase: "handler", connection: conn });
  }

  /** What has to happen on a connection before its handler, such as a handshake. */
  protected prepare(_conn: Connection<T>): Promise<void> | undefined {
    return undefined;
  }

  /** The id and the limits for the next connection. */
  protected nextConnection(): ConnectionOptions {
    return { ...this.#limits, id: this.nextId() };
  }

  /** The next id. */
  protected nextId(): number {
    return ++this.#lastId;
  }

  /** Whether one more connection may be taken. */
  protected get hasRoom(): boolean {
    return this.#door.hasRoom && (this.crew?.hasRoom ?? true);
  }

  /** Whether there are handlers at work, here or in workers. */
  protected override get busy(): boolean {
    return super.busy || (this.crew?.busy ?? false);
  }

  /** Steps 2 to 5 of a connection's path. */
  protected dispatch(conn: Connection<T>): void {
    const permit = this.#door.enter(conn as Connection);
    if (permit instanceof Promise) permit.then((permit) => this.#run(conn, permit), this.ended);
    else this.#run(conn, permit);
  }

  #run(conn: Connection<T>, permit: Permit | undefined): void {
    if (permit) dispatchConnection(conn as Connection, permit, this.#host);
    else this.ended();
  }

  /** Leaves `serveForever` if the handler is part of its loop; otherwise it is told. */
  #failed(error: unknown, phase: ErrorPhase, connection: Connection<T>): void {
    if (this.concurrency === 1 && phase !== "handshake") this.leaveLoop(error);
    else this.observers.error({ error, phase, connection });
  }

  /** Aborts the signal of every connection, and ends its iterations at the next empty buffer. */
  protected drainAll(): void {
    this.crew?.drain();
    for (const conn of this.#connections.values()) control.drain(conn as Connection);
  }

  /** Closes every connection, and who is still at the door. */
  protected closeAll(reason: "stopped" | "shutdown"): void {
    this.#door.closeAll(reason);
    for (const conn of this.#connections.values()) control.end(conn as Connection, reason);
    this.crew?.closeAll(reason);
  }

  /** Whether `shutdown` waits for handlers that have not ended. */
  protected override get blocksOnClose(): boolean {
    return this.crew?.blocksOnClose ?? true;
  }

  /** Ends the workers. */
  protected override async release(): Promise<void> {
    await this.crew?.release();
  }

  /** Stops taking clients in; the kernel queues them (one that was being accepted waits with it). */
  override pause(): void {
    super.pause();
    this.crew?.pause(true);
  }

  /** Takes clients in again. */
  override resume(): void {
    super.resume();
    this.crew?.pause(false);
  }

  /** Lets the listener keep the process alive (the default). */
  override ref(): void {
    super.ref();
    this.crew?.refer(true);
  }

  /** Lets the process end although the server listens. */
  override unref(): void {
    super.unref();
    this.crew?.refer(false);
  }

  /** The hooks as they are where nobody has overridden one. */
  protected abstract get plainHooks(): StreamServer<T, ConnectionInfo>;

  #crewHost(admission: Admission, options: StreamServerOptions): CrewHost {
    const hooked = () => CONNECTION_HOOKS.some((name) => this[name] !== this.plainHooks[name]);
    return {
      admission,
      options,
      observers: this.observers,
      counters: this.counters,
      nextId: () => this.nextId(),
      refused: (addr, reason, error) => this.refused(addr, reason, error),
      changed: () => this.roomChanged(),
      abandon: (error) => this.abandon(error),
      get hooked() {
        return hooked();
      },
    };
  }

  /** What door and dispatch see of this server. The hooks are looked up when they are called. */
  readonly #host: DoorHost & DispatchHost = {
    left: (permit) => this.#door.leave(permit),
    ended: this.ended,
    prepare: (conn) => this.prepare(conn as Connection<T>),
    verifyRequest: (conn) => this.verifyRequest(conn as Connection<T>),
    closeRequest: (conn) => this.closeRequest(conn as Connection<T>),
    refused: (addr, reason, error) => this.refused(addr, reason, error),
    failed: (error, phase, conn) => this.#failed(error, phase, conn as Connection<T>),
    processRequest: (conn) => this.processRequest(conn as Connection<T>),
    handleError: (error, conn) => this.handleError(error, conn as Connection<T>),
    shutdownRequest: (conn) => this.shutdownRequest(conn as Connection<T>),
    opened: (conn) => this.#opened(conn as Connection<T>),
    closed: (conn, ending) => this.#closed(conn as Connection<T>, ending),
  };

  #opened(conn: Connection<T>): void {
    this.#connections.add(conn);
    this.counters.active++;
    if (this.draining) control.drain(conn as Connection);
    this.observers.tell("opened", { connection: conn });
  }

  #closed(conn: Connection<T>, { reason, error }: Ending): void {
    const { counters } = this;
    this.#connections.remove(conn);
    counters.active--;
    counters.bytesIn += conn.bytesIn;
    counters.bytesOut += conn.bytesOut;
    if (reason === "done" || reason === "closed") counters.succeeded++;
    else counters.failed++;
    this.observers.tell("closed", { connection: conn, reason, error });
  }
}

/** What workers that accept connections themselves do not call. */
const CONNECTION_HOOKS = [
  "getRequest",
  "verifyRequest",
  "processRequest",
  "finishRequest",
  "shutdownRequest",
  "closeRequest",
  "handleError",
] as const satisfies readonly (keyof StreamServer)[];
