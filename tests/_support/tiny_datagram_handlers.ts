/**
 * Handlers of datagrams, of a line or two.
 *
 * @module
 */
import type { Datagram, DatagramHandler } from "../../mod.ts";

/** Sends back what comes. */
export const echo: DatagramHandler = (packet) => packet.reply(packet.data);

/** Never ends by itself. */
export const never: DatagramHandler = () => new Promise(() => {});

/** A handler that a test lets go on, and that says when it has begun. */
export class Gate {
  /** The packets whose handlers have begun. */
  readonly inside: Datagram[] = [];
  /** The most handlers that have run at once. */
  most = 0;
  #running = 0;
  #opened = Promise.withResolvers<void>();
  #arrivals = new Set<() => void>();

  /** The handler: waits to be let through, and then sends back what came. */
  readonly handler: DatagramHandler = async (packet) => {
    this.inside.push(packet);
    this.most = Math.max(this.most, ++this.#running);
    for (const wake of this.#arrivals) wake();
    await this.#opened.promise;
    this.#running--;
    await packet.reply(packet.data);
  };

  /** Waits until `count` handlers have begun. */
  async until(count: number): Promise<void> {
    while (this.inside.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#arrivals.add(resolve);
      await promise;
    }
  }

  /** Lets all of them end, those to come too. */
  open(): void {
    this.#opened.resolve();
  }
}
