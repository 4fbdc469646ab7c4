/**
 * The reading half of a connection.
 *
 * @module
 */
import { ReceiveBuffer } from "./_buffers.ts";
import { Failure } from "./_failure.ts";
import type { Transport } from "./_transport.ts";
import { Watchdog } from "./_watchdog.ts";

/** After so many bytes a connection lets others have a turn: what is made of them takes its time, too. */
const MOST_IN_A_TURN = 262_144;
/** How long a draining connection waits for bytes that the kernel may hold already, in milliseconds. */
const LAST_LOOK = 5;
/** The same where no byte has come yet: the client has just connected, and its first request may be on its way. */
const FIRST_LOOK = 100;

/** Somebody who collects bytes before they are sent. */
export interface Holder {
  /** Sends them. What fails is told to the next who sends. */
  flush(): unknown;
}

/**
 * Reads on behalf of one waiting caller, and never gives a read up: when the caller's wait ends early (a time limit, a
 * signal, the drain), the read stays, and what it brings is there for the next caller. So no byte is lost.
 *
 * One promise for each wait: the operation's own callbacks are made once, and `finish` turns what has arrived into what
 * the caller wants when it arrives.
 */
export class Inbound {
  /** What has arrived and was not taken. */
  readonly buffer: ReceiveBuffer = new ReceiveBuffer();
  #raised: unknown;
  /** Bytes that have arrived since the beginning. */
  total = 0;
  /** Started anew by every byte. */
  activity: Watchdog | undefined;
  /** Called when bytes, the end or a failure have come: a poller's. */
  watcher: (() => void) | undefined;
  /** Who holds bytes back: flushed when somebody is about to wait for the peer. Made when there is one. */
  holders: Set<Holder> | undefined;
  readonly #transport: Transport;
  #ended = false;
  #failure: Failure | undefined;
  #space: Uint8Array<ArrayBuffer> | undefined;
  #finish: ((buffer: ReceiveBuffer) => unknown) | undefined;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  #promise: Promise<unknown> | undefined;
  #watchdog: Watchdog | undefined;
  #unlisten: (() => void) | undefined;
  /** Bytes that have arrived since this connection last let the event loop turn. */
  #sinceTurn = 0;
  #draining = false;
  #endsOnDrain = false;
  #looked = false;
  #look: ReturnType<typeof setTimeout> | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Whether the peer has sent its end. Bytes may still wait in the buffer. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether nothing more will come: the end, or a failure. */
  get over(): boolean {
    return this.#ended || this.#failure !== undefined;
  }

  /** Whether a read is in flight: then the kernel holds nothing that was not seen. */
  get reading(): boolean {
    return this.#space !== undefined;
  }

  /** The longest wait for bytes in milliseconds. */
  get timeout(): number | undefined {
    return this.#watchdog?.limit;
  }

  set timeout(ms: number | undefined) {
    const waiting = this.#finish !== undefined;
    this.#watchdog?.close();
    this.#watchdog = ms === undefined ? undefined : new Watchdog(ms, () => this.#expire(ms));
    if (waiting) this.#watchdog?.start();
  }

  /**
   * Resolves to what `finish` makes of the buffer as soon as a byte has arrived or the end has come.
   *
   * @param finish called once, when the wait is over
   * @param endsOnDrain whether a draining connection with an empty buffer ends this wait
   */
  wait<T>(finish: (buffer: ReceiveBuffer) => T, signal?: AbortSignal, endsOnDrain = false): Promise<T> {
    if (this.#finish || this.buffer.lent) return rejected(busy());
    if (this.#failure) return rejected(this.#failure.error);
    if (this.#ended) return Promise.resolve(finish(this.buffer));
    if (signal?.aborted) return rejected(signal.reason);
    if (endsOnDrain && this.#draining && this.#looked) return Promise.resolve(finish(this.buffer));
    if (this.holders) this.flushHolders();
    this.#finish = finish;
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#endsOnDrain = endsOnDrain;
    this.#watchdog?.start();
    if (signal) this.#listen(signal);
    if (endsOnDrain && this.#draining) this.#startLook();
    this.#read();
    return this.#promise as Promise<T>;
  }

  /** Reads without a caller who waits, unless there is something to take already. */
  prefetch(): void {
    if (this.buffer.length > 0 || this.over) return;
    if (this.holders) this.flushHolders();
    this.#read();
  }

  /** The peer may be waiting for what is held back: it goes out now. */
  flushHolders(): void {
    for (const holder of this.holders ?? []) holder.flush();
  }

  /** Whether the end has come; throws the failure, if that came first. */
  hasEnded(): boolean {
    if (this.#failure) throw this.#failure.error;
    return this.#ended;
  }

  /** Whether there is something to take, and nobody before the caller waits for it. */
  get ready(): boolean {
    return this.buffer.length > 0 && !this.#finish && !this.buffer.lent;
  }

  /** Throws if another read is waiting: what has come so far is its. */
  assertFree(): void {
    if (this.#finish || this.buffer.lent) throw busy();
  }

  /** From now on a wait that allows it gets one last look at what the kernel holds, and then ends. */
  drain(): void {
    this.#draining = true;
    if (this.#finish && this.#endsOnDrain) this.#startLook();
  }

  /** Ends every wait, now and later. What had come before can still be taken. */
  fail(failure: Failure): void {
    this.#failure ??= failure;
    if (this.#finish) this.#settle(this.#reject, this.#failure.error);
    this.#watchdog?.close();
    clearTimeout(this.#look);
    this.watcher?.();
  }

  /** The same for a connection that this side closes: what nobody has taken is dropped. */
  close(failure: Failure): void {
    this.buffer.clear();
    this.fail(failure);
  }

  /** Notes an error on its way to a caller. */
  raise<E>(error: E): E {
    this.#raised = error;
    return error;
  }

  /** Whether `error` is one that a caller of this half has seen last. */
  hasRaised(error: unknown): boolean {
    return error === this.#raised || this.#failure?.isSeenAs(error) === true;
  }

  #read(): void {
    if (this.#space) return;
    this.#space = this.buffer.space();
    if (this.#sinceTurn < MOST_IN_A_TURN) this.#readNow();
    else setImmediate(() => this.#readNow());
  }

  /** For a flood, in another turn of the event loop: bytes that are there already come without one. */
  #readNow(): void {
    if (this.#sinceTurn >= MOST_IN_A_TURN) this.#sinceTurn = 0;
    if (this.#failure) this.#space = undefined; // closed meanwhile
    else this.#transport.read(this.#space!).then(this.#arrived, this.#failed);
  }

  #arrived = (n: number | null): void => {
    const space = this.#space!;
    this.#space = undefined;
    if (this.#failure) return;
    if (space.buffer.detached) return this.fail(Failure.of(transferred()));
    if (n === null) this.#ended = true;
    else if (n === 0) return this.#again();
    else {
      this.buffer.commit(n, space);
      this.total += n;
      this.#sinceTurn += n;
      this.activity?.start();
      if (n === space.length) this.#looked = false; // the kernel may hold more: a draining connection looks again
    }
    if (this.#finish) this.#settle(this.#resolve, this.#finish(this.buffer));
    this.watcher?.();
  };

  /** A read of nothing is not the end (a TLS record without data, say). */
  #again(): void {
    if (this.#finish || this.watcher) this.#read();
  }

  #failed = (error: unknown): void => {
    this.#space = undefined;
    this.fail(Failure.of(error));
  };

  #expire(ms: number): void {
    if (this.#finish) this.#settle(this.#reject, this.raise(lateBytes(ms)));
  }

  #listen(signal: AbortSignal): void {
    const aborted = () => this.#finish && this.#settle(this.#reject, signal.reason);
    signal.addEventListener("abort", aborted, { once: true });
    this.#unlisten = () => signal.removeEventListener("abort", aborted);
  }

  #startLook(): void {
    this.#looked = true;
    clearTimeout(this.#look);
    // Timers fire before the turn that polls sockets: the second one lets that turn come first.
    const look = this.total === 0 ? FIRST_LOOK : LAST_LOOK;
    this.#look = setTimeout(() => this.#look = setTimeout(() => this.#endLook(), 0), look);
  }

  #endLook(): void {
    if (this.#finish && this.#endsOnDrain) this.#settle(this.#resolve, this.#finish(this.buffer));
  }

  /** Ends the wait. A failure nobody awaits is remembered here and must not end the process as unhandled. */
  #settle(how: (value: unknown) => void, value: unknown): void {
    if (how === this.#reject) this.#promise!.catch(ignore);
    this.#watchdog?.stop();
    this.#unlisten?.();
    this.#unlisten = this.#finish = this.#promise = undefined;
    how(value);
  }
}

/** The caller has been told through another promise, or will be at its next call. */
export function ignore(): void {}

/** A promise that need not be awaited: its rejection is remembered elsewhere, and must not end the process. */
export function optional<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore);
  return promise;
}

/** A rejection that need not be awaited. */
export function rejected(error: unknown): Promise<never> {
  return optional(Promise.reject(error));
}

function transferred(): Error {
  return new TypeError(
    "a chunk of this connection was transferred while its memory was in use; transfer a copy of it",
  );
}

function busy(): Error {
  return new Deno.errors.Busy("another read is waiting on this connection");
}

function lateBytes(ms: number): Error {
  return new Deno.errors.TimedOut(`no byte came from the peer within ${ms} ms`);
}
