/**
 * A server of connections inside a worker.
 *
 * @module
 */
import { Admission } from "../admission.ts";
import { type Connection, control } from "../connection.ts";
import type { CloseReason } from "../errors.ts";
import type { StreamHandler } from "../handler.ts";
import type { HandlerModule } from "../load.ts";
import type { ConnectionInfo, Observer, RefusalReason } from "../observer.ts";
import type { TlsServerOptions } from "../options.ts";
import type { StreamServer } from "../stream_server.ts";
import { TcpServer } from "../tcp_server.ts";
import { TlsServer } from "../tls_server.ts";
import { PlaceGate } from "./_gate.ts";
import { GivenListener } from "./_given_listener.ts";
import type { Assignment, Event, Given, Order, Report, Word } from "./_messages.ts";
import { packError } from "./_remote_error.ts";
import { NodeTransport } from "./_node_transport.ts";
import { RelayedTransport } from "./_relayed_transport.ts";

/** How long what happened is collected before the server is told, in milliseconds. */
const COLLECT = 5;

/** What is patched on a server in a worker: its hooks are looked up when they are called. */
interface Seams {
  bind(options: Deno.TcpListenOptions): Deno.TcpListener;
  nextId(): number;
  queueLength: number;
  retire(): Promise<void>;
  closeAll(reason: CloseReason): void;
}

/** Serves the connections of one worker, and tells the server about them. */
export class StreamWorker {
  readonly #server: TcpServer;
  readonly #say: (word: Word) => void;
  readonly #assignment: Assignment;
  readonly #gate: PlaceGate | undefined;
  readonly #given: GivenListener | undefined;
  readonly #transports = new Map<number, RelayedTransport | NodeTransport>();
  readonly #byAddr = new WeakMap<object, number>();
  readonly #known = new Map<number, [bytesIn: number, bytesOut: number]>();
  /** Connections at the door that are to come to their end as soon as they are served. */
  readonly #windingDown = new Set<number>();
  #events: Event[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(assignment: Assignment, module: HandlerModule, say: (word: Word) => void) {
    this.#assignment = assignment;
    this.#say = say;
    const { intake, refuses, asksForPeers } = assignment;
    if (intake === "given") {
      const { hostname, port } = assignment;
      this.#given = new GivenListener({ transport: "tcp", hostname, port });
    } else this.#gate = new PlaceGate({ say, ownQueue: intake === "reuse-port", refuses, asksForPeers });
    this.#server = this.#make(module);
  }

  #make({ stream, verifyRequest }: HandlerModule): TcpServer {
    const { scheme, options, hostname, port } = this.#assignment;
    const own = {
      ...options,
      hostname,
      port,
      observers: [this.#given ? this.#reporter() : this.#recorder()],
      // What the door asks of an admission is what the gate has.
      admission: this.#gate as unknown as Admission ?? new Admission({ maxConnections: Infinity }),
    };
    const handler = stream as StreamHandler;
    const server = scheme === "tls"
      ? new TlsServer(handler, own as unknown as TlsServerOptions)
      : new TcpServer(handler, own);
    if (verifyRequest) server.verifyRequest = verifyRequest;
    this.#patch(server as unknown as Seams);
    return server;
  }

  #patch(server: Seams): void {
    const given = this.#given;
    if (given) {
      server.bind = () => given as unknown as Deno.TcpListener;
      server.nextId = () => given.lastId;
      return;
    }
    const bind = server.bind.bind(server);
    const how = this.#assignment.intake === "reuse-port" ? { reusePort: true } : { loadBalanced: true };
    server.bind = (options) => this.#announcing(bind({ ...options, ...how }));
  }

  /** Tells when it listens no more: when the pending accept has ended, as that holds the socket open. */
  #announcing(listener: Deno.TcpListener): Deno.TcpListener {
    const [accept, close] = [listener.accept.bind(listener), listener.close.bind(listener)];
    let pending: Promise<unknown> = Promise.resolve();
    listener.accept = () => {
      const accepting = accept();
      pending = accepting;
      return accepting;
    };
    const silent = (): void => this.#say({ say: "silent" });
    listener.close = () => {
      close();
      pending.then(silent, silent);
    };
    return listener;
  }

  /** Begins to serve; resolves when it does. */
  async begin(): Promise<Deno.Addr> {
    await this.#server.listen();
    this.#server.serveForever().catch((error) =>
      this.#say({ say: "error", error: packError(error), phase: "service" })
    );
    return this.#server.addr;
  }

  /** What the server says. */
  heard(order: Order, socket?: unknown): void {
    const server = this.#server as unknown as Seams & StreamServer;
    switch (order.do) {
      case "grant":
        return this.#gate?.granted(order.sought);
      case "deny":
        return this.#gate?.denied();
      case "recall":
        return this.#gate?.recalled();
      case "verdict":
        return this.#gate?.decided(order.ask, order.refusal);
      case "pause":
        return order.paused ? server.pause() : server.resume();
      case "ping":
        return this.#say({ say: "pong", bytes: this.#progress() });
      case "take":
        return this.#take(order.given, order.relayed ? undefined : socket);
      case "wind-down":
        return this.#windDown(order.id);
      case "cut":
        return this.#cut(order.id, order.reason);
      case "disconnect":
        return void server.disconnect(order.id);
      case "drain":
        server.shutdown().catch(() => {}); // `serveForever` has told
        return;
      case "retire":
        return void this.#retire(order.sweep);
      case "close":
        return this.#close(order.reason);
      case "bytes":
      case "end":
      case "fail":
      case "wrote":
        return (this.#transports.get(order.id) as RelayedTransport | undefined)?.heard(order);
    }
  }

  /** Closes what is alive, and lets nobody else in. */
  #close(reason: CloseReason): void {
    if (reason === "shutdown") {
      return void this.#server.shutdown({ signal: AbortSignal.abort() }).catch(() => {});
    }
    this.#server.pause();
    (this.#server as unknown as Seams).closeAll(reason);
  }

  /** Listens no more, and serves on whom it serves. What waits in the kernel others take, unless nobody else can. */
  async #retire(sweep: boolean): Promise<void> {
    if (!sweep) Object.defineProperty(this.#server, "queueLength", { value: 0 });
    await (this.#server as unknown as Seams).retire();
    this.#flush();
    this.#say({ say: "finished" });
  }

  /** Ends it: handlers find their connections closed. */
  async end(): Promise<void> {
    await this.#server.close();
    this.#gate?.close();
    this.#flush();
  }

  #windDown(id: number): void {
    const conn = this.#server.connections.get(id);
    if (conn) control.drain(conn as Connection);
    else if (this.#transports.has(id)) this.#windingDown.add(id); // it is at the door
  }

  #cut(id: number, reason: CloseReason): void {
    const conn = this.#server.connections.get(id);
    if (conn) control.end(conn as Connection, reason);
    else this.#transports.get(id)?.close(); // it is at the door
  }

  // --- Connections that are given -----------------------------------------------------------------------------------

  #take(given: Given, socket: unknown): void {
    const transport = socket
      ? new NodeTransport(socket as ConstructorParameters<typeof NodeTransport>[0], given)
      : new RelayedTransport(given, this.#say);
    const { id, remoteAddr } = given;
    this.#transports.set(id, transport);
    this.#byAddr.set(remoteAddr, id);
    // Whoever never got to its handler is told of, too: after those who did, which happens in the same turn.
    transport.closed = () =>
      setTimeout(() => this.#done({ id, reason: "closed", bytesIn: 0, bytesOut: 0 }), 0);
    this.#given!.give({ id, transport });
  }

  #done(report: Report): void {
    if (!this.#transports.delete(report.id)) return;
    this.#known.delete(report.id);
    this.#windingDown.delete(report.id);
    this.#say({ say: "done", report });
  }

  /** Tells at once: the server's own connection lives until then. */
  #reporter(): Observer {
    return {
      opened: ({ connection }) => {
        if (this.#windingDown.has(connection.id)) control.drain(connection as Connection);
      },
      closed: ({ connection, reason, error }) => this.#done(report(connection, reason, error)),
      refused: ({ remoteAddr, reason, error }) => this.#turnedAway(remoteAddr, reason, error),
      error: ({ error, phase, connection, remoteAddr }) => {
        if (connection && phase === "handler") return; // goes with the report
        this.#say({ say: "error", error: packError(error), phase, remoteAddr });
      },
    };
  }

  #turnedAway(remoteAddr: Deno.Addr, refusal: RefusalReason, error: unknown): void {
    const id = this.#byAddr.get(remoteAddr);
    if (id === undefined) return;
    const packed = error === undefined ? {} : { error: packError(error) };
    this.#done({ id, reason: "closed", bytesIn: 0, bytesOut: 0, refusal, ...packed });
  }

  // --- Connections that were accepted here --------------------------------------------------------------------------

  #recorder(): Observer {
    return {
      opened: ({ connection }) => {
        const { id, remoteAddr, localAddr } = connection;
        this.#tell({ is: "opened", id, remoteAddr, localAddr, openedAt: Date.now() });
      },
      closed: ({ connection, reason, error }) => {
        this.#known.delete(connection.id);
        this.#tell({ is: "closed", report: report(connection, reason, error) });
      },
      refused: ({ remoteAddr, reason, error }) => {
        this.#tell({
          is: "refused",
          remoteAddr,
          reason,
          ...error !== undefined && { error: packError(error) },
        });
      },
      acceptFailed: ({ error, kind, delay }) =>
        this.#tell({ is: "accept-failed", error: packError(error), kind, delay }),
      error: ({ error, phase, connection, remoteAddr }) => {
        this.#flush(); // of whom it tells has been told of
        this.#say({ say: "error", error: packError(error), phase, id: connection?.id, remoteAddr });
      },
    };
  }

  /**
   * What happens after a pause is told at once, as the worker may die of it; then one message for what happens within a few
   * milliseconds: with short connections, each would cost as much as serving one.
   */
  #tell(event: Event): void {
    this.#events.push(event);
    if (this.#timer !== undefined) return;
    this.#flush();
    this.#timer = setTimeout(() => this.#flush(), COLLECT);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#events.length === 0) return;
    this.#say({ say: "events", events: this.#events });
    this.#events = [];
  }

  /** Id, bytes in and bytes out of every connection on which some went since it was asked last. */
  #progress(): Float64Array {
    const numbers: number[] = [];
    for (const { id, bytesIn, bytesOut } of this.#server.connections.values()) {
      const [before, after] = this.#known.get(id) ?? [0, 0];
      if (before === bytesIn && after === bytesOut) continue;
      this.#known.set(id, [bytesIn, bytesOut]);
      numbers.push(id, bytesIn, bytesOut);
    }
    return Float64Array.from(numbers);
  }
}

function report({ id, bytesIn, bytesOut }: ConnectionInfo, reason: CloseReason, error: unknown): Report {
  return { id, reason, bytesIn, bytesOut, ...error !== undefined && { error: packError(error) } };
}
