/**
 * What a {@linkcode Poller} can watch.
 *
 * @module
 */

/**
 * Interest in items to take: bytes, clients, packets, values; and an end or a failure. Python's `EVENT_READ`.
 *
 * @example
 * ```ts
 * import { EVENT_READ, Poller } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * using poller = new Poller();
 * poller.register(["hello"], EVENT_READ);
 * const [event] = await poller.poll();
 * assertEquals(event.events, EVENT_READ);
 * assertEquals(event.key.take(), { value: "hello", done: false });
 * ```
 */
export const EVENT_READ = 1;
/**
 * Interest in room to send: the queue of `Connection.send` takes bytes. Python's `EVENT_WRITE`.
 *
 * @example
 * ```ts
 * import { socketPair } from "@switchboard/kit";
 * import { EVENT_READ, EVENT_WRITE, Poller } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * const [conn, peer] = await socketPair();
 * using poller = new Poller();
 * poller.register(conn, EVENT_READ | EVENT_WRITE);
 * const [event] = await poller.poll();
 * assertEquals(event.events, EVENT_WRITE); // there is room, and nothing to read
 * conn.close();
 * peer.close();
 * ```
 */
export const EVENT_WRITE = 2;

/**
 * What a source tells about itself, without waiting: the interface behind the multiplexer.
 *
 * What whoever implements it promises:
 *
 * - It begins nothing by itself. After `prepare` it fetches one item ahead, never a second before that one was taken.
 * - It calls its listeners whenever something may have become ready, also for an end and for a failure, and it may do so
 *   from within `prepare`. A call too many is harmless, one too few loses an event.
 * - An end and a failure are ready to be read, as a hang-up is to `select(2)`.
 *
 * @typeParam T an item
 */
export interface Readiness<T = unknown> {
  /** What it can tell at all: {@linkcode EVENT_READ}, or that with {@linkcode EVENT_WRITE}. */
  readonly events: number;
  /** Which of these hold now. */
  readonly ready: number;

  /**
   * Begins what has to begin for these events to come (a read, an accept, a call of `next`). Harmless if it has begun.
   *
   * @param events those that somebody waits for and that do not hold
   */
  prepare(events: number): void;

  /**
   * Takes the item that is ready.
   *
   * @returns the item, `done` after the end as often as it is asked, or `undefined` where it would have to wait
   * @throws what the source threw in place of an item, once for each time it threw
   */
  take(): IteratorResult<T, undefined> | undefined;

  /**
   * Adds a listener.
   *
   * @param listener called with the events that may have come to hold; it must not throw
   * @returns what takes the listener out again
   */
  watch(listener: (events: number) => void): () => void;
}

/**
 * A source that tells its readiness: the kit's servers, connections and datagram sockets, the iterables of `sources.ts`,
 * and whatever else has this method. Its counterpart in Python is `fileno()`.
 *
 * @typeParam T an item
 *
 * @example A source of one's own: a mailbox
 * ```ts
 * import { EVENT_READ, Poller, type Readiness } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * class Mailbox implements Readiness<string> {
 *   readonly events = EVENT_READ;
 *   #letters: string[] = [];
 *   #listeners = new Set<(events: number) => void>();
 *
 *   post(letter: string) {
 *     this.#letters.push(letter);
 *     for (const listener of this.#listeners) listener(EVENT_READ);
 *   }
 *   readiness() {
 *     return this;
 *   }
 *   get ready() {
 *     return this.#letters.length > 0 ? EVENT_READ : 0;
 *   }
 *   prepare() {} // letters come by themselves
 *   take() {
 *     const value = this.#letters.shift();
 *     return value === undefined ? undefined : { value, done: false as const };
 *   }
 *   watch(listener: (events: number) => void) {
 *     this.#listeners.add(listener);
 *     return () => void this.#listeners.delete(listener);
 *   }
 * }
 *
 * using poller = new Poller();
 * const mailbox = new Mailbox();
 * const key = poller.register(mailbox);
 * setTimeout(() => mailbox.post("hello"), 1);
 * await poller.poll();
 * assertEquals(key.take(), { value: "hello", done: false });
 * ```
 */
export interface Pollable<T = unknown> {
  /** Its readiness: the same object at every call. */
  readiness(): Readiness<T>;
}

/** Something that accepts clients: a bare `Deno.Listener`. Its items are connections. */
export interface AcceptingSource<T = unknown> {
  /** Waits for the next client. */
  accept(): Promise<T>;
}

/** Something that receives packets: a bare `Deno.DatagramConn`. Its items are pairs of packet and sender. */
export interface PacketSource<T = unknown> {
  /** Waits for the next packet. */
  receive(): Promise<T>;
}

/** Something that reads bytes: a bare `Deno.Conn`, `Deno.stdin`, a file. Its items are chunks, which belong to the taker. */
export interface ByteSource {
  /** Reads into `p`; resolves to how many bytes, or to `null` at the end. */
  read(p: Uint8Array): Promise<number | null>;
}

/**
 * Whatever can be watched: a {@linkcode Pollable}, a bare listener, connection, datagram socket or file of Deno's, an
 * (async) iterable such as a `ReadableStream`, or an (async) iterator.
 */
export type Source<T = unknown> =
  | Pollable<T>
  | AcceptingSource<T>
  | PacketSource<T>
  | ByteSource
  | AsyncIterable<T>
  | Iterable<T>
  | AsyncIterator<T>
  | Iterator<T>;

/** What a source gives. */
export type Item<S> = S extends Pollable<infer T> ? T
  : S extends AcceptingSource<infer T> ? T
  : S extends PacketSource<infer T> ? T
  : S extends AsyncIterable<infer T> ? T
  : S extends Iterable<infer T> ? T
  : S extends ByteSource ? Uint8Array<ArrayBuffer>
  : S extends AsyncIterator<infer T> ? T
  : S extends Iterator<infer T> ? T
  : unknown;
