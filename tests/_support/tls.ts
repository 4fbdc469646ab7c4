/**
 * TLS servers with the certificate of the tests, and what is needed to talk to them.
 *
 * @module
 */
import { connect, type Connection, type ConnectOptions, type StreamHandler, TlsServer } from "../../mod.ts";
import type { TlsServerOptions } from "../../mod.ts";
import { CA, CERT, KEY } from "./certificates.ts";
import { turn, within } from "./deadline.ts";

/** Both engines, for what is true of both. */
export const ENGINES = ["node", "native"] as const;

/** A server with the tests' certificate. */
export function tlsServer(handler: StreamHandler, options: Partial<TlsServerOptions> = {}): TlsServer {
  return new TlsServer(handler, { cert: CERT, key: KEY, ...options });
}

/** A client of the kit that trusts the tests' authority. */
export function tlsConnect(server: TlsServer, options: ConnectOptions = {}): Promise<Connection> {
  return connect(`tls://localhost:${server.addr.port}`, { caCerts: [CA], ...options });
}

/** A client of Deno's own. It throws `UnexpectedEof` where an end comes without a `close_notify`. */
export function denoConnect(
  server: TlsServer,
  options: Partial<Deno.ConnectTlsOptions> = {},
): Promise<Deno.TlsConn> {
  return Deno.connectTls({ hostname: "localhost", port: server.addr.port, caCerts: [CA], ...options });
}

/** A client that does not speak TLS, or not yet. */
export function plainConnect({ addr: { port } }: TlsServer): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

/** Whether descriptors can be counted. */
export const countsSockets = Deno.build.os === "linux";

/** How many sockets this process has open. */
export function openSockets(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) if (isSocket(`/proc/self/fd/${name}`)) count++;
  return count;
}

function isSocket(path: string): boolean {
  try {
    return Deno.readLinkSync(path).startsWith("socket:");
  } catch {
    return false; // the descriptor with which the folder was read
  }
}

/** Waits until a fact is true, looking once a turn of the event loop. */
export async function until(fact: () => boolean, what: string): Promise<void> {
  const waiting = { over: false };
  const looking = (async () => {
    while (!waiting.over && !fact()) await turn();
  })();
  await within(looking, what).finally(() => waiting.over = true);
}

/** A folder with these files, until the end of an `await using` block. */
export async function folder(files: Record<string, string>): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${path}/${name}`, text);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
