/**
 * The sending side of a datagram server, from one bind to its close.
 *
 * @module
 */
import { type Datagram, datagramControl } from "./datagram.ts";
import type { DatagramSocket } from "./_datagram_socket.ts";
import { ServerClosedError } from "./errors.ts";
import { ignore } from "./_inbound.ts";
import type { ServerStats } from "./stats.ts";

/** How an {@linkcode Outbox} is made. */
export interface OutboxOptions {
  /** Where bytes are counted. */
  counters: Pick<ServerStats, "bytesOut">;
  /** How many packets may wait for the kernel. */
  limit: number;
  /** Called with the failure of a reply whose handler is over. */
  lost: (error: unknown, packet: Datagram) => void;
  /** Called when nothing is on its way any more. */
  idle: () => void;
}

/** Sends packets and counts them. A failure is the sender's, and nobody else's: it is never an unhandled rejection. */
export class Outbox {
  readonly #socket: DatagramSocket;
  readonly #options: OutboxOptions;
  #sending = 0;
  #closed = false;

  constructor(socket: DatagramSocket, options: OutboxOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Where the socket is bound. */
  get addr(): Deno.Addr {
    return this.#socket.addr;
  }

  /** Resolves when the kernel has taken it; see {@linkcode Datagram.reply}. */
  send(bytes: Uint8Array, to: Deno.Addr, packet?: Datagram): Promise<void> {
    if (this.#closed) return rejected(new ServerClosedError("Cannot send: the server is closed"));
    if (this.#sending >= this.#options.limit) {
      return rejected(
        new Deno.errors.Busy(`cannot send: ${this.#options.limit} packets wait for the kernel already`),
      );
    }
    this.#sending++;
    this.#options.counters.bytesOut += bytes.length;
    const sending: Promise<unknown> = this.#socket.send(bytes, to);
    // These two make it a promise that somebody handles. Nothing is derived from it but what is thrown away here.
    sending.then(this.#sent, (error) => this.#failed(error, bytes.length, packet));
    return sending as Promise<void>;
  }

  /** Whether packets are on their way that the close is to wait for. */
  get busy(): boolean {
    return this.#sending > 0 && !this.#closed;
  }

  /** Lets every later `send` fail. */
  close(): void {
    this.#closed = true;
  }

  #sent = (): void => {
    if (--this.#sending === 0) this.#options.idle();
  };

  #failed(error: unknown, bytes: number, packet: Datagram | undefined): void {
    this.#sent();
    this.#options.counters.bytesOut -= bytes;
    if (packet && datagramControl.isOver(packet) && !this.#closed) this.#options.lost(error, packet);
  }
}

/** A rejection that is no unhandled one: whoever awaits it gets it, and nobody has to. */
export function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}
