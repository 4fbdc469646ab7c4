/**
 * Somebody on the way between a client and a server.
 *
 * @module
 */
import { writeAll } from "./connection_pair.ts";

/** Passes the bytes of one client on to a server and back, and may cut them off or add to them. */
export class Relay implements AsyncDisposable {
  /** Where the client connects. */
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #server: Deno.TcpConn;
  readonly #client: Promise<Deno.TcpConn>;
  readonly #passing: Promise<unknown>;

  /** A relay to a port of this machine. */
  static async to(port: number): Promise<Relay> {
    return new Relay(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  private constructor(server: Deno.TcpConn) {
    this.#server = server;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#client = this.#listener.accept();
    this.#passing = this.#client.then((client) => Promise.all([pass(client, server), pass(server, client)]));
  }

  /** Slips bytes to the server. */
  async slipToServer(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#server, bytes);
  }

  /** Ends the connection to the server, whatever the client wants to say yet. */
  async cutServerOff(): Promise<void> {
    await this.#server.closeWrite();
  }

  /** Ends the connection to the client, whatever the server wants to say yet. */
  async cutClientOff(): Promise<void> {
    await (await this.#client).closeWrite();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#server.close();
    (await this.#client).close();
    await this.#passing;
  }
}

async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const p = new Uint8Array(65_536);
  try {
    for (let n; (n = await from.read(p)) !== null;) await writeAll(to, p.subarray(0, n));
  } catch {
    // one of them is gone, or cut off
  }
}
