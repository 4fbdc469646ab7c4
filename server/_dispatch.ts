/**
 * Steps 3 to 5 of a connection's path: tracked, handled, closed. The one `finally` that ends a connection is here.
 *
 * @module
 */
import { type Connection, control } from "./connection.ts";
import { type CloseReason, ConnectionClosedError, FrameError, isPeerGone } from "./errors.ts";

/** The server, as one connection's path needs it. */
export interface DispatchHost {
  /** The hook. */
  processRequest(conn: Connection): void | Promise<void>;
  /** The hook. */
  handleError(error: unknown, conn: Connection): void | Promise<void>;
  /** The hook. */
  shutdownRequest(conn: Connection): void | Promise<void>;
  /** Tracks it and tells the observers. */
  opened(conn: Connection): void;
  /** Forgets it and tells the observers. */
  closed(conn: Connection, ending: Ending): void;
}

/** How a connection ended. */
export interface Ending {
  /** Why. */
  reason: CloseReason;
  /** What its handler threw, or what ended it. */
  error?: unknown;
}

/**
 * Runs one admitted connection to its end.
 *
 * Rejects only with what `handleError` or `shutdownRequest` throws, and only when the connection is closed.
 */
export async function dispatchConnection(conn: Connection, host: DispatchHost): Promise<void> {
  let ending: Ending = { reason: "done" };
  host.opened(conn);
  try {
    try {
      await handled(conn, host);
      await conn.flush();
    } catch (error) {
      ending = judge(conn, error);
      if (isHandlersFault(ending)) await host.handleError(error, conn);
    } finally {
      await host.shutdownRequest(conn);
    }
  } finally {
    const cut = control.reason(conn);
    if (ending.reason === "done" && cut) ending = { reason: cut };
    control.end(conn, "done");
    host.closed(conn, ending);
  }
}

/** Waits for the handler, but no longer than the connection is left open by limits and by the server. */
function handled(conn: Connection, host: DispatchHost): Promise<void> {
  return new Promise((resolve, reject) => {
    control.onCut(conn, reject);
    // A promise that is settled already ignores what the handler throws later; it is never unhandled.
    Promise.resolve(host.processRequest(conn)).then(resolve, reject);
  });
}

/** What the error that a handler let through says about the end of its connection. */
function judge(conn: Connection, error: unknown): Ending {
  const cut = control.reason(conn);
  if (cut && (cut !== "closed" || error instanceof ConnectionClosedError)) return { reason: cut, error };
  return { reason: isPeersFault(conn, error) ?? "error", error };
}

/** An error of another connection (a proxy's upstream, say) says nothing about this peer. */
function isPeersFault(conn: Connection, error: unknown): CloseReason | undefined {
  if (error instanceof FrameError) return "protocol";
  if (!control.raised(conn, error)) return undefined;
  if (isPeerGone(error)) return "peer";
  return error instanceof Deno.errors.TimedOut ? "read-timeout" : undefined;
}

/** Reads and writes that fail because this side closed the connection are no failures of its handler. */
function isHandlersFault({ reason }: Ending): boolean {
  return reason === "error" || reason === "peer" || reason === "read-timeout" || reason === "protocol";
}
