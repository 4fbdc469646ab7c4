/**
 * Two connections that are each other's peer.
 *
 * @module
 */
import { Connection } from "./connection.ts";

/**
 * Two connected ends, over a Unix socket, on Windows over loopback: `socketpair`. For tests, and for code
 * that expects a connection where there is no network.
 *
 * Needs the permission to write to the system's folder for temporary files (on Windows, to listen on
 * loopback). The socket is in a folder that only this user can enter, and is gone when the promise resolves.
 *
 * @returns both ends; they are the caller's to close
 *
 * @example
 * ```ts
 * import { socketPair } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * const ends = await socketPair();
 * using near = ends[0];
 * using far = ends[1];
 * await near.sendAll("hello\n");
 * assertEquals(await far.readLine(), "hello");
 * ```
 */
export async function socketPair(): Promise<[Connection, Connection]> {
  const [near, far] = Deno.build.os === "windows" ? await overLoopback() : await overUnixSocket();
  return [new Connection(near), new Connection(far)];
}

async function overUnixSocket(): Promise<[Deno.Conn, Deno.Conn]> {
  const folder = await Deno.makeTempDir({ prefix: "pair" });
  try {
    const path = `${folder}/s`;
    using listener = Deno.listen({ transport: "unix", path });
    return await Promise.all([Deno.connect({ transport: "unix", path }), listener.accept()]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Anybody on the machine may connect first: only the own end is taken. */
async function overLoopback(): Promise<[Deno.Conn, Deno.Conn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const near = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  for (;;) {
    const far = await listener.accept();
    if (far.remoteAddr.port === near.localAddr.port) return [near, far];
    far.close();
  }
}
