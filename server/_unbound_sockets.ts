/**
 * Sending Unix datagrams without a name of one's own.
 *
 * @module
 */
import { ignore } from "./_inbound.ts";
import { Wait } from "./_wait.ts";

/** Peers that may leave their queues full at the same time; the reply to one more fails. */
const MOST_SOCKETS = 64;
/** Packets that may wait for one peer: enough for one that asks much before it reads, and not all that a server may handle. */
const MOST_WAITING = 1_024;

/**
 * Sockets that only send.
 *
 * A `send` waits while the queue of its peer is full (10 packets, on many systems), cannot be taken back, and keeps its
 * socket from sending to anybody else. So every peer that is waited for has a socket of its own, which is given up when
 * the peer does not read within the limit; from then on, and until it has read or is gone, sending to it fails at once.
 */
export class UnboundSockets {
  readonly #patience: number;
  readonly #idle: Deno.DatagramConn[] = [];
  readonly #lanes = new Map<string, Lane>();
  #closed = false;

  constructor(patience: number) {
    this.#patience = patience;
  }

  /** Sends to a path, after what is being sent there already. */
  async send(bytes: Uint8Array, path: string): Promise<number> {
    if (this.#closed) throw closed();
    const lane = this.#lanes.get(path) ?? this.#open(path);
    if (lane.users >= MOST_WAITING) {
      throw new Deno.errors.Busy(`cannot send to ${path}: ${MOST_WAITING} packets wait for it to read`);
    }
    lane.users++;
    try {
      return await lane.send(bytes);
    } finally {
      if (--lane.users === 0 && !lane.stuck) this.#retire(path, lane);
    }
  }

  #open(path: string): Lane {
    if (this.#lanes.size >= MOST_SOCKETS) {
      throw new Deno.errors.Busy(`cannot send to ${path}: ${MOST_SOCKETS} other peers do not read`);
    }
    const conn = this.#idle.pop() ?? Deno.listenDatagram({ transport: "unixpacket" });
    const lane = new Lane(conn, path, this.#patience, (stuck) => {
      stuck.catch(ignore).finally(() => this.#retire(path, lane));
    });
    this.#lanes.set(path, lane);
    return lane;
  }

  #retire(path: string, lane: Lane): void {
    this.#lanes.delete(path);
    if (this.#closed) return;
    this.#idle.push(lane.conn);
  }

  /** Closes all; what is still being sent fails, or, where a peer does not read, ends with that peer. */
  close(): void {
    this.#closed = true;
    for (const conn of this.#idle) conn.close();
    for (const lane of this.#lanes.values()) lane.close();
  }
}

/** What is on its way to one peer. */
class Lane {
  /** How many sends wait. */
  users = 0;
  /** Whether the peer has left its queue full for too long. */
  stuck = false;
  readonly conn: Deno.DatagramConn;
  readonly #to: Deno.UnixAddr;
  readonly #patience: number;
  readonly #gaveUp: (stuck: Promise<unknown>) => void;
  readonly #wait = new Wait();
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    conn: Deno.DatagramConn,
    path: string,
    patience: number,
    gaveUp: (stuck: Promise<unknown>) => void,
  ) {
    this.conn = conn;
    this.#to = { transport: "unixpacket", path };
    this.#patience = patience;
    this.#gaveUp = gaveUp;
  }

  /** One after the other. */
  send(bytes: Uint8Array): Promise<number> {
    const turn = this.users === 1 ? this.#send(bytes) : this.#last.then(() => this.#send(bytes));
    this.#last = turn.catch(ignore);
    return turn;
  }

  async #send(bytes: Uint8Array): Promise<number> {
    if (this.stuck) throw this.#late();
    if (this.#closed) throw closed();
    const sending = this.conn.send(bytes, this.#to);
    switch (await this.#wait.for(sending, this.#patience)) {
      case "settled":
        return await sending;
      case "late":
        this.stuck = true;
        this.#gaveUp(sending);
        throw this.#late();
      case "stopped":
        sending.catch(ignore); // ends with the peer
        throw closed();
    }
  }

  /** Frees the socket; what waits fails. */
  close(): void {
    this.#closed = true;
    this.conn.close();
    this.#wait.stop();
  }

  #late(): Error {
    return new Deno.errors.TimedOut(
      `the peer at ${this.#to.path} does not read: its queue was full for ${this.#patience} ms`,
    );
  }
}

/** What Deno's own sockets reject with. */
function closed(): Error {
  return new Deno.errors.BadResource("Socket has been closed");
}
