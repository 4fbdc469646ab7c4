/**
 * A time limit that is cheap to push back.
 *
 * @module
 */

/**
 * Calls `expired` when `limit` milliseconds have gone by since the last {@linkcode Watchdog.start}.
 *
 * Starting anew writes down a number and makes no timer: a busy connection starts its watchdog for every read, and a
 * timer for each would cost more than the read. The one timer that runs finds out, when it fires, how much is left.
 */
export class Watchdog {
  readonly limit: number;
  readonly #expired: () => void;
  #since = 0;
  #watching = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(limit: number, expired: () => void) {
    this.limit = limit;
    this.#expired = expired;
  }

  /** Starts watching, or pushes the limit back to `limit` milliseconds from now. */
  start(): void {
    this.#since = performance.now();
    this.#watching = true;
    this.#timer ??= setTimeout(this.#look, this.limit);
  }

  /** Stops watching. The timer may still fire once and then finds nothing to do. */
  stop(): void {
    this.#watching = false;
  }

  /** Stops watching and frees the timer. */
  close(): void {
    this.#watching = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look = (): void => {
    this.#timer = undefined;
    if (!this.#watching) return;
    const left = this.#since + this.limit - performance.now();
    if (left > 0) this.#timer = setTimeout(this.#look, Math.ceil(left));
    else {
      this.#watching = false;
      this.#expired();
    }
  };
}
