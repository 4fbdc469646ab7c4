/**
 * The errors that callers of the kit catch. Where a built-in class or one of `Deno.errors` says it already
 * (`TimedOut`, `AddrInUse`, `ConnectionReset`, `RangeError`), that one is thrown.
 *
 * @module
 */

export { FrameError, FrameTooLargeError } from "./framing/errors.ts";

/**
 * Thrown by a server that was closed and is asked to listen, serve or handle a request.
 *
 * Python raises `ValueError` here, Go returns `ErrServerClosed`.
 *
 * @example
 * ```ts
 * import { ServerClosedError, TcpServer } from "@switchboard/kit";
 * import { assertRejects } from "@std/assert";
 *
 * const server = new TcpServer(() => {}, { port: 0 });
 * await server.close();
 * await assertRejects(() => server.serveForever(), ServerClosedError);
 * ```
 */
export class ServerClosedError extends Error {
  /** `"ServerClosedError"`. */
  override readonly name = "ServerClosedError";
}

/** Why a connection ended. `"done"`: its handler returned. */
export type CloseReason =
  | "done"
  | "error"
  | "peer"
  | "protocol"
  | "closed"
  | "stopped"
  | "disconnected"
  | "shutdown"
  | "read-timeout"
  | "idle"
  | "lifetime"
  | "write-timeout"
  | "handshake"
  | "worker";

const SENTENCES: Record<CloseReason, string> = {
  done: "its handler has returned",
  error: "its handler failed",
  peer: "the peer is gone",
  protocol: "the peer does not speak the protocol",
  closed: "it was closed on this side",
  stopped: "the server was closed",
  disconnected: "it was disconnected",
  shutdown: "the server's shutdown reached its deadline",
  "read-timeout": "the peer sent nothing within the read limit",
  idle: "no byte went either way within the idle limit",
  lifetime: "it reached its maximum lifetime",
  "write-timeout": "the peer did not read within the write limit",
  handshake: "its handshake failed",
  worker: "the worker that served it has died",
};

/**
 * Thrown by reads and writes of a connection that this side has closed: by the handler itself, by a limit, or by the
 * server. It is never reported as a handler's failure.
 *
 * @example
 * ```ts
 * import { connect, ConnectionClosedError, serve } from "@switchboard/kit";
 * import { assertRejects } from "@std/assert";
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, () => {});
 * const conn = await connect(group.addr);
 * conn.close();
 * const error = await assertRejects(() => conn.recv(), ConnectionClosedError);
 * console.assert(error.reason === "closed");
 * ```
 */
export class ConnectionClosedError extends Error {
  /** `"ConnectionClosedError"`. */
  override readonly name = "ConnectionClosedError";
  /** Why it was closed. */
  readonly reason: CloseReason;

  /** An error for a connection that ended for `reason`. */
  constructor(reason: CloseReason, options?: ErrorOptions) {
    super(`the connection is closed: ${SENTENCES[reason]}`, options);
    this.reason = reason;
  }
}

/**
 * Thrown for an endpoint or address that cannot be understood. The message names it and says what would do.
 *
 * @example
 * ```ts
 * import { AddressError, parseEndpoint } from "@switchboard/kit";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => parseEndpoint("tcp://127.0.0.1:http"), AddressError, "tcp://127.0.0.1:http");
 * ```
 */
export class AddressError extends Error {
  /** `"AddressError"`. */
  override readonly name = "AddressError";
}

/**
 * Thrown by `loadHandler` for a module that is missing, does not load, or does not export a handler.
 *
 * @example
 * ```ts
 * import { HandlerModuleError, loadHandler } from "@switchboard/kit";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => loadHandler("./no_such_handler.ts"), HandlerModuleError, "no_such_handler.ts");
 * ```
 */
export class HandlerModuleError extends Error {
  /** `"HandlerModuleError"`. */
  override readonly name = "HandlerModuleError";
}

/**
 * What is told of a worker thread or child process that died, and thrown where no worker can be had any more.
 *
 * @example
 * ```ts
 * import { ThreadingTcpServer, WorkerError } from "@switchboard/kit";
 * import { assertRejects } from "@std/assert";
 *
 * const module = "data:text/javascript,throw new Error('no good')";
 * await using server = new ThreadingTcpServer(module, { workers: 2 });
 * await assertRejects(() => server.listen(), WorkerError, "no good");
 * ```
 */
export class WorkerError extends Error {
  /** `"WorkerError"`. */
  override readonly name = "WorkerError";
}

/** Whether `error` is what Deno throws for an operation on a resource that this side closed (closing ends a pending read or write with either). */
export function isLocalClose(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
}

/** Whether `error` says that the peer of a connection is gone: nothing that a handler could have done better. */
export function isPeerGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.UnexpectedEof ||
    PEER_CODES.has((error as { code?: string } | null)?.code ?? "");
}

const PEER_CODES = new Set([
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ECONNABORTED",
]);
