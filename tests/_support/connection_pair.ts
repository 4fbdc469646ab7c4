/**
 * Two connections that are each other's peer, over a real socket.
 *
 * @module
 */
import { Connection, type ConnectionOptions } from "../../mod.ts";

/** Both ends; closed at the end of a `using` block. */
export interface ConnectionPair extends Disposable {
  /** The end under test. */
  readonly near: Connection;
  /** The raw other end. */
  readonly far: Deno.TcpConn;
}

/** Connects two ends over loopback. */
export async function connectionPair(options?: ConnectionOptions): Promise<ConnectionPair> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [far, accepted] = await Promise.all([Deno.connect({ port: listener.addr.port }), listener.accept()]);
  const near = new Connection(accepted, options);
  return {
    near,
    far,
    [Symbol.dispose]: () => {
      near.close();
      try {
        far.close();
      } catch {
        // the test has closed it
      }
    },
  };
}

/** Writes all of a text or of bytes to a raw connection. */
export async function writeAll(conn: Deno.Conn, data: Uint8Array | string): Promise<void> {
  let rest = typeof data === "string" ? new TextEncoder().encode(data) : data;
  while (rest.length > 0) rest = rest.subarray(await conn.write(rest));
}

/** Reads a raw connection to its end. */
export async function readAll(conn: Deno.Conn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const p = new Uint8Array(65_536);
  for (let n; (n = await conn.read(p)) !== null;) chunks.push(p.slice(0, n));
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** Text of bytes; `null` stays. */
export function text(bytes: Uint8Array | null): string | null {
  return bytes && new TextDecoder().decode(bytes);
}

/** Bytes of a text. */
export function bytes(from: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(from);
}
