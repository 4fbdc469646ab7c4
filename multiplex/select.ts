/**
 * The oldest way to ask.
 *
 * @module
 */
import { EVENT_READ, EVENT_WRITE, type Item, type Source } from "./pollable.ts";
import { Poller } from "./poller.ts";
import { readinessOf } from "./_read_ahead.ts";
import { ANSWERS_PER_TURN, turn } from "./_ready_queue.ts";

/** Calls since timers and sockets had a turn. Counted for all: each call has a poller of its own, which has just begun. */
let answersInTurn = 0;

/**
 * Waits until one of these sources is ready: Python's `select.select`, C's `select(2)`.
 *
 * It looks at all sources at every call, so its cost grows with their number; a {@linkcode Poller} registers them once.
 * The lists are read once, at the call. What was read ahead is kept: {@linkcode take} gives it, and so does whoever
 * watches the same source next.
 *
 * Time-out loses nothing. A loop over what is always ready lets timers and sockets have their turn now and then.
 *
 * @param readers sources that are to have an item; an end and a failure count
 * @param writers sources that are to have room to send
 * @param exceptional kept for the shape of the call: nothing here has out-of-band data, failures are read
 * @param timeoutMs how long to wait, in milliseconds: as long as it takes if it is not given; with 0 or less not at all
 * @returns three new arrays, the ready sources of each list in its order and as often as it names them; all empty when the
 * time is over
 * @throws {TypeError} if a list cannot be iterated, something in it is no source or cannot tell what is asked, or the
 * time-out is no number
 *
 * @example
 * ```ts
 * import { select, signals, take, ticks } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * const timer = ticks(5);
 * const interrupts = signals("SIGINT");
 * const [readable] = await select([timer, interrupts], [], [], 10_000);
 * assertEquals(readable, [timer]);
 * assertEquals(take(timer), { value: 1, done: false });
 * timer.close();
 * interrupts.close();
 * ```
 */
export async function select<R extends Source, W extends Source, X = never>(
  readers: Iterable<R>,
  writers: Iterable<W>,
  exceptional: Iterable<X>,
  timeoutMs?: number,
): Promise<[R[], W[], X[]]> {
  const [reading, writing] = [[...readers], [...writers]];
  void [...exceptional];
  if (++answersInTurn >= ANSWERS_PER_TURN) {
    answersInTurn = 0;
    await turn();
  }
  using poller = new Poller<R | W, void>();
  const interests = new Map<R | W, number>();
  for (const source of reading) interests.set(source, EVENT_READ);
  for (const source of writing) interests.set(source, (interests.get(source) ?? 0) | EVENT_WRITE);
  for (const [source, interest] of interests) poller.register(source, interest);
  const ready = new Map<unknown, number>();
  for (const { source, events } of await poller.poll(timeoutMs)) ready.set(source, events);
  const having = <S>(sources: S[], event: number): S[] =>
    sources.filter((source) => ((ready.get(source) ?? 0) & event) !== 0);
  return [having(reading, EVENT_READ), having(writing, EVENT_WRITE), []];
}

/**
 * Takes the item that is ready in a source, without waiting: what `accept` and `recv` are after a `select`.
 *
 * @param source a source that `select` has named, or that was watched otherwise
 * @returns the item; `done` at the end; `undefined` where it would have to wait
 * @throws what the source threw in place of an item; a `TypeError` if it is no source
 *
 * @example
 * ```ts
 * import { select, take } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * const letters = ["a"][Symbol.iterator]();
 * await select([letters], [], []);
 * assertEquals(take(letters), { value: "a", done: false });
 * assertEquals(take(letters), undefined); // nobody has asked for the next one
 * ```
 */
export function take<S extends Source>(source: S): IteratorResult<Item<S>, undefined> | undefined {
  return readinessOf(source).take() as IteratorResult<Item<S>, undefined> | undefined;
}
