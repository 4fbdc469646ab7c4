/**
 * A datagram server class that writes down which of its hooks were called, in order.
 *
 * @module
 */
import type { Datagram } from "../../mod.ts";
import type { DatagramServerClass } from "./datagram_servers.ts";

/** The log of a class that {@linkcode loggedDatagrams} made: shared by its instances. */
export interface DatagramHookLog {
  /** The class. */
  readonly Server: DatagramServerClass;
  /** The hooks in the order of their calls, and whatever a handler adds. */
  readonly hooks: string[];
  /** What `handleError` was given. */
  readonly errors: unknown[];
}

/** Extends a class so that every hook of a request logs its name before it does its work. */
export function loggedDatagrams(Base: DatagramServerClass): DatagramHookLog {
  const hooks: string[] = [];
  const errors: unknown[] = [];
  class Logged extends Base {
    override getRequest(): Datagram | Promise<Datagram> {
      hooks.push("getRequest");
      return super.getRequest();
    }
    override verifyRequest(packet: Datagram): boolean | Promise<boolean> {
      hooks.push("verifyRequest");
      return super.verifyRequest(packet);
    }
    override processRequest(packet: Datagram): void | Promise<void> {
      hooks.push("processRequest");
      return super.processRequest(packet);
    }
    override finishRequest(packet: Datagram): unknown {
      hooks.push("finishRequest");
      return super.finishRequest(packet);
    }
    override shutdownRequest(packet: Datagram): void | Promise<void> {
      hooks.push("shutdownRequest");
      return super.shutdownRequest(packet);
    }
    override closeRequest(packet: Datagram): void | Promise<void> {
      hooks.push("closeRequest");
      return super.closeRequest(packet);
    }
    override handleError(error: unknown, packet: Datagram): void | Promise<void> {
      hooks.push("handleError");
      errors.push(error);
      return super.handleError(error, packet);
    }
    override handleTimeout(): void {
      hooks.push("handleTimeout");
    }
  }
  return { Server: Logged, hooks, errors };
}
