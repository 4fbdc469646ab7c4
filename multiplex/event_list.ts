/**
 * The event-driven core in twenty lines.
 *
 * @module
 */

/**
 * What an {@linkcode EventList} triggers. A class that extends it has to override {@linkcode EventHandler.execute}.
 *
 * @example
 * ```ts
 * import { EventHandler, EventList } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * class Count extends EventHandler {
 *   n = 0;
 *   override execute() {
 *     this.n++;
 *   }
 * }
 * const [list, count] = [new EventList(), new Count()];
 * list.register(count);
 * await list.run();
 * assertEquals(count.n, 1);
 * ```
 */
export abstract class EventHandler {
  /** Does what is to be done when the event occurs. */
  abstract execute(): void | Promise<void>;
}

/**
 * A list of handlers, each of which is triggered by `run`: the smallest thing that deserves to be called event-driven. The
 * {@linkcode Poller} is what it becomes when events come from outside.
 *
 * @example
 * ```ts
 * import { EventHandler, EventList } from "@switchboard/kit/multiplex";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const done: string[] = [];
 * class Greet extends EventHandler {
 *   override execute() {
 *     done.push("hello");
 *   }
 * }
 * const list = new EventList();
 * list.register(new Greet());
 * list.register({ execute: () => void done.push("bye") });
 * await list.run();
 * assertEquals(done, ["hello", "bye"]);
 *
 * class Forgetful {}
 * assertThrows(() => list.register(new Forgetful() as EventHandler), TypeError, "Forgetful");
 * ```
 */
export class EventList {
  readonly #handlers: EventHandler[] = [];

  /** How many handlers are registered. */
  get size(): number {
    return this.#handlers.length;
  }

  /**
   * Adds a handler to the end of the list. The same one may be added twice, and is then triggered twice.
   *
   * @param handler what to trigger
   * @throws {TypeError} if it does not implement `execute`; the message has its class
   */
  register(handler: EventHandler): void {
    if (typeof handler?.execute !== "function") {
      const name = (handler as object | null | undefined)?.constructor?.name ?? String(handler);
      throw new TypeError(`Cannot register ${name}: it does not implement execute()`);
    }
    this.#handlers.push(handler);
  }

  /**
   * Takes the last registration of a handler out.
   *
   * @param handler what was registered
   * @returns whether it was in the list
   */
  unregister(handler: EventHandler): boolean {
    const index = this.#handlers.lastIndexOf(handler);
    if (index >= 0) this.#handlers.splice(index, 1);
    return index >= 0;
  }

  /**
   * Triggers every handler, one after the other, in the order of registration; one that is registered meanwhile has its turn
   * in the next run. What a handler throws ends the run.
   */
  async run(): Promise<void> {
    for (const handler of [...this.#handlers]) await handler.execute();
  }
}
