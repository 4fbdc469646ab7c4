/**
 * A call that comes later.
 *
 * @module
 */

/** Where delayed calls wait. */
export interface Schedule {
  /** Puts a call in its place, by its time. */
  add(call: DelayedCall): void;
  /** Takes it out. */
  remove(call: DelayedCall): void;
}

/**
 * What `Reactor.callLater` gives. Twisted's `IDelayedCall`.
 *
 * @example
 * ```ts
 * import { Reactor } from "@switchboard/kit/multiplex";
 * import { assert } from "@std/assert";
 *
 * const reactor = new Reactor();
 * const call = reactor.callLater(60_000, () => reactor.stop());
 * call.reset(1); // it need not take so long
 * await reactor.run();
 * assert(!call.active);
 * ```
 */
export class DelayedCall {
  readonly #call: () => unknown;
  readonly #schedule: Schedule;
  #at: number;
  #state: "waiting" | "called" | "cancelled" = "waiting";

  /** A call in `ms` milliseconds. `Reactor.callLater` makes it. */
  constructor(ms: number, call: () => unknown, schedule: Schedule) {
    this.#call = call;
    this.#schedule = schedule;
    this.#at = performance.now() + ms;
    schedule.add(this);
  }

  /** Whether it is still to come. */
  get active(): boolean {
    return this.#state === "waiting";
  }

  /** When it is due, on the clock of `performance.now()`. */
  get time(): number {
    return this.#at;
  }

  /**
   * Takes it back.
   *
   * @throws {TypeError} if it was called or cancelled
   */
  cancel(): void {
    this.#check("cancel");
    this.#state = "cancelled";
    this.#schedule.remove(this);
  }

  /**
   * Lets it come `ms` milliseconds from now instead.
   *
   * @param ms how much later than now, from 0
   * @throws {TypeError} if it was called or cancelled
   * @throws {RangeError} if the time is none; the message has the value
   */
  reset(ms: number): void {
    this.#check("reset");
    if (!(ms >= 0)) throw new RangeError(`Cannot reset the call to ${ms} ms: expected 0 or more`);
    this.#move(performance.now() + ms);
  }

  /**
   * Puts it off by `ms` milliseconds.
   *
   * @param ms how much later than it was due; less than 0 brings it forward
   * @throws {TypeError} if it was called or cancelled
   * @throws {RangeError} if the time is none; the message has the value
   */
  delay(ms: number): void {
    this.#check("delay");
    if (typeof ms !== "number" || Number.isNaN(ms)) throw new RangeError(`Cannot delay the call by ${ms} ms`);
    this.#move(this.#at + ms);
  }

  /**
   * Calls it now, and not later: what the reactor does when its time has come.
   *
   * @throws {TypeError} if it was called or cancelled
   */
  run(): void {
    this.#check("run");
    this.#schedule.remove(this);
    this.#state = "called";
    this.#call();
  }

  #move(at: number): void {
    this.#schedule.remove(this);
    this.#at = at;
    this.#schedule.add(this);
  }

  #check(attempt: string): void {
    if (this.#state !== "waiting") throw new TypeError(`Cannot ${attempt} the call: it was ${this.#state}`);
  }
}
