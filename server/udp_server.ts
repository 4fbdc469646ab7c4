/**
 * The UDP server.
 *
 * @module
 */
import { formatAddr, type NetEndpoint } from "./address.ts";
import { socketError } from "./_bind_error.ts";
import type { DatagramSocket } from "./_datagram_socket.ts";
import { DatagramServer } from "./datagram_server.ts";
import type { DatagramHandlerLike } from "./handler.ts";
import type { UdpServerOptions } from "./options.ts";
import { listenPermissions } from "./permissions.ts";
import { openUdpSocket } from "./_udp_socket.ts";

/**
 * Serves UDP packets: Python's `UDPServer`, and with its default concurrency what `ThreadingUDPServer` is used for.
 *
 * It stands on `Deno.listenDatagram` where Deno runs with `--unstable-net` (or `"unstable": ["net"]` in `deno.json`), and
 * on `node:dgram`, at about half the speed, where it does not.
 *
 * A packet that comes while the kernel's queue is full is lost, and nobody is told. That is UDP; what the server itself
 * drops, it counts (`stats.refused`).
 *
 * @example Echo
 * ```ts
 * import { connectDatagram, UdpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new UdpServer((packet) => packet.reply(packet.data));
 * await server.listen();
 * const serving = server.serveForever();
 *
 * await using client = await connectDatagram(server.addr);
 * await client.send("hello");
 * assertEquals(new TextDecoder().decode(await client.receive()), "hello");
 *
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @example Limits
 * ```ts
 * import { UdpServer } from "@switchboard/kit";
 *
 * await using server = new UdpServer((packet) => packet.reply("too early"), {
 *   maxPacketSize: 512,
 *   maxInFlight: 100,
 *   maxPacketRatePerPeer: 10,
 *   deny: ["192.0.2.0/24"],
 * });
 * await server.handleRequest({ timeout: 0 });
 * ```
 */
export class UdpServer extends DatagramServer {
  readonly #options: UdpServerOptions;
  #addr: Deno.NetAddr;

  /**
   * A server for `handler`; binds nothing yet.
   *
   * @throws {TypeError} if the handler is none
   * @throws {RangeError} naming an option that is out of range
   */
  constructor(handler: DatagramHandlerLike, options: UdpServerOptions = {}) {
    super(handler, options);
    this.#options = options;
    const { hostname = "127.0.0.1", port = 0 } = options;
    this.#addr = { transport: "udp", hostname, port };
  }

  /** Where it listens: the address that was asked for, with the real port once it is bound. */
  get addr(): Deno.NetAddr {
    return this.#addr;
  }

  /** Lets packets to everybody go out only with the option `broadcast`. */
  protected override checkDestination(addr: Deno.Addr): void {
    if ("hostname" in addr && addr.hostname === "255.255.255.255" && !this.#options.broadcast) {
      throw new TypeError(`Cannot send to ${formatAddr(addr)}: the option broadcast is off`);
    }
  }

  /** Binds, to the same port again after a shutdown. */
  protected async openSocket(size: number): Promise<DatagramSocket> {
    const { hostname, port } = this.#addr;
    const { multicast = [], ...options } = this.#options;
    try {
      const socket = await openUdpSocket({
        ...options,
        hostname,
        port,
        size,
        multicast: multicast.map((group) => typeof group === "string" ? { address: group } : group),
        dropped: (from) => this.overflowed(from),
      });
      this.#addr = socket.addr as Deno.NetAddr;
      return socket;
    } catch (error) {
      throw socketError(
        error,
        `listen on ${formatAddr(this.#addr)}`,
        await listenPermissions(this.#addr as NetEndpoint),
      );
    }
  }
}
