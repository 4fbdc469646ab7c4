/**
 * Servers whose connections outlive them, as a reactor's do.
 *
 * @module
 */
import type { Listening } from "../server/base_server.ts";
import type { Connection } from "../server/connection.ts";
import { TcpServer } from "../server/tcp_server.ts";
import { UnixServer } from "../server/unix_server.ts";

/** What the two have in common. */
export interface PortServer {
  /** Resolves when the listener is closed, though connections are still alive. */
  readonly listenerClosed: Promise<void>;
}

/** Says when a listener is closed: the address is free when the accept that was under way has ended, too. */
function noting(listening: Listening<Connection>, closed: () => void): Listening<Connection> {
  let accepting: Promise<unknown> = Promise.resolve();
  return {
    ...listening,
    next: () => {
      const next = listening.next();
      accepting = next;
      return next;
    },
    close: async () => {
      await listening.close();
      await Promise.allSettled([accepting]);
      closed();
    },
  };
}

/** A TCP server that drains nobody when it stops to listen. */
export class TcpPortServer extends TcpServer implements PortServer {
  readonly #closed = Promise.withResolvers<void>();

  get listenerClosed(): Promise<void> {
    return this.#closed.promise;
  }

  protected override async open(): Promise<Listening<Connection>> {
    return noting(await super.open(), this.#closed.resolve);
  }

  protected override drainAll(): void {}

  protected override get draining(): boolean {
    return false;
  }
}

/** A Unix server that drains nobody when it stops to listen. */
export class UnixPortServer extends UnixServer implements PortServer {
  readonly #closed = Promise.withResolvers<void>();

  get listenerClosed(): Promise<void> {
    return this.#closed.promise;
  }

  protected override async open(): Promise<Listening<Connection>> {
    return noting(await super.open(), this.#closed.resolve);
  }

  protected override drainAll(): void {}

  protected override get draining(): boolean {
    return false;
  }
}
