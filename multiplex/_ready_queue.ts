/**
 * What is ready, in the order in which it became so.
 *
 * @module
 */

/** What can stand in a {@linkcode ReadyQueue}; the queue sets `queued`. */
export interface Queueable {
  /** Whether it stands in the queue: it does so once at most. */
  queued: boolean;
}

/** A wait of 0 ms, in turns of the event loop. */
const TURNS_OF_NO_WAIT = 2;
/** The longest wait that a timer can do. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Entries that are ready, and one who waits for the first of them.
 *
 * It is the reason why a poll costs what is ready and not what is registered: a source that becomes ready puts itself
 * here, so nobody need look at the others.
 */
export class ReadyQueue<E extends Queueable> {
  #entries: E[] = [];
  #wake: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** How many entries there are. */
  get size(): number {
    return this.#entries.length;
  }

  /** Whether somebody waits. */
  get waiting(): boolean {
    return this.#wake !== undefined;
  }

  /** Puts an entry at the end, unless it stands in the queue, and ends the wait. */
  push(entry: E): void {
    if (entry.queued) return;
    entry.queued = true;
    this.#entries.push(entry);
    this.wake();
  }

  /** Puts entries at the front, in their order. None of them may stand in the queue. */
  unshift(entries: readonly E[]): void {
    if (entries.length === 0) return;
    for (const entry of entries) entry.queued = true;
    this.#entries = [...entries, ...this.#entries];
    this.wake();
  }

  /** Takes all entries out. */
  drain(): E[] {
    const entries = this.#entries;
    if (entries.length === 0) return entries;
    this.#entries = [];
    for (const entry of entries) entry.queued = false;
    return entries;
  }

  /**
   * Waits for an entry or for {@linkcode ReadyQueue.wake}, but no longer than `ms` milliseconds (none: as long as it
   * takes). With 0 or less the event loop goes round, so that what the kernel holds already is seen.
   */
  wait(ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (ms === undefined) return;
      if (ms <= 0) this.#waitTurns(TURNS_OF_NO_WAIT);
      else this.#timer = setTimeout(this.wake, Math.min(LONGEST_TIMER, Math.ceil(ms)));
    });
  }

  /** Timers fire before the turn that polls sockets: the second one lets that turn come first. */
  #waitTurns(left: number): void {
    this.#timer = setTimeout(() => left > 1 ? this.#waitTurns(left - 1) : this.wake(), 0);
  }

  /** Ends the wait, if there is one. */
  wake = (): void => {
    const wake = this.#wake;
    if (!wake) return;
    this.#wake = undefined;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    wake();
  };
}

/** So many answers may be given in a row without timers and sockets having had a turn. */
export const ANSWERS_PER_TURN = 16;

/**
 * Lets timers and sockets have their turn: sources that are ready at once would otherwise keep the event loop in one
 * endless turn, and starve those that depend on it.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
