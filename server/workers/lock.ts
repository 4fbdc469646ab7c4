/**
 * Mutual exclusion between the threads of a process.
 *
 * @module
 */
import { Patience, type WaitOptions } from "./_patience.ts";
import { type Hold, hold, holdNow } from "./_web_lock.ts";

/**
 * What was acquired: a lock, or a permit of a semaphore. It is given back by `release`, or at the end of a `using` or `await
 * using` block, or when the thread that has it ends, however it ends.
 *
 * @example
 * ```ts
 * import { Lock } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new Lock("the printer");
 * const guard = await lock.acquire();
 * await guard.release(); // before the block ends
 * using again = await lock.tryAcquire();
 * assertEquals(again !== undefined, true);
 * ```
 */
export class LockGuard implements Disposable, AsyncDisposable {
  readonly #release: () => Promise<void>;
  #released: Promise<void> | undefined;

  /** Made by `acquire`. */
  constructor(release: () => Promise<void>) {
    this.#release = release;
  }

  /** Gives it back, once; calling it again is harmless. The promise resolves when it can be had by others. */
  release(): Promise<void> {
    return this.#released ??= this.#release();
  }

  /** Gives it back, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** Gives it back and waits until others can have it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/**
 * A lock that one holder has at a time, over all worker threads of the process: Python's `threading.Lock`. It is known by its
 * name: make one with the same name in each thread. It stands on `navigator.locks`.
 *
 * - Those who wait are served in their order, over all threads. No wait blocks an event loop.
 * - A holder whose thread ends (it is terminated, throws, or calls `Deno.exit`) frees the lock.
 * - It excludes everybody else, also other callers on the same thread; it cannot be acquired twice, see {@linkcode RLock}.
 * - Locks are not shared with other processes, child processes included.
 *
 * There is nothing to close: a `Lock` is a name.
 *
 * @example
 * ```ts
 * import { Lock } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new Lock("the counter");
 * {
 *   await using _guard = await lock.acquire();
 *   assertEquals(await new Lock("the counter").tryAcquire(), undefined);
 * }
 * using guard = await lock.tryAcquire();
 * assertEquals(guard !== undefined, true);
 * ```
 */
export class Lock {
  /** By which all threads know it. */
  readonly name: string;

  /** A lock of this name; without one, of a name of its own, which can be sent to others. */
  constructor(name: string = crypto.randomUUID()) {
    this.name = name;
  }

  /**
   * Waits until nobody has it, and takes it.
   *
   * @throws {Deno.errors.TimedOut} if somebody has it for as long as `timeout`
   * @throws the reason of the signal, if it aborts first; in both cases the lock is not held
   */
  async acquire(options: WaitOptions = {}): Promise<LockGuard> {
    return guard(await acquireWebLock(webName(this), options, `Cannot acquire the lock "${this.name}"`));
  }

  /** Takes it if nobody has it, else `undefined`: Python's `acquire(blocking=False)`. */
  async tryAcquire(): Promise<LockGuard | undefined> {
    const held = await holdNow(webName(this));
    return held && guard(held);
  }

  /**
   * Calls `action` while it holds the lock.
   *
   * @returns what `action` returns
   * @throws what `acquire` and `action` throw
   */
  async run<T>(action: () => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    await using _guard = await this.acquire(options);
    return await action();
  }
}

/** Waits for a Web Lock as the options say. */
export async function acquireWebLock(name: string, options: WaitOptions, what: string): Promise<Hold> {
  using patience = new Patience(options, what);
  if (!patience.none) return await hold(name, patience.signal);
  const held = await holdNow(name);
  if (!held) throw new Deno.errors.TimedOut(`${what}: another has it`);
  return held;
}

function guard(held: Hold): LockGuard {
  return new LockGuard(() => held.release());
}

/** Names may not begin with a hyphen, and those of the kit's own are none of a program's. */
function webName(lock: Lock): string {
  return `switchboard:lock:${lock.name}`;
}
