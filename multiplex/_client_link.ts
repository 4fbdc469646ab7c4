/**
 * A reactor's connection to somebody else's server.
 *
 * @module
 */
import type { ClientFactory, Connector } from "../handlers/protocol.ts";
import { ConnectionDone } from "../handlers/protocol_errors.ts";
import type { Connection } from "../server/connection.ts";
import type { Observers } from "../server/observer.ts";
import { settledSoon } from "./_patience.ts";

/** The reactor, as a link needs it. */
export interface LinkHost {
  observers(): Observers;
  /** Whether the reactor has been stopped. */
  over(): boolean;
  linked(link: ClientLink): void;
  unlinked(link: ClientLink): void;
}

/** Connects, lets a protocol speak, and tells the factory how it went. */
export class ClientLink implements Connector {
  readonly destination: Deno.Addr;
  readonly #dial: (signal: AbortSignal) => Promise<Connection>;
  readonly #factory: ClientFactory;
  readonly #reactor: LinkHost;
  #state: Connector["state"] = "disconnected";
  #attempt: AbortController | undefined;
  #conn: Connection | undefined;
  #over: Promise<void> | undefined;
  #closed = false;

  constructor(
    destination: Deno.Addr,
    dial: (signal: AbortSignal) => Promise<Connection>,
    factory: ClientFactory,
    reactor: LinkHost,
  ) {
    this.destination = destination;
    this.#dial = dial;
    this.#factory = factory;
    this.#reactor = reactor;
  }

  get state(): Connector["state"] {
    return this.#state;
  }

  connect(): void {
    if (this.#closed || this.#reactor.over()) return; // the reactor is stopping: whoever tries again for ever must not keep it
    if (this.#state !== "disconnected") throw new TypeError(`Cannot connect: it is ${this.#state} already`);
    this.#state = "connecting";
    this.#reactor.linked(this);
    this.#attempt = new AbortController();
    this.#over = this.#run(this.#attempt.signal);
  }

  disconnect(): void {
    this.#attempt?.abort(new DOMException("the attempt to connect was given up", "AbortError"));
    this.#conn?.close();
  }

  /** Ends it for good and waits until the factory was told. */
  async close(): Promise<void> {
    this.#closed = true;
    this.disconnect();
    if (this.#over) await settledSoon([this.#over]);
  }

  async #run(signal: AbortSignal): Promise<void> {
    await null; // the caller gets the connector before the factory is told
    this.#guard(() => this.#factory.doStart());
    this.#guard(() => this.#factory.startedConnecting(this));
    await this.#speak(signal);
    this.#guard(() => this.#factory.doStop());
  }

  async #speak(signal: AbortSignal): Promise<void> {
    let conn: Connection;
    try {
      conn = await this.#dial(signal);
    } catch (error) {
      return this.#ended(() => this.#factory.clientConnectionFailed(this, error as Error));
    }
    this.#conn = conn;
    this.#state = "connected";
    const reason = await this.#serve(conn);
    this.#conn = undefined;
    this.#ended(() => this.#factory.clientConnectionLost(this, reason));
  }

  async #serve(conn: Connection): Promise<Error> {
    try {
      return await this.#factory.serve(conn) ?? new ConnectionDone("the factory has built no protocol");
    } catch (error) {
      this.#reactor.observers().error({ error, phase: "handler", connection: conn });
      return error instanceof Error ? error : new Error(String(error), { cause: error });
    } finally {
      conn.close();
    }
  }

  /** It can be made again from here on: the factory may do so at once. */
  #ended(tell: () => void): void {
    this.#state = "disconnected";
    this.#reactor.unlinked(this);
    this.#guard(tell);
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#reactor.observers().error({ error, phase: "handler" });
    }
  }
}
