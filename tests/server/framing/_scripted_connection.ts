/** A connection without a socket. */
import type { ReceivingSource } from "../../../server/framing/mod.ts";

/** A connection that receives what a script says, and notes how it was asked. */
export class ScriptedConnection implements ReceivingSource {
  /** How each read was made, and what was given back. */
  readonly log: string[] = [];
  /** Whether the server drains: iteration ends at the next empty buffer. */
  draining = false;
  #incoming: (Uint8Array | Error)[];
  #waiting: (() => void) | undefined;
  #ended = false;

  constructor(...incoming: (Uint8Array | Error)[]) {
    this.#incoming = incoming;
  }

  /** Lets a chunk or a failure arrive. */
  receive(incoming: Uint8Array | Error): void {
    this.#incoming.push(incoming);
    this.#waiting?.();
  }

  /** Lets the input end. */
  end(): this {
    this.#ended = true;
    this.#waiting?.();
    return this;
  }

  recv(): Promise<Uint8Array | null> {
    this.log.push("recv");
    return this.#take();
  }

  unread(bytes: Uint8Array): void {
    this.log.push(`unread ${bytes.length}`);
    this.#incoming.unshift(bytes);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        this.log.push("next");
        const chunk = this.draining && this.#incoming.length === 0 ? null : await this.#take();
        return chunk === null ? { value: undefined, done: true } : { value: chunk, done: false };
      },
      return: () => {
        this.log.push("return");
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  async #take(): Promise<Uint8Array | null> {
    while (this.#incoming.length === 0 && !this.#ended) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting = resolve;
      await promise;
    }
    const incoming = this.#incoming.shift();
    if (incoming instanceof Error) throw incoming;
    return incoming ?? null;
  }
}
