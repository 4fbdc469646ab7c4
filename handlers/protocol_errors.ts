/**
 * Why a protocol's connection was lost.
 *
 * @module
 */

/**
 * It was closed in order, by either side. Twisted's `ConnectionDone`.
 *
 * @example
 * ```ts
 * import { connect, ConnectionDone, Protocol, TcpServer } from "@switchboard/kit";
 * import { assert } from "@std/assert";
 *
 * const lost = Promise.withResolvers<Error>();
 * class Listen extends Protocol {
 *   override connectionLost(reason: Error) {
 *     lost.resolve(reason);
 *   }
 * }
 * await using server = await new TcpServer(Listen, { port: 0 }).listen();
 * const serving = server.serveForever();
 * (await connect(server.addr)).close();
 * assert(await lost.promise instanceof ConnectionDone);
 * await server.shutdown();
 * await serving;
 * ```
 */
export class ConnectionDone extends Error {
  /** `"ConnectionDone"`. */
  override readonly name = "ConnectionDone";

  /**
   * The usual end.
   *
   * @param message what happened
   * @param options a `cause`, if there is one
   */
  constructor(message: string = "the connection was closed in order", options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * It was cut: reset by the peer, ended by a limit, by the server or by the reactor. `cause` says by what. Twisted's
 * `ConnectionLost`.
 *
 * @example
 * ```ts
 * import { connect, ConnectionClosedError, ConnectionLost, Protocol, TcpServer } from "@switchboard/kit";
 * import { assert, assertInstanceOf } from "@std/assert";
 *
 * const made = Promise.withResolvers<void>();
 * const lost = Promise.withResolvers<Error>();
 * class Listen extends Protocol {
 *   override connectionMade() {
 *     made.resolve();
 *   }
 *   override connectionLost(reason: Error) {
 *     lost.resolve(reason);
 *   }
 * }
 * await using server = await new TcpServer(Listen, { port: 0 }).listen();
 * const serving = server.serveForever();
 * using _conn = await connect(server.addr);
 * await made.promise;
 * await server.close(); // without waiting for anybody
 * await serving;
 *
 * const reason = await lost.promise;
 * assertInstanceOf(reason, ConnectionLost);
 * assert(reason.cause instanceof ConnectionClosedError && reason.cause.reason === "stopped");
 * ```
 */
export class ConnectionLost extends Error {
  /** `"ConnectionLost"`. */
  override readonly name = "ConnectionLost";

  /**
   * An end that nobody wished.
   *
   * @param message what happened
   * @param options by what, as its `cause`
   */
  constructor(message: string = "the connection was cut", options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * This side has aborted it, by `abortConnection`. Twisted's `ConnectionAborted`.
 *
 * @example
 * ```ts
 * import { connect, ConnectionAborted, Protocol, TcpServer } from "@switchboard/kit";
 * import { assert } from "@std/assert";
 *
 * const lost = Promise.withResolvers<Error>();
 * class Refuse extends Protocol {
 *   override connectionMade() {
 *     this.transport.abortConnection();
 *   }
 *   override connectionLost(reason: Error) {
 *     lost.resolve(reason);
 *   }
 * }
 * await using server = await new TcpServer(Refuse, { port: 0 }).listen();
 * const serving = server.serveForever();
 * using _conn = await connect(server.addr);
 * assert(await lost.promise instanceof ConnectionAborted);
 * await server.shutdown();
 * await serving;
 * ```
 */
export class ConnectionAborted extends Error {
  /** `"ConnectionAborted"`. */
  override readonly name = "ConnectionAborted";

  /**
   * An end that this side wished at once.
   *
   * @param message what happened
   * @param options a `cause`, if there is one
   */
  constructor(message: string = "the connection was aborted on this side", options?: ErrorOptions) {
    super(message, options);
  }
}
