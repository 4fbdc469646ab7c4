/**
 * Servers whose handlers run on worker threads.
 *
 * @module
 */
import type { ConnectionInfo } from "../observer.ts";
import type { TcpServerOptions, TlsServerOptions, UdpServerOptions, UnixServerOptions } from "../options.ts";
import { TcpServer } from "../tcp_server.ts";
import { TlsServer } from "../tls_server.ts";
import { UdpServer } from "../udp_server.ts";
import { UnixServer } from "../unix_server.ts";
import { type HandlerModuleLike, handlerReference, threadingOptions, threads } from "./_kinds.ts";
import { type Mechanism, type ThreadingOptions, withoutWorkerOptions } from "./options.ts";
import { PacketCrew } from "./_packet_crew.ts";
import { StreamCrew } from "./_stream_crew.ts";

function crewOf(handler: HandlerModuleLike, options: ThreadingOptions): StreamCrew {
  return new StreamCrew(threads, handlerReference(handler), threadingOptions(options));
}

/**
 * Serves TCP connections on worker threads: Python's `ThreadingTCPServer`, with threads that are kept and serve many clients,
 * each any number side by side. For handlers that compute, as threads run on all cores; those that only wait need none, see
 * {@linkcode TcpServer}.
 *
 * **What travels.** The handler is a module, by its path, its URL or as {@linkcode loadHandler} gives it: a function cannot
 * be sent to a thread. The options of the connections go with it; observers do not: they are told here of what happens there.
 * So are `stats` and `connections` those of all threads, some milliseconds late. `conn.id` in a handler counts within its
 * thread where threads accept, and is the server's otherwise.
 *
 * **How connections get there** is {@linkcode Mechanism}, chosen by what is possible and told by `mechanism`. Threads accept
 * themselves from one queue, and take turns so that none has many more connections than another. Where a hook of this class
 * is overridden, connections are accepted here and their bytes carried, at a fraction of the speed, so that the hook is
 * called; a module's own `verifyRequest` is called on the threads.
 *
 * **Limits are totals.** `maxConnections`, rates and the limits by peer hold for all threads together; `concurrency` too.
 *
 * **How it ends.** `shutdown` lets the handlers end on their threads, and then the threads. Python's `block_on_close` is the
 * option `blockOnClose`, its `daemon_threads` is `daemonThreads`: with either, `shutdown` and `close` return when nothing is
 * accepted any more, and `finished` tells the rest; a program that ends then takes its threads with it. Other than in Python,
 * handlers get the signal of the drain, and `maxChildren` holds for threads as well.
 *
 * **A thread that dies** (by an error that nobody caught, by `Deno.exit`, in a loop without end: see `heartbeatTimeout`) takes
 * its connections with it: they are closed with the reason `"worker"`, observers are told by `error` with the phase
 * `"worker"`, and another thread takes its place. Threads that die one after the other at their start end the server: see
 * `maxRestarts`.
 *
 * **Threads or processes?** A thread with a small handler starts in some 30 ms and takes about 12 MB. Threads share this
 * process' permissions, and its fate: one that runs out of memory ends the whole process. {@linkcode ForkingTcpServer} is the other way.
 *
 * @example Two threads
 * ```ts
 * import { connect, ThreadingTcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * // Yours is a file: import.meta.resolve("./shout.ts")
 * const shout = `export default async function shout(conn) {
 *   for await (const line of conn.lines()) await conn.sendAll(line.toUpperCase() + "\\n");
 * }`;
 * await using server = new ThreadingTcpServer("data:text/javascript," + encodeURIComponent(shout), { workers: 2 });
 * await server.listen();
 * const serving = server.serveForever();
 *
 * using conn = await connect(server.addr);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "HELLO");
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class ThreadingTcpServer extends TcpServer<unknown, ConnectionInfo> {
  /** Checks the options; binds nothing. */
  constructor(handler: HandlerModuleLike, options: TcpServerOptions & ThreadingOptions = {}) {
    super(crewOf(handler, options), withoutWorkerOptions(options));
  }

  /** How connections get to the threads; `undefined` before they are started. */
  get mechanism(): Mechanism | undefined {
    return (this.crew as StreamCrew).mechanism;
  }

  /**
   * Replaces the threads by fresh ones, which load the handler anew: its code may have changed. Who is served is served on by the
   * old ones; no client is turned away meanwhile.
   *
   * @throws {WorkerError} if the handler does not load any more; then nothing changes
   */
  async reload(): Promise<void> {
    await this.crew!.reload();
  }
}

/**
 * Serves TLS connections on worker threads, which do the handshakes, too: encryption is most of what a busy TLS server
 * computes. Certificate and key are read here. All else is as with {@linkcode ThreadingTcpServer}; with the mechanism
 * `"relay"`, this thread does the handshakes.
 *
 * @example
 * ```ts
 * import { connect, ThreadingTlsServer } from "@switchboard/kit";
 * import { CA, CERT, KEY } from "../../tests/_support/certificates.ts"; // yours are files
 * import { assertEquals } from "@std/assert";
 *
 * // Yours is a file: import.meta.resolve("./shout.ts")
 * const shout = `export default async function shout(conn) {
 *   for await (const line of conn.lines()) await conn.sendAll(line.toUpperCase() + "\\n");
 * }`;
 * const module = "data:text/javascript," + encodeURIComponent(shout);
 * await using server = new ThreadingTlsServer(module, { workers: 1, cert: CERT, key: KEY });
 * await server.listen();
 * const serving = server.serveForever();
 *
 * using conn = await connect(`tls://localhost:${server.addr.port}`, { caCerts: [CA] });
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "HELLO");
 * conn.close();
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class ThreadingTlsServer extends TlsServer<unknown, ConnectionInfo> {
  /** Checks the options; binds nothing. */
  constructor(handler: HandlerModuleLike, options: TlsServerOptions & ThreadingOptions) {
    super(crewOf(handler, options), withoutWorkerOptions(options));
  }

  /** How connections get to the threads; `undefined` before they are started. */
  get mechanism(): Mechanism | undefined {
    return (this.crew as StreamCrew).mechanism;
  }

  /**
   * Replaces the threads by fresh ones, which load the handler anew: its code may have changed. Who is served is served on by the
   * old ones; no client is turned away meanwhile.
   *
   * @throws {WorkerError} if the handler does not load any more; then nothing changes
   */
  async reload(): Promise<void> {
    await this.crew!.reload();
  }
}

/**
 * Serves connections over a Unix socket on worker threads: Python's `ThreadingUnixStreamServer`. A Unix socket can neither be
 * shared by threads nor handed to them: connections are accepted here, and their bytes carried. Handlers that compute gain by
 * it, those that move many bytes lose; for them there is {@linkcode ForkingUnixServer}. All else is as with
 * {@linkcode ThreadingTcpServer}.
 *
 * @example
 * ```ts
 * import { connect, ThreadingUnixServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * // Yours is a file: import.meta.resolve("./shout.ts")
 * const shout = `export default async function shout(conn) {
 *   for await (const line of conn.lines()) await conn.sendAll(line.toUpperCase() + "\\n");
 * }`;
 * const path = `${await Deno.makeTempDir()}/shout.sock`;
 * const module = "data:text/javascript," + encodeURIComponent(shout);
 * await using server = new ThreadingUnixServer(module, { workers: 1, path });
 * await server.listen();
 * const serving = server.serveForever();
 *
 * using conn = await connect(server.addr);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "HELLO");
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class ThreadingUnixServer extends UnixServer<unknown, ConnectionInfo> {
  /** Checks the options; binds nothing. */
  constructor(handler: HandlerModuleLike, options: UnixServerOptions & ThreadingOptions) {
    super(crewOf(handler, options), withoutWorkerOptions(options));
  }

  /** How connections get to the threads; `undefined` before they are started. */
  get mechanism(): Mechanism | undefined {
    return (this.crew as StreamCrew).mechanism;
  }

  /**
   * Replaces the threads by fresh ones, which load the handler anew: its code may have changed. Who is served is served on by the
   * old ones; no client is turned away meanwhile.
   *
   * @throws {WorkerError} if the handler does not load any more; then nothing changes
   */
  async reload(): Promise<void> {
    await this.crew!.reload();
  }
}

/**
 * Handles UDP packets on worker threads: Python's `ThreadingUDPServer`. This thread has the socket: it receives, gives each
 * packet to the thread with the fewest, and sends the replies. So nothing is gained by it for handlers that do little. The
 * module's `datagram` is the handler.
 *
 * Limits, hooks and observers are those of {@linkcode UdpServer}, here. A packet whose thread dies is told as handled with the
 * reason `"error"`. For all else see {@linkcode ThreadingTcpServer}.
 *
 * @example
 * ```ts
 * import { connectDatagram, ThreadingUdpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * // Yours is a file: import.meta.resolve("./shout.ts")
 * const shout = "export const datagram = (packet) => packet.reply(packet.text().toUpperCase());";
 * const module = "data:text/javascript," + encodeURIComponent(shout);
 * await using server = new ThreadingUdpServer(module, { workers: 2 });
 * await server.listen();
 * const serving = server.serveForever();
 *
 * await using client = await connectDatagram(server.addr);
 * await client.send("hello");
 * assertEquals(new TextDecoder().decode(await client.receive()), "HELLO");
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class ThreadingUdpServer extends UdpServer {
  readonly #crew: PacketCrew;
  readonly #blocksOnClose: boolean;

  /** Checks the options; binds nothing. */
  constructor(handler: HandlerModuleLike, options: UdpServerOptions & ThreadingOptions = {}) {
    super((packet) => this.#crew.handle(packet), withoutWorkerOptions(options));
    const crewOptions = threadingOptions(options);
    this.#blocksOnClose = crewOptions.blockOnClose ?? true;
    this.#crew = new PacketCrew(threads, handlerReference(handler), crewOptions, {
      options,
      send: (data, to) => this.send(data, to as Deno.NetAddr),
      refused: (addr) => this.refused(addr, "unverified"),
      complained: (error, phase, remoteAddr) => this.observers.error({ error, phase, remoteAddr }),
      failed: (error) => this.observers.error({ error, phase: "worker" }),
      abandon: (error) => this.abandon(error),
    });
  }

  /** How packets get to the threads. */
  get mechanism(): Mechanism {
    return "relay";
  }

  /** Starts the threads, then binds. */
  override async serverBind(): Promise<void> {
    await this.#crew.start(this.addr);
    await super.serverBind();
  }

  /** Lets the listener keep the process alive (the default). */
  override ref(): void {
    super.ref();
    this.#crew.refer(true);
  }

  /** Lets the process end although the server listens. */
  override unref(): void {
    super.unref();
    this.#crew.refer(false);
  }

  /** Aborts the signal of every packet that is being handled, here and there. */
  protected override drainAll(): void {
    super.drainAll();
    this.#crew.drain();
  }

  /** Whether `shutdown` waits for handlers that have not ended. */
  protected override get blocksOnClose(): boolean {
    return this.#blocksOnClose;
  }

  /**
   * Replaces the threads by fresh ones, which load the handler anew: its code may have changed. Who is served is served on by the
   * old ones; no client is turned away meanwhile.
   *
   * @throws {WorkerError} if the handler does not load any more; then nothing changes
   */
  async reload(): Promise<void> {
    await this.#crew.reload();
  }

  /** Ends the threads. */
  protected override async release(): Promise<void> {
    await this.#crew.release();
  }
}
