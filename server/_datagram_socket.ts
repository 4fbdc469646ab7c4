/**
 * What datagram servers and clients stand on: packets in, packets out, and an address.
 *
 * @module
 */
import { type EndpointLike, parseEndpoint } from "./address.ts";
import { AddressError } from "./errors.ts";

/** A packet as a socket gives it. */
export type Received = [bytes: Uint8Array<ArrayBuffer>, from: Deno.Addr];

/** A socket for datagrams. */
export interface DatagramSocket {
  /** Where it is bound. */
  readonly addr: Deno.Addr;
  /**
   * The next packet, in `space` or in memory of its own; of a longer one as many bytes as there is space for. One call at
   * a time, and none that is given up: it would take a later packet along.
   */
  receive(space: Uint8Array<ArrayBuffer>): Promise<Received>;
  /** Resolves to the number of bytes when the kernel has taken the packet. Several at once are fine. */
  send(bytes: Uint8Array, to: Deno.Addr): Promise<number>;
  /** Frees the descriptor; a pending `receive` rejects as one of a closed resource. */
  close(): void | Promise<void>;
  /** Lets a pending `receive` keep the process alive. */
  ref?(): void;
  /** Lets the process end in spite of a pending `receive`. */
  unref?(): void;
}

/** What UDP carries in one packet at most, over IPv4: 65 535 bytes less the two headers. */
export const LARGEST_PACKET = 65_507;

/** Whether `Deno.listenDatagram` is there. Asked, never tried: without the flag Deno ends the process. */
export function hasListenDatagram(): boolean {
  return typeof Deno.listenDatagram === "function";
}

/**
 * Where a datagram is to go, in the form that sockets take.
 *
 * @throws {AddressError} if it is no endpoint of datagrams
 */
export function datagramAddr(to: EndpointLike): Deno.NetAddr | Deno.UnixAddr {
  if (typeof to === "object" && to.transport === "unixpacket") return to;
  const endpoint = parseEndpoint(to);
  switch (endpoint.transport) {
    case "udp":
      return endpoint as Deno.NetAddr;
    case "unixgram":
      return { transport: "unixpacket", path: endpoint.path };
    default:
      throw new AddressError(`Cannot send datagrams to ${endpoint.transport} endpoints`);
  }
}
