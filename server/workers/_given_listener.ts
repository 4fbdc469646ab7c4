/**
 * A listener in a worker whose connections are given to it by its server.
 *
 * @module
 */

/** What is given: a transport, in the stead of a `Deno.Conn`. */
interface GivenConn {
  /** What the server calls the connection. */
  readonly id: number;
  readonly transport: object;
}

/** In the shape of a `Deno.Listener`, as far as the kit's servers look at one. */
export class GivenListener {
  readonly addr: Deno.Addr;
  /** The id of the connection that was accepted last. */
  lastId = 0;
  readonly #queue: GivenConn[] = [];
  #waiting: PromiseWithResolvers<Deno.Conn> | undefined;
  #closed = false;

  constructor(addr: Deno.Addr) {
    this.addr = addr;
  }

  /** Lets one come. */
  give(conn: GivenConn): void {
    this.#queue.push(conn);
    this.#serve();
  }

  accept(): Promise<Deno.Conn> {
    if (this.#closed) return Promise.reject(new Deno.errors.BadResource("Listener has been closed"));
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    this.#serve();
    return promise;
  }

  #serve(): void {
    if (!this.#waiting || this.#queue.length === 0) return;
    const { id, transport } = this.#queue.shift()!;
    this.lastId = id;
    this.#waiting.resolve(transport as Deno.Conn);
    this.#waiting = undefined;
  }

  close(): void {
    this.#closed = true;
    this.#waiting?.reject(new Deno.errors.BadResource("Listener has been closed"));
    this.#waiting = undefined;
  }

  ref(): void {}

  unref(): void {}
}
