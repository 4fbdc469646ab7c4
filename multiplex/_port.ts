/**
 * What a reactor listens on.
 *
 * @module
 */
import type { DatagramProtocol, DatagramTransport } from "../handlers/datagram_protocol.ts";
import type { ServerFactory } from "../handlers/protocol.ts";
import type { EndpointLike } from "../server/address.ts";
import { type StreamHandler, toStreamHandler } from "../server/handler.ts";
import type { Observers } from "../server/observer.ts";
import type { UdpServerOptions } from "../server/options.ts";
import { UdpServer } from "../server/udp_server.ts";
import { settledSoon } from "./_patience.ts";
import type { TcpPortServer, UnixPortServer } from "./_port_server.ts";

/** A port that a reactor has opened. Twisted's `IListeningPort`. */
export interface Port {
  /** Where it is bound. */
  readonly host: Deno.Addr;
  /**
   * Stops listening: resolves when the address is free. Connections live on, and are the reactor's to close. Who waits in
   * the kernel's queue is taken in while there is room. With `concurrency: 1` it waits for the connection that is being
   * served. Harmless if it does not listen.
   *
   * @throws {TypeError} inside a protocol of a port with `concurrency: 1`, which would wait for itself; it listens on then
   * @throws what the factory's `stopFactory` threw; the port is closed then, and can be opened again
   */
  stopListening(): Promise<void>;
  /** Listens again, at the same address. Harmless if it does. */
  startListening(): Promise<void>;
}

/** The reactor, as a port needs it. */
export interface PortHost {
  observers(): Observers;
  running(): boolean;
  /** Throws once the reactor has been stopped: what opens then would never be closed. */
  checkUsable(): void;
  opened(port: ReactorPort): void;
  closed(port: ReactorPort): void;
}

/** A port, as the reactor needs it. */
export interface ReactorPort extends Port {
  /** Takes clients in. */
  serve(): void;
  /** Closes it with all that came of it. */
  close(): Promise<void>;
}

type Server = TcpPortServer | UnixPortServer;

/** A port for connections. */
export class StreamPort implements ReactorPort {
  readonly #make: (handler: StreamHandler, bound?: Deno.Addr) => Server;
  readonly #factory: ServerFactory;
  readonly #reactor: PortHost;
  readonly #handler: StreamHandler;
  /** Every protocol that speaks, also those of servers that do not listen any more. */
  readonly #speaking = new Set<Promise<unknown>>();
  readonly #servers = new Set<Server>();
  /** Those for which the factory was started: for no other is it stopped. */
  readonly #started = new WeakSet<Server>();
  #server: Server | undefined;
  #addr: Deno.Addr | undefined;

  constructor(
    make: (handler: StreamHandler, bound?: Deno.Addr) => Server,
    factory: ServerFactory,
    reactor: PortHost,
  ) {
    this.#make = make;
    this.#factory = factory;
    this.#reactor = reactor;
    const speak = factory[toStreamHandler]();
    this.#handler = (conn, server) => this.#track(Promise.resolve(speak(conn, server)));
  }

  get host(): Deno.Addr {
    return this.#addr!; // a port that was never bound is not handed out
  }

  async startListening(): Promise<void> {
    if (this.#server) return;
    const server = this.#server = this.#make(this.#handler, this.#addr);
    server.observe(relay(this.#reactor.observers()));
    try {
      await server.listen();
      this.#reactor.checkUsable();
      this.#addr = server.addr;
      this.#factory.doStart();
      this.#started.add(server);
    } catch (error) {
      if (this.#server === server) this.#server = undefined;
      await server.close();
      throw error;
    }
    this.#servers.add(server);
    this.#reactor.opened(this);
    if (this.#reactor.running()) this.serve();
  }

  serve(): void {
    this.#server?.serveForever().catch((error) =>
      this.#reactor.observers().error({ error, phase: "accept" })
    );
  }

  async stopListening(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const over = server.retreat();
    try {
      await Promise.race([server.listenerClosed, over]); // one that has failed to listen has nothing to close
    } catch (error) {
      this.#server ??= server; // it was refused, and nothing has changed
      throw error;
    }
    over.then(() => this.#forget(server), (error) => this.#failed(error));
    if (this.#started.has(server)) this.#factory.doStop();
  }

  async close(): Promise<void> {
    const started = this.#server !== undefined && this.#started.has(this.#server);
    this.#server = undefined;
    await Promise.all([...this.#servers].map((server) => server.close()));
    await settledSoon(this.#speaking);
    this.#servers.clear();
    this.#reactor.closed(this);
    if (started) this.#factory.doStop();
  }

  #forget(server: Server): void {
    this.#servers.delete(server);
    if (this.#servers.size === 0) this.#reactor.closed(this);
  }

  #failed(error: unknown): void {
    this.#reactor.observers().error({ error, phase: "close", addr: this.host });
  }

  #track(speaking: Promise<unknown>): Promise<unknown> {
    const tracked = speaking.finally(() => this.#speaking.delete(tracked));
    this.#speaking.add(tracked);
    return tracked;
  }
}

/** A port for packets. */
export class DatagramPort implements ReactorPort, DatagramTransport {
  readonly #protocol: DatagramProtocol;
  readonly #options: UdpServerOptions;
  readonly #reactor: PortHost;
  #server: UdpServer | undefined;
  #addr: Deno.NetAddr | undefined;

  constructor(protocol: DatagramProtocol, options: UdpServerOptions, reactor: PortHost) {
    this.#protocol = protocol;
    this.#options = options;
    this.#reactor = reactor;
  }

  get host(): Deno.Addr {
    return this.#addr!; // a port that was never bound is not handed out
  }

  write(data: Uint8Array, to: EndpointLike): void {
    // Once it is closed, packets are dropped, as on a connection that is over.
    this.#server?.send(data, to).catch((error) =>
      this.#reactor.observers().error({ error, phase: "handler", addr: this.host })
    );
  }

  async startListening(): Promise<void> {
    if (this.#server) return;
    const port = this.#addr?.port ?? this.#options.port;
    const server = this.#server = new UdpServer(
      ({ data, remoteAddr }) => this.#protocol.datagramReceived(data, remoteAddr),
      { ...this.#options, port },
    );
    server.observe(relay(this.#reactor.observers()));
    try {
      await server.listen();
      this.#reactor.checkUsable();
      this.#addr = server.addr;
      this.#protocol.transport = this;
      this.#protocol.startProtocol();
    } catch (error) {
      this.#server = undefined;
      await server.close();
      throw error;
    }
    if (this.#server !== server) return; // the protocol has stopped it at once
    this.#reactor.opened(this);
    if (this.#reactor.running()) this.serve();
  }

  serve(): void {
    this.#server?.serveForever().catch((error) =>
      this.#reactor.observers().error({ error, phase: "accept" })
    );
  }

  async stopListening(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    await server.close();
    this.#reactor.closed(this);
    this.#protocol.stopProtocol();
  }

  close(): Promise<void> {
    return this.stopListening();
  }
}

/** Tells the reactor's observers what a server tells. */
function relay(observers: Observers): { error: Observers["error"] } {
  return { error: (event) => observers.error(event) };
}
