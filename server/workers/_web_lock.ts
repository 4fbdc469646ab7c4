/**
 * The Web Locks of the process (`navigator.locks`): known by name to all its threads, and freed when a thread ends, however it
 * ends.
 *
 * @module
 */

/** What the kit uses of them: Deno's own types lack them. */
interface LockManager {
  request(
    name: string,
    options: { ifAvailable?: boolean; mode?: "exclusive" | "shared"; signal?: AbortSignal },
    callback: (lock: unknown) => unknown,
  ): Promise<unknown>;
  query(): Promise<{ held: { name: string }[]; pending: { name: string }[] }>;
}

const manager = (): LockManager => (navigator as unknown as { locks: LockManager }).locks;

/** Holds that were given up on this thread and are not free yet. */
const leaving = new Map<string, Promise<void>>();

/** A lock that is held. */
export class Hold {
  readonly #name: string;
  readonly #letGo: () => void;
  readonly #free: Promise<unknown>;
  #released: Promise<void> | undefined;

  constructor(name: string, letGo: () => void, free: Promise<unknown>) {
    this.#name = name;
    this.#letGo = letGo;
    this.#free = free;
  }

  /** Gives it up; resolves when it is free. */
  release(): Promise<void> {
    return this.#released ??= this.#leave();
  }

  async #leave(): Promise<void> {
    this.#letGo();
    const free = this.#free.then(() => {}, () => {}); // stolen from us: free of us, too
    leaving.set(this.#name, free);
    await free;
    if (leaving.get(this.#name) === free) leaving.delete(this.#name);
  }
}

/**
 * Waits for a lock. Those who wait are served in their order, over all threads.
 *
 * @throws the reason of the signal, if it aborts first: then the lock is not held
 */
export function hold(name: string, signal: AbortSignal): Promise<Hold> {
  return request(name, { signal }) as Promise<Hold>;
}

/** The lock, if nobody has it. A hold that was given up on this thread a moment ago is no obstacle. */
export async function holdNow(name: string): Promise<Hold | undefined> {
  for (let free; (free = leaving.get(name));) await free;
  return await request(name, { ifAvailable: true });
}

/** Holds a lock for as long as this thread lives. */
export async function holdForLife(name: string): Promise<void> {
  await new Promise((resolve) => {
    manager().request(name, {}, () => {
      resolve(undefined);
      return new Promise(() => {});
    });
  });
}

function request(
  name: string,
  options: { ifAvailable?: boolean; signal?: AbortSignal },
): Promise<Hold | undefined> {
  return new Promise((resolve, reject) => {
    const end = Promise.withResolvers<void>();
    const free = Promise.withResolvers<unknown>();
    const granted = (lock: unknown): Promise<void> | undefined => {
      if (lock === null) return void resolve(undefined);
      if (options.signal?.aborted) throw options.signal.reason; // granted and aborted in the same moment
      resolve(new Hold(name, end.resolve, free.promise));
      return end.promise;
    };
    manager().request(name, options, granted).then(free.resolve, (error) => {
      free.resolve(undefined);
      reject(error);
    });
  });
}
