/**
 * The client's side of datagrams.
 *
 * @module
 */
import { Intake } from "./_accept.ts";
import { type EndpointLike, formatAddr, formatHostPort } from "./address.ts";
import { isAddress, lookUpAddress } from "./_address_lookup.ts";
import { socketError } from "./_bind_error.ts";
import {
  datagramAddr,
  type DatagramSocket,
  hasListenDatagram,
  LARGEST_PACKET,
  type Received,
} from "./_datagram_socket.ts";
import { PacketBlock } from "./_packet_block.ts";
import { checkOptions, LONGEST_TIMER } from "./options.ts";
import type { Permissions } from "./permissions.ts";
import { encodeText } from "./_text.ts";
import { openUdpSocket } from "./_udp_socket.ts";
import { UnixDatagramSocket } from "./_unix_datagram_socket.ts";

/** What `connectDatagram` can be told. */
export interface ConnectDatagramOptions {
  /**
   * The most bytes of a packet that are received; longer ones are cut.
   *
   * @default {65_507}
   */
  maxPacketSize?: number;
  /**
   * Receives from everybody: what answers to a broadcast or multicast comes from other addresses than it was sent to.
   * Otherwise UDP packets that come from elsewhere are thrown away.
   *
   * @default {false}
   */
  anySender?: boolean;
}

/** What a single `receive` can be told. */
export interface ReceiveOptions {
  /** How long to wait, in milliseconds; without it, as long as it takes. */
  timeout?: number;
  /** Ends the wait with the signal's reason. No packet is lost: the next `receive` gets it. */
  signal?: AbortSignal;
}

/**
 * A socket to talk to one `udp:` or `unixgram:` endpoint with.
 *
 * Nothing is sent yet, so nobody need be there: over UDP nothing tells whether anybody is. A Unix client binds its socket
 * to a path of its own, in the folder for temporary files, so that it can be answered. Opening takes no time, and cannot
 * be aborted.
 *
 * @param endpoint where to; a server's `addr` will do
 * @returns the client; it is the caller's to close
 * @throws {AddressError} if it is no endpoint of datagrams
 * @throws {Deno.errors.NotCapable} if a permission is missing
 *
 * @example
 * ```ts
 * import { connectDatagram, serve } from "@switchboard/kit";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using group = await serve({ listen: "udp://127.0.0.1:0" }, {
 *   datagram: (packet) => packet.data.length > 0 ? packet.reply(packet.data) : undefined,
 * });
 * await using client = await connectDatagram(group.addr);
 * await client.send("hello");
 * assertEquals(new TextDecoder().decode(await client.receive({ timeout: 5_000 })), "hello");
 *
 * await client.send("");
 * await assertRejects(() => client.receive({ timeout: 50 }), Deno.errors.TimedOut);
 * ```
 */
export async function connectDatagram(
  endpoint: EndpointLike,
  options: ConnectDatagramOptions = {},
): Promise<DatagramClient> {
  const { maxPacketSize = LARGEST_PACKET, anySender = false } = options;
  checkOptions({ maxPacketSize });
  const to = datagramAddr(endpoint);
  try {
    if ("path" in to) return new DatagramClient(await openUnix(), to, maxPacketSize, () => true);
    // packets will come from the address, not from the name
    const remoteAddr = { ...to, hostname: await lookUpAddress(to.hostname) };
    const socket = await openUdpSocket({
      hostname: localFor(remoteAddr.hostname),
      port: 0,
      size: maxPacketSize,
    });
    return new DatagramClient(socket, remoteAddr, maxPacketSize, anySender ? () => true : sameAs(remoteAddr));
  } catch (error) {
    throw socketError(error, `talk to ${formatAddr(to)}`, talkPermissions(to));
  }
}

/**
 * A client of datagrams: see {@linkcode connectDatagram}.
 *
 * @example All packets until it is closed
 * ```ts
 * import { connectDatagram, UdpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await new UdpServer(async (packet) => {
 *   for (const part of ["one", "two", "three"]) await packet.reply(part);
 * }).listen();
 * const serving = server.serveForever();
 *
 * await using client = await connectDatagram(server.addr);
 * await client.send("parts, please");
 * const parts: string[] = [];
 * for await (const packet of client) {
 *   parts.push(new TextDecoder().decode(packet));
 *   if (parts.length === 3) break;
 * }
 * assertEquals(parts, ["one", "two", "three"]);
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class DatagramClient {
  /** Where packets go. */
  readonly remoteAddr: Deno.Addr;
  readonly #socket: DatagramSocket;
  readonly #block: PacketBlock;
  readonly #intake: Intake<Received>;
  readonly #isWanted: (from: Deno.Addr) => boolean;
  #closed = false;

  /** A client over `socket`. {@linkcode connectDatagram} makes them. */
  constructor(
    socket: DatagramSocket,
    remoteAddr: Deno.Addr,
    maxPacketSize: number,
    isWanted: (from: Deno.Addr) => boolean,
  ) {
    this.#socket = socket;
    this.#block = new PacketBlock(maxPacketSize);
    this.remoteAddr = remoteAddr;
    this.#isWanted = isWanted;
    this.#intake = new Intake(() => this.#receive());
  }

  /** This side's address. */
  get localAddr(): Deno.Addr {
    return this.#socket.addr;
  }

  /**
   * Sends one packet. Resolves when the kernel has taken it; until then `data` must stay as it is.
   *
   * A close rejects it. It cannot be aborted.
   *
   * @param data bytes; text is sent as UTF-8
   */
  async send(data: Uint8Array | string): Promise<void> {
    await this.#socket.send(
      typeof data === "string" ? encodeText(data) : data,
      this.remoteAddr,
    );
  }

  /**
   * The next packet that comes.
   *
   * Abort and time-out end the wait and lose no packet: the next call gets it. A close rejects with
   * `Deno.errors.BadResource`.
   *
   * @throws {Deno.errors.TimedOut} if none came within `timeout` milliseconds
   */
  async receive({ timeout, signal }: ReceiveOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    signal?.throwIfAborted();
    const limited = timeout !== undefined && timeout <= LONGEST_TIMER;
    const interrupt = () => this.#intake.interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    try {
      const arrived = await this.#intake.ready(limited ? timeout : undefined);
      signal?.throwIfAborted();
      if (arrived) return this.#intake.take()[0];
    } finally {
      signal?.removeEventListener("abort", interrupt);
    }
    throw this.#closed
      ? new Deno.errors.BadResource("the client is closed")
      : new Deno.errors.TimedOut(`no packet came within ${timeout} ms`);
  }

  /** The packets that come, until it is closed. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array<ArrayBuffer>> {
    while (!this.#closed) {
      try {
        yield await this.receive();
      } catch (error) {
        if (!this.#closed) throw error;
      }
    }
  }

  async #receive(): Promise<Received> {
    for (;;) {
      const received = await this.#socket.receive(this.#block.space());
      if (!this.#isWanted(received[1])) continue;
      this.#block.keep(received[0]);
      return received;
    }
  }

  /** Closes it. A `receive` that waits rejects. Doing so twice is harmless. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#intake.interrupt();
    try {
      await this.#socket.close();
    } finally {
      await this.#intake.settled();
    }
  }

  /** Closes it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A path of one's own is a random one; a host name stands for addresses that nobody knows yet. */
function talkPermissions(to: Deno.NetAddr | Deno.UnixAddr): Permissions {
  if ("path" in to) return { net: true, read: true, write: true };
  if (!isAddress(to.hostname)) return { net: true };
  return { net: [formatHostPort({ hostname: localFor(to.hostname), port: 0 }), formatHostPort(to)] };
}

async function openUnix(): Promise<DatagramSocket> {
  if (!hasListenDatagram()) {
    throw new Deno.errors.NotSupported("Unix sockets need Deno.listenDatagram, run with --unstable-net");
  }
  const folder = await Deno.makeTempDir({ prefix: "datagram" });
  const path = `${folder}/client.sock`;
  const closed = () => removeFolder(folder);
  try {
    const conn = Deno.listenDatagram({ transport: "unixpacket", path });
    return new UnixDatagramSocket(conn, { path, named: true, closed });
  } catch (error) {
    closed();
    throw error;
  }
}

/** It may be gone: others clean up where temporary files are. */
function removeFolder(folder: string): void {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** To loopback from loopback, so that the permission for it is enough. */
function localFor(remote: string): string {
  if (remote.includes(":")) return remote === "::1" ? "::1" : "::";
  return remote.startsWith("127.") ? "127.0.0.1" : "0.0.0.0";
}

function sameAs(remote: Deno.NetAddr): (from: Deno.Addr) => boolean {
  return (from) =>
    (from as Deno.NetAddr).port === remote.port && (from as Deno.NetAddr).hostname === remote.hostname;
}
