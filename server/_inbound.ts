/**
 * The reading half of a connection.
 *
 * @module
 */
import { ReceiveBuffer } from "./_buffers.ts";
import type { Transport } from "./_transport.ts";
import { Watchdog } from "./_watchdog.ts";

/** How long a draining connection waits for bytes that the kernel may hold already, in milliseconds. */
const LAST_LOOK = 5;

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
  /** The last error that a caller saw. */
  raised: unknown;
  /** Bytes that have arrived since the beginning. */
  total = 0;
  /** Started anew by every byte. */
  activity: Watchdog | undefined;
  readonly #transport: Transport;
  #ended = false;
  #failure: { error: unknown } | undefined;
  #space: Uint8Array<ArrayBuffer> | undefined;
  #finish: (() => unknown) | undefined;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  #promise: Promise<unknown> | undefined;
  #watchdog: Watchdog | undefined;
  #unlisten: (() => void) | undefined;
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
    this.#watchdog = ms === undefined ? undefined : new Watchdog(ms, this.#expired);
    if (waiting) this.#watchdog?.start();
  }

  /**
   * Resolves to what `finish` makes of the buffer as soon as a byte has arrived or the end has come.
   *
   * @param finish called once, when the wait is over
   * @param endsOnDrain whether a draining connection with an empty buffer ends this wait
   */
  wait<T>(finish: () => T, signal?: AbortSignal, endsOnDrain = false): Promise<T> {
    if (this.#finish) return Promise.reject(busy());
    if (this.#failure) return Promise.reject(this.#failure.error);
    if (this.#ended) return Promise.resolve(finish());
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (endsOnDrain && this.#draining && this.#looked) return Promise.resolve(finish());
    this.#finish = finish;
    this.#promise = new Promise(this.#begin);
    this.#endsOnDrain = endsOnDrain;
    this.#watchdog?.start();
    if (signal) this.#listen(signal);
    if (endsOnDrain && this.#draining) this.#startLook();
    this.#read();
    return this.#promise as Promise<T>;
  }

  /** From now on a wait that allows it gets one last look at what the kernel holds, and then ends. */
  drain(): void {
    this.#draining = true;
    if (this.#finish && this.#endsOnDrain) this.#startLook();
  }

  /** Whether a chunk iteration that finds the buffer empty has come to its end. */
  get drained(): boolean {
    return this.#draining && this.#looked;
  }

  /** Ends every wait, now and later, with `error`. */
  fail(error: unknown): void {
    this.#failure ??= { error: this.raise(error) };
    if (this.#finish) this.#settle(this.#reject, this.#failure.error);
    this.#watchdog?.close();
    clearTimeout(this.#look);
    this.buffer.clear();
  }

  /** Notes an error on its way to a caller. */
  raise<E>(error: E): E {
    this.raised = error;
    return error;
  }

  #begin = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  #read(): void {
    if (this.#space) return;
    this.#space = this.buffer.space();
    this.#transport.read(this.#space).then(this.#arrived, this.#failed);
  }

  #arrived = (n: number | null): void => {
    const space = this.#space!;
    this.#space = undefined;
    if (this.#failure) return;
    if (n === null) this.#ended = true;
    else if (n === 0) return this.#again();
    else {
      this.buffer.commit(n, space);
      this.total += n;
      this.activity?.start();
    }
    if (this.#finish) this.#settle(this.#resolve, this.#finish());
  };

  /** A read of nothing is not the end (a TLS record without data, say). */
  #again(): void {
    if (this.#finish) this.#read();
  }

  #failed = (error: unknown): void => {
    this.#space = undefined;
    this.fail(error);
  };

  #expired = (): void => {
    if (!this.#finish) return;
    this.#settle(this.#reject, this.raise(lateBytes(this.#watchdog!.limit)));
  };

  #listen(signal: AbortSignal): void {
    const aborted = () => this.#finish && this.#settle(this.#reject, signal.reason);
    signal.addEventListener("abort", aborted, { once: true });
    this.#unlisten = () => signal.removeEventListener("abort", aborted);
  }

  #startLook(): void {
    this.#looked = true;
    // Timers fire before the turn that polls sockets: the second one lets that turn come first.
    this.#look = setTimeout(() => this.#look = setTimeout(this.#endLook, 0), LAST_LOOK);
  }

  #endLook = (): void => {
    if (this.#finish && this.#endsOnDrain) this.#settle(this.#resolve, this.#finish());
  };

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

function busy(): Error {
  return new Deno.errors.Busy("another read is waiting on this connection");
}

function lateBytes(ms: number): Error {
  return new Deno.errors.TimedOut(`no byte came from the peer within ${ms} ms`);
}
