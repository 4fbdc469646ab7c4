/**
 * What a `Poller` asks of a connection or a server. `multiplex/` knows it by its shape alone, and calls it `Readiness`.
 *
 * @module
 */
import type { Intake } from "./_accept.ts";
import type { Inbound } from "./_inbound.ts";
import type { Outbound } from "./_outbound.ts";

/** As `EVENT_READ` of `multiplex/`. */
const READ = 1;
/** As `EVENT_WRITE` of `multiplex/`. */
const WRITE = 2;

/**
 * What a socket tells about itself without waiting, for a `Poller` of `@switchboard/kit/multiplex`, where this shape is
 * called `Readiness` and explained.
 *
 * @typeParam T what there is to take: chunks, clients, packets
 */
export interface SocketReadiness<T> {
  /** What it can tell at all: 1 to be read, 2 to be written. */
  readonly events: number;
  /** Which of these hold now. */
  readonly ready: number;
  /** Begins the read or the accept that an event needs. */
  prepare(events: number): void;
  /** Takes what is ready; `undefined` where it would have to wait. */
  take(): IteratorResult<T, undefined> | undefined;
  /** Adds a listener; gives what takes it out again. */
  watch(listener: (events: number) => void): () => void;
}

type Listener = (events: number) => void;

/** The listeners of one socket: one poller as a rule, so that one costs no more than a call. */
class Listeners {
  #listeners: Listener[] = [];

  watch(listener: Listener): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      const index = this.#listeners.indexOf(listener);
      if (index >= 0) this.#listeners = this.#listeners.toSpliced(index, 1);
    };
  }

  protected tell(events: number): void {
    const listeners = this.#listeners;
    for (let n = 0; n < listeners.length; n++) listeners[n](events);
  }
}

/** The readiness of a connection: a chunk, the end or a failure to be read; room in the queue of `send`. */
export class ConnectionReadiness extends Listeners implements SocketReadiness<Uint8Array<ArrayBuffer>> {
  readonly events: number = READ | WRITE;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;

  constructor(inbound: Inbound, outbound: Outbound) {
    super();
    this.#inbound = inbound;
    this.#outbound = outbound;
    inbound.watcher = () => this.tell(READ);
    outbound.watcher = () => this.tell(WRITE);
  }

  get ready(): number {
    const { buffer, over } = this.#inbound;
    return ((buffer.length > 0 && !buffer.lent) || over ? READ : 0) | (this.#outbound.answers ? WRITE : 0);
  }

  prepare(events: number): void {
    if ((events & READ) !== 0) this.#inbound.prefetch();
  }

  take(): IteratorResult<Uint8Array<ArrayBuffer>, undefined> | undefined {
    const { buffer } = this.#inbound;
    if (buffer.lent) return undefined; // somebody looks at it
    if (buffer.length > 0) return { value: buffer.take(), done: false };
    return this.#inbound.hasEnded() ? { value: undefined, done: true } : undefined;
  }
}

/** The server, as its readiness needs it. */
export interface IntakeHost<R> {
  /** Whether one more request may be taken now. */
  hasRoom(): boolean;
  /** Where requests arrive; `undefined` once it listens no more. */
  intake(): Intake<R> | undefined;
}

/** The readiness of a server: a client (or packet) that waits and that there is room for, or the end. */
export class ServerReadiness<R> extends Listeners implements SocketReadiness<R> {
  readonly events: number = READ;
  readonly #host: IntakeHost<R>;

  constructor(host: IntakeHost<R>) {
    super();
    this.#host = host;
  }

  get ready(): number {
    const intake = this.#host.intake();
    return !intake || (intake.hasArrival && this.#host.hasRoom()) ? READ : 0;
  }

  prepare(): void {
    if (this.#host.hasRoom()) this.#host.intake()?.prefetch(this.changed);
  }

  take(): IteratorResult<R, undefined> | undefined {
    const intake = this.#host.intake();
    if (!intake) return { value: undefined, done: true };
    return intake.hasArrival ? { value: intake.take(), done: false } : undefined;
  }

  /** To be called when there may be room again, and when it listens no more. */
  readonly changed = (): void => this.tell(READ);
}
