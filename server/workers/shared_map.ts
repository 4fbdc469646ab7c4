/**
 * A map that threads share.
 *
 * @module
 */
import type { Call, MessagePortLike, Operations } from "./_calls.ts";
import type { WaitOptions } from "./_patience.ts";
import { isPort, SharedThing } from "./_shared_thing.ts";

/** What can be a key of a {@linkcode SharedMap}: what is equal to its copy. */
export type SharedMapKey = string | number | bigint | boolean;

/** A value, and when it came to be. */
interface Versioned {
  value: unknown;
  version: number;
}

const ABSENT: Versioned = { value: undefined, version: 0 };

/** The map itself, on the thread that has it. */
class Store {
  readonly #map = new Map<unknown, Versioned>();
  #version = 0;

  constructor(entries: Iterable<readonly [unknown, unknown]>) {
    for (const [key, value] of entries) this.#put(key, structuredClone(value));
  }

  readonly operations: Operations = {
    get: (call, key) => call.answer(this.#map.get(key)?.value),
    has: (call, key) => call.answer(this.#map.has(key)),
    set: (call, key, value) => call.answer(this.#put(key, value)),
    delete: (call, key) => call.answer(this.#map.delete(key)),
    clear: (call) => call.answer(this.#map.clear()),
    size: (call) => call.answer(this.#map.size),
    entries: (call) => call.answer([...this.#map].map(([key, { value }]) => [key, value])),
    read: (call, key) => call.answer(this.#map.get(key) ?? ABSENT),
    commit: (call, key, version, value) => this.#commit(call, key, version, value),
  };

  #put(key: unknown, value: unknown): void {
    this.#map.set(key, { value, version: ++this.#version });
  }

  /** Puts the value if nobody has come between, else says what is there now. */
  #commit(call: Call, key: unknown, version: number, value: unknown): void {
    const now = this.#map.get(key) ?? ABSENT;
    if (now.version !== version) return call.answer(now);
    if (value === undefined) this.#map.delete(key);
    else this.#put(key, value);
    call.answer(undefined);
  }
}

/**
 * A map over threads: Python's `Manager().dict()`. One thread has it; the others have proxies, each over a port of its own.
 *
 * `connect` makes a port; send it to a worker (it is transferred, so once) and make a `SharedMap` of it there, which is a proxy.
 * Owner and proxies have the same methods, and all of them are promises. Keys and values are copied on the way in and on the way
 * out, for the owner too: changing what `get` gave changes nothing.
 *
 * - One call is atomic. So is `update`: it reads, changes and writes, and begins again if another has come between.
 * - All calls take a `timeout` and a `signal`, and reject with `Deno.errors.TimedOut` or the signal's reason. A write that was
 *   given up may have been done.
 * - A call that waits keeps its program alive; an idle map does not.
 * - `close`, also at the end of a `using` block, ends this end. If it is the owner's, all calls everywhere that wait, and all
 *   later ones, reject with a {@linkcode SharedClosedError}; so they do when the owner's thread ends, however it ends.
 *
 * The owner answers when its event loop turns: while it computes, the others wait. A port may be anything of the shape of a
 * `MessagePort`, so that something else can carry it, for example between processes; see {@linkcode MessagePortLike}.
 *
 * @typeParam K its keys
 * @typeParam V its values; they have to be cloneable, and cannot be `undefined`
 *
 * @example
 * ```ts
 * import { SharedMap } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * using map = new SharedMap<string, number>([["visits", 1]]);
 * using proxy = new SharedMap<string, number>(map.connect()); // in a worker, as a rule
 * await Promise.all([map, proxy, proxy].map((end) => end.update("visits", (n = 0) => n + 1)));
 * assertEquals(await map.entries(), [["visits", 4]]);
 * ```
 */
export class SharedMap<K extends SharedMapKey = string, V = unknown> extends SharedThing {
  /**
   * A map that this thread has, with these entries; or a proxy for the one at the other end of a port.
   *
   * @throws {DOMException} `DataCloneError`, if a value cannot be copied
   */
  constructor(source: Iterable<readonly [K, V]> | MessagePortLike = []) {
    super("the map", isPort(source) ? source : new Store(source).operations);
  }

  /** The value of `key`, or `undefined`. */
  get(key: K, options?: WaitOptions): Promise<V | undefined> {
    return this.#call<V | undefined>("get", [key], options);
  }

  /** Whether there is a value of `key`. */
  has(key: K, options?: WaitOptions): Promise<boolean> {
    return this.#call<boolean>("has", [key], options);
  }

  /**
   * Puts a value.
   *
   * @throws {TypeError} if it is `undefined`
   * @throws {DOMException} `DataCloneError`, if it cannot be copied
   */
  async set(key: K, value: V, options?: WaitOptions): Promise<void> {
    if (value === undefined) throw new TypeError("A value of a SharedMap cannot be undefined");
    await this.#call("set", [key, value], options);
  }

  /** Takes a key out; whether it was there. */
  delete(key: K, options?: WaitOptions): Promise<boolean> {
    return this.#call<boolean>("delete", [key], options);
  }

  /** Takes all out. */
  async clear(options?: WaitOptions): Promise<void> {
    await this.#call("clear", [], options);
  }

  /** How many keys there are. */
  size(options?: WaitOptions): Promise<number> {
    return this.#call<number>("size", [], options);
  }

  /** All entries, as they are at one moment, in the order in which their keys came. */
  entries(options?: WaitOptions): Promise<[K, V][]> {
    return this.#call<[K, V][]>("entries", [], options);
  }

  /** All keys, as they are at one moment. */
  async keys(options?: WaitOptions): Promise<K[]> {
    return (await this.entries(options)).map(([key]) => key);
  }

  /** All values, as they are at one moment. */
  async values(options?: WaitOptions): Promise<V[]> {
    return (await this.entries(options)).map(([, value]) => value);
  }

  /**
   * Replaces the value of `key` by what `change` makes of it, atomically: if anybody has written it meanwhile, `change` is called
   * again with the new one. It may be called often, so it should do nothing else.
   *
   * @param change gets the value, or `undefined`; what it returns is put, and `undefined` takes the key out
   * @returns what `change` returned last
   * @throws what `change` throws; then nothing was written
   */
  async update(
    key: K,
    change: (value: V | undefined) => V | undefined | PromiseLike<V | undefined>,
    options?: WaitOptions,
  ): Promise<V | undefined> {
    let now = await this.#call<Versioned>("read", [key], options);
    for (;;) {
      const value = await change(now.value as V | undefined);
      const instead = await this.#call<Versioned | undefined>("commit", [key, now.version, value], options);
      if (!instead) return value;
      now = instead;
    }
  }

  #call<R>(op: string, args: unknown[], options?: WaitOptions): Promise<R> {
    return this.callOwner<R>(op, args, { ...options, what: `Cannot ${op} in the map` });
  }
}
