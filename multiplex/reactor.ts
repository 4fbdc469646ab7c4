/**
 * One loop for servers, clients and timers, in the manner of Twisted.
 *
 * It stands above the rest of the kit: its ports are the kit's servers, so that there is one accept loop and not two.
 *
 * @module
 */
import type { DatagramProtocol } from "../handlers/datagram_protocol.ts";
import type { ClientFactory, Connector, ServerFactory } from "../handlers/protocol.ts";
import type { EndpointLike } from "../server/address.ts";
import { connect } from "../server/connect.ts";
import { type Observer, Observers } from "../server/observer.ts";
import type { TcpServerOptions, UdpServerOptions, UnixServerOptions } from "../server/options.ts";
import { ClientLink } from "./_client_link.ts";
import { DelayedCall } from "./_delayed_call.ts";
import { DatagramPort, type Port, type ReactorPort, StreamPort } from "./_port.ts";
import { TcpPortServer, UnixPortServer } from "./_port_server.ts";
import { Timetable } from "./_timetable.ts";

/** When a trigger runs, as the reactor stops. */
export type TriggerPhase = "before" | "during" | "after";

/** What a {@linkcode Reactor} can be told. */
export interface ReactorOptions {
  /** Who is told of errors and events; without one, errors go to `console.error`. */
  observers?: readonly Observer[];
}

/** What `connectTcp` and `connectUnix` can be told. */
export interface ConnectFactoryOptions {
  /**
   * How long an attempt may take, in milliseconds.
   *
   * @default {30_000}
   */
  timeout?: number;
}

/**
 * Runs ports, connections and delayed calls until it is stopped. Twisted's `reactor`, of which a program may have several.
 *
 * Its life: ports may be opened, clients connected and calls delayed before `run`; ports take clients in from then on. `stop`
 * runs the triggers `"before"`, then closes all ports and connections (their protocols are told `ConnectionLost`), stops the
 * factories, runs `"during"` and `"after"`, and `run` resolves. It cannot be run again.
 *
 * Delayed calls are cancelled after `"before"`. One that is made after that, by a trigger that waits for it say, comes if its
 * time does before the end; the end cancels the rest, so that nothing outlives `run`.
 *
 * What a protocol, a factory or a delayed call throws is told to the observers; the reactor goes on. As it stops it waits a
 * second at most for callbacks of protocols that have not come back.
 *
 * @example Twisted's echo
 * ```ts
 * import { connect, Protocol, ServerFactory } from "@switchboard/kit";
 * import { Reactor } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends Protocol {
 *   override dataReceived(data: Uint8Array) {
 *     this.transport.write(data);
 *   }
 * }
 * const reactor = new Reactor();
 * const port = await reactor.listenTcp(0, ServerFactory.forProtocol(Echo));
 * const running = reactor.run();
 *
 * using conn = await connect(port.host);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "hello");
 *
 * reactor.stop();
 * await running;
 * ```
 *
 * @example A call that comes later, and one that is taken back
 * ```ts
 * import { Reactor } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * const reactor = new Reactor();
 * const called: string[] = [];
 * reactor.callLater(1, () => called.push("first"));
 * reactor.callLater(1, () => reactor.stop());
 * reactor.callLater(1, () => called.push("never")).cancel();
 * await reactor.run();
 * assertEquals(called, ["first"]);
 * ```
 */
export class Reactor {
  readonly #observers: Observers;
  readonly #ports = new Set<ReactorPort>();
  readonly #links = new Set<ClientLink>();
  readonly #calls = new Timetable();
  readonly #triggers: Record<TriggerPhase, (() => unknown)[]> = { before: [], during: [], after: [] };
  readonly #stopped = Promise.withResolvers<void>();
  #phase: "new" | "running" | "stopping" | "stopped" = "new";

  /** A reactor that does not run yet. */
  constructor({ observers = [] }: ReactorOptions = {}) {
    this.#observers = new Observers(observers);
  }

  /** Whether it runs and has not been told to stop. */
  get running(): boolean {
    return this.#phase === "running";
  }

  /**
   * Serves TCP clients with the protocols of a factory. Twisted's `listenTCP`.
   *
   * @param port the port; 0 for any free one, which `host` of the answer then tells
   * @param factory makes the protocols
   * @param options those of `TcpServer`
   * @returns the port, bound
   * @throws {Deno.errors.AddrInUse} and whatever else binding says; nothing stays open then
   */
  listenTcp(
    port: number,
    factory: ServerFactory,
    options: Omit<TcpServerOptions, "port"> = {},
  ): Promise<Port> {
    const make = (
      handler: ConstructorParameters<typeof TcpPortServer>[0],
      bound?: Deno.Addr,
    ): TcpPortServer =>
      new TcpPortServer(handler, { ...options, port: (bound as Deno.NetAddr | undefined)?.port ?? port });
    return this.#open(new StreamPort(make, factory, this.#host));
  }

  /** The same on a Unix socket. Twisted's `listenUNIX`. */
  listenUnix(
    path: string,
    factory: ServerFactory,
    options: Omit<UnixServerOptions, "path"> = {},
  ): Promise<Port> {
    const make = (handler: ConstructorParameters<typeof UnixPortServer>[0]): UnixPortServer =>
      new UnixPortServer(handler, { ...options, path });
    return this.#open(new StreamPort(make, factory, this.#host));
  }

  /**
   * Gives packets to a protocol. Twisted's `listenUDP`.
   *
   * @param port the port; 0 for any free one
   * @param protocol what is called with the packets
   * @param options those of `UdpServer`
   * @returns the port, bound
   * @throws whatever binding says; nothing stays open then
   */
  listenUdp(
    port: number,
    protocol: DatagramProtocol,
    options: Omit<UdpServerOptions, "port"> = {},
  ): Promise<Port> {
    return this.#open(new DatagramPort(protocol, { ...options, port }, this.#host));
  }

  /**
   * Connects to a TCP server and speaks with a protocol of this factory. It does not wait: the factory is told how it went.
   * Twisted's `connectTCP`.
   *
   * @param hostname the server's name or address
   * @param port the server's port
   * @param factory makes the protocol, and is told
   * @param options how long to wait
   * @returns the attempt, to be given up or made again
   */
  connectTcp(
    hostname: string,
    port: number,
    factory: ClientFactory,
    options?: ConnectFactoryOptions,
  ): Connector {
    return this.#connect({ transport: "tcp", hostname, port }, factory, options);
  }

  /** The same on a Unix socket. Twisted's `connectUNIX`. */
  connectUnix(path: string, factory: ClientFactory, options?: ConnectFactoryOptions): Connector {
    return this.#connect({ transport: "unix", path }, factory, options);
  }

  /**
   * Calls a function later: never in the same turn, in the order of the times, and for equal times in the order of the
   * calls. Twisted's `callLater`.
   *
   * @param ms how much later, in milliseconds from 0
   * @param callback what to call
   * @param args with what
   * @returns the call, to be cancelled or put off; once the reactor has stopped, one that is cancelled already
   * @throws {RangeError} if the time is none; the message has the value
   */
  callLater<A extends unknown[]>(ms: number, callback: (...args: A) => unknown, ...args: A): DelayedCall {
    if (!(ms >= 0)) throw new RangeError(`Cannot call in ${ms} ms: expected 0 or more`);
    const call = new DelayedCall(ms, () => this.#guard(() => callback(...args)), this.#calls);
    if (this.#phase === "stopped") call.cancel();
    return call;
  }

  /**
   * Adds a function to be run as the reactor stops; a promise that it returns is waited for. Twisted's
   * `addSystemEventTrigger` for `"shutdown"`.
   *
   * @param phase `"before"` connections are closed, `"during"` or `"after"`
   * @param trigger what to run
   * @returns what takes it out again
   */
  addShutdownTrigger(phase: TriggerPhase, trigger: () => unknown): () => void {
    this.#triggers[phase].push(trigger);
    return () => {
      const index = this.#triggers[phase].indexOf(trigger);
      if (index >= 0) this.#triggers[phase].splice(index, 1);
    };
  }

  /**
   * Runs until {@linkcode Reactor.stop}: resolves when everything is closed.
   *
   * @throws {TypeError} if it runs or has run
   */
  async run(): Promise<void> {
    if (this.#phase !== "new") throw new TypeError(`Cannot run: the reactor ${PHASES[this.#phase]}`);
    this.#phase = "running";
    for (const port of this.#ports) port.serve();
    await this.#stopped.promise;
  }

  /**
   * Stops it, in a later turn.
   *
   * @throws {TypeError} if it does not run
   */
  stop(): void {
    if (this.#phase !== "running") throw new TypeError("Cannot stop: the reactor does not run");
    this.#phase = "stopping";
    queueMicrotask(() => this.#shutDown());
  }

  async #shutDown(): Promise<void> {
    await this.#run("before");
    this.#calls.cancelAll();
    await Promise.all([...this.#ports].map((port) => this.#guard(() => port.close())));
    await Promise.all([...this.#links].map((link) => link.close()));
    await this.#run("during");
    await this.#run("after");
    this.#phase = "stopped";
    this.#calls.cancelAll(); // those of protocols, factories and triggers that were told of the end
    this.#stopped.resolve();
  }

  async #run(phase: TriggerPhase): Promise<void> {
    await Promise.all(this.#triggers[phase].map((trigger) => this.#guard(trigger)));
  }

  async #open<P extends ReactorPort>(port: P): Promise<P> {
    this.#checkUsable("listen");
    await port.startListening();
    return port;
  }

  #connect(
    destination: Deno.Addr,
    factory: ClientFactory,
    { timeout = 30_000 }: ConnectFactoryOptions = {},
  ): Connector {
    this.#checkUsable("connect");
    const dial = (signal: AbortSignal) => connect(destination as EndpointLike, { timeout, signal });
    const link = new ClientLink(destination, dial, factory, this.#host);
    link.connect();
    return link;
  }

  #checkUsable(attempt: string): void {
    if (this.#phase === "stopping" || this.#phase === "stopped") {
      throw new TypeError(`Cannot ${attempt}: the reactor ${PHASES[this.#phase]}`);
    }
  }

  /** Calls what belongs to somebody else. */
  async #guard(call: () => unknown): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#observers.error({ error, phase: "handler" });
    }
  }

  /** What ports and links see of the reactor. */
  readonly #host = {
    observers: (): Observers => this.#observers,
    running: (): boolean => this.#phase === "running",
    checkUsable: (): void => this.#checkUsable("listen"),
    over: (): boolean => this.#phase === "stopping" || this.#phase === "stopped",
    opened: (port: ReactorPort): void => void this.#ports.add(port),
    closed: (port: ReactorPort): void => void this.#ports.delete(port),
    linked: (link: ClientLink): void => void this.#links.add(link),
    unlinked: (link: ClientLink): void => void this.#links.delete(link),
  };
}

const PHASES = { new: "is new", running: "runs already", stopping: "is stopping", stopped: "was stopped" };
