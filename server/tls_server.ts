/**
 * The TLS server.
 *
 * @module
 */
import type { Listening } from "./base_server.ts";
import { Connection, control } from "./connection.ts";
import type { StreamHandlerLike } from "./handler.ts";
import type { ConnectionInfo } from "./observer.ts";
import type { StreamServer } from "./stream_server.ts";
import { type KeyPair, loadKeyPair, secureContext } from "./_key_pair.ts";
import { STREAM_DEFAULTS, type TlsServerOptions } from "./options.ts";
import { TcpServer } from "./tcp_server.ts";
import type { Transport } from "./_transport.ts";
import { serverSide, type TlsSide } from "./_tls_side.ts";
import { shakeHands, TlsTransport } from "./_tls_transport.ts";

/**
 * How long a `close_notify` may wait behind an answer that a slow peer is still reading, in milliseconds; Go's
 * `crypto/tls` waits as long.
 */
const GOODBYE = 5_000;

/**
 * Serves TLS connections: what Python makes of a `TCPServer` and `ssl.SSLContext.wrap_socket`, without the handshake that
 * stops it from accepting.
 *
 * A client's handshake runs in the client's own task, after its address was admitted and before `verifyRequest`. One
 * that fails it, stalls (see `handshakeTimeout`) or does not speak TLS is closed; observers are told by `refused` with
 * the reason `"handshake"` and the error. `conn.tls` says what was agreed on, and `addr` is that of the TCP socket.
 *
 * The end of a connection is announced by a `close_notify`. A client that leaves without one may have been cut off by
 * somebody else: reading then throws `Deno.errors.UnexpectedEof`, as it does in Go and with `Deno.listenTls`, and the
 * connection is told as closed with the reason `"peer"`.
 *
 * @typeParam T what the handler keeps in `conn.data`
 * @typeParam C what `connections` tells of each
 *
 * @example Echo
 * ```ts
 * import { connect, TlsServer } from "@switchboard/kit";
 * import { CA, CERT, KEY } from "../tests/_support/certificates.ts"; // yours are files: cert: "/etc/…/fullchain.pem"
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new TlsServer(async (conn) => {
 *   for await (const chunk of conn) await conn.sendAll(chunk);
 * }, { port: 0, cert: CERT, key: KEY });
 * await server.listen();
 * const serving = server.serveForever();
 *
 * const { port } = server.addr;
 * using conn = await connect(`tls://localhost:${port}`, { caCerts: [CA] });
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "hello");
 * conn.close();
 *
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @example Two protocols on one port
 * ```ts
 * import { connect, TlsServer } from "@switchboard/kit";
 * import { CA, CERT, KEY } from "../tests/_support/certificates.ts";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new TlsServer(
 *   (conn) => conn.sendAll(`you speak ${conn.tls?.alpnProtocol}\n`),
 *   { cert: CERT, key: KEY, alpnProtocols: ["chat/2", "chat/1"] },
 * );
 * await server.listen();
 * const serving = server.serveForever();
 *
 * const endpoint = `tls://localhost:${server.addr.port}`;
 * using conn = await connect(endpoint, { caCerts: [CA], alpnProtocols: ["chat/1"] });
 * assertEquals(await conn.readLine(), "you speak chat/1");
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class TlsServer<T = unknown, C extends ConnectionInfo = Connection<T>> extends TcpServer<T, C> {
  /** How its endpoints begin. */
  protected override readonly scheme = "tls";
  readonly #options: TlsServerOptions;
  readonly #handshakes = new WeakMap<Connection<T>, () => Promise<void>>();
  #keyPair: KeyPair | undefined;
  #side: TlsSide | undefined;

  /**
   * A server for `handler`; reads no file and binds nothing yet.
   *
   * @throws {TypeError} if the handler is none, or `cert` or `key` is not given
   * @throws {RangeError} naming an option that is out of range
   */
  constructor(handler: StreamHandlerLike<T>, options: TlsServerOptions) {
    super(handler, options);
    for (const name of ["cert", "key"] as const) {
      if (options?.[name] === undefined) {
        throw new TypeError(`Option "${name}" is missing: TLS needs a certificate and its key`);
      }
    }
    this.#options = options;
  }

  /** Reads certificate and key (anew after a shutdown), then binds. */
  protected override async open(): Promise<Listening<Connection<T>>> {
    const { alpnProtocols } = this.#options;
    this.#keyPair = await loadKeyPair(this.#options);
    this.#side = serverSide(await secureContext(this.#keyPair, this.#options), alpnProtocols);
    return await super.open();
  }

  /** The same with certificate and key as text: workers read no file. */
  protected override workerOptions(): TlsServerOptions {
    return { ...this.#options, ...this.#keyPair };
  }

  /** The hooks as they are where nobody has overridden one. */
  protected override get plainHooks(): StreamServer<T, ConnectionInfo> {
    return TlsServer.prototype;
  }

  /** Opens the listening socket, which with `engine: "native"` is Deno's for TLS. */
  protected override bind(options: Deno.TcpListenOptions): Deno.TcpListener {
    if (this.#options.engine !== "native") return super.bind(options);
    const alpnProtocols = [...this.#options.alpnProtocols ?? []];
    const listener = Deno.listenTls({ ...options, ...this.#keyPair!, alpnProtocols });
    return listener as Deno.Listener as Deno.TcpListener; // its connections lack setNoDelay and setKeepAlive alone
  }

  /** Makes the connection for what was accepted. Its handshake comes later, see {@linkcode TlsServer.prepare}. */
  protected override connection(tcp: Deno.TcpConn): Connection<T> {
    if (this.crew?.shakesHands) return super.connection(tcp);
    if (this.#options.engine === "native") {
      return this.#track(tcp, () => shakeHands(tcp as Deno.Conn as Deno.TlsConn));
    }
    const transport = new TlsTransport(tcp, this.#side!);
    return this.#track(transport, () => transport.handshake());
  }

  #track(transport: Transport, handshake: () => Promise<void>): Connection<T> {
    const conn = new Connection<T>(transport, this.nextConnection());
    this.#handshakes.set(conn, handshake);
    return conn;
  }

  /** The handshake, for as long as it may take. */
  protected override prepare(conn: Connection<T>): Promise<void> | undefined {
    return this.crew?.shakesHands ? undefined : this.#shakeHands(conn);
  }

  async #shakeHands(conn: Connection<T>): Promise<void> {
    const { handshakeTimeout = STREAM_DEFAULTS.handshakeTimeout } = this.#options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const expire = () =>
      reject(new Deno.errors.TimedOut(`the TLS handshake took longer than ${handshakeTimeout} ms`));
    const timer = setTimeout(expire, handshakeTimeout);
    try {
      await Promise.race([this.#handshakes.get(conn)!(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends a connection as its base does, with a `close_notify` first. */
  override async shutdownRequest(conn: Connection<T>): Promise<void> {
    if (!conn.closed && !this.crew?.shakesHands) await sayGoodbye(conn as Connection);
    await super.shutdownRequest(conn);
  }
}

/** Lets the peer know that this was all; one that takes too long to read it has to do without. */
async function sayGoodbye(conn: Connection): Promise<void> {
  const timer = setTimeout(() => control.end(conn, "done"), GOODBYE);
  try {
    await conn.closeWrite();
  } catch {
    // the peer is gone, or does not read
  } finally {
    clearTimeout(timer);
  }
}
