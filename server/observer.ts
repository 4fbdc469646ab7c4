/**
 * How a server tells what happens to it. The library does not log: it calls observers, and the command line's log is one.
 *
 * @module
 */
import { formatAddr } from "./address.ts";
import type { CloseReason } from "./errors.ts";

/** Why a client was turned away before its handler ran. */
export type RefusalReason =
  | "denied"
  | "full"
  | "peer-limit"
  | "rate"
  | "peer-rate"
  | "handshake"
  | "unverified";

/** What can be known about a live connection from outside its handler. */
export interface ConnectionInfo {
  /** Counts up from 1 in every server. */
  readonly id: number;
  /** The peer. */
  readonly remoteAddr: Deno.Addr;
  /** This side. */
  readonly localAddr: Deno.Addr;
  /** Milliseconds since it was accepted. */
  readonly age: number;
  /** Bytes that came in. */
  readonly bytesIn: number;
  /** Bytes that went out. */
  readonly bytesOut: number;
}

/** The part of the server in which an error came up. */
export type ErrorPhase =
  | "handler"
  | "verify"
  | "handshake"
  | "accept"
  | "observer"
  | "service"
  | "close"
  | "worker";

/**
 * What a server tells. Every method is optional and is called synchronously, so it should return soon; what it throws is
 * reported and does no harm.
 *
 * An error for which no observer has an {@linkcode Observer.error} method goes to `console.error`: silence would hide
 * it. An observer that wants silence says so with an empty method.
 *
 * @example Counting
 * ```ts
 * import { connect, type Observer, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: string[] = [];
 * const observer: Observer = {
 *   opened: ({ connection }) => seen.push(`open ${connection.id}`),
 *   closed: ({ connection, reason }) => seen.push(`close ${connection.id} ${reason}`),
 * };
 * const server = await new TcpServer(() => {}, { port: 0, observers: [observer] }).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * await conn.recv();
 * await server.shutdown();
 * await serving;
 * assertEquals(seen, ["open 1", "close 1 done"]);
 * ```
 */
export interface Observer {
  /** The server is bound. */
  listening?(event: { addr: Deno.Addr }): void;
  /** The server has stopped accepting and waits for its handlers. */
  draining?(event: { addr: Deno.Addr; active: number }): void;
  /** All is over: no listener, no connection. */
  finished?(event: { addr: Deno.Addr }): void;
  /** A client was turned away. `error` says why its TLS handshake failed, where that was the reason. */
  refused?(event: { remoteAddr: Deno.Addr; reason: RefusalReason; error?: unknown }): void;
  /** A connection was admitted; its handler comes next. */
  opened?(event: { connection: ConnectionInfo }): void;
  /** A connection is over: told once for each that was opened. `error` is what its handler threw or what ended it. */
  closed?(event: { connection: ConnectionInfo; reason: CloseReason; error?: unknown }): void;
  /**
   * A packet's handler is over: told once for each packet that was handled. Sizes are in bytes, `duration` in
   * milliseconds. `error` is what the handler threw; with `"timeout"`, `"stopped"` and `"shutdown"` it was not waited for.
   */
  handled?(event: {
    remoteAddr: Deno.Addr;
    localAddr: Deno.Addr;
    bytesIn: number;
    bytesOut: number;
    truncated: boolean;
    duration: number;
    reason: "done" | "error" | "timeout" | "stopped" | "shutdown";
    error?: unknown;
  }): void;
  /**
   * Accepting failed. `"peer"`: that client's fault, the loop goes on at once. `"resources"` (descriptors, memory) and
   * `"unknown"`: the loop goes on after `delay` milliseconds.
   */
  acceptFailed?(event: { error: unknown; kind: "peer" | "resources" | "unknown"; delay: number }): void;
  /**
   * Something threw. `connection` is the one it concerns, where it concerns one, `remoteAddr` the peer whose packet it
   * concerns.
   */
  error?(
    event: {
      error: unknown;
      phase: ErrorPhase;
      connection?: ConnectionInfo;
      remoteAddr?: Deno.Addr;
      addr?: Deno.Addr;
    },
  ): void;
}

/** What can be told: the names of an observer's methods. */
export type EventName = keyof Observer;

/** What is told of it. */
export type EventOf<N extends EventName> = Parameters<NonNullable<Observer[N]>>[0];

/**
 * The observers of one server, and the last resort for errors that none of them takes.
 *
 * @example
 * ```ts
 * import { Observers } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: unknown[] = [];
 * const observers = new Observers([{ error: ({ error }) => void seen.push(error) }]);
 * observers.error({ error: "lost", phase: "handler" });
 * assertEquals(seen, ["lost"]);
 * ```
 */
export class Observers {
  readonly #list: Observer[];

  /** Observers to begin with, told in this order. */
  constructor(list: readonly Observer[] = []) {
    this.#list = [...list];
  }

  /** Adds an observer; the function that comes back takes it out again. */
  add(observer: Observer): () => void {
    this.#list.push(observer);
    return () => {
      const index = this.#list.indexOf(observer);
      if (index >= 0) this.#list.splice(index, 1);
    };
  }

  /** Whether anybody would hear `name`: spares the hot path an event that nobody wants. */
  hears(name: EventName): boolean {
    return this.#list.some((observer) => observer[name] !== undefined);
  }

  /** Tells every observer; `true` if one listened. */
  tell<N extends EventName>(name: N, event: EventOf<N>): boolean {
    let heard = false;
    for (const observer of [...this.#list]) {
      const method = observer[name] as ((event: EventOf<N>) => unknown) | undefined;
      if (!method) continue;
      heard = true;
      try {
        const answer = method.call(observer, event);
        if (answer instanceof Promise) answer.catch((error) => failed(name, error));
      } catch (error) {
        failed(name, error);
      }
    }
    return heard;
  }

  /** Tells of an error; on the console if nobody listens. */
  error(event: EventOf<"error">): void {
    if (this.tell("error", event)) return;
    const peer = event.connection?.remoteAddr ?? event.remoteAddr;
    lastResort(`${PHASES[event.phase]}${peer ? ` (peer ${formatAddr(peer)})` : ""}`, event.error);
  }

  /** Tells of a failed accept; on the console if nobody listens and it is more than one client's fault. */
  acceptFailed(event: EventOf<"acceptFailed">, first: boolean): void {
    if (this.tell("acceptFailed", event) || event.kind === "peer" || !first) return;
    lastResort(`Accepting failed, trying again in ${event.delay} ms`, event.error);
  }
}

const PHASES: Record<ErrorPhase, string> = {
  handler: "A handler failed",
  verify: "verifyRequest failed",
  handshake: "A handshake failed",
  accept: "Accepting failed",
  observer: "An observer failed",
  service: "serviceActions failed",
  close: "Closing the listener failed",
  worker: "A worker failed",
};

function failed(name: EventName, error: unknown): void {
  lastResort(`An observer's "${name}" method threw`, error);
}

function lastResort(what: string, error: unknown): void {
  // deno-lint-ignore no-console -- the one place in the library that prints: an error that nobody observes
  console.error(`${what}:`, error);
}
