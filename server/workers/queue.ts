/**
 * A queue between threads.
 *
 * @module
 */
import type { Call, MessagePortLike, Operations } from "./_calls.ts";
import { SharedClosedError } from "./errors.ts";
import type { WaitOptions } from "./_patience.ts";
import { isPort, SharedThing } from "./_shared_thing.ts";

/** What a {@linkcode Queue} can be told. */
export interface QueueOptions {
  /**
   * How many items it holds. Who puts more waits.
   *
   * @default {Infinity}
   */
  maxsize?: number;
}

/** An item, and when it was put: one that comes back goes to its place. */
interface Item {
  value: unknown;
  number: number;
}

const FULL_STOP = "the queue was shut down: it takes no more items";
const DRAINED = "the queue was shut down: it is empty";

/** The queue itself, on the thread that has it. */
class Store {
  readonly #maxsize: number;
  #items: Item[] = [];
  /** Items before this one are gone. */
  #first = 0;
  /** Given to somebody who has not confirmed it yet. */
  #underway = 0;
  #count = 0;
  #shut = false;
  readonly #getters = new Set<Call>();
  readonly #putters = new Map<Call, unknown>();

  constructor(maxsize: number) {
    this.#maxsize = maxsize;
  }

  readonly operations: Operations = {
    put: (call, value, wait) => this.#put(call, value, wait),
    get: (call, wait) => this.#get(call, wait),
    size: (call) => call.answer(this.#size),
    shutdown: (call) => call.answer(this.#shutdown()),
  };

  get #size(): number {
    return this.#items.length - this.#first;
  }

  #put(call: Call, value: unknown, wait: boolean): void {
    if (this.#shut) return call.fail(new SharedClosedError(FULL_STOP, "shutdown"));
    if (!wait && this.#size >= this.#maxsize) return call.answer(false);
    this.#putters.set(call, value);
    call.onCancel = () => this.#putters.delete(call);
    this.#move();
  }

  #get(call: Call, wait: boolean): void {
    this.#getters.add(call);
    call.onCancel = () => this.#getters.delete(call);
    this.#move();
    if (wait || !this.#getters.delete(call)) return;
    call.answer(undefined);
  }

  #shutdown(): void {
    this.#shut = true;
    for (const putter of this.#putters.keys()) {
      putter.fail(new SharedClosedError(FULL_STOP, "shutdown"));
    }
    this.#putters.clear();
    this.#move();
  }

  /** Takes items in and gives them out, as long as one of both can be done. */
  #move(): void {
    for (;;) {
      if (this.#size > 0 && this.#getters.size > 0) this.#give();
      else if (this.#size < this.#maxsize && this.#putters.size > 0) this.#take();
      else break;
    }
    if (!this.#shut || this.#size > 0 || this.#underway > 0) return;
    for (const getter of this.#getters) getter.fail(new SharedClosedError(DRAINED, "shutdown"));
    this.#getters.clear();
  }

  #take(): void {
    const [[putter, value]] = this.#putters;
    this.#putters.delete(putter);
    this.#items.push({ value, number: ++this.#count });
    putter.answer(true);
  }

  #give(): void {
    const [getter] = this.#getters;
    this.#getters.delete(getter);
    const item = this.#shift();
    this.#underway++;
    getter.answer([item.value], { arrived: () => this.#arrived(), lost: () => this.#return(item) });
  }

  #arrived(): void {
    this.#underway--;
    if (this.#shut) this.#move();
  }

  /** Whoever was to have it is gone, or wants it no more. It may be one too many for a while. */
  #return(item: Item): void {
    this.#underway--;
    const rest = this.#items.slice(this.#first);
    const place = rest.findIndex(({ number }) => number > item.number);
    rest.splice(place === -1 ? rest.length : place, 0, item);
    this.#items = rest;
    this.#first = 0;
    this.#move();
  }

  /** Moves the rest up only now and then, so that a long queue costs no more for each. */
  #shift(): Item {
    const item = this.#items[this.#first];
    this.#items[this.#first++] = undefined as unknown as Item; // to be freed
    if (this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }
}

/**
 * A queue over threads: Python's `multiprocessing.Queue`, first in, first out. One thread has it; the others use it over a port
 * each. Every item goes to one consumer.
 *
 * `connect` makes a port; send it to a worker (it is transferred, so once) and make a `Queue` of it there. All ends have the same
 * methods. Items are copied, for the owner too.
 *
 * - `put` waits while the queue is full, `get` while it is empty; both take a `timeout` and a `signal`. Producers and consumers
 *   are each served in their order. A call that waits keeps its program alive; an idle queue does not.
 * - A consumer that dies, or gives up, loses nothing that it had not got: the item goes back to its place.
 * - `shutdown`, from any end, is the end of the items: `put` rejects, also one that waits, and `get` goes on until the queue is
 *   empty, then rejects; a loop over the queue ends.
 * - `close`, also at the end of a `using` block, ends this end: its calls that wait, and later ones, reject with a
 *   {@linkcode SharedClosedError}. If it is the owner's, so do those of all others, and what is in the queue is lost. It is the
 *   same when the owner's thread ends, however it ends.
 *
 * The owner's event loop has to turn: while it computes, the others wait. A port may be anything of the shape of a `MessagePort`,
 * so that something else can carry it, for example between processes; see {@linkcode MessagePortLike}.
 *
 * @typeParam T its items; they have to be cloneable
 *
 * @example
 * ```ts
 * import { Queue } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * using queue = new Queue<string>({ maxsize: 1 });
 * using producer = new Queue<string>(queue.connect()); // in a worker, as a rule
 * const produce = async () => {
 *   for (const item of ["one", "two", "three"]) await producer.put(item); // waits while one is in the queue
 *   await producer.shutdown();
 * };
 * const producing = produce();
 * const items = [];
 * for await (const item of queue) items.push(item);
 * assertEquals(items, ["one", "two", "three"]);
 * await producing;
 * ```
 */
export class Queue<T = unknown> extends SharedThing implements AsyncIterable<T> {
  /**
   * A queue that this thread has; or another end of the one at the other end of a port.
   *
   * @throws {RangeError} if `maxsize` is less than 1 or no whole number
   */
  constructor(source: QueueOptions | MessagePortLike = {}) {
    super("the queue", isPort(source) ? source : new Store(checkedMaxsize(source)).operations);
  }

  /**
   * Puts an item at the end. Waits while the queue is full.
   *
   * Time-out and signal leave no doubt: if it rejects with theirs, the item was not put. So it may take until the owner's event
   * loop turns.
   *
   * @throws {Deno.errors.TimedOut} if the queue is full for as long as `timeout`
   * @throws {SharedClosedError} if the queue was shut down, or this end or the owner's is closed
   * @throws {DOMException} `DataCloneError`, if the item cannot be copied
   */
  async put(item: T, options: WaitOptions = {}): Promise<void> {
    const what = "Cannot put into the queue";
    const put = await this.callOwner<boolean>("put", [item, waits(options)], {
      ...options,
      what,
      certain: true,
    });
    if (!put) throw new Deno.errors.TimedOut(`${what}: it is full`);
  }

  /**
   * Takes the first item. Waits while there is none.
   *
   * @throws {Deno.errors.TimedOut} if none comes within `timeout`; nothing is lost
   * @throws the reason of the signal, if it aborts first; nothing is lost
   * @throws {SharedClosedError} if the queue was shut down and is empty, or this end or the owner's is closed
   */
  async get(options: WaitOptions = {}): Promise<T> {
    const what = "Cannot get from the queue";
    const got = await this.callOwner<[T] | undefined>("get", [waits(options)], { ...options, what });
    if (!got) throw new Deno.errors.TimedOut(`${what}: it is empty`);
    return got[0];
  }

  /** How many items stand in it: Python's `qsize`. Others may come and go before you see it. */
  size(options: WaitOptions = {}): Promise<number> {
    return this.callOwner<number>("size", [], { ...options, what: "Cannot see the queue" });
  }

  /** Ends it: no more can be put, what is in it can still be got. Calling it twice is harmless. */
  async shutdown(options: WaitOptions = {}): Promise<void> {
    await this.callOwner("shutdown", [], { ...options, what: "Cannot shut the queue down" });
  }

  /**
   * The items as they come, until the queue was shut down and is empty. Leaving the loop closes nothing.
   *
   * @throws {SharedClosedError} if this end or the owner's is closed
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) {
      let item: T;
      try {
        item = await this.get();
      } catch (error) {
        if (error instanceof SharedClosedError && error.reason === "shutdown") return;
        throw error;
      }
      yield item;
    }
  }
}

function checkedMaxsize({ maxsize = Infinity }: QueueOptions): number {
  if (maxsize === Infinity || (Number.isInteger(maxsize) && maxsize >= 1)) return maxsize;
  throw new RangeError(`Option "maxsize" must be a whole number of at least 1: current value is ${maxsize}`);
}

function waits({ timeout }: WaitOptions): boolean {
  return timeout === undefined || timeout > 0;
}
