/**
 * The kinds of datagram server that the conformance suite runs over.
 *
 * @module
 */
import {
  type BaseServer,
  connectDatagram,
  type Datagram,
  type DatagramClient,
  type DatagramHandlerLike,
  type DatagramServer,
  type DatagramServerOptions,
  UdpServer,
  type UdpServerOptions,
  UnixDatagramServer,
} from "../../mod.ts";
import type { DatagramSocket } from "../../server/_datagram_socket.ts";
import { openNodeUdpSocket } from "../../server/_node_udp_socket.ts";
import { socketPath } from "./socket_folder.ts";

/**
 * A class of servers that can be extended. For TypeScript they are all `UdpServer`; the suite uses only what the kinds
 * have in common.
 */
// deno-lint-ignore no-explicit-any -- the options differ from kind to kind
export type DatagramServerClass = new (handler: DatagramHandlerLike, options?: any) => UdpServer;

/** One kind: how to make a server that nobody else has bound, and a client of it. */
export interface DatagramServerKind {
  /** The class's name, which begins the tests' names. */
  readonly name: string;
  /** Where it cannot be tested. */
  readonly ignore?: boolean;
  /** The class, to be extended. */
  readonly Server: DatagramServerClass;
  /** The options that give a server of this kind an address of its own. */
  endpoint(): DatagramServerOptions;
  /** Whether somebody is bound to the address of a server. */
  isBound(addr: Deno.Addr): boolean;
}

/** UDP as it is served without `--unstable-net`. */
export class NodeUdpServer extends UdpServer {
  #addr: Deno.NetAddr;

  constructor(handler: DatagramHandlerLike, options: UdpServerOptions = {}) {
    super(handler, options);
    this.#addr = super.addr;
  }

  override get addr(): Deno.NetAddr {
    return this.#addr;
  }

  protected override async openSocket(size: number): Promise<DatagramSocket> {
    const { hostname, port } = this.#addr;
    const socket = await openNodeUdpSocket({
      hostname,
      port,
      size,
      dropped: (from) => this.overflowed(from),
    });
    this.#addr = socket.addr as Deno.NetAddr;
    return socket;
  }
}

/** All kinds. One more is one more entry. */
export const DATAGRAM_SERVERS: readonly DatagramServerKind[] = [
  { name: "UdpServer", Server: UdpServer, endpoint: () => ({}), isBound: isUdpBound },
  { name: "UdpServer on node:dgram", Server: NodeUdpServer, endpoint: () => ({}), isBound: isUdpBound },
  {
    name: "UnixDatagramServer",
    ignore: Deno.build.os === "windows",
    Server: UnixDatagramServer as unknown as DatagramServerClass,
    endpoint: () => ({ path: socketPath() }) as DatagramServerOptions,
    isBound: isUnixBound,
  },
];

function isUdpBound(addr: Deno.Addr): boolean {
  try {
    Deno.listenDatagram({ ...addr as Deno.NetAddr, transport: "udp" }).close();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return true;
    throw error;
  }
}

function isUnixBound(addr: Deno.Addr): boolean {
  try {
    return Deno.lstatSync((addr as Deno.UnixAddr).path!).isSocket === true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Makes a server of a kind, at an address of its own. */
export function make(
  kind: DatagramServerKind,
  handler: DatagramHandlerLike,
  options: DatagramServerOptions = {},
  Server: DatagramServerClass = kind.Server,
): DatagramServer {
  return new Server(handler, { ...kind.endpoint(), ...options });
}

/** How long a packet may take that is bound to come, in milliseconds. */
export const SOON = 10_000;

/** The next packet of a client, as text. */
export async function hear(client: DatagramClient): Promise<string> {
  return new TextDecoder().decode(await client.receive({ timeout: SOON }));
}

/** Sends a question with a client of its own, and gives the answer. */
export async function ask(server: BaseServer<Datagram>, question: string): Promise<string> {
  await using client = await connectDatagram(server.addr);
  await client.send(question);
  return await hear(client);
}

/** Registers tests for every kind; a test's name goes on behind the class's. */
export function forEachDatagramServer(
  register: (kind: DatagramServerKind, test: (name: string, fn: () => Promise<void>) => void) => void,
): void {
  for (const kind of DATAGRAM_SERVERS) {
    register(kind, (name, fn) => Deno.test({ name: `${kind.name}${name}`, ignore: kind.ignore, fn }));
  }
}
