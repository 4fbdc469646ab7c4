/**
 * A flag that threads wait for.
 *
 * @module
 */
import { SharedClosedError } from "./errors.ts";
import { Patience, type WaitOptions } from "./_patience.ts";

const FLAG = 0;
/** Counts how often it was set: who waits sees that it was, even if it was cleared since. */
const TIMES = 1;

/**
 * A flag over all threads of the process that can be waited for: Python's `threading.Event`, in shared memory.
 *
 * Send its `handle` to a worker, as often as you like, and make a `SharedEvent` of it there. Waiting never blocks an event loop:
 * it stands on `Atomics.waitAsync`, and keeps its program alive.
 *
 * Each object is closed by itself, at the end of a `using` block or by `close`, and the flag stays as it is for the others.
 *
 * @example
 * ```ts
 * import { SharedEvent } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * using ready = new SharedEvent();
 * using elsewhere = new SharedEvent(ready.handle); // in a worker, as a rule
 * assertEquals(await ready.wait({ timeout: 10 }), false);
 * setTimeout(() => elsewhere.set(), 10);
 * assertEquals(await ready.wait(), true);
 * assertEquals(ready.isSet, true);
 * ```
 */
export class SharedEvent implements Disposable {
  /** What other threads make theirs of. */
  readonly handle: SharedArrayBuffer;
  readonly #state: Int32Array<SharedArrayBuffer>;
  readonly #closing = Promise.withResolvers<never>();
  #closed = false;
  #change: Promise<unknown> | undefined;

  /**
   * A flag that is not set, or the one of a handle.
   *
   * @throws {TypeError} if the handle is none
   */
  constructor(handle: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    if (!(handle instanceof SharedArrayBuffer) || handle.byteLength !== 8) {
      throw new TypeError("Cannot make a SharedEvent: this is not the handle of one");
    }
    this.handle = handle;
    this.#state = new Int32Array(handle);
    this.#closing.promise.catch(() => {}); // nobody need wait
  }

  /** Whether it is set. */
  get isSet(): boolean {
    return Atomics.load(this.#state, FLAG) === 1;
  }

  /**
   * Sets it: all who wait, on any thread, go on.
   *
   * @throws {SharedClosedError} if this object is closed
   */
  set(): void {
    this.#assertOpen();
    Atomics.add(this.#state, TIMES, 1);
    Atomics.store(this.#state, FLAG, 1);
    Atomics.notify(this.#state, FLAG);
  }

  /**
   * Clears it: who waits from now on waits until it is set again.
   *
   * @throws {SharedClosedError} if this object is closed
   */
  clear(): void {
    this.#assertOpen();
    Atomics.store(this.#state, FLAG, 0);
  }

  /**
   * Waits until it is set.
   *
   * @returns `true`; `false` if it was not set within `timeout`
   * @throws {SharedClosedError} if this object is closed, or closes meanwhile
   * @throws the reason of the signal, if it aborts first
   */
  async wait(options: WaitOptions = {}): Promise<boolean> {
    this.#assertOpen();
    using patience = new Patience(options, "Cannot see the event");
    const times = Atomics.load(this.#state, TIMES);
    try {
      while (!this.isSet && Atomics.load(this.#state, TIMES) === times) {
        if (patience.none) return false;
        await patience.for(Promise.race([this.#changed(), this.#closing.promise]));
      }
      return true;
    } catch (error) {
      const late = error === patience.signal.reason && !options.signal?.aborted;
      if (late) return false;
      throw error;
    }
  }

  /** Ends the waits of this object. Closing twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.reject(closed());
  }

  /** Closes it, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The next time that it is set. One for all who wait, as such a wait cannot be taken back. */
  #changed(): Promise<unknown> {
    return this.#change ??= this.#nextChange();
  }

  async #nextChange(): Promise<void> {
    const { async, value } = Atomics.waitAsync(this.#state, FLAG, 0);
    if (async) await value;
    this.#change = undefined;
  }

  #assertOpen(): void {
    if (this.#closed) throw closed();
  }
}

function closed(): SharedClosedError {
  return new SharedClosedError("the event is closed on this thread");
}
