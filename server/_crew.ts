/**
 * Who serves connections in the stead of this thread, as a server sees it. `workers/` has them.
 *
 * @module
 */
import type { Admission } from "./admission.ts";
import type { Listening } from "./base_server.ts";
import type { CloseReason } from "./errors.ts";
import { type StreamHandler, type StreamHandlerSource, toStreamHandler } from "./handler.ts";
import type { ConnectionInfo, Observers, RefusalReason } from "./observer.ts";
import type { StreamServerOptions } from "./options.ts";
import type { ServerStats } from "./stats.ts";

/** A stream server, as its crew sees it. */
export interface CrewHost {
  /** The limits of the server, shared perhaps with others. */
  readonly admission: Admission;
  /** What was asked for. */
  readonly options: StreamServerOptions;
  /** Who is told what happens. */
  readonly observers: Observers;
  /** The server's counters; the crew counts what it accepts itself. */
  readonly counters: ServerStats;
  /** The next id of a connection. */
  nextId(): number;
  /** Counts and tells a refusal. */
  refused(remoteAddr: Deno.Addr, reason: RefusalReason, error?: unknown): void;
  /** To be called when there may be room again, or less to wait for. */
  changed(): void;
  /** Ends `serveForever` with this error. */
  abandon(error: unknown): void;
  /** Whether a subclass or somebody else has replaced a hook that sees each connection. */
  readonly hooked: boolean;
}

/** Where a crew is to listen. */
export interface CrewAddress {
  /** `"tcp"` or `"tls"`. */
  readonly scheme: string;
  /** An IP address or a host name. */
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** What workers make their servers with; certificate and key as text. */
  readonly options: object;
}

/**
 * Workers behind a server. They either accept connections themselves ({@linkcode Crew.listen}), or are given those that the
 * server accepts: then the crew is the server's handler.
 */
export abstract class Crew implements StreamHandlerSource {
  /** The handler that gives a connection to a worker. It returns when the worker is done with it. */
  abstract [toStreamHandler](): StreamHandler;

  /** Said once, by the server whose crew this is. */
  abstract join(host: CrewHost): void;

  /** Whether workers accept connections themselves, as far as is known. */
  abstract readonly accepts: boolean;

  /** Whether workers do the TLS handshake of connections that the server accepts. */
  abstract readonly shakesHands: boolean;

  /**
   * Starts the workers, and lets them listen if they can at such an address.
   *
   * @returns what stands for their listening sockets; `undefined`: the server is to accept, they are ready
   */
  abstract start(address?: CrewAddress): Promise<Listening<never> | undefined>;

  /** A listener whose connections can be given to a worker, where not every one can; otherwise `undefined`. */
  abstract bind(
    options: Deno.TcpListenOptions | { transport: "unix"; path: string },
  ): Promise<Deno.Listener> | undefined;

  /** The live connections that workers have accepted themselves. */
  abstract readonly connections: ReadonlyMap<number, ConnectionInfo>;

  /** Whether a worker could take one more connection from the server. */
  abstract readonly hasRoom: boolean;

  /** Whether workers have work that the end of the server has to wait for. */
  abstract readonly busy: boolean;

  /** Whether `shutdown` waits for handlers that have not ended. */
  abstract readonly blocksOnClose: boolean;

  /** Stops workers from accepting, or lets them accept again. */
  abstract pause(paused: boolean): void;

  /** Lets workers keep the process alive, or lets it end in spite of them. */
  abstract refer(referenced: boolean): void;

  /** Closes one of {@linkcode Crew.connections}; `false` if there is none with this id. */
  abstract disconnect(id: number): boolean;

  /** Lets what is alive end. */
  abstract drain(): void;

  /** Closes what is alive. */
  abstract closeAll(reason: CloseReason): void;

  /** Replaces the workers by fresh ones, which load the handler anew; who is served is served on by the old ones. */
  abstract reload(): Promise<void>;

  /** Ends the workers. */
  abstract release(): Promise<void>;
}
