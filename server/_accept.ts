/**
 * Step 1 of a connection's path: getting clients (or datagrams) out of the kernel, one pending call at a time.
 *
 * @module
 */
import { isLocalClose } from "./errors.ts";

/** What a failed accept says about the world. */
export type AcceptFailure = "closed" | "peer" | "resources" | "unknown";

/** accept(2): errors of the new connection that are already pending; "treat them like EAGAIN by retrying". */
const PEER_CODES = new Set([
  "ECONNABORTED",
  "ECONNRESET",
  "ENOTCONN",
  "EPROTO",
  "ETIMEDOUT",
  "ENETDOWN",
  "ENETUNREACH",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENOPROTOOPT",
  "ENONET",
  "EOPNOTSUPP",
]);
const RESOURCE_CODES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);
const PEER_CLASSES = [
  Deno.errors.NotConnected, // reset before accept: getpeername fails
  Deno.errors.ConnectionAborted,
  Deno.errors.ConnectionReset,
  Deno.errors.TimedOut,
  Deno.errors.NetworkUnreachable,
  Deno.errors.InvalidData, // its path is no UTF-8: Deno has taken it from the kernel, and cannot say where it came from
];

/** The one table that decides about accept errors. */
export function classifyAcceptError(error: unknown): AcceptFailure {
  if (isLocalClose(error)) return "closed";
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === "string" && RESOURCE_CODES.has(code)) return "resources";
  if (typeof code === "string" && PEER_CODES.has(code)) return "peer";
  return PEER_CLASSES.some((known) => error instanceof known) ? "peer" : "unknown";
}

type Arrival<T> = { value: T } | { error: unknown };

/**
 * The one owner of a listener's pending `accept` (or a socket's pending `receive`).
 *
 * Deno allows one accept at a time, and one that was given up takes a client along when it resolves later. So the call
 * is never given up: waiting for it can end, the call stays, and what it brings is kept for the next who asks.
 */
export class Intake<T> {
  readonly #pull: () => Promise<T>;
  #pulling: Promise<void> | undefined;
  #arrival: Arrival<T> | undefined;
  #wake: ((arrived: boolean) => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watcher: (() => void) | undefined;

  constructor(pull: () => Promise<T>) {
    this.#pull = pull;
  }

  /** Whether {@linkcode Intake.take} has something to give, which may be an error. */
  get hasArrival(): boolean {
    return this.#arrival !== undefined;
  }

  /**
   * Waits for an arrival: `true` when there is one, `false` when `ms` milliseconds (none: as long as it takes) have
   * passed or {@linkcode Intake.interrupt} was called. Takes nothing and loses nothing.
   */
  ready(ms?: number): Promise<boolean> {
    if (this.#arrival) return ARRIVED;
    if (this.#wake) {
      throw new TypeError("Cannot wait for a client: another call is waiting on this server already");
    }
    this.#start();
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (ms !== undefined) this.#timer = setTimeout(this.#expire, Math.max(0, ms));
    });
  }

  /** Gives what has arrived. Throws what the call threw; throws a `TypeError` if nothing is there. */
  take(): T {
    const arrival = this.#arrival;
    if (!arrival) throw new TypeError("Nothing has arrived");
    this.#arrival = undefined;
    if ("error" in arrival) throw arrival.error;
    return arrival.value;
  }

  /** Ends a wait; it resolves to `false`. */
  interrupt(): void {
    this.#settle(false);
  }

  /** Waits for the call in flight, which the closed listener ends; says whether it brought something. */
  async settled(): Promise<boolean> {
    await this.#pulling;
    return this.hasArrival;
  }

  /** Begins to wait for an arrival without a caller who waits; `watcher` is called whenever something has arrived. */
  prefetch(watcher: () => void): void {
    this.#watcher = watcher;
    if (!this.#arrival) this.#start();
  }

  /** One call in flight at most, and none while an arrival is kept. */
  #start(): void {
    this.#pulling ??= this.#pull().then(this.#arrived, this.#failed);
  }

  #arrived = (value: T): void => {
    this.#pulling = undefined;
    this.#arrival = { value };
    this.#settle(true);
    this.#watcher?.();
  };

  #failed = (error: unknown): void => {
    this.#pulling = undefined;
    this.#arrival = { error };
    this.#settle(true);
    this.#watcher?.();
  };

  /**
   * A wait of 0 ms still sees a client that the kernel has queued: timers fire before the turn that polls sockets, so
   * the wait ends one turn later.
   */
  #expire = (): void => {
    this.#timer = setTimeout(() => this.#settle(false), 0);
  };

  #settle(arrived: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.(arrived);
  }
}

const ARRIVED = Promise.resolve(true);
