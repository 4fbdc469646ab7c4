/**
 * Mutual exclusion that its holder can enter again.
 *
 * @module
 */
import type { AsyncLocalStorage } from "node:async_hooks";
import { acquireWebLock, LockGuard } from "./lock.ts";
import { Patience, type WaitOptions } from "./_patience.ts";
import type { Hold } from "./_web_lock.ts";

/** What `acquire` of an {@linkcode RLock} can be told. */
export interface RLockOptions extends WaitOptions {
  /**
   * Who acquires: any object. Whoever is the owner already comes in again at once.
   *
   * @default {the `run` around the call, or else somebody new}
   */
  owner?: object;
}

/**
 * An {@linkcode RLock} that is held; `owner` may acquire it again.
 *
 * @example
 * ```ts
 * import { RLock } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new RLock("the ledger");
 * await using outer = await lock.acquire();
 * await using inner = await lock.tryAcquire({ owner: outer.owner });
 * assertEquals(inner?.owner, outer.owner);
 * ```
 */
export class RLockGuard extends LockGuard {
  /** Who has it: `acquire({ owner: guard.owner })` comes in again. */
  readonly owner: object;

  /** Made by `acquire`. */
  constructor(owner: object, release: () => Promise<void>) {
    super(release);
    this.owner = owner;
  }
}

/** What one owner has of one lock: how often, or that it is being waited for. */
interface Tenure {
  count: number;
  hold?: Hold;
  /** Settles, never rejects, when the attempt to acquire it is over. */
  attempt: Promise<void>;
}

/** By name, then by owner: two objects of one name on one thread are one lock. */
const tenures = new Map<string, Map<object, Tenure>>();

let context: AsyncLocalStorage<object> | undefined;

function owners(): AsyncLocalStorage<object> {
  return context ??= new (process.getBuiltinModule("node:async_hooks").AsyncLocalStorage)();
}

/**
 * A lock that its owner can acquire again: Python's `threading.RLock`. It is free when every acquisition was given back.
 * Everything that is said of {@linkcode Lock} holds for it.
 *
 * In Python the owner is a thread. Here many tasks share a thread, so the owner is a task:
 *
 * - Inside `run`, of this `RLock` or any other, the owner is that call: whatever it calls and awaits comes in again. So do two
 *   things that it has started at once; they do not exclude each other.
 * - Elsewhere every `acquire` is somebody new, unless it names an `owner`: the `owner` of the guard, or any object.
 *
 * An owner is known on its own thread only.
 *
 * @example
 * ```ts
 * import { RLock } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new RLock("the accounts");
 * const deposit = (n: number) => lock.run(() => n);
 * const total = await lock.run(async () => await deposit(1) + await deposit(2)); // a Lock would wait for itself here
 * assertEquals(total, 3);
 *
 * await using outer = await lock.acquire();
 * await using _inner = await lock.acquire({ owner: outer.owner });
 * assertEquals(await lock.tryAcquire(), undefined); // somebody new
 * ```
 */
export class RLock {
  /** By which all threads know it. */
  readonly name: string;

  /** A lock of this name; without one, of a name of its own, which can be sent to others. */
  constructor(name: string = crypto.randomUUID()) {
    this.name = name;
  }

  /**
   * Waits until nobody else has it, and takes it, or takes it once more.
   *
   * @throws {Deno.errors.TimedOut} if somebody else has it for as long as `timeout`
   * @throws the reason of the signal, if it aborts first; in both cases nothing was taken
   */
  async acquire(options: RLockOptions = {}): Promise<RLockGuard> {
    const owner = options.owner ?? owners().getStore() ?? {};
    const what = `Cannot acquire the lock "${this.name}"`;
    using patience = new Patience(options, what);
    for (let tenure; (tenure = tenures.get(this.name)?.get(owner));) {
      if (tenure.hold) return this.#again(owner, tenure);
      if (patience.none) throw new Deno.errors.TimedOut(`${what}: its owner waits for it`);
      await patience.for(tenure.attempt); // the same owner is asking already
    }
    return await this.#first(owner, options, what);
  }

  /** Takes it if nobody else has it, else `undefined`. */
  async tryAcquire(options: Pick<RLockOptions, "owner"> = {}): Promise<RLockGuard | undefined> {
    try {
      return await this.acquire({ ...options, timeout: 0 });
    } catch (error) {
      if (error instanceof Deno.errors.TimedOut) return undefined;
      throw error;
    }
  }

  /**
   * Calls `action` while it holds the lock; whatever that calls and awaits is the same owner.
   *
   * @returns what `action` returns
   * @throws what `acquire` and `action` throw
   */
  async run<T>(action: () => T | PromiseLike<T>, options: RLockOptions = {}): Promise<T> {
    const owner = options.owner ?? owners().getStore() ?? {};
    await using _guard = await this.acquire({ ...options, owner });
    return await owners().run(owner, action);
  }

  async #first(owner: object, options: RLockOptions, what: string): Promise<RLockGuard> {
    const over = Promise.withResolvers<void>();
    const tenure: Tenure = { count: 0, attempt: over.promise };
    this.#byOwner().set(owner, tenure);
    try {
      tenure.hold = await acquireWebLock(`switchboard:rlock:${this.name}`, options, what);
      return this.#again(owner, tenure);
    } catch (error) {
      this.#forget(owner);
      throw error;
    } finally {
      over.resolve();
    }
  }

  #again(owner: object, tenure: Tenure): RLockGuard {
    tenure.count++;
    return new RLockGuard(owner, async () => {
      if (--tenure.count > 0) return;
      this.#forget(owner);
      await tenure.hold!.release();
    });
  }

  #byOwner(): Map<object, Tenure> {
    let byOwner = tenures.get(this.name);
    if (!byOwner) tenures.set(this.name, byOwner = new Map());
    return byOwner;
  }

  #forget(owner: object): void {
    const byOwner = tenures.get(this.name);
    byOwner?.delete(owner);
    if (byOwner?.size === 0) tenures.delete(this.name);
  }
}
