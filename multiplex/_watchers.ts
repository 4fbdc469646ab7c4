/**
 * Who is told when a source may have become ready.
 *
 * @module
 */

/** The listeners of one source: one poller as a rule, and as many as ask. */
export class Watchers {
  readonly #listeners = new Set<(events: number) => void>();

  /** Adds a listener; gives what takes it out again. */
  add(listener: (events: number) => void): () => void {
    const own = (events: number): void => listener(events); // the same listener may be added twice
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Calls them all. */
  tell(events: number): void {
    for (const listener of this.#listeners) listener(events);
  }
}
