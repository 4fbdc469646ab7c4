/**
 * Many iterables as one.
 *
 * @module
 */
import { EVENT_READ, type Item, type Readiness, type Source } from "./pollable.ts";
import { ReadAhead, readinessOf } from "./_read_ahead.ts";
import { type Queueable, ReadyQueue, turn } from "./_ready_queue.ts";

/** So many items may be given in a row without timers and sockets having had a turn. */
const ITEMS_PER_TURN = 64;
const END: IteratorReturnResult<undefined> = { value: undefined, done: true };

/**
 * The items of all these sources, as they come.
 *
 * - Items of one source keep their order; those of several come in the order in which they became ready, so that a source
 *   that is always ready does not keep the others from their turn.
 * - From each source one item is read ahead at most, and none before the first call of `next`.
 * - It ends when all have ended. If one throws, the others are left and it throws.
 * - Leaving it early leaves every source: the `return` of each iterator is called. One that is in the middle of `next` is
 *   not waited for, as it may never answer; it ends when it does. Servers, connections and bare sockets stay open and keep
 *   what was read ahead.
 *
 * Which source an item came from is not told: a {@linkcode Poller} tells, by its keys.
 *
 * @typeParam S the sources
 * @param sources what to merge: anything that a poller can watch, iterables above all
 * @returns the items; asked for several at once, it answers in order
 * @throws {TypeError} if something is no source
 *
 * @example
 * ```ts
 * import { merge } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * async function* letters() {
 *   yield "a";
 *   yield "b";
 * }
 * const all = await Array.fromAsync(merge(letters(), [1, 2]));
 * assertEquals(all.filter((item) => typeof item === "string"), ["a", "b"]);
 * assertEquals(all.filter((item) => typeof item === "number"), [1, 2]);
 * ```
 */
export function merge<S extends Source[]>(...sources: S): AsyncIterableIterator<Item<S[number]>, undefined> {
  return new Merge<Item<S[number]>>(new Set(sources));
}

/** One source of a merge. */
class Input implements Queueable {
  queued = false;
  readonly readiness: Readiness;
  readonly unwatch: () => void;
  readonly #source: Source;

  constructor(source: Source, ready: (input: Input) => void) {
    this.#source = source;
    const readiness = this.readiness = readinessOf(source);
    this.unwatch = readiness.watch((events) => (events & EVENT_READ) !== 0 && ready(this));
  }

  /** Asks for the next item, if there is none yet. */
  prepare(): boolean {
    if (this.readiness.ready === 0) this.readiness.prepare(EVENT_READ);
    return (this.readiness.ready & EVENT_READ) !== 0;
  }

  /** Leaves the source. One that is being asked may never answer, and is not waited for. */
  async leave(): Promise<void> {
    this.unwatch();
    const { readiness } = this;
    if (!(readiness instanceof ReadAhead)) await (this.#source as Partial<AsyncIterator<unknown>>).return?.();
    else if (!readiness.pulling) await readiness.return();
    else readiness.return().catch(() => {}); // whoever left has gone on: there is nobody to tell
  }
}

class Merge<T> implements AsyncIterableIterator<T, undefined> {
  readonly #ready = new ReadyQueue<Input>();
  readonly #inputs = new Set<Input>();
  /** Those whose next item has not been asked for. */
  #due: Input[];
  /** Those that are ready, taken out of the queue: served from the front. */
  #batch: Input[] = [];
  #served = 0;
  #itemsInTurn = 0;
  #left = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(sources: Iterable<Source>) {
    for (const source of sources) this.#inputs.add(new Input(source, (input) => this.#ready.push(input)));
    this.#due = [...this.#inputs];
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(() => {}); // its caller is told
    return next;
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    await this.#leaveAll();
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    if (++this.#itemsInTurn >= ITEMS_PER_TURN) {
      this.#itemsInTurn = 0;
      await turn();
    }
    while (this.#inputs.size > 0) {
      const input = await this.#nextReady();
      const item = input && await this.#take(input);
      if (item) return item;
    }
    return END;
  }

  /** Looks at the front of the line; `undefined` when the wait was ended by leaving. */
  async #nextReady(): Promise<Input | undefined> {
    this.#prepareDue();
    if (this.#served === this.#batch.length) {
      if (this.#ready.size === 0) await this.#ready.wait(undefined);
      this.#batch = this.#ready.drain();
      this.#served = 0;
    }
    return this.#batch[this.#served++];
  }

  #prepareDue(): void {
    const due = this.#due;
    this.#due = [];
    for (const input of due) if (input.prepare()) this.#ready.push(input);
  }

  /** The item of a source, or `undefined` if that has come to its end or somebody else was faster. */
  async #take(input: Input): Promise<IteratorResult<T, undefined> | undefined> {
    if (!this.#inputs.has(input)) return undefined;
    let item: IteratorResult<unknown, undefined> | undefined;
    try {
      item = input.readiness.take();
    } catch (error) {
      await this.#leaveAll().catch(() => {}); // the first failure is the one to tell
      throw error;
    }
    if (!item?.done) {
      this.#due.push(input);
      return item as IteratorResult<T, undefined> | undefined;
    }
    input.unwatch();
    this.#inputs.delete(input);
  }

  async #leaveAll(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    const leaving = [...this.#inputs].map((input) => input.leave());
    this.#inputs.clear();
    this.#ready.wake();
    const failed = (await Promise.allSettled(leaving)).find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  }
}
