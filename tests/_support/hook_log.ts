/**
 * A server class that writes down which of its hooks were called, in order.
 *
 * @module
 */
import type { Connection } from "../../mod.ts";
import type { StreamServerClass } from "./stream_servers.ts";

/** The log of a class that {@linkcode logged} made: shared by its instances. */
export interface HookLog {
  /** The class. */
  readonly Server: StreamServerClass;
  /** The hooks in the order of their calls, and whatever a handler adds. */
  readonly hooks: string[];
  /** What `handleError` was given. */
  readonly errors: unknown[];
}

/** Extends a class so that every hook of a request logs its name before it does its work. */
export function logged(Base: StreamServerClass): HookLog {
  const hooks: string[] = [];
  const errors: unknown[] = [];
  class Logged extends Base {
    override getRequest(): Connection | Promise<Connection> {
      hooks.push("getRequest");
      return super.getRequest();
    }
    override verifyRequest(conn: Connection): boolean | Promise<boolean> {
      hooks.push("verifyRequest");
      return super.verifyRequest(conn);
    }
    override processRequest(conn: Connection): void | Promise<void> {
      hooks.push("processRequest");
      return super.processRequest(conn);
    }
    override finishRequest(conn: Connection): unknown {
      hooks.push("finishRequest");
      return super.finishRequest(conn);
    }
    override shutdownRequest(conn: Connection): void | Promise<void> {
      hooks.push("shutdownRequest");
      return super.shutdownRequest(conn);
    }
    override closeRequest(conn: Connection): void | Promise<void> {
      hooks.push("closeRequest");
      return super.closeRequest(conn);
    }
    override handleError(error: unknown, conn: Connection): void | Promise<void> {
      hooks.push("handleError");
      errors.push(error);
      return super.handleError(error, conn);
    }
    override handleTimeout(): void {
      hooks.push("handleTimeout");
    }
  }
  return { Server: Logged, hooks, errors };
}
