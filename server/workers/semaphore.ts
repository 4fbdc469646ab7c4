/**
 * A limit on how many do something at once, over the threads of a process.
 *
 * @module
 */
import { LockGuard } from "./lock.ts";
import { Patience, type WaitOptions } from "./_patience.ts";
import { type Hold, hold, holdNow } from "./_web_lock.ts";

/** More permits than this are a mistake: each is a lock of its own. */
const MOST = 1_000;

/**
 * So many holders at once, over all worker threads of the process: Python's `threading.BoundedSemaphore`. It is known by its
 * name: make one with the same name and the same number of permits in each thread.
 *
 * Each permit is a lock of its own on `navigator.locks`, so a permit comes back when the thread that has it ends, however it
 * ends. Those who wait are served in their order. Looking for a free permit costs a look at each in the worst case: this is
 * for tens of permits.
 *
 * There is nothing to close.
 *
 * @example
 * ```ts
 * import { Semaphore } from "@switchboard/kit/workers";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const semaphore = new Semaphore("printers", 2);
 * const one = await semaphore.acquire();
 * using _two = await semaphore.acquire();
 * await assertRejects(() => semaphore.acquire({ timeout: 10 }), Deno.errors.TimedOut);
 * await one.release();
 * using three = await semaphore.tryAcquire();
 * assertEquals(three !== undefined, true);
 * ```
 */
export class Semaphore {
  /** By which all threads know it. */
  readonly name: string;
  /** How many have it at once. */
  readonly permits: number;
  /** Where to look first: the last permit that was free. */
  #hint = 0;

  /**
   * The semaphore of this name.
   *
   * @param name by which all threads know it
   * @param permits how many have it at once, from 1 to 1000; the same number in every thread
   * @throws {RangeError} if there are fewer or more permits
   */
  constructor(name: string, permits: number) {
    if (!Number.isInteger(permits) || permits < 1 || permits > MOST) {
      throw new RangeError(
        `A semaphore must have a whole number of permits, 1 to ${MOST}: current value is ${permits}`,
      );
    }
    this.name = name;
    this.permits = permits;
  }

  /**
   * Waits for a permit, and takes it.
   *
   * @throws {Deno.errors.TimedOut} if none comes free within `timeout`
   * @throws the reason of the signal, if it aborts first; in both cases no permit was taken
   */
  async acquire(options: WaitOptions = {}): Promise<LockGuard> {
    const what = `Cannot acquire a permit of "${this.name}"`;
    using patience = new Patience(options, what);
    if (patience.none) {
      const permit = await this.#free();
      if (!permit) throw new Deno.errors.TimedOut(`${what}: none is free`);
      return guard(permit);
    }
    const turn = await hold(this.#webName("turn"), patience.signal); // so that one at a time waits for all permits
    try {
      return guard(await this.#free() ?? await this.#next(patience.signal));
    } finally {
      await turn.release();
    }
  }

  /** Takes a permit if one is free, else `undefined`. */
  async tryAcquire(): Promise<LockGuard | undefined> {
    const permit = await this.#free();
    return permit && guard(permit);
  }

  /**
   * Calls `action` while it holds a permit.
   *
   * @returns what `action` returns
   * @throws what `acquire` and `action` throw
   */
  async run<T>(action: () => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    await using _guard = await this.acquire(options);
    return await action();
  }

  async #free(): Promise<Hold | undefined> {
    for (let n = 0; n < this.permits; n++) {
      const index = (this.#hint + n) % this.permits;
      const permit = await holdNow(this.#webName(index));
      if (!permit) continue;
      this.#hint = index;
      return permit;
    }
  }

  /** Asks for all of them and takes the first that comes. Two can come free in the same moment: the other goes back. */
  async #next(signal: AbortSignal): Promise<Hold> {
    const enough = new AbortController();
    const any = AbortSignal.any([signal, enough.signal]);
    const permits = Array.from({ length: this.permits }, (_, index) => hold(this.#webName(index), any));
    const first = await Promise.any(permits).catch(() => undefined);
    enough.abort();
    for (const permit of await Promise.allSettled(permits)) {
      if (permit.status === "fulfilled" && permit.value !== first) await permit.value.release();
    }
    if (!first) throw signal.reason;
    return first;
  }

  #webName(part: string | number): string {
    return `switchboard:semaphore:${this.name}:${part}`;
  }
}

function guard(permit: Hold): LockGuard {
  return new LockGuard(() => permit.release());
}
