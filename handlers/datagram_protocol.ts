/**
 * A protocol of packets, in the manner of Twisted.
 *
 * @module
 */
import type { EndpointLike } from "../server/address.ts";

/** What a {@linkcode DatagramProtocol} sends with. Twisted's `IUDPTransport`. */
export interface DatagramTransport {
  /** Where it is bound. */
  readonly host: Deno.Addr;
  /**
   * Sends a packet and does not wait. One that cannot be sent is told to the observers.
   *
   * @param data the packet
   * @param to whom
   */
  write(data: Uint8Array, to: EndpointLike): void;
  /** Stops receiving. Resolves when the socket is closed. */
  stopListening(): Promise<void>;
}

/**
 * Speaks in packets, by being called. Twisted's `DatagramProtocol`; for `Reactor.listenUdp`.
 *
 * @example
 * ```ts
 * import { connectDatagram, DatagramProtocol } from "@switchboard/kit";
 * import { Reactor } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends DatagramProtocol {
 *   override datagramReceived(data: Uint8Array, addr: Deno.NetAddr) {
 *     this.transport.write(data, addr);
 *   }
 * }
 * const reactor = new Reactor();
 * const port = await reactor.listenUdp(0, new Echo());
 * const running = reactor.run();
 *
 * const client = await connectDatagram(port.host as Deno.NetAddr);
 * await client.send("hello");
 * assertEquals(new TextDecoder().decode(await client.receive()), "hello");
 * client.close();
 *
 * reactor.stop();
 * await running;
 * ```
 */
export abstract class DatagramProtocol {
  /** What to send with; set before `startProtocol`. */
  transport!: DatagramTransport;

  /** Called when the socket is bound. Does nothing here. What it throws closes the socket, and rejects `listenUdp`. */
  startProtocol(): void {}

  /** Called when the socket is closed. Does nothing here. */
  stopProtocol(): void {}

  /**
   * Called with every packet. What it throws is told to the observers; the next packet is served.
   *
   * @param data the packet, which belongs to the protocol
   * @param addr who sent it, or claims to have
   */
  abstract datagramReceived(data: Uint8Array, addr: Deno.Addr): void | Promise<void>;
}
