/**
 * UDP sockets, over Deno's own engine or Node's.
 *
 * @module
 */
import { type DatagramSocket, hasListenDatagram } from "./_datagram_socket.ts";
import { openDenoUdpSocket } from "./_deno_udp_socket.ts";
import { openNodeUdpSocket } from "./_node_udp_socket.ts";
import type { MulticastGroup } from "./options.ts";

/** What a UDP socket is opened with. */
export interface UdpSocketOptions {
  /** Where to bind: an IP address or a host name. */
  hostname: string;
  /** 0 lets the system choose. */
  port: number;
  /** The most bytes of a packet that are received. */
  size: number;
  /** Whether several sockets may bind the address. */
  reuseAddress?: boolean;
  /** Groups to be a member of. */
  multicast?: readonly MulticastGroup[];
  /** Whether this machine receives what is sent to a group from here. */
  multicastLoopback?: boolean;
  /** How many routers a packet to a group may pass. */
  multicastTtl?: number;
  /** Called for a packet that came faster than it was received, where the kernel cannot be left to drop it. */
  dropped?: (from: Deno.Addr) => void;
}

/** Opens a UDP socket over `Deno.listenDatagram`, or over `node:dgram` where that is not there. */
export function openUdpSocket(options: UdpSocketOptions): Promise<DatagramSocket> {
  return hasListenDatagram() ? openDenoUdpSocket(options) : openNodeUdpSocket(options);
}
