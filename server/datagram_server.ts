/**
 * What the servers of datagrams have in common: UDP and Unix.
 *
 * @module
 */
import { Admission } from "./admission.ts";
import type { EndpointLike } from "./address.ts";
import { BaseServer, type Listening } from "./base_server.ts";
import { Datagram, datagramControl } from "./datagram.ts";
import { type DatagramHost, dispatchDatagram, type Failure } from "./_datagram_dispatch.ts";
import { datagramAddr, type DatagramSocket, type Received } from "./_datagram_socket.ts";
import { ServerClosedError } from "./errors.ts";
import { cutError, type CutReason, Flight } from "./_flight.ts";
import { type DatagramHandler, type DatagramHandlerLike, resolveDatagramHandler } from "./handler.ts";
import type { ConnectionInfo, ErrorPhase } from "./observer.ts";
import { DATAGRAM_DEFAULTS, type DatagramServerOptions } from "./options.ts";
import { PacketBlock } from "./_packet_block.ts";
import { Outbox, rejected } from "./_outbox.ts";
import { Roster } from "./_roster.ts";
import { encodeText } from "./_text.ts";

/**
 * How many packets a shutdown still takes. Linux queues 277 small ones, unless told otherwise; and there is always one
 * more where a sender does not stop.
 */
const LONGEST_QUEUE = 512;

/**
 * A server of datagrams: the handler is called once for each packet, many at a time. See `BaseServer` for its life and its
 * hooks, and `UdpServer` and `UnixDatagramServer` for what can be made.
 *
 * Differs from Python's in that running handlers are waited for before the socket, over which they reply, is closed.
 *
 * @example A hook, and a function for servers of either kind
 * ```ts
 * import { connectDatagram, type Datagram, DatagramServer, UdpServer } from "@switchboard/kit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * class Careful extends UdpServer {
 *   override verifyRequest(packet: Datagram) {
 *     return packet.data.length > 0;
 *   }
 * }
 * const announce = (server: DatagramServer, to: Deno.Addr) => server.send("I am here", to);
 *
 * await using server = await new Careful((packet) => packet.reply(packet.data)).listen();
 * assert(server instanceof DatagramServer);
 * await using client = await connectDatagram(server.addr);
 * await announce(server, client.localAddr);
 * assertEquals(new TextDecoder().decode(await client.receive()), "I am here");
 *
 * await client.send(""); // refused
 * await server.handleRequest();
 * assertEquals(server.stats.succeeded, 0);
 * ```
 */
export abstract class DatagramServer extends BaseServer<Datagram> {
  /** The function that serves a packet; Python's `RequestHandlerClass`. */
  protected handler: DatagramHandler;
  /** The most bytes of a packet that a handler is given. */
  protected readonly maxPacketSize: number;
  readonly #admission: Admission;
  readonly #maxInFlight: number;
  readonly #handlerTimeout: number | undefined;
  /** Packets on the short way whose handlers have not ended. */
  readonly #atWork = new Roster();
  /** Packets on the long way. */
  readonly #flights = new Set<Flight>();
  #outbox: Outbox | undefined;

  /**
   * Checks handler and options; binds nothing.
   *
   * @throws {TypeError} if the handler is none
   * @throws {RangeError} naming an option that is out of range
   */
  constructor(handler: DatagramHandlerLike, options: DatagramServerOptions = {}) {
    super(options);
    this.handler = resolveDatagramHandler(handler);
    this.maxPacketSize = options.maxPacketSize ?? DATAGRAM_DEFAULTS.maxPacketSize;
    this.#maxInFlight = options.maxInFlight ?? DATAGRAM_DEFAULTS.maxInFlight;
    this.#handlerTimeout = options.handlerTimeout;
    this.#admission = options.admission ?? datagramAdmission(options);
  }

  /** None: packets are not connected. */
  get connections(): ReadonlyMap<number, ConnectionInfo> {
    return NO_CONNECTIONS;
  }

  /** Opens and binds a socket that receives `size` bytes of a packet. */
  protected abstract openSocket(size: number): Promise<DatagramSocket>;

  /**
   * Sends a packet to anybody, from the server's own socket. Resolves when the kernel has taken it; until then `data` must
   * stay as it is.
   *
   * A close of the server rejects it. It cannot be aborted. A failure that nobody awaits does no harm.
   *
   * @param data bytes; text is sent as UTF-8
   * @param to for example `"udp://192.0.2.7:514"`, or the `remoteAddr` of a packet that came earlier
   * @throws {ServerClosedError} while the server is not bound
   * @throws {AddressError} if `to` is no endpoint of datagrams
   */
  send(data: Uint8Array | string, to: EndpointLike): Promise<void> {
    try {
      if (!this.#outbox) throw new ServerClosedError("Cannot send: the server is not listening");
      const addr = datagramAddr(to);
      this.checkDestination(addr);
      return this.#outbox.send(typeof data === "string" ? encodeText(data) : data, addr);
    } catch (error) {
      return rejected(error);
    }
  }

  /** Throws if {@linkcode DatagramServer.send} may not send to `addr`. */
  protected checkDestination(_addr: Deno.Addr): void {}

  // --- Hooks --------------------------------------------------------------------------------------------------------

  /** Runs the handler. */
  finishRequest(packet: Datagram): unknown {
    return this.handler(packet, this);
  }

  /** Does nothing: the packets share the server's socket. */
  closeRequest(_packet: Datagram): void | Promise<void> {}

  /** Called with what a handler threw. The base tells the observers; without one, `console.error`. */
  handleError(error: unknown, packet: Datagram): void | Promise<void> {
    this.observers.error({ error, phase: "handler", remoteAddr: packet.remoteAddr });
  }

  // --- What BaseServer asks -----------------------------------------------------------------------------------------

  /** Opens the socket, and what sends over it. */
  protected async open(): Promise<Listening<Datagram>> {
    const size = this.maxPacketSize + 1; // with one byte more, to know that a packet was cut
    const socket = await this.openSocket(size);
    const block = new PacketBlock(size);
    const outbox = this.#outbox = new Outbox(socket, {
      counters: this.counters,
      limit: this.#maxInFlight,
      lost: (error, packet) => void this.#report(error, packet),
      idle: () => this.roomChanged(),
    });
    return {
      addr: socket.addr,
      next: () => this.#next(socket, block, outbox),
      close: () => {
        outbox.close();
        this.closeAll("stopped"); // whoever is still at work cannot reply any more
        return socket.close();
      },
      ref: () => socket.ref?.(),
      unref: () => socket.unref?.(),
    };
  }

  /** Counts and tells a packet that was dropped before anybody asked for it. */
  protected overflowed(from: Deno.Addr): void {
    this.counters.accepted++;
    this.refused(from, "full");
  }

  /** Whether one more handler may run. */
  protected get hasRoom(): boolean {
    return this.#flights.size < this.concurrency;
  }

  /** Whether there are handlers at work, or packets on their way out. */
  protected override get busy(): boolean {
    return super.busy || this.#atWork.size > 0 || (this.#outbox?.busy ?? false);
  }

  /** Handlers reply over the listening socket. */
  protected override get closesLast(): boolean {
    return true;
  }

  /** How many packets may be waiting in the kernel when the server is shut down. */
  protected override get queueLength(): number {
    return LONGEST_QUEUE;
  }

  /** Aborts the signal of every packet that is being handled. */
  protected drainAll(): void {
    const packets = [...this.#atWork.values(), ...[...this.#flights].map(({ packet }) => packet)];
    for (const packet of packets) datagramControl.abort(packet, draining());
  }

  /** Gives up every packet that is being handled. */
  protected closeAll(reason: "stopped" | "shutdown"): void {
    for (const flight of this.#flights) flight.cut(reason);
    for (const packet of this.#atWork.values()) this.#giveUp(packet, reason);
  }

  // --- The path of one datagram -------------------------------------------------------------------------------------

  /** The next packet that has to take the long way; until it comes, those that need not are served. */
  async #next(socket: DatagramSocket, block: PacketBlock, outbox: Outbox): Promise<Datagram> {
    for (;;) {
      const received = await socket.receive(block.space());
      block.keep(received[0]);
      const packet = this.#packet(received, outbox);
      if (!this.waiting || !this.#isPlain) return packet;
      this.counters.accepted++;
      this.#serveAtOnce(packet);
    }
  }

  #packet([bytes, remoteAddr]: Received, outbox: Outbox): Datagram {
    const truncated = bytes.length > this.maxPacketSize;
    const data = truncated ? bytes.subarray(0, this.maxPacketSize) : bytes;
    this.counters.bytesIn += data.length;
    return new Datagram(data, remoteAddr, truncated, outbox);
  }

  /**
   * Whether a packet may take the short way: nobody would see the difference, as no hook is overridden and nobody listens
   * to every packet. A promise for each hook would cost a tenth of what receiving and sending cost.
   */
  get #isPlain(): boolean {
    const base = DatagramServer.prototype;
    return this.concurrency === Infinity && this.#handlerTimeout === undefined &&
      this.getRequest === base.getRequest && this.verifyRequest === base.verifyRequest &&
      this.processRequest === base.processRequest && this.finishRequest === base.finishRequest &&
      this.shutdownRequest === base.shutdownRequest && this.closeRequest === base.closeRequest &&
      !this.observers.hears("handled");
  }

  /** The short way: what the long one does, without waiting for what is there already. */
  #serveAtOnce(packet: Datagram): void {
    const refusal = this.#admission.enter(packet.remoteAddr);
    if (refusal) return this.refused(packet.remoteAddr, refusal);
    this.#began(packet);
    try {
      const result = this.handler(packet, this);
      if (!isThenable(result)) return this.#landed(packet);
      this.#atWork.add(packet);
      result.then(() => this.#landed(packet), (error) => this.#crashed(packet, error));
    } catch (error) {
      this.#crashed(packet, error);
    }
  }

  #landed(packet: Datagram): void {
    if (this.#end(packet)) this.counters.succeeded++;
  }

  async #crashed(packet: Datagram, error: unknown): Promise<void> {
    if (datagramControl.isOver(packet)) return; // given up: counted already, and nobody waits for it
    if (datagramControl.place(packet) < 0) this.#atWork.add(packet); // it has thrown at once
    await this.#report(error, packet);
    if (this.#end(packet)) this.counters.failed++;
  }

  #giveUp(packet: Datagram, reason: CutReason): void {
    datagramControl.abort(packet, cutError(reason));
    if (this.#end(packet)) this.counters.failed++;
  }

  #end(packet: Datagram): boolean {
    if (!datagramControl.end(packet)) return false;
    this.counters.active--;
    this.#atWork.delete(packet);
    this.#admission.leave(packet.remoteAddr);
    this.roomChanged();
    return true;
  }

  /** Steps 2 to 4 of a datagram's path. */
  protected dispatch(packet: Datagram): void | Promise<void> {
    if (!this.#isPlain) return this.#dispatchStepwise(packet);
    this.#serveAtOnce(packet); // or else those that come after it would overtake it
    this.ended();
  }

  async #dispatchStepwise(packet: Datagram): Promise<void> {
    const permit = this.#admission.admit(packet.remoteAddr);
    try {
      if (typeof permit === "string") {
        this.refused(packet.remoteAddr, permit);
        await this.closeRequest(packet);
      } else await this.#fly(new Flight(packet, permit));
    } catch (error) {
      this.#failed(error, "handler", packet);
    }
  }

  async #fly(flight: Flight): Promise<void> {
    this.#flights.add(flight);
    try {
      await dispatchDatagram(flight, this.#host, this.#handlerTimeout);
    } finally {
      this.#flights.delete(flight);
      flight.end();
      this.roomChanged();
    }
  }

  /** What dispatch sees of this server. The hooks are looked up when they are called. */
  readonly #host: DatagramHost = {
    verifyRequest: (packet) => this.verifyRequest(packet),
    processRequest: (packet) => this.processRequest(packet),
    handleError: (error, packet) => this.handleError(error, packet),
    shutdownRequest: (packet) => this.shutdownRequest(packet),
    closeRequest: (packet) => this.closeRequest(packet),
    refused: (addr, reason) => this.refused(addr, reason),
    failed: (error, phase, packet) => this.#failed(error, phase, packet),
    began: (packet) => this.#began(packet),
    ended: (flight, failure) => this.#ended(flight, failure),
  };

  #began(packet: Datagram): void {
    this.counters.active++;
    if (this.draining) datagramControl.abort(packet, draining());
  }

  #ended(flight: Flight, failure: Failure | undefined): void {
    this.counters.active--;
    if (failure) this.counters.failed++;
    else this.counters.succeeded++;
    this.#tell(flight, failure);
  }

  #tell({ packet, startedAt, cutReason }: Flight, failure: Failure | undefined): void {
    if (!this.observers.hears("handled")) return;
    const reason = cutReason ?? (failure ? "error" : "done");
    this.observers.tell("handled", {
      remoteAddr: packet.remoteAddr,
      localAddr: packet.localAddr,
      bytesIn: packet.data.length,
      bytesOut: packet.bytesOut,
      truncated: packet.truncated,
      duration: performance.now() - startedAt,
      reason,
      ...failure && { error: failure.error },
    });
  }

  /** Tells of a failure that no handler waits for any more. */
  async #report(error: unknown, packet: Datagram): Promise<void> {
    try {
      await this.handleError(error, packet);
    } catch (error) {
      this.observers.error({ error, phase: "handler", remoteAddr: packet.remoteAddr });
    }
  }

  /** Leaves `serveForever` if the handler is part of its loop; otherwise it is told. */
  #failed(error: unknown, phase: ErrorPhase, { remoteAddr }: Datagram): void {
    if (this.concurrency === 1) this.leaveLoop(error);
    else this.observers.error({ error, phase, remoteAddr });
  }
}

const NO_CONNECTIONS: ReadonlyMap<number, ConnectionInfo> = new Map();

/** The limits of datagram servers, in the words of an admission. */
export function datagramAdmission(options: DatagramServerOptions): Admission {
  const { maxInFlight, maxInFlightPerPeer, maxPacketRate, maxPacketRatePerPeer, allow, deny } = options;
  return new Admission({
    maxConnections: maxInFlight ?? DATAGRAM_DEFAULTS.maxInFlight,
    maxConnectionsPerPeer: maxInFlightPerPeer ?? DATAGRAM_DEFAULTS.maxInFlightPerPeer,
    maxConnectionRate: maxPacketRate ?? DATAGRAM_DEFAULTS.maxPacketRate,
    maxConnectionRatePerPeer: maxPacketRatePerPeer ?? DATAGRAM_DEFAULTS.maxPacketRatePerPeer,
    allow,
    deny,
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined | null)?.then === "function";
}

/** The reason with which a packet's signal aborts while its server drains. */
function draining(): DOMException {
  return new DOMException("the server is draining", "AbortError");
}
