/**
 * Many sources, one loop.
 *
 * @module
 */
import { EVENT_READ, type Item, type Source } from "./pollable.ts";
import { originOf, readinessOf, type Remainder, remainderOf } from "./_read_ahead.ts";
import { ANSWERS_PER_TURN, ReadyQueue, turn } from "./_ready_queue.ts";
import { checkInterest, Registration, type Terms } from "./_registration.ts";

/**
 * When an event that holds is reported.
 *
 * - `"level"`: by every poll, as long as it holds.
 * - `"edge"`: once for each arrival. What is ready when it is registered or modified counts as having arrived.
 * - `"oneshot"`: once, and then not before `modify` has armed it again.
 */
export type Trigger = "level" | "edge" | "oneshot";

/** What `register` and `modify` can be told. */
export interface RegisterOptions<D> {
  /** The caller's own: whatever it wants to find again in the key. */
  data?: D;
  /**
   * When an event is reported.
   *
   * @default {"level"}
   */
  trigger?: Trigger;
}

/**
 * A registration: what Python's `SelectorKey` is. There is one for each source of a poller, and it shows the present
 * state: `modify` changes it.
 *
 * @typeParam S the source
 * @typeParam D the caller's data
 */
export interface Key<S extends Source = Source, D = unknown> {
  /** What is watched. */
  readonly source: S;
  /** The events that are asked for. */
  readonly interest: number;
  /** When they are reported. */
  readonly trigger: Trigger;
  /** The caller's own; `undefined` if nothing was given. */
  readonly data: D;
  /** Whether it is still registered. */
  readonly active: boolean;

  /**
   * Takes the item that is ready, without waiting: a chunk of a connection, a client of a listener, a value of an iterable.
   *
   * A client that is taken from a server of the kit is the caller's: it passed no admission, has no handler, and is the
   * caller's to close. `server.handleRequest()` takes the same client the usual way.
   *
   * @returns the item; `done` at the end, as often as it is asked; `undefined` where it would have to wait, and once it is
   * unregistered
   * @throws what the source threw in place of an item, once for each time it threw
   */
  take(): IteratorResult<Item<S>, undefined> | undefined;
}

/** One line of a poll's answer. */
export interface PollEvent<S extends Source = Source, D = unknown> {
  /** The registration. */
  readonly key: Key<S, D>;
  /** What is ready. */
  readonly source: S;
  /** The data of the registration. */
  readonly data: D;
  /** Which of the events that were asked for hold: never none. */
  readonly events: number;
}

/**
 * Watches many sources and tells which are ready: what `select`, `poll` and `epoll` do, over anything that iterates.
 * Python's `selectors`.
 *
 * What it promises:
 *
 * - The cost of a poll depends on what is ready, not on what is registered.
 * - No item is lost, duplicated or reordered: not by a poll that timed out, not by `unregister`, not by `close`. From each
 *   source it reads one item ahead at most, and nothing before the first poll. Nobody else may read a bare source while it
 *   is registered; with the kit's own, whoever reads first has it.
 * - Whatever is ready is reported by the same poll. A source that is always ready keeps neither the others from their turn
 *   nor timers and sockets; what the caller has not served stands in front of what it has.
 * - An end is ready to be read, and stays so: `take` says `done`. A failure is an item: `take` throws it, once, and the
 *   source is asked again, which for a generator means its end.
 * - A source that is closed under the poller is ready, and `take` says what reading it would say: the end for a server or
 *   listener, an error for a connection. It stays registered until somebody unregisters it.
 * - Sources are the caller's: neither `unregister` nor `close` ends one.
 *
 * @typeParam S the sources
 * @typeParam D the caller's data
 *
 * @example One loop that accepts and echoes
 * ```ts
 * import { connect, Connection, TcpServer } from "@switchboard/kit";
 * import { Poller } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await new TcpServer(() => {}).listen();
 * using client = await connect(server.addr);
 * await client.sendAll("hello\n");
 *
 * using poller = new Poller<TcpServer | Connection>();
 * const door = poller.register(server);
 * for (let answered = false; !answered;) {
 *   for (const { key, source } of await poller.poll()) {
 *     const item = key.take();
 *     if (key === door) poller.register(item!.value as Connection);
 *     else if (source instanceof Connection && item && !item.done) {
 *       await source.sendAll(item.value as Uint8Array);
 *       answered = true;
 *     }
 *   }
 * }
 * assertEquals(await client.readLine(), "hello");
 * for (const source of poller.keys.keys()) if (source instanceof Connection) source.close();
 * ```
 */
export class Poller<S extends Source = Source, D = unknown> implements Disposable {
  readonly #keys = new Map<S, Registration<S, D>>();
  readonly #ready = new ReadyQueue<Registration<S, D>>();
  /** What has to be looked at before the next answer: new, modified, or in the last one. */
  #due: Registration<S, D>[] = [];
  #polling = false;
  #notified = false;
  #closed = false;
  #pollsInTurn = 0;

  /** All registrations by source: a live view. */
  get keys(): ReadonlyMap<S, Key<S, D>> {
    return this.#keys;
  }

  /** Whether {@linkcode Poller.close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Watches a source. A poll that is waiting takes it in.
   *
   * @param source what to watch
   * @param interest {@linkcode EVENT_READ} (the default), `EVENT_WRITE`, or both with `|`
   * @param options data to keep with it, and when to report
   * @returns its key
   * @throws {RangeError} if `interest` is neither of these; the message has the value
   * @throws {TypeError} if this is no source, if it cannot tell what is asked for (`EVENT_WRITE` of a bare source), or if
   * the poller is closed
   * @throws {Deno.errors.AlreadyExists} if it is registered
   */
  register<R extends S>(
    source: R,
    interest: number = EVENT_READ,
    options: RegisterOptions<D> = {},
  ): Key<R, D> {
    this.#checkOpen("register");
    checkInterest(interest);
    const readiness = readinessOf(source);
    const origin = originOf(source);
    if (this.#keys.has(origin)) {
      throw new Deno.errors.AlreadyExists("cannot register: this source is registered already");
    }
    const terms: Terms<D> = { interest, trigger: options.trigger ?? "level", data: options.data as D };
    const key = new Registration<S, D>(origin, readiness, terms, this.#host);
    this.#keys.set(origin, key);
    this.#changed(key);
    return key as unknown as Key<R, D>;
  }

  /**
   * Changes what is asked of a source, and arms it again: what is ready counts as new for `"edge"`, and a `"oneshot"` that
   * was spent is reported once more. What is not given stays as it is, so `modify(source)` only arms. A poll that is
   * waiting takes it in.
   *
   * @param source what is watched
   * @param interest the new events
   * @param options new data, a new trigger
   * @returns its key
   * @throws {Deno.errors.NotFound} if it is not registered
   * @throws {RangeError} and {TypeError} as {@linkcode Poller.register}; nothing has changed then
   */
  modify<R extends S>(source: R, interest?: number, options: RegisterOptions<D> = {}): Key<R, D> {
    this.#checkOpen("modify");
    if (interest !== undefined) checkInterest(interest);
    const key = this.#find(source, "modify");
    key.modify({
      interest: interest ?? key.interest,
      trigger: options.trigger ?? key.trigger,
      data: "data" in options ? options.data as D : key.data,
    });
    return key as unknown as Key<R, D>;
  }

  /**
   * Ends the watching; also of a source that was closed. What was read ahead is not lost: the kit's own sources keep it, for
   * a bare one the wrapper that is returned gives it first, and registering the source again, here or in another poller,
   * finds it.
   *
   * @param source what is watched
   * @returns the source itself if it keeps what was read ahead, or else an iterator over the rest of it
   * @throws {Deno.errors.NotFound} if it is not registered
   */
  unregister<R extends S>(source: R): R | Remainder<Item<R>> {
    this.#checkOpen("unregister");
    const key = this.#find(source, "unregister");
    this.#keys.delete(key.source);
    key.close();
    return remainderOf(key.source) as R | Remainder<Item<R>>;
  }

  /**
   * Waits until a source is ready and tells of all that are.
   *
   * Ended early by {@linkcode Poller.notify} and {@linkcode Poller.close}: it answers with what is ready, which may be
   * nothing. Time-out loses nothing.
   *
   * @param timeoutMs how long to wait, in milliseconds: as long as it takes if it is not given; with 0 or less not at all,
   * only that the event loop goes round once to see what the kernel holds
   * @returns what is ready; empty if the time is over or the wait was ended
   * @throws {Deno.errors.Busy} if another poll of this poller is waiting
   * @throws {TypeError} if the poller is closed, or the time-out no number
   */
  async poll(timeoutMs?: number): Promise<PollEvent<S, D>[]> {
    this.#checkOpen("poll");
    if (timeoutMs !== undefined && (typeof timeoutMs !== "number" || Number.isNaN(timeoutMs))) {
      throw new TypeError(`Cannot poll for ${timeoutMs} ms: expected a number`);
    }
    if (this.#polling) throw new Deno.errors.Busy("another poll is waiting on this poller");
    this.#polling = true;
    try {
      if (++this.#pollsInTurn >= ANSWERS_PER_TURN) await this.#turn();
      return await this.#answer(timeoutMs === Infinity ? undefined : timeoutMs);
    } finally {
      this.#polling = false;
      this.#notified = false;
    }
  }

  /**
   * Ends the poll that waits, or else the next one before it waits; it answers with what is ready, perhaps nothing. Several
   * calls before that answer are one. The `eventfd` of a C program.
   */
  notify(): void {
    this.#notified = true;
    this.#ready.wake();
  }

  /**
   * Unregisters everything, and ends the poll that waits with an empty answer. The sources stay open, and what was read
   * ahead of them is found by whoever registers them next. Closing twice is harmless; all else throws from then on.
   */
  close(): void {
    this.#closed = true;
    for (const key of this.#keys.values()) key.close();
    this.#keys.clear();
    this.#due = [];
    this.#ready.drain();
    this.#ready.wake();
  }

  /** Closes it, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #answer(timeout: number | undefined): Promise<PollEvent<S, D>[]> {
    const until = timeout === undefined || timeout <= 0 ? undefined : performance.now() + timeout;
    for (let left = timeout;;) {
      this.#lookAtDue();
      if (this.#ready.size === 0 && !this.#notified && !this.#closed) await this.#ready.wait(left);
      const events = this.#collect();
      if (events.length > 0 || this.#notified || this.#closed) return events;
      if (until !== undefined) left = until - performance.now();
      if (left !== undefined && left <= 0) return events;
    }
  }

  async #turn(): Promise<void> {
    this.#pollsInTurn = 0;
    await turn();
  }

  #collect(): PollEvent<S, D>[] {
    const events: PollEvent<S, D>[] = [];
    for (const key of this.#ready.drain()) {
      const event = key.report();
      if (event) events.push(event);
      this.#note(key);
    }
    return events;
  }

  /** Costs what was reported last, and what is new. */
  #lookAtDue(): void {
    const due = this.#due;
    if (due.length === 0) return;
    this.#due = [];
    const first: Registration<S, D>[] = [];
    for (const key of due) {
      const { served } = key;
      key.due = key.served = false;
      if (!key.look() || key.queued) continue;
      if (served) this.#ready.push(key);
      else first.push(key);
    }
    if (first.length > 0) this.#ready.unshift(first.filter((key) => !key.queued));
  }

  #note(key: Registration<S, D>): void {
    if (key.due) return;
    key.due = true;
    this.#due.push(key);
  }

  #changed(key: Registration<S, D>): void {
    this.#note(key);
    if (this.#ready.waiting) this.#lookAtDue();
  }

  readonly #host = {
    woken: (key: Registration<S, D>): void => this.#ready.push(key),
    changed: (key: Registration<S, D>): void => this.#changed(key),
  };

  #find(source: S, attempt: string): Registration<S, D> {
    const key = this.#keys.get(originOf(source));
    if (!key) throw new Deno.errors.NotFound(`cannot ${attempt}: this source is not registered`);
    return key;
  }

  #checkOpen(attempt: string): void {
    if (this.#closed) throw new TypeError(`Cannot ${attempt}: the poller is closed`);
  }
}
