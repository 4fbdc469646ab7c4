/**
 * Steps 3 to 5 of a connection's path: tracked, handled, closed. The one `finally` that ends a connection is here.
 *
 * @module
 */
import type { Permit } from "./admission.ts";
import { type Connection, control, Draining } from "./connection.ts";
import { type CloseReason, ConnectionClosedError, FrameError, isPeerGone } from "./errors.ts";
import type { ErrorPhase } from "./observer.ts";

/** The server, as one connection's path needs it. */
export interface DispatchHost {
  /** Takes the permit back. */
  left(permit: Permit): void;
  /** All is over. */
  ended(): void;
  /** Tells what a hook threw. */
  failed(error: unknown, phase: ErrorPhase, conn: Connection): void;
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

/** Runs an admitted connection to its end; then, and only then, `host.ended` is called. */
export function dispatchConnection(conn: Connection, permit: Permit, host: DispatchHost): void {
  new Run(conn, permit, host).start();
}

/**
 * One connection while its handler runs. An object and two callbacks rather than an async function: what is retained here
 * is what an idle connection costs.
 */
class Run {
  readonly #conn: Connection;
  readonly #permit: Permit;
  readonly #host: DispatchHost;
  #over = false;

  constructor(conn: Connection, permit: Permit, host: DispatchHost) {
    this.#conn = conn;
    this.#permit = permit;
    this.#host = host;
  }

  start(): void {
    this.#host.opened(this.#conn);
    control.onCut(this.#conn, this.#threw);
    if (this.#over) return; // an observer has closed it: there is nothing to begin
    try {
      const work = this.#host.processRequest(this.#conn);
      if (isThenable(work)) work.then(this.#returned, this.#threw);
      else this.#returned();
    } catch (error) {
      this.#threw(error);
    }
  }

  #returned = (): void => {
    if (!this.#over) this.#finish();
  };

  /** What a handler throws after its connection was cut is dropped here: it is never unhandled. */
  #threw = (error: unknown): void => {
    if (!this.#over) this.#finish({ error });
  };

  async #finish(thrown?: { error: unknown }): Promise<void> {
    const [conn, host] = [this.#conn, this.#host];
    let ending: Ending = { reason: "done" };
    this.#over = true;
    try {
      try {
        if (thrown) throw thrown.error;
        const flushing = control.flush(conn);
        if (flushing) await flushing;
      } catch (error) {
        ending = judge(conn, error);
        if (isHandlersFault(ending)) await unlessCut(conn, () => host.handleError(error, conn));
      } finally {
        const leaving = host.shutdownRequest(conn);
        if (leaving) await leaving;
      }
    } catch (error) {
      host.failed(error, "handler", conn);
    } finally {
      this.#leave(ending);
    }
  }

  #leave(ending: Ending): void {
    const [conn, host] = [this.#conn, this.#host];
    const cut = control.reason(conn);
    control.end(conn, "done");
    host.left(this.#permit);
    host.closed(conn, ending.reason === "done" && cut ? { reason: cut } : ending);
    host.ended();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

/** Waits for `work`, but no longer than the connection is left open by limits and by the server. */
export function untilCut<R>(conn: Connection, work: () => R | PromiseLike<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    let cut = false;
    control.onCut(conn, (error) => {
      cut = true;
      reject(error);
    });
    if (cut) return; // it was before: there is nothing to begin
    // A promise that is settled already ignores what comes later: a late rejection is never unhandled.
    Promise.resolve(work()).then(resolve, reject);
  });
}

/** The same, where a connection that is closed is nothing to complain of. */
async function unlessCut(conn: Connection, work: () => void | Promise<void>): Promise<void> {
  try {
    await untilCut(conn, work);
  } catch (error) {
    if (!(error instanceof ConnectionClosedError)) throw error;
  }
}

/** What the error that a handler let through says about the end of its connection. */
function judge(conn: Connection, error: unknown): Ending {
  const errors = allOf(error);
  if (errors.every((one) => one instanceof Draining)) return { reason: "done" }; // it stopped when it was asked to
  const cut = control.reason(conn);
  if (cut && (cut !== "closed" || errors.every((one) => one instanceof ConnectionClosedError))) {
    return { reason: cut, error };
  }
  return { reason: isPeersFault(conn, error) ?? "error", error };
}

/** Why the connection is over, if the peer is to blame for all that was thrown. */
export function isPeersFault(conn: Connection, error: unknown): CloseReason | undefined {
  const faults = allOf(error).map((one) => faultOf(conn, one));
  return faults.includes(undefined) ? undefined : faults[0];
}

/** An error of another connection (a proxy's upstream, say) says nothing about this peer. */
function faultOf(conn: Connection, error: unknown): CloseReason | undefined {
  if (error instanceof FrameError) return "protocol";
  if (!control.raised(conn, error)) return undefined;
  if (isPeerGone(error)) return "peer";
  if (error instanceof Deno.errors.InvalidData) return "protocol"; // a TLS record that is none
  return error instanceof Deno.errors.TimedOut ? "read-timeout" : undefined;
}

/** What was thrown; where the end of a `using` block has thrown too, both, what came first in front. */
function allOf(error: unknown): unknown[] {
  return error instanceof SuppressedError ? [...allOf(error.suppressed), ...allOf(error.error)] : [error];
}

/** Reads and writes that fail because this side closed the connection are no failures of its handler. */
function isHandlersFault({ reason }: Ending): boolean {
  return reason === "error" || reason === "peer" || reason === "read-timeout" || reason === "protocol";
}
