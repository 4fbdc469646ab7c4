/**
 * Servers whose handlers run in child processes.
 *
 * @module
 */
import type { ConnectionInfo } from "../observer.ts";
import type { TcpServerOptions, TlsServerOptions, UdpServerOptions, UnixServerOptions } from "../options.ts";
import { TcpServer } from "../tcp_server.ts";
import { TlsServer } from "../tls_server.ts";
import { UdpServer } from "../udp_server.ts";
import { UnixServer } from "../unix_server.ts";
import { forkingOptions, type HandlerModuleLike, handlerReference, processes } from "./_kinds.ts";
import { type ForkingOptions, type Mechanism, withoutWorkerOptions } from "./options.ts";
import { PacketCrew } from "./_packet_crew.ts";
import { StreamCrew } from "./_stream_crew.ts";

function crewOf(handler: HandlerModuleLike, options: ForkingOptions): StreamCrew {
  return new StreamCrew(processes(handler, options), handlerReference(handler), forkingOptions(options));
}

/**
 * Serves TCP connections in child processes: Python's `ForkingTCPServer`, with processes that are kept and serve many clients,
 * each any number side by side; `recycleAfter: 1` is Python's one process for each client. For handlers that may crash, run
 * out of memory, or are not to be trusted with what this process may do.
 *
 * **What travels** is as with {@linkcode ThreadingTcpServer}: a handler module, not a function; options, not observers.
 * Nothing else is shared, and nothing is inherited: a child is a fresh Deno, not a copy of this process as in Python. It finds
 * what the handler imports by the same `deno.json`, if this process may read that.
 *
 * **What children may do** is the option `permissions`, or what the module itself declares, or else what this process has in
 * full, but for running programs and foreign functions. It is written out on the child's command line, and never more than
 * this process has. To start children, this process needs `--allow-run` for Deno itself, and a few variables
 * (`serve --print-permissions` prints them).
 *
 * **How connections get there** is {@linkcode Mechanism}. On Linux each process accepts for itself (`"reuse-port"`): that is the
 * fastest, and clients that wait in the queue of a process that is killed are lost with it. Elsewhere, and where processes are
 * recycled, this process accepts and hands the sockets over; where a hook of this class is overridden, it carries the bytes.
 *
 * **Limits are totals** of all processes. `maxChildren` is Python's `max_children`: how many are alive at once, those that are
 * being replaced and have clients left included; then clients wait in the queue of the kernel. Python counts only while its
 * loop runs `service_actions`; here it always holds. There is nothing to reap: a process that ends is noticed at once.
 *
 * **How it ends.** `shutdown` lets the handlers end, and then the processes; with `blockOnClose: false` it does not wait for
 * them, and `finished` does. Processes do not outlive this one. Where this one is killed, they
 * end within a second, or when their event loop turns.
 *
 * **A process that dies** costs its own connections, which are closed with the reason `"worker"`, and nothing else: even if it
 * ran out of memory. Another takes its place, as with threads.
 *
 * **Threads or processes?** A process with a small handler starts in some 40 ms and takes about 50 MB, of which it shares two
 * thirds with others. Threads are lighter, and less apart.
 *
 * @example Two processes that may do nothing else
 * ```ts
 * import { connect, ForkingTcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * // Yours is a file: import.meta.resolve("./shout.ts")
 * const shout = `export default async function shout(conn) {
 *   for await (const line of conn.lines()) await conn.sendAll(line.toUpperCase() + "\\n");
 * }`;
 * const module = "data:text/javascript," + encodeURIComponent(shout);
 * await using server = new ForkingTcpServer(module, { processes: 2, permissions: {} });
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
 *
 * @example A process for each client
 * ```ts
 * import { connect, ForkingTcpServer } from "@switchboard/kit";
 * import { assertNotEquals } from "@std/assert";
 *
 * const identity = "export default (conn) => conn.sendAll(Deno.pid + '\\n');";
 * const module = "data:text/javascript," + encodeURIComponent(identity);
 * await using server = new ForkingTcpServer(module, { processes: 1, recycleAfter: 1 });
 * await server.listen();
 * const serving = server.serveForever();
 *
 * using first = await connect(server.addr);
 * const pid = await first.readLine();
 * using second = await connect(server.addr);
 * assertNotEquals(await second.readLine(), pid);
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class ForkingTcpServer extends TcpServer<unknown, ConnectionInfo> {
  /** Checks the options; binds nothing. */
  constructor(handler: HandlerModuleLike, options: TcpServerOptions & ForkingOptions = {}) {
    super(crewOf(handler, options), withoutWorkerOptions(options));
  }

  /** How connections get to the processes; `undefined` before they are started. */
  get mechanism(): Mechanism | undefined {
    return (this.crew as StreamCrew).mechanism;
  }

  /**
   * Replaces the processes by fresh ones, which load the handler anew: its code may have changed. Who is served is served on by the
   * old ones; no client is turned away meanwhile.
   *
   * @throws {WorkerError} if the handler does not load any more; then nothing changes
   */
  async reload(): Promise<void> {
    await this.crew!.reload();
  }
}

/**
 * Serves TLS connections in child processes, which do the handshakes, too. Certificate and key are read here, and told to the
 * children: they need not be able to read the files. All else is as with {@linkcode ForkingTcpServer}; with the mechanism
 * `"relay"`, this process does the handshakes.
 *
 * @example
 * ```ts
 * import { connect, ForkingTlsServer } from "@switchboard/kit";
 * import { CA, CERT, KEY } from "../../tests/_support/certificates.ts"; // yours are files
 * import { assertEquals } from "@std/assert";
 *
 * // Yours is a file: import.meta.resolve("./shout.ts")
 * const shout = `export default async function shout(conn) {
 *   for await (const line of conn.lines()) await conn.sendAll(line.toUpperCase() + "\\n");
 * }`;
 * const module = "data:text/javascript," + encodeURIComponent(shout);
 * await using server = new ForkingTlsServer(module, { processes: 1, cert: CERT, key: KEY });
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
export class ForkingTlsServer extends TlsServer<unknown, ConnectionInfo> {
  /** Checks the options; binds nothing. */
  constructor(handler: HandlerModuleLike, options: TlsServerOptions & ForkingOptions) {
    super(crewOf(handler, options), withoutWorkerOptions(options));
  }

  /** How connections get to the processes; `undefined` before they are started. */
  get mechanism(): Mechanism | undefined {
    return (this.crew as StreamCrew).mechanism;
  }

  /**
   * Replaces the processes by fresh ones, which load the handler anew: its code may have changed. Who is served is served on by the
   * old ones; no client is turned away meanwhile.
   *
   * @throws {WorkerError} if the handler does not load any more; then nothing changes
   */
  async reload(): Promise<void> {
    await this.crew!.reload();
  }
}

/**
 * Serves connections over a Unix socket in child processes: Python's `ForkingUnixStreamServer`. This process accepts and hands
 * the sockets over; on Windows it carries the bytes. All else is as with {@linkcode ForkingTcpServer}.
 *
 * @example
 * ```ts
 * import { connect, ForkingUnixServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * // Yours is a file: import.meta.resolve("./shout.ts")
 * const shout = `export default async function shout(conn) {
 *   for await (const line of conn.lines()) await conn.sendAll(line.toUpperCase() + "\\n");
 * }`;
 * const path = `${await Deno.makeTempDir()}/shout.sock`;
 * const module = "data:text/javascript," + encodeURIComponent(shout);
 * await using server = new ForkingUnixServer(module, { processes: 1, path });
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
export class ForkingUnixServer extends UnixServer<unknown, ConnectionInfo> {
  /** Checks the options; binds nothing. */
  constructor(handler: HandlerModuleLike, options: UnixServerOptions & ForkingOptions) {
    super(crewOf(handler, options), withoutWorkerOptions(options));
  }

  /** How connections get to the processes; `undefined` before they are started. */
  get mechanism(): Mechanism | undefined {
    return (this.crew as StreamCrew).mechanism;
  }

  /**
   * Replaces the processes by fresh ones, which load the handler anew: its code may have changed. Who is served is served on by the
   * old ones; no client is turned away meanwhile.
   *
   * @throws {WorkerError} if the handler does not load any more; then nothing changes
   */
  async reload(): Promise<void> {
    await this.crew!.reload();
  }
}

/**
 * Handles UDP packets in child processes: Python's `ForkingUDPServer`. This process has the socket: it receives, gives each
 * packet to the process with the fewest, and sends the replies. The module's `datagram` is the handler.
 *
 * Limits, hooks and observers are those of {@linkcode UdpServer}, here. A packet whose process dies is told as handled with the
 * reason `"error"`. For all else see {@linkcode ForkingTcpServer}.
 *
 * @example
 * ```ts
 * import { connectDatagram, ForkingUdpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * // Yours is a file: import.meta.resolve("./shout.ts")
 * const shout = "export const datagram = (packet) => packet.reply(packet.text().toUpperCase());";
 * const module = "data:text/javascript," + encodeURIComponent(shout);
 * await using server = new ForkingUdpServer(module, { processes: 1 });
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
export class ForkingUdpServer extends UdpServer {
  readonly #crew: PacketCrew;
  readonly #blocksOnClose: boolean;

  /** Checks the options; binds nothing. */
  constructor(handler: HandlerModuleLike, options: UdpServerOptions & ForkingOptions = {}) {
    super((packet) => this.#crew.handle(packet), withoutWorkerOptions(options));
    const crewOptions = forkingOptions(options);
    this.#blocksOnClose = crewOptions.blockOnClose ?? true;
    this.#crew = new PacketCrew(processes(handler, options), handlerReference(handler), crewOptions, {
      options,
      send: (data, to) => this.send(data, to as Deno.NetAddr),
      refused: (addr) => this.refused(addr, "unverified"),
      complained: (error, phase, remoteAddr) => this.observers.error({ error, phase, remoteAddr }),
      failed: (error) => this.observers.error({ error, phase: "worker" }),
      abandon: (error) => this.abandon(error),
    });
  }

  /** How packets get to the processes. */
  get mechanism(): Mechanism {
    return "relay";
  }

  /** Starts the processes, then binds. */
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
   * Replaces the processes by fresh ones, which load the handler anew: its code may have changed. Who is served is served on by the
   * old ones; no client is turned away meanwhile.
   *
   * @throws {WorkerError} if the handler does not load any more; then nothing changes
   */
  async reload(): Promise<void> {
    await this.#crew.reload();
  }

  /** Ends the processes. */
  protected override async release(): Promise<void> {
    await this.#crew.release();
  }
}
