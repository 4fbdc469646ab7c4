/**
 * Handlers as classes, in the manner of Python's `socketserver`.
 *
 * @module
 */
import type { BaseServer } from "../server/base_server.ts";
import type { Connection } from "../server/connection.ts";
import type { Datagram } from "../server/datagram.ts";
import {
  type DatagramHandler,
  type StreamHandler,
  toDatagramHandler,
  toStreamHandler,
} from "../server/handler.ts";
import { StreamReader } from "./stream_reader.ts";
import { StreamWriter } from "./stream_writer.ts";

/** A class whose instances serve one request each. */
export type RequestHandlerClass<R> = new (
  request: R,
  clientAddress: Deno.Addr,
  server: BaseServer<R>,
) => BaseRequestHandler<R>;

/**
 * Serves one request: `setup`, then `handle`, then `finish`. A new instance is made for each.
 *
 * What happens when one of the three throws:
 *
 * - `setup`: neither `handle` nor `finish` is called. What it had opened is its own to close.
 * - `handle`: `finish` is called all the same, then the server's `handleError`.
 * - `finish`: `handleError` is called once, with this error, also if `handle` had thrown before.
 *
 * Python does all the work inside the constructor, which cannot wait here: the server calls the three methods.
 *
 * @typeParam R the request: a `Connection` in stream servers, a `Datagram` in datagram servers
 *
 * @example
 * ```ts
 * import { BaseRequestHandler, connect, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Greeter extends BaseRequestHandler {
 *   override async handle() {
 *     await this.request.sendAll("hello\n");
 *   }
 * }
 * await using server = await new TcpServer(Greeter).listen();
 * const serving = server.serveForever();
 *
 * using conn = await connect(server.addr);
 * assertEquals(await conn.readLine(), "hello");
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class BaseRequestHandler<R = Connection> {
  /** What is to be served. */
  readonly request: R;
  /** Who asked. */
  readonly clientAddress: Deno.Addr;
  /** The server that serves it. */
  readonly server: BaseServer<R>;

  /** A handler for one request. The server makes it; a subclass rarely needs a constructor of its own. */
  constructor(request: R, clientAddress: Deno.Addr, server: BaseServer<R>) {
    this.request = request;
    this.clientAddress = clientAddress;
    this.server = server;
  }

  /** Called before `handle`. Does nothing here. */
  setup(): void | Promise<void> {}

  /** Does the work. Does nothing here. */
  handle(): void | Promise<void> {}

  /** Called after `handle`, also if that threw; not if `setup` did. Does nothing here. */
  finish(): void | Promise<void> {}

  /** Makes the function that stream servers call: an instance for every connection. */
  // deno-lint-ignore no-explicit-any -- whatever the class keeps in `conn.data`
  static [toStreamHandler](this: RequestHandlerClass<any>): StreamHandler<any> {
    return (conn, server) => runRequestHandler(new this(conn, conn.remoteAddr, server));
  }

  /** Makes the function that datagram servers call: an instance for every packet. */
  static [toDatagramHandler](this: RequestHandlerClass<Datagram>): DatagramHandler {
    return (packet, server) => runRequestHandler(new this(packet, packet.remoteAddr, server));
  }
}

/**
 * Takes a handler through its three steps.
 *
 * @throws what `setup` or `finish` threw, else what `handle` threw
 */
export function runRequestHandler<R>(handler: BaseRequestHandler<R>): void | PromiseLike<void> {
  const ready = handler.setup();
  return isThenable(ready) ? ready.then(() => handled(handler)) : handled(handler);
}

/** Callbacks rather than an async function, which would stay in memory for as long as the connection is open. */
function handled<R>(handler: BaseRequestHandler<R>): void | PromiseLike<void> {
  let work: void | Promise<void>;
  try {
    work = handler.handle();
  } catch (error) {
    return finishedFailing(handler, error);
  }
  return isThenable(work)
    ? work.then(() => handler.finish(), (error) => finishedFailing(handler, error))
    : handler.finish();
}

/** What `finish` throws takes the place of what `handle` threw: the handler is told of once. */
async function finishedFailing<R>(handler: BaseRequestHandler<R>, error: unknown): Promise<never> {
  await handler.finish();
  throw error;
}

function isThenable(value: unknown): value is PromiseLike<void> {
  return typeof (value as PromiseLike<void> | undefined)?.then === "function";
}

/**
 * Serves one connection, with {@linkcode StreamRequestHandler.rfile} to read from and
 * {@linkcode StreamRequestHandler.wfile} to write to. Works on TCP, TLS and Unix connections.
 *
 * Differs from Python's in that a read which timed out loses nothing, so the next one goes on.
 *
 * @typeParam T what the handler keeps in `this.connection.data`
 *
 * @example Echo
 * ```ts
 * import { connect, StreamRequestHandler, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends StreamRequestHandler {
 *   override async handle() {
 *     for await (const chunk of this.rfile) await this.wfile.write(chunk);
 *   }
 * }
 * await using server = await new TcpServer(Echo).listen();
 * const serving = server.serveForever();
 *
 * using conn = await connect(server.addr);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "hello");
 *
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @example With a time limit, and many small writes collected into large ones
 * ```ts
 * import { StreamRequestHandler } from "@switchboard/kit";
 *
 * class Listing extends StreamRequestHandler {
 *   override timeout = 30_000;
 *   override writeBufferSize = 8_192;
 *
 *   override async handle() {
 *     const folder = await this.rfile.readLine({ limit: 1_024 });
 *     for await (const entry of Deno.readDir(folder ?? ".")) await this.wfile.write(entry.name + "\n");
 *   }
 * }
 * ```
 */
export class StreamRequestHandler<T = unknown> extends BaseRequestHandler<Connection<T>> {
  /** How long a single read or write may wait for the peer, in milliseconds; `undefined` keeps the server's limits. */
  timeout: number | undefined = undefined;
  /** Sends small writes at once also where the server's `noDelay` is off. Does nothing on a Unix connection. */
  disableNagleAlgorithm = false;
  /**
   * How many bytes `wfile` collects before it sends them, at the latest before `rfile` waits for the peer; 0 sends every
   * write at once. Python's `wbufsize`.
   */
  writeBufferSize = 0;
  /** The connection, as `request`. Set by `setup`, as is all that follows. */
  connection!: Connection<T>;
  /** Reads from the connection. */
  rfile!: StreamReader;
  /** Writes to the connection. */
  wfile!: StreamWriter;

  /** Applies the settings above and makes `rfile` and `wfile`. An override calls `super.setup()`. */
  override setup(): void | Promise<void> {
    const connection = this.connection = this.request;
    if (this.timeout !== undefined) connection.readTimeout = connection.writeTimeout = this.timeout;
    if (this.disableNagleAlgorithm) connection.setNoDelay(true);
    this.rfile = new StreamReader(connection);
    this.wfile = new StreamWriter(connection, this.writeBufferSize);
  }

  /** Sends what `wfile` still holds; what goes wrong with that is reported once. An override calls `super.finish()`. */
  override finish(): void | Promise<void> {
    return this.wfile.flush();
  }

  /** Says that it serves connections. */
  static override [toDatagramHandler](): never {
    throw new TypeError(
      `The class ${this.name} handles connections: for datagrams extend DatagramRequestHandler`,
    );
  }
}
