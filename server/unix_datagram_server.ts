/**
 * The server of Unix datagram sockets.
 *
 * @module
 */
import { formatAddr, parseEndpoint } from "./address.ts";
import { socketError } from "./_bind_error.ts";
import { type DatagramSocket, hasListenDatagram } from "./_datagram_socket.ts";
import { DatagramServer } from "./datagram_server.ts";
import type { DatagramHandlerLike } from "./handler.ts";
import type { UnixDatagramServerOptions } from "./options.ts";
import { listenPermissions } from "./permissions.ts";
import { makeSocketFile } from "./_socket_file.ts";
import { type BoundSocket, UnixDatagramSocket } from "./_unix_datagram_socket.ts";

/**
 * Serves datagrams over a Unix socket: Python's `UnixDatagramServer`, which leaves its file behind; this one removes it.
 *
 * The file's `mode` says who may send: this user only, by default. It has that mode before anybody can reach it.
 *
 * A client that wants replies has to bind its own socket to a path. One that has connected its socket to the server's is
 * answered from there; to others replies come without a sender's name.
 *
 * It needs `Deno.listenDatagram`: Deno has to run with `--unstable-net`, or with `"unstable": ["net"]` in `deno.json`.
 *
 * @example
 * ```ts
 * import { connectDatagram, UnixDatagramServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/echo.sock`;
 * await using server = new UnixDatagramServer((packet) => packet.reply(packet.data), { path, mode: 0o660 });
 * await server.listen();
 * const serving = server.serveForever();
 *
 * await using client = await connectDatagram(server.addr);
 * await client.send("hello");
 * assertEquals(new TextDecoder().decode(await client.receive()), "hello");
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class UnixDatagramServer extends DatagramServer {
  /** How long a peer may leave its queue full before a reply to it is given up, in milliseconds. */
  protected patience: number | undefined;
  readonly #options: UnixDatagramServerOptions;
  readonly #addr: Deno.UnixAddr;

  /**
   * A server for `handler`; binds nothing yet.
   *
   * @throws {TypeError} if the handler is none
   * @throws {AddressError} if the path is too long for a socket
   * @throws {RangeError} naming an option that is out of range
   */
  constructor(handler: DatagramHandlerLike, options: UnixDatagramServerOptions) {
    super(handler, options);
    this.#options = options;
    parseEndpoint({ transport: "unixgram", path: options.path }); // checks it
    this.#addr = { transport: "unixpacket", path: options.path };
  }

  /** The path. */
  get addr(): Deno.UnixAddr {
    return this.#addr;
  }

  /** Makes the socket and its file. */
  protected async openSocket(): Promise<DatagramSocket> {
    const path = this.#options.path;
    const attempt = `listen on ${formatAddr(this.#addr)}`;
    if (!hasListenDatagram()) {
      throw new Deno.errors.NotSupported(
        `Cannot ${attempt}: datagrams over Unix sockets need Deno.listenDatagram, run with --unstable-net`,
      );
    }
    try {
      if (path.startsWith("\0")) return new UnixDatagramSocket(bind(path), { path, patience: this.patience });
      return await this.#openFile(path);
    } catch (error) {
      throw socketError(error, attempt, await listenPermissions({ transport: "unixgram", path }));
    }
  }

  async #openFile(path: string): Promise<DatagramSocket> {
    const { mode = 0o600, reclaim = false } = this.#options;
    let file = await makeSocketFile(path, { mode, reclaim, answers: isBound }, bind);
    const rebind = async (): Promise<BoundSocket> => {
      file.remove();
      file = await makeSocketFile(path, { mode, reclaim: false, answers: isBound }, bind);
      return file.listener;
    };
    const closed = (): void => file.remove();
    return new UnixDatagramSocket(file.listener, { path, patience: this.patience, rebind, closed });
  }
}

function bind(path: string): BoundSocket {
  return Deno.listenDatagram({ transport: "unixpacket", path });
}

/**
 * Whether a living socket is bound to the path. Asked by connecting a stream, which disturbs nobody: where the file is
 * dead the kernel refuses it, and where there are datagrams it says that the type is wrong (an errno that Deno has no code
 * for). Whatever else it says, somebody is there.
 */
async function isBound(path: string): Promise<boolean> {
  try {
    using _conn = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotCapable) throw error;
  }
  return true;
}
