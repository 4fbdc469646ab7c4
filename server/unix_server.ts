/**
 * The server of Unix stream sockets.
 *
 * @module
 */
import { formatAddr, parseEndpoint } from "./address.ts";
import { type Listening, listening } from "./base_server.ts";
import { socketError } from "./_bind_error.ts";
import { Connection } from "./connection.ts";
import type { StreamHandlerLike } from "./handler.ts";
import type { ConnectionInfo } from "./observer.ts";
import type { UnixServerOptions } from "./options.ts";
import { listenPermissions } from "./permissions.ts";
import { makeSocketFile } from "./_socket_file.ts";
import { StreamServer } from "./stream_server.ts";

/**
 * Serves connections over a Unix socket: Python's `UnixStreamServer`, which leaves its file behind; this one removes it.
 *
 * The file's `mode` says who may connect: this user only, by default. It has that mode before anybody can reach it.
 *
 * @typeParam T what the handler keeps in `conn.data`
 * @typeParam C what `connections` tells of each
 *
 * @example
 * ```ts
 * import { connect, UnixServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/echo.sock`;
 * await using server = new UnixServer(async (conn) => {
 *   for await (const line of conn.lines()) await conn.sendAll(line + "\n");
 * }, { path, mode: 0o660 });
 * await server.listen();
 * const serving = server.serveForever();
 *
 * using conn = await connect(server.addr);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "hello");
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class UnixServer<T = unknown, C extends ConnectionInfo = Connection<T>> extends StreamServer<T, C> {
  readonly #options: UnixServerOptions;
  readonly #addr: Deno.UnixAddr;

  /**
   * A server for `handler`; binds nothing yet.
   *
   * @throws {TypeError} if the handler is none
   * @throws {AddressError} if the path is too long for a socket
   * @throws {RangeError} naming an option that is out of range
   */
  constructor(handler: StreamHandlerLike<T>, options: UnixServerOptions) {
    super(handler, options);
    this.#options = options;
    this.#addr = parseEndpoint({ transport: "unix", path: options.path }) as Deno.UnixAddr;
  }

  /** The path. */
  get addr(): Deno.UnixAddr {
    return this.#addr;
  }

  /** Makes the socket and its file. */
  protected async open(): Promise<Listening<Connection<T>>> {
    const path = this.#addr.path!;
    try {
      await this.crew?.start();
      return path.startsWith("\0") ? this.#listening(await this.#bind(path)) : await this.#openFile(path);
    } catch (error) {
      const needed = await listenPermissions({ transport: "unix", path });
      throw socketError(error, `listen on ${formatAddr(this.#addr)}`, needed);
    }
  }

  async #openFile(path: string): Promise<Listening<Connection<T>>> {
    const { mode = 0o600, reclaim = false } = this.#options;
    const { listener, remove } = await makeSocketFile(path, { mode, reclaim, answers }, this.#bind);
    const { close, ...socket } = this.#listening(listener);
    const end = (): void | Promise<void> => {
      try {
        remove();
      } finally {
        close();
      }
    };
    return { ...socket, close: end };
  }

  #bind = (path: string): Deno.UnixListener | Promise<Deno.UnixListener> => {
    const options = { transport: "unix", path } as const;
    return this.crew?.bind(options) as Promise<Deno.UnixListener> | undefined ?? Deno.listen(options);
  };

  /** The hooks as they are where nobody has overridden one. */
  protected get plainHooks(): StreamServer<T, ConnectionInfo> {
    return UnixServer.prototype;
  }

  #listening(listener: Deno.UnixListener): Listening<Connection<T>> {
    return listening(listener, async () => new Connection<T>(await listener.accept(), this.nextConnection()));
  }
}

/** Whether somebody listens at the path. */
async function answers(path: string): Promise<boolean> {
  try {
    using _conn = await Deno.connect({ transport: "unix", path });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.WouldBlock) return true; // its queue is full
    if (error instanceof Error && /wrong type/.test(error.message)) return true; // EPROTOTYPE: it serves datagrams
    throw error;
  }
}
