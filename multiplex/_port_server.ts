/**
 * Servers whose connections outlive them, as a reactor's do.
 *
 * @module
 */
import type { Listening, ShutdownOptions } from "../server/base_server.ts";
import type { Connection } from "../server/connection.ts";
import { TcpServer } from "../server/tcp_server.ts";
import { UnixServer } from "../server/unix_server.ts";

/** What the two have in common. */
export interface PortServer {
  /** Resolves when the listener is closed, though connections are still alive. */
  readonly listenerClosed: Promise<void>;
  /** Stops listening, drains nobody, and resolves when the last connection has ended. */
  retreat(): Promise<void>;
}

/**
 * A shutdown that waits for no room: it takes in who waits in the kernel's queue while there is some, but where nobody is
 * drained, no more need ever come.
 */
class Retreat {
  readonly #isFull: () => boolean;
  #cut: AbortController | undefined;

  constructor(isFull: () => boolean) {
    this.#isFull = isFull;
  }

  /** Runs the shutdown. */
  async run(shutdown: (options: ShutdownOptions) => Promise<void>): Promise<void> {
    const cut = this.#cut = new AbortController();
    this.check();
    try {
      await shutdown({ signal: cut.signal });
    } finally {
      this.#cut = undefined;
    }
  }

  /** To be called when somebody has come in. */
  check(): void {
    if (this.#cut && this.#isFull()) this.#cut.abort();
  }
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
      try {
        await listening.close();
      } finally { // a file that cannot be removed is told, and keeps no listener open
        await Promise.allSettled([accepting]);
        closed();
      }
    },
  };
}

/** A TCP server that drains nobody when it stops to listen. */
export class TcpPortServer extends TcpServer implements PortServer {
  readonly #closed = Promise.withResolvers<void>();
  // A serial server has room again by itself: it takes the next one in when the last has ended.
  readonly #retreat = new Retreat(() => this.concurrency > 1 && !this.hasRoom);

  get listenerClosed(): Promise<void> {
    return this.#closed.promise;
  }

  retreat(): Promise<void> {
    return this.#retreat.run((options) => this.shutdown(options));
  }

  protected override async open(): Promise<Listening<Connection>> {
    return noting(await super.open(), this.#closed.resolve);
  }

  protected override dispatch(conn: Connection): void {
    super.dispatch(conn);
    this.#retreat.check();
  }

  protected override drainAll(): void {}

  /** Only for `close`: the end of a retreat's patience is nobody else's. */
  protected override closeAll(reason: "stopped" | "shutdown"): void {
    if (reason === "stopped") super.closeAll(reason);
  }

  protected override get draining(): boolean {
    return false;
  }
}

/** A Unix server that drains nobody when it stops to listen. */
export class UnixPortServer extends UnixServer implements PortServer {
  readonly #closed = Promise.withResolvers<void>();
  // A serial server has room again by itself: it takes the next one in when the last has ended.
  readonly #retreat = new Retreat(() => this.concurrency > 1 && !this.hasRoom);

  get listenerClosed(): Promise<void> {
    return this.#closed.promise;
  }

  retreat(): Promise<void> {
    return this.#retreat.run((options) => this.shutdown(options));
  }

  protected override async open(): Promise<Listening<Connection>> {
    return noting(await super.open(), this.#closed.resolve);
  }

  protected override dispatch(conn: Connection): void {
    super.dispatch(conn);
    this.#retreat.check();
  }

  protected override drainAll(): void {}

  /** Only for `close`: the end of a retreat's patience is nobody else's. */
  protected override closeAll(reason: "stopped" | "shutdown"): void {
    if (reason === "stopped") super.closeAll(reason);
  }

  protected override get draining(): boolean {
    return false;
  }
}
