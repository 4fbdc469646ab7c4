/**
 * An observer that remembers, and that can be waited for.
 *
 * @module
 */
import type { Observer } from "../../mod.ts";
import { within } from "./deadline.ts";

type Name = keyof Observer;
type EventOf<N extends Name> = Parameters<NonNullable<Observer[N]>>[0];
type Told = { [N in Name]: { name: N; event: EventOf<N> } }[Name];

/** Remembers everything that a server tells, in order. As it takes errors too, none goes to the console. */
export class Recorder implements Required<Observer> {
  /** All of it. */
  readonly told: Told[] = [];
  #waiting = new Set<() => void>();

  listening = (event: EventOf<"listening">): void => this.#note({ name: "listening", event });
  draining = (event: EventOf<"draining">): void => this.#note({ name: "draining", event });
  finished = (event: EventOf<"finished">): void => this.#note({ name: "finished", event });
  refused = (event: EventOf<"refused">): void => this.#note({ name: "refused", event });
  opened = (event: EventOf<"opened">): void => this.#note({ name: "opened", event });
  closed = (event: EventOf<"closed">): void => this.#note({ name: "closed", event });
  handled = (event: EventOf<"handled">): void => this.#note({ name: "handled", event });
  acceptFailed = (event: EventOf<"acceptFailed">): void => this.#note({ name: "acceptFailed", event });
  error = (event: EventOf<"error">): void => this.#note({ name: "error", event });

  /** The names of what was told, in order. */
  get names(): Name[] {
    return this.told.map(({ name }) => name);
  }

  /** What was told under one name. */
  all<N extends Name>(name: N): EventOf<N>[] {
    return this.told.filter((one) => one.name === name).map(({ event }) => event as EventOf<N>);
  }

  /** Waits until `name` was told `count` times, and gives the last of these. */
  async until<N extends Name>(name: N, count = 1): Promise<EventOf<N>> {
    while (this.all(name).length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await within(promise, `"${name}" (time ${count}; so far: ${this.names.join(" ")})`);
      this.#waiting.delete(resolve);
    }
    return this.all(name)[count - 1];
  }

  #note(told: Told): void {
    this.told.push(told);
    for (const resolve of this.#waiting) resolve();
  }
}
