/**
 * UDP without `--unstable-net`: over `node:dgram`.
 *
 * @module
 */
import type { Socket } from "node:dgram";
import { type DatagramSocket, LARGEST_PACKET, type Received } from "./_datagram_socket.ts";
import { assertPermitted, lookUpAddress } from "./_address_lookup.ts";
import type { UdpSocketOptions } from "./_udp_socket.ts";

/**
 * Packets that may wait here for `receive`: `node:dgram` cannot be told to leave them in the kernel. Linux queues about
 * as many small ones.
 */
const MOST_WAITING = 256;

/** Opens a UDP socket over `node:dgram`. */
export async function openNodeUdpSocket(options: UdpSocketOptions): Promise<DatagramSocket> {
  const { port, reuseAddress = false } = options;
  const hostname = await lookUpAddress(options.hostname);
  assertPermitted(hostname, port);
  const dgram = process.getBuiltinModule("node:dgram");
  const socket = dgram.createSocket({
    type: hostname.includes(":") ? "udp6" : "udp4",
    reuseAddr: reuseAddress,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(port, hostname, () => (socket.off("error", reject), resolve()));
    });
    socket.setBroadcast(true); // as Deno's own engine does
    joinGroups(socket, options);
  } catch (error) {
    socket.close();
    throw asDenoError(error);
  }
  return new NodeUdpSocket(socket, options);
}

function joinGroups(socket: Socket, options: UdpSocketOptions): void {
  const { multicast = [], multicastLoopback = false, multicastTtl = 1 } = options;
  if (multicast.length === 0) return;
  for (const group of multicast) {
    const where = group.interface || undefined; // 0 is the system's choice
    socket.addMembership(group.address, typeof where === "number" ? `::%${where}` : where);
  }
  socket.setMulticastLoopback(multicastLoopback);
  socket.setMulticastTTL(multicastTtl);
}

/** What Deno throws for the same errno, so that both engines fail alike. */
const CLASSES: Record<string, new (message: string, options: ErrorOptions) => Error> = {
  EADDRINUSE: Deno.errors.AddrInUse,
  EADDRNOTAVAIL: Deno.errors.AddrNotAvailable,
  EACCES: Deno.errors.PermissionDenied,
  EPERM: Deno.errors.PermissionDenied,
  ENETUNREACH: Deno.errors.NetworkUnreachable,
  ECONNREFUSED: Deno.errors.ConnectionRefused,
};

function asDenoError(error: unknown): unknown {
  const { code = "", message } = error as { code?: string; message: string };
  const Class = CLASSES[code];
  return Class ? Object.assign(new Class(message, { cause: error }), { code }) : error;
}

class NodeUdpSocket implements DatagramSocket {
  readonly addr: Deno.NetAddr;
  readonly #socket: Socket;
  readonly #options: UdpSocketOptions;
  /** Whether no single address need be asked for. */
  readonly #allPermitted = Deno.permissions.querySync({ name: "net" }).state === "granted";
  readonly #waiting: (Received | { error: unknown })[] = [];
  #receiving: PromiseWithResolvers<Received> | undefined;
  #closed = false;

  constructor(socket: Socket, options: UdpSocketOptions) {
    const { address: hostname, port } = socket.address();
    this.addr = { transport: "udp", hostname, port };
    this.#socket = socket;
    this.#options = options;
    socket.on("message", (bytes, { address, port }) => {
      this.#arrived(bytes, { transport: "udp", hostname: address, port });
    });
    socket.on("error", (error) => this.#failed(asDenoError(error)));
  }

  /** What has come lies elsewhere already; `size` says how much of it is wanted. */
  receive(_space: Uint8Array<ArrayBuffer>): Promise<Received> {
    if (this.#closed) return Promise.reject(closed());
    const first = this.#waiting.shift();
    if (!first) return (this.#receiving = Promise.withResolvers()).promise;
    return "error" in first ? Promise.reject(first.error) : Promise.resolve(first);
  }

  send(bytes: Uint8Array, to: Deno.Addr): Promise<number> {
    const { hostname, port } = to as Deno.NetAddr;
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closed();
      if (bytes.length > LARGEST_PACKET) {
        throw Object.assign(new Error("Message too long"), { code: "EMSGSIZE" });
      }
      if (!this.#allPermitted) assertPermitted(hostname, port);
      this.#socket.send(bytes, port, hostname, (error) => {
        if (error) reject(asDenoError(error));
        else resolve(bytes.length);
      });
    });
  }

  #arrived(bytes: Uint8Array, from: Deno.NetAddr): void {
    const { size, dropped } = this.#options;
    if (!this.#receiving && this.#waiting.length >= MOST_WAITING) return dropped?.(from);
    // A copy: Node's buffer has 64 KiB, however short the packet is.
    this.#give([new Uint8Array(bytes.subarray(0, size)), from]);
  }

  #failed(error: unknown): void {
    if (this.#receiving) this.#receiving.reject(error);
    else this.#waiting.push({ error });
    this.#receiving = undefined;
  }

  #give(received: Received): void {
    if (this.#receiving) this.#receiving.resolve(received);
    else this.#waiting.push(received);
    this.#receiving = undefined;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.close(resolve);
    this.#receiving?.reject(closed());
    await promise;
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }
}

/** What Deno's own sockets reject with. */
function closed(): Error {
  return new Deno.errors.BadResource("Socket has been closed");
}
