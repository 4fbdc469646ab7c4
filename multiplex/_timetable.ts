/**
 * Calls that are still to come.
 *
 * @module
 */
import type { DelayedCall, Schedule } from "./_delayed_call.ts";

/** The longest wait that a timer can do; a longer one would end at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Runs delayed calls in the order of their times, and for equal times in the order in which they were added.
 *
 * It has one timer, for the next of them. A timer for each would not keep the order: timers count whole milliseconds.
 */
export class Timetable implements Schedule {
  /** By time. */
  readonly #calls: DelayedCall[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;

  add(call: DelayedCall): void {
    this.#calls.splice(this.#after(call.time), 0, call);
    this.#setTimer();
  }

  remove(call: DelayedCall): void {
    const index = this.#calls.lastIndexOf(call, this.#after(call.time) - 1);
    if (index >= 0) this.#calls.splice(index, 1);
    this.#setTimer();
  }

  /** Cancels all. */
  cancelAll(): void {
    while (this.#calls.length > 0) this.#calls.at(-1)!.cancel();
  }

  /** The index behind all calls that are due at `time` or before. */
  #after(time: number): number {
    let low = 0;
    for (let high = this.#calls.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#calls[middle].time <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #setTimer(): void {
    const at = this.#calls.length > 0 ? this.#calls[0].time : undefined;
    if (this.#timer !== undefined && at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (at === undefined) return;
    this.#timerAt = at;
    const left = Math.ceil(at - performance.now());
    this.#timer = setTimeout(this.#runDue, Math.min(LONGEST_TIMER, Math.max(0, left)));
  }

  /** What is added meanwhile has its turn later. */
  #runDue = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (let left = this.#after(now); left > 0 && this.#calls[0]?.time <= now; left--) this.#calls[0].run();
    this.#setTimer();
  };
}
