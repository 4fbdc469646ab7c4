/**
 * The kinds of stream server that the conformance suite runs over.
 *
 * @module
 */
import {
  type BaseServer,
  connect,
  type Connection,
  type ConnectOptions,
  type StreamHandlerLike,
  type StreamServer,
  type StreamServerOptions,
  TcpServer,
  UnixServer,
} from "../../mod.ts";
import { socketPath } from "./socket_folder.ts";

/**
 * A class of servers that can be extended. For TypeScript they are all `TcpServer`; the suite uses only what the kinds
 * have in common.
 */
// deno-lint-ignore no-explicit-any -- the options differ from kind to kind
export type StreamServerClass = new (handler: StreamHandlerLike, options?: any) => TcpServer;

/** One kind: how to make a server that nobody else has bound, and a client of it. */
export interface StreamServerKind {
  /** The class's name, which begins the tests' names. */
  readonly name: string;
  /** Where it cannot be tested. */
  readonly ignore?: boolean;
  /** The class, to be extended. */
  readonly Server: StreamServerClass;
  /** The options that give a server of this kind an address of its own. */
  endpoint(): StreamServerOptions;
  /** A client. */
  connect(server: BaseServer<Connection>, options?: ConnectOptions): Promise<Connection>;
}

/** All kinds. One more is one more entry. */
export const STREAM_SERVERS: readonly StreamServerKind[] = [
  {
    name: "TcpServer",
    Server: TcpServer,
    endpoint: () => ({}),
    connect: (server, options) => connect(server.addr, options),
  },
  {
    name: "UnixServer",
    ignore: Deno.build.os === "windows",
    Server: UnixServer as unknown as StreamServerClass,
    endpoint: () => ({ path: socketPath() }) as StreamServerOptions,
    connect: (server, options) => connect(server.addr, options),
  },
];

/** Makes a server of a kind, at an address of its own. */
export function make(
  kind: StreamServerKind,
  handler: StreamHandlerLike,
  options: StreamServerOptions = {},
  Server: StreamServerClass = kind.Server,
): StreamServer {
  return new Server(handler, { ...kind.endpoint(), ...options });
}

/** Registers tests for every kind; a test's name goes on behind the class's. */
export function forEachStreamServer(
  register: (kind: StreamServerKind, test: (name: string, fn: () => Promise<void>) => void) => void,
): void {
  for (const kind of STREAM_SERVERS) {
    register(kind, (name, fn) => Deno.test({ name: `${kind.name}${name}`, ignore: kind.ignore, fn }));
  }
}
