/**
 * UDP with `--unstable-net`: over `Deno.listenDatagram`.
 *
 * @module
 */
import type { DatagramSocket, Received } from "./_datagram_socket.ts";
import type { UdpSocketOptions } from "./_udp_socket.ts";

/** Opens a UDP socket over `Deno.listenDatagram`. */
export async function openDenoUdpSocket(options: UdpSocketOptions): Promise<DatagramSocket> {
  const { hostname, port, reuseAddress = false, multicastLoopback = false } = options;
  const conn = Deno.listenDatagram({
    transport: "udp",
    hostname,
    port,
    reuseAddress,
    loopback: multicastLoopback,
  });
  try {
    await joinGroups(conn, options);
  } catch (error) {
    conn.close();
    throw error;
  }
  return new DenoUdpSocket(conn);
}

async function joinGroups(conn: Deno.DatagramConn, options: UdpSocketOptions): Promise<void> {
  const { multicast = [], multicastLoopback = false, multicastTtl = 1 } = options;
  for (const group of multicast) {
    if (group.address.includes(":")) {
      const membership = await conn.joinMulticastV6(group.address, Number(group.interface ?? 0));
      await membership.setLoopback(multicastLoopback);
    } else {
      const membership = await conn.joinMulticastV4(group.address, String(group.interface ?? "0.0.0.0"));
      await membership.setLoopback(multicastLoopback);
      await membership.setTTL(multicastTtl);
    }
  }
}

/** `ref` and `unref` are there and not in Deno's types. */
type Referenced = Deno.DatagramConn & { ref?(): void; unref?(): void };

class DenoUdpSocket implements DatagramSocket {
  readonly addr: Deno.NetAddr;
  readonly #conn: Referenced;

  constructor(conn: Deno.DatagramConn) {
    this.addr = conn.addr as Deno.NetAddr;
    this.#conn = conn;
  }

  /** Without a space of ours Deno would make one of 64 KiB for every packet. */
  receive(space: Uint8Array<ArrayBuffer>): Promise<Received> {
    return this.#conn.receive(space);
  }

  send(bytes: Uint8Array, to: Deno.Addr): Promise<number> {
    return this.#conn.send(bytes, to);
  }

  close(): void {
    this.#conn.close();
  }

  ref(): void {
    this.#conn.ref?.();
  }

  unref(): void {
    this.#conn.unref?.();
  }
}
