/**
 * Handlers of a line or two.
 *
 * @module
 */
import type { Connection, StreamHandler } from "../../mod.ts";

/** Sends back what comes. */
export const echo: StreamHandler = async (conn) => {
  for await (const chunk of conn) await conn.sendAll(chunk);
};

/** Reads one line and sends it back. */
export const answerOnce: StreamHandler = async (conn) => {
  await conn.sendAll(`${await conn.readLine()}\n`);
};

/** Never ends by itself, whatever the client does. */
export const never: StreamHandler = () => new Promise(() => {});

/** Says hello and waits for the client to leave. */
export const greet: StreamHandler = async (conn) => {
  await conn.sendAll("hello\n");
  await conn.recv();
};

/** A handler that a test lets go on, and that says when it has begun. */
export class Turnstile {
  /** The connections whose handlers have begun. */
  readonly inside: Connection[] = [];
  #opened = Promise.withResolvers<void>();
  #arrivals = new Set<() => void>();

  /** The handler: greets, so that the client knows, and waits to be let through. */
  readonly handler: StreamHandler = async (conn) => {
    this.inside.push(conn);
    for (const wake of this.#arrivals) wake();
    await conn.sendAll("in\n");
    await this.#opened.promise;
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
