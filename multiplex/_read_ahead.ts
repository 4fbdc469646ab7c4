/**
 * Readiness for sources that have none of their own.
 *
 * @module
 */
import { ChunkReader } from "./_chunk_reader.ts";
import {
  type AcceptingSource,
  type ByteSource,
  EVENT_READ,
  type PacketSource,
  type Pollable,
  type Readiness,
  type Source,
} from "./pollable.ts";
import { Watchers } from "./_watchers.ts";

type Result<T> = IteratorResult<T, unknown>;
type Outcome<T> = { result: Result<T> } | { error: unknown };

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };

/**
 * Asks a bare source for one item, keeps it until it is taken, and only then asks for the next.
 *
 * There is one for each source, whoever watches it: what one poller has read ahead, the next one finds.
 */
export class ReadAhead<T> implements Readiness<T> {
  readonly events = EVENT_READ;
  readonly #pull: () => Result<T> | PromiseLike<Result<T>>;
  readonly #return: (() => unknown) | undefined;
  readonly #watchers = new Watchers();
  #outcome: Outcome<T> | undefined;
  #pulling = false;
  #ended = false;

  /**
   * @param pull asks the source for an item
   * @param giveUp ends the source, if it is one that wants to be told
   */
  constructor(pull: () => Result<T> | PromiseLike<Result<T>>, giveUp?: () => unknown) {
    this.#pull = pull;
    this.#return = giveUp;
  }

  get ready(): number {
    return this.#outcome || this.#ended ? EVENT_READ : 0;
  }

  /** Whether the source was asked and has not answered. */
  get pulling(): boolean {
    return this.#pulling;
  }

  prepare(): void {
    if (this.#pulling || this.#outcome || this.#ended) return;
    this.#pulling = true;
    try {
      const answer = this.#pull();
      if (isPromiseLike(answer)) answer.then(this.#arrived, this.#failed);
      else this.#arrived(answer);
    } catch (error) {
      this.#failed(error);
    }
  }

  take(): IteratorResult<T, undefined> | undefined {
    if (this.#ended) return END;
    const outcome = this.#outcome;
    if (!outcome) return undefined;
    this.#outcome = undefined;
    if ("error" in outcome) throw outcome.error;
    if (!outcome.result.done) return outcome.result;
    this.#ended = true;
    return END;
  }

  watch(listener: (events: number) => void): () => void {
    return this.#watchers.add(listener);
  }

  /** Takes the next item as soon as there is one. */
  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const item = this.take();
      if (item) return item;
      await this.#arrival();
    }
  }

  /**
   * Ends an iterator, as leaving a `for await` over it does: whoever else waits for it is told. Sockets and files stay open
   * and keep their item.
   */
  async return(): Promise<void> {
    if (!this.#return || this.#ended) return;
    this.#ended = true;
    this.#outcome = undefined;
    this.#watchers.tell(EVENT_READ); // the end is ready, though the source may never answer
    await this.#return();
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const unwatch = this.watch(() => {
        unwatch();
        resolve();
      });
      this.prepare();
    });
  }

  #arrived = (result: Result<T>): void => {
    if (typeof result !== "object" || result === null) {
      return this.#failed(new TypeError(`The source's next() gave ${result}: expected an iterator result`));
    }
    this.#settle({ result });
  };

  #failed = (error: unknown): void => this.#settle({ error });

  #settle(outcome: Outcome<T>): void {
    this.#pulling = false;
    if (this.#ended) return; // it was given up meanwhile
    this.#outcome = outcome;
    this.#watchers.tell(EVENT_READ);
  }
}

/**
 * What {@linkcode Poller.unregister} gives back for a bare source: the source from where the poller left it. It gives
 * what was read ahead first and then goes on with the source.
 *
 * @typeParam T an item
 *
 * @example
 * ```ts
 * import { Poller, type Remainder } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = ReadableStream.from(["a", "b"]);
 * using poller = new Poller();
 * poller.register(stream);
 * await poller.poll(); // has read "a"
 * const rest = poller.unregister(stream) as Remainder<string>;
 * assertEquals(await Array.fromAsync(rest), ["a", "b"]);
 * ```
 */
export class Remainder<T> implements AsyncIterableIterator<T> {
  readonly #ahead: ReadAhead<T>;

  /** The rest of a source. */
  constructor(ahead: ReadAhead<T>) {
    this.#ahead = ahead;
  }

  /** The next item. Giving up the promise gives up the item. */
  next(): Promise<IteratorResult<T, undefined>> {
    return this.#ahead.next();
  }

  /** Leaves the source: an iterator is told by its `return`, a socket or file stays open. */
  async return(): Promise<IteratorResult<T, undefined>> {
    await this.#ahead.return();
    return END;
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** What was read ahead lives as long as its source. */
const known = new WeakMap<object, ReadAhead<unknown>>();
/** The source that a remainder is the rest of. */
const origins = new WeakMap<object, object>();

/** The source behind a remainder; anything else is its own. */
export function originOf<S extends object>(source: S): S {
  return (origins.get(source) ?? source) as S;
}

/**
 * The readiness of any source, the same object whenever it is asked.
 *
 * @throws {TypeError} if it is no source
 */
export function readinessOf(source: Source): Readiness {
  if (isPollable(source)) return source.readiness();
  const origin = isObject(source) ? originOf(source) : source;
  let ahead = known.get(origin);
  if (!ahead) known.set(origin, ahead = makeReadAhead(origin));
  return ahead;
}

/** What gives the rest of a source: the source itself if it keeps what was read ahead, or else a {@linkcode Remainder}. */
export function remainderOf<S extends Source>(source: S): S | Remainder<unknown> {
  const ahead = known.get(source);
  if (!ahead) return source;
  const remainder = new Remainder(ahead);
  origins.set(remainder, source);
  return remainder;
}

function makeReadAhead(source: unknown): ReadAhead<unknown> {
  if (!isObject(source)) throw notASource(source);
  if (has<AcceptingSource>(source, "accept")) return new ReadAhead(untilClosed(() => source.accept()));
  if (has<PacketSource>(source, "receive")) return new ReadAhead(untilClosed(() => source.receive()));
  const iterator = iteratorOf(source);
  if (!iterator && has<ByteSource>(source, "read")) {
    return new ReadAhead<unknown>(new ChunkReader(source).next);
  }
  if (!iterator) throw notASource(source);
  return new ReadAhead(() => iterator.next(), () => iterator.return?.());
}

function iteratorOf(source: object): AsyncIterator<unknown> | Iterator<unknown> | undefined {
  if (has<AsyncIterable<unknown>>(source, Symbol.asyncIterator)) return source[Symbol.asyncIterator]();
  if (has<Iterable<unknown>>(source, Symbol.iterator)) return source[Symbol.iterator]();
  return has<Iterator<unknown>>(source, "next") ? source : undefined;
}

/** A listener that is closed on this side has come to its end, as `for await` over it says too. */
function untilClosed<T>(wait: () => Promise<T>): () => Promise<Result<T>> {
  const item = (value: T): Result<T> => ({ value, done: false });
  return () =>
    wait().then(item, (error) => {
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return END;
      throw error;
    });
}

function isPollable(source: unknown): source is Pollable {
  return isObject(source) && has<Pollable>(source, "readiness");
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function has<M extends object>(value: object, method: keyof M): value is M {
  return typeof (value as M)[method] === "function";
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null)?.then === "function";
}

function notASource(value: unknown): TypeError {
  return new TypeError(
    `Cannot watch ${
      describe(value)
    }: expected a server, a connection, a listener, a stream, or something to iterate`,
  );
}

function describe(value: unknown): string {
  if (!isObject(value)) return `${typeof value} ${String(value)}`;
  return `an object of class ${value.constructor?.name ?? "null"}`;
}
