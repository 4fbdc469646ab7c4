/**
 * The contract between a server and a handler.
 *
 * @module
 */
import type { BaseServer } from "./base_server.ts";
import type { Connection } from "./connection.ts";
import type { Datagram } from "./datagram.ts";
import type { DatagramServer } from "./datagram_server.ts";

/**
 * Serves one connection.
 *
 * **Returning** (or resolving) means done: what was sent is flushed and the connection closed. What it returns is ignored.
 *
 * **Throwing** (or rejecting) fails this connection only: `handleError` is told, the connection is closed, everybody else
 * is served on.
 *
 * **Outliving**: the server waits for a handler that has not returned. When the connection is closed under it (by a
 * limit, `disconnect`, `close` or the deadline of `shutdown`) its next read or write throws `ConnectionClosedError`, the
 * server waits no longer, and what it throws from then on is dropped.
 *
 * **Draining**: iteration over chunks and lines ends where a request does; a loop over `recv` or `readLine` goes on until the
 * deadline unless it looks at `conn.signal`. Awaiting `server.shutdown()` inside a handler waits for the handler itself: call
 * it and return.
 *
 * @typeParam T what the handler keeps in `conn.data`
 *
 * @example
 * ```ts
 * import { connect, serve, type StreamHandler } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * const greet: StreamHandler = async (conn) => {
 *   await conn.sendAll(`hello, ${await conn.readLine()}\n`);
 * };
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, greet);
 * using conn = await connect(group.addr);
 * await conn.sendAll("Ada\n");
 * assertEquals(await conn.readLine(), "hello, Ada");
 * ```
 */
export type StreamHandler<T = unknown> = (
  conn: Connection<T>,
  server: BaseServer<Connection<T>>,
) => unknown;

/**
 * The key of a static method that turns a class (a request handler, a `Protocol`) or a factory into a
 * {@linkcode StreamHandler}. So that `server/` need not know what kinds of handlers there are.
 *
 * @example A kind of handler of one's own
 * ```ts
 * import { connect, serve, type StreamHandler, toStreamHandler } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Sentence {
 *   constructor(readonly words: string) {}
 *   [toStreamHandler](): StreamHandler {
 *     return (conn) => conn.sendAll(this.words);
 *   }
 * }
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, new Sentence("good evening"));
 * using conn = await connect(group.addr);
 * assertEquals(await conn.readLine(), "good evening");
 * ```
 */
export const toStreamHandler: unique symbol = Symbol.for("switchboard.toStreamHandler");

/** A class or object that can be turned into a {@linkcode StreamHandler}. */
export interface StreamHandlerSource<T = unknown> {
  /** Makes the handler. */
  // deno-lint-ignore no-explicit-any -- a class that handles any connection also handles this one
  [toStreamHandler](): StreamHandler<T> | StreamHandler<any>;
}

/** What stream servers take: a function, or what can be turned into one. */
export type StreamHandlerLike<T = unknown> = StreamHandler<T> | StreamHandlerSource<T>;

/**
 * The function behind whatever was given as a handler.
 *
 * @param handler a function, or a class or object with a {@linkcode toStreamHandler} method
 * @returns the function
 * @throws {TypeError} if it is neither
 *
 * @example
 * ```ts
 * import { resolveStreamHandler } from "@switchboard/kit";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => resolveStreamHandler(class Foo {} as never), TypeError, "Foo");
 * ```
 */
export function resolveStreamHandler<T>(handler: StreamHandlerLike<T>): StreamHandler<T> {
  const source = handler as Partial<StreamHandlerSource<T>> | undefined | null;
  if (typeof source?.[toStreamHandler] === "function") return source[toStreamHandler]() as StreamHandler<T>;
  return assertFunction(handler, "BaseRequestHandler or StreamRequestHandler") as StreamHandler<T>;
}

/** A class cannot be called: one that is no source of a handler is a mistake that is better told at once. */
function assertFunction(handler: unknown, bases: string): unknown {
  if (typeof handler !== "function") {
    throw new TypeError(`Expected a handler function or class, got ${describe(handler)}`);
  }
  if (/^class\b/.test(Function.prototype.toString.call(handler))) {
    throw new TypeError(`The class ${handler.name} is no handler: extend ${bases}`);
  }
  return handler;
}

function describe(value: unknown): string {
  return value === null
    ? "null"
    : typeof value === "object"
    ? "an object"
    : `${typeof value} ${String(value)}`;
}

/**
 * Serves one datagram.
 *
 * **Returning** (or resolving) means done. What it returns is ignored: it answers with `packet.reply`, or not at all.
 *
 * **Throwing** (or rejecting) fails this packet only: `handleError` is told, everybody else is served on.
 *
 * **Outliving**: the server waits for a handler that has not returned, when it is shut down. When its packet is given up
 * (by `handlerTimeout`, `close`, or the deadline of `shutdown`) the packet's `signal` aborts, the server waits no longer,
 * and what it throws from then on is dropped. It may reply late, as long as the server listens.
 *
 * @example
 * ```ts
 * import { connectDatagram, type DatagramHandler, serve } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * const greet: DatagramHandler = (packet) => packet.reply(`hello, ${packet.text()}`);
 * await using group = await serve({ listen: "udp://127.0.0.1:0" }, { datagram: greet });
 * await using client = await connectDatagram(group.addr);
 * await client.send("Ada");
 * assertEquals(new TextDecoder().decode(await client.receive()), "hello, Ada");
 * ```
 */
export type DatagramHandler = (packet: Datagram, server: DatagramServer) => unknown;

/**
 * The key of a static method that turns a class or a factory into a {@linkcode DatagramHandler}.
 *
 * @example A kind of handler of one's own
 * ```ts
 * import { connectDatagram, type DatagramHandler, serve, toDatagramHandler } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Sentence {
 *   constructor(readonly words: string) {}
 *   [toDatagramHandler](): DatagramHandler {
 *     return (packet) => packet.reply(this.words);
 *   }
 * }
 *
 * await using group = await serve({ listen: "udp://127.0.0.1:0" }, {
 *   datagram: new Sentence("good evening"),
 * });
 * await using client = await connectDatagram(group.addr);
 * await client.send("?");
 * assertEquals(new TextDecoder().decode(await client.receive()), "good evening");
 * ```
 */
export const toDatagramHandler: unique symbol = Symbol.for("switchboard.toDatagramHandler");

/** A class or object that can be turned into a {@linkcode DatagramHandler}. */
export interface DatagramHandlerSource {
  /** Makes the handler. */
  [toDatagramHandler](): DatagramHandler;
}

/** What datagram servers take: a function, or what can be turned into one. */
export type DatagramHandlerLike = DatagramHandler | DatagramHandlerSource;

/**
 * The function behind whatever was given as a handler for datagrams.
 *
 * @param handler a function, or a class or object with a {@linkcode toDatagramHandler} method
 * @returns the function
 * @throws {TypeError} if it is neither
 *
 * @example
 * ```ts
 * import { resolveDatagramHandler } from "@switchboard/kit";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => resolveDatagramHandler(class Foo {} as never), TypeError, "Foo");
 * ```
 */
export function resolveDatagramHandler(handler: DatagramHandlerLike): DatagramHandler {
  const source = handler as Partial<DatagramHandlerSource> | undefined | null;
  if (typeof source?.[toDatagramHandler] === "function") return source[toDatagramHandler]();
  return assertFunction(handler, "BaseRequestHandler or DatagramRequestHandler") as DatagramHandler;
}
