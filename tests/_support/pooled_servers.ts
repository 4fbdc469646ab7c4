/**
 * The servers with workers: each class with each way to get connections to them.
 *
 * @module
 */
import {
  connect,
  type Connection,
  type ConnectOptions,
  type StreamServerOptions,
  type TcpServer,
} from "../../mod.ts";
import type { ConnectionInfo } from "../../server/observer.ts";
import { ForkingTcpServer, ForkingTlsServer, ForkingUnixServer } from "../../server/workers/forking.ts";
import type { ForkingOptions, Mechanism, ThreadingOptions } from "../../server/workers/options.ts";
import {
  ThreadingTcpServer,
  ThreadingTlsServer,
  ThreadingUnixServer,
} from "../../server/workers/threading.ts";
import { CA, CERT, KEY } from "./certificates.ts";
import { socketPath } from "./socket_folder.ts";

/** A server of connections with workers. For TypeScript they are all TCP servers; tests use what the kinds have in common. */
export type PooledServer = TcpServer<unknown, ConnectionInfo> & {
  readonly mechanism: Mechanism | undefined;
};

/** The options that all kinds have in common. */
export type PooledOptions =
  & StreamServerOptions
  & Omit<ThreadingOptions, "workers">
  & Omit<ForkingOptions, "processes">
  & { cert?: string; handshakeTimeout?: number; port?: number };

/** One kind. */
export interface PooledServerKind {
  /** The class's name and the mechanism, which begin the tests' names. */
  readonly name: string;
  readonly transport: "tcp" | "tls" | "unix";
  readonly isThreading: boolean;
  readonly mechanism: Mechanism;
  /** The class, to be extended. */
  // deno-lint-ignore no-explicit-any -- the options differ from kind to kind
  readonly Server: new (handler: string | URL, options?: any) => PooledServer;
}

/** The handler that does as it is told. */
export const OBEDIENT = new URL("../server/workers/_fixtures/obedient.ts", import.meta.url);

const CLASSES = [
  { Server: ThreadingTcpServer, transport: "tcp", mechanisms: ["load-balanced", "relay"] },
  { Server: ThreadingTlsServer, transport: "tls", mechanisms: ["load-balanced", "relay"] },
  { Server: ThreadingUnixServer, transport: "unix", mechanisms: ["relay"] },
  { Server: ForkingTcpServer, transport: "tcp", mechanisms: ["reuse-port", "hand-over", "relay"] },
  { Server: ForkingTlsServer, transport: "tls", mechanisms: ["reuse-port", "hand-over", "relay"] },
  { Server: ForkingUnixServer, transport: "unix", mechanisms: ["hand-over", "relay"] },
] as const;

/** Every class with every mechanism. */
export const POOLED_SERVERS: readonly PooledServerKind[] = CLASSES.flatMap((
  { Server, transport, mechanisms },
) =>
  mechanisms.map((mechanism) => ({
    name: `${Server.name} (${mechanism})`,
    transport,
    isThreading: Server.name.startsWith("Threading"),
    mechanism,
    Server: Server as unknown as PooledServerKind["Server"],
  }))
);

/** One kind of TCP server for each mechanism and sort of worker. */
export const POOLED_TCP_SERVERS: readonly PooledServerKind[] = POOLED_SERVERS.filter(({ transport }) =>
  transport === "tcp"
);

/** The kind with this class and mechanism. */
export function pooledKind(isThreading: boolean, mechanism: Mechanism): PooledServerKind {
  return POOLED_TCP_SERVERS.find((kind) => kind.isThreading === isThreading && kind.mechanism === mechanism)!;
}

/** The options that make a server of this kind, with two workers and an address of its own. */
export function pooledOptions(
  kind: PooledServerKind,
  options: PooledOptions & { size?: number } = {},
): object {
  const { size = 2, ...own } = options;
  return {
    mechanism: kind.mechanism,
    ...kind.isThreading ? { workers: size } : { processes: size },
    ...kind.transport === "tls" && { cert: CERT, key: KEY },
    ...kind.transport === "unix" && { path: socketPath() },
    ...own,
  };
}

/** Makes a server of a kind. */
export function makePooled(
  kind: PooledServerKind,
  options: PooledOptions & { size?: number } = {},
  handler: string | URL = OBEDIENT,
  Server: PooledServerKind["Server"] = kind.Server,
): PooledServer {
  return new Server(handler, pooledOptions(kind, options));
}

/** A client of any of them. */
export function pooledConnect(
  kind: PooledServerKind,
  { addr }: { addr: Deno.Addr },
  options: ConnectOptions = {},
): Promise<Connection> {
  if (kind.transport !== "tls") return connect(addr, options);
  return connect(`tls://localhost:${(addr as Deno.NetAddr).port}`, { caCerts: [CA], ...options });
}

/** A client that has told the handler what to do. */
export async function order(
  kind: PooledServerKind,
  server: { addr: Deno.Addr },
  line: string,
): Promise<Connection> {
  const conn = await pooledConnect(kind, server);
  await conn.sendAll(line + "\n");
  return conn;
}

/** Where a handler runs. */
export interface Where {
  pid: number;
  thread: number;
}

/** Reads a line of JSON. */
export async function told<T>(conn: Connection): Promise<T> {
  return JSON.parse((await conn.readLine())!);
}

/** How many of these connections each worker serves, the fewest first: each client has said `who`. */
export async function spread(clients: readonly Connection[]): Promise<number[]> {
  const counts = new Map<string, number>();
  for (const client of clients) {
    const { pid, thread } = await told<Where>(client);
    const worker = `${pid}/${thread}`;
    counts.set(worker, (counts.get(worker) ?? 0) + 1);
  }
  return [...counts.values()].sort((a, b) => a - b);
}
