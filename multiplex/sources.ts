/**
 * Iterables of what is not iterable: timers, signals, message ports.
 *
 * Each can be iterated, or watched by a {@linkcode Poller}; each is closed by `close`, by leaving the loop, or at the end of
 * a `using` block.
 *
 * @module
 */
import { EVENT_READ, type Pollable, type Readiness } from "./pollable.ts";
import { Watchers } from "./_watchers.ts";

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };

/**
 * Things that happen by themselves, in a line until they are taken. What keeps watching for them is freed by
 * {@linkcode EventQueue.close}; what stands in the line then can still be taken.
 *
 * @typeParam T what happened
 *
 * @example A source of one's own: a button
 * ```ts
 * import { EventQueue, Poller } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * class Button extends EventQueue<number> {
 *   #presses = 0;
 *   press() {
 *     this.#presses++;
 *     this.happened();
 *   }
 *   protected override get pending() {
 *     return this.#presses > 0;
 *   }
 *   protected override shift() {
 *     return this.#presses--;
 *   }
 *   protected override free() {} // nothing keeps watching
 * }
 * using button = new Button();
 * using poller = new Poller();
 * const key = poller.register(button);
 * button.press();
 * await poller.poll();
 * assertEquals(key.take(), { value: 1, done: false });
 * ```
 */
export abstract class EventQueue<T>
  implements AsyncIterableIterator<T, undefined>, Pollable<T>, Readiness<T>, Disposable {
  /** Always `EVENT_READ`. */
  readonly events: number = EVENT_READ;
  readonly #watchers = new Watchers();
  #closed = false;

  /** Itself. */
  readiness(): this {
    return this;
  }

  /** Whether something can be taken. */
  get ready(): number {
    return this.pending || this.#closed ? EVENT_READ : 0;
  }

  /** Nothing need be begun: it happens by itself. */
  prepare(): void {}

  /** Takes what came first; `undefined` if there is nothing, `done` if nothing will come. */
  take(): IteratorResult<T, undefined> | undefined {
    if (this.pending) return { value: this.shift(), done: false };
    return this.#closed ? END : undefined;
  }

  /** Adds a listener; gives what takes it out again. */
  watch(listener: (events: number) => void): () => void {
    return this.#watchers.add(listener);
  }

  /** What comes next. Giving up the promise gives it up. */
  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.take();
    if (item) return Promise.resolve(item);
    return new Promise((resolve) => {
      const unwatch = this.watch(() => {
        const item = this.take();
        if (!item) return; // another was faster
        unwatch();
        resolve(item);
      });
    });
  }

  /** Closes it: leaving a loop over it does. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.close();
    return Promise.resolve(END);
  }

  /** Watches no longer; what has happened can still be taken, then comes the end. Closing twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.free();
    this.#watchers.tell(EVENT_READ);
  }

  /** Closes it, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** To be called when something has happened. */
  protected happened(): void {
    this.#watchers.tell(EVENT_READ);
  }

  /** Whether something stands in the line. */
  protected abstract get pending(): boolean;

  /** Takes the first in the line; asked only while there is one. */
  protected abstract shift(): T;

  /** Frees what keeps watching. */
  protected abstract free(): void;
}

/** Ticks of a timer, see {@linkcode ticks}. */
class Ticks extends EventQueue<number> {
  readonly #timer: ReturnType<typeof setInterval>;
  #count = 0;

  constructor(ms: number) {
    super();
    this.#timer = setInterval(() => {
      this.#count++;
      this.happened();
    }, ms);
  }

  protected get pending(): boolean {
    return this.#count > 0;
  }

  protected shift(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  protected free(): void {
    clearInterval(this.#timer);
  }
}

/**
 * A tick every so many milliseconds, the first after one interval. Its items are numbers: how many ticks there were since
 * the last was taken, so that a slow reader is not flooded. Linux's `timerfd`.
 *
 * @param ms the interval, in milliseconds, from 1 to 2 147 483 647
 * @returns the ticks; without end until it is closed
 * @throws {RangeError} if the interval is none; the message has the value
 *
 * @example
 * ```ts
 * import { ticks } from "@switchboard/kit/multiplex";
 * import { assert } from "@std/assert";
 *
 * let count = 0;
 * for await (const n of ticks(1)) if ((count += n) >= 3) break;
 * assert(count >= 3);
 * ```
 */
export function ticks(ms: number): EventQueue<number> {
  if (!(ms >= 1 && ms < 2 ** 31)) {
    throw new RangeError(`Cannot tick every ${ms} ms: expected 1 to ${2 ** 31 - 1}`);
  }
  return new Ticks(ms);
}

/** Signals that came, see {@linkcode signals}. */
class Signals extends EventQueue<Deno.Signal> {
  readonly #came = new Set<Deno.Signal>();
  readonly #listeners = new Map<Deno.Signal, () => void>();

  constructor(names: Iterable<Deno.Signal>) {
    super();
    try {
      for (const name of new Set(names)) this.#listen(name);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  #listen(name: Deno.Signal): void {
    const listener = (): void => {
      this.#came.add(name);
      this.happened();
    };
    Deno.addSignalListener(name, listener);
    this.#listeners.set(name, listener);
  }

  protected get pending(): boolean {
    return this.#came.size > 0;
  }

  protected shift(): Deno.Signal {
    const [first] = this.#came;
    this.#came.delete(first);
    return first;
  }

  protected free(): void {
    for (const [name, listener] of this.#listeners) Deno.removeSignalListener(name, listener);
  }
}

/**
 * Signals of the operating system. One that comes again before it was taken is told once, as the kernel does it. While this
 * is open the signals do nothing else: SIGINT does not end the process. Waiting for a signal does not keep a program
 * alive. Linux's `signalfd`.
 *
 * @param names which signals
 * @returns their names, as they come
 * @throws {TypeError} if the system has no such signal, or it cannot be listened for
 *
 * @example
 * ```ts
 * import { signals } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * const kill = setInterval(() => Deno.kill(Deno.pid, "SIGUSR1"), 10);
 * for await (const name of signals("SIGUSR1")) {
 *   assertEquals(name, "SIGUSR1");
 *   break;
 * }
 * clearInterval(kill);
 * ```
 */
export function signals(...names: Deno.Signal[]): EventQueue<Deno.Signal> {
  return new Signals(names);
}

/** What messages come from: a `MessagePort`, a `Worker`, a `BroadcastChannel`. */
export interface MessageSource {
  /** Adds a listener. */
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  /** Takes it out. */
  removeEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  /** A `MessagePort` delivers nothing before it is started. */
  start?(): void;
}

/** Messages that came, see {@linkcode messages}. */
class Messages<T> extends EventQueue<T> {
  readonly #port: MessageSource;
  #line: T[] = [];
  #taken = 0;

  constructor(port: MessageSource) {
    super();
    this.#port = port;
    port.addEventListener("message", this.#came);
    port.start?.();
  }

  #came = (event: MessageEvent): void => {
    this.#line.push(event.data);
    this.happened();
  };

  protected get pending(): boolean {
    return this.#line.length > 0;
  }

  /** Moves the rest up only now and then, so that a long line costs no more for each. */
  protected shift(): T {
    const message = this.#line[this.#taken++];
    if (this.#taken * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#taken);
      this.#taken = 0;
    }
    return message;
  }

  protected free(): void {
    this.#port.removeEventListener("message", this.#came);
  }
}

/**
 * The messages that come to a port, a worker or a channel. All are kept until they are taken: the sender is not slowed
 * down. Closing it leaves the port open.
 *
 * @typeParam T a message
 * @param port where they come
 * @returns the data of the messages, in order
 *
 * @example
 * ```ts
 * import { messages } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * const { port1, port2 } = new MessageChannel();
 * port2.postMessage("hello");
 * for await (const message of messages<string>(port1)) {
 *   assertEquals(message, "hello");
 *   break;
 * }
 * port1.close();
 * port2.close();
 * ```
 */
export function messages<T = unknown>(port: MessageSource): EventQueue<T> {
  return new Messages<T>(port);
}
