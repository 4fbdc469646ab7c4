/**
 * Datagrams over Unix sockets.
 *
 * Deno receives and sends under one lock: while a `receive` waits, every `send` of the same socket fails with `Busy`. So
 * replies go out through sockets without a name (`_unbound_sockets.ts`). Only a peer that has connected its socket to
 * ours takes nothing from those; for it the waiting `receive` is rung out of its wait, and the reply sent between two.
 *
 * @module
 */
import type { DatagramSocket, Received } from "./_datagram_socket.ts";
import { ignore } from "./_inbound.ts";
import { UnboundSockets } from "./_unbound_sockets.ts";
import { Wait } from "./_wait.ts";

/** A bound socket, as Deno gives it. */
export type BoundSocket = Deno.DatagramConn;

/** How a {@linkcode UnixDatagramSocket} is made. */
export interface UnixDatagramSocketOptions {
  /** The path that others send to. */
  path: string;
  /** Sends everything from the bound socket, so that its peers learn its name. A client has to; a server need not. */
  named?: boolean;
  /** Called when it is closed. */
  closed?: () => void;
  /** Binds the path anew, in place of a socket that hangs in a send; `undefined` if that cannot be done. */
  rebind?: () => Promise<BoundSocket>;
  /** How long a peer may leave its queue full before a reply to it is given up, in milliseconds. */
  patience?: number;
}

/** How long a peer may leave its queue full, in milliseconds, while others wait for nothing. */
const PATIENCE = 5_000;
/** How long, where meanwhile nobody is received from. */
const SHORT_PATIENCE = 500;
/** Peers known to be connected; a longer list begins anew. */
const MOST_KNOWN = 1_024;

interface Job {
  readonly bytes: Uint8Array;
  readonly to: Deno.Addr;
  readonly done: PromiseWithResolvers<number>;
}

/** A bound Unix datagram socket that can send while it receives. */
export class UnixDatagramSocket implements DatagramSocket {
  readonly addr: Deno.UnixAddr;
  readonly #options: UnixDatagramSocketOptions;
  readonly #unbound: UnboundSockets;
  /** Rings the bell. It is of no use to others, so that peers that do not read cannot take it. */
  #bell: BoundSocket | undefined;
  /** What the bell sends: nobody else can know it. */
  readonly #ring: Uint8Array = crypto.getRandomValues(new Uint8Array(16));
  #conn: BoundSocket;
  /** Peers that take packets from our own socket alone. */
  readonly #connected = new Set<string>();
  /** How many packets to a peer are being sent without a name. */
  readonly #trying = new Map<string, number>();
  /** What is to be sent from our own socket. */
  readonly #jobs: Job[] = [];
  #receiving = false;
  #sending: Promise<void> | undefined;
  readonly #wait = new Wait();
  #closed = false;

  constructor(conn: BoundSocket, options: UnixDatagramSocketOptions) {
    this.addr = { transport: "unixpacket", path: options.path };
    this.#conn = conn;
    this.#options = options;
    this.#unbound = new UnboundSockets(options.patience ?? PATIENCE);
  }

  async receive(space: Uint8Array<ArrayBuffer>): Promise<Received> {
    // Room for the bell, also where packets are tiny.
    const buffer = space.length > this.#ring.length ? space : new Uint8Array(this.#ring.length + 1);
    for (;;) {
      while (this.#jobs.length > 0 || this.#sending) await this.#sendJobs();
      if (this.#closed) throw new Deno.errors.BadResource("Socket has been closed");
      this.#receiving = true;
      try {
        const [bytes, from] = await this.#conn.receive(buffer);
        if (!this.#isRing(bytes)) return [bytes.subarray(0, space.length), from];
      } finally {
        this.#receiving = false;
      }
    }
  }

  async send(bytes: Uint8Array, to: Deno.Addr): Promise<number> {
    if (this.#closed) throw new Deno.errors.BadResource("Socket has been closed");
    const { path } = to as Deno.UnixAddr;
    if (path === null) {
      throw new Deno.errors.AddrNotAvailable("the peer has no name to send to: it has not bound its socket");
    }
    if (!this.#options.named && !this.#isKnown(path)) {
      this.#trying.set(path, (this.#trying.get(path) ?? 0) + 1);
      try {
        return await this.#unbound.send(bytes, path);
      } catch (error) {
        if (!isRefusedToStrangers(error)) throw error;
        if (this.#connected.size >= MOST_KNOWN) this.#connected.clear();
        this.#connected.add(path);
      } finally {
        this.#tried(path);
      }
    }
    return await this.#sendFromHere(bytes, to);
  }

  /** Whether a peer is connected, and none of its packets is still finding that out: they go out in order. */
  #isKnown(path: string): boolean {
    return this.#connected.has(path) && !this.#trying.has(path);
  }

  #tried(path: string): void {
    const left = this.#trying.get(path)! - 1;
    if (left > 0) this.#trying.set(path, left);
    else this.#trying.delete(path);
  }

  #sendFromHere(bytes: Uint8Array, to: Deno.Addr): Promise<number> {
    // Closed while it was tried without a name.
    if (this.#closed) throw new Deno.errors.BadResource("Socket has been closed");
    if (this.#receiving) this.#ringBell();
    const done = Promise.withResolvers<number>();
    this.#jobs.push({ bytes, to, done });
    if (!this.#receiving) this.#sendJobs();
    return done.promise;
  }

  /** Goes to the name under which the socket was bound, which `addr` need not be any more. */
  #ringBell(): void {
    this.#bell ??= Deno.listenDatagram({ transport: "unixpacket" });
    // Full: it wakes anyway. Busy: the one before is still to come.
    this.#bell.send(this.#ring, { transport: "unixpacket", path: this.#options.path }).catch(ignore);
  }

  #closeBell(): void {
    this.#bell?.close();
    this.#bell = undefined;
  }

  #isRing(bytes: Uint8Array): boolean {
    return bytes.length === this.#ring.length && bytes.every((byte, i) => byte === this.#ring[i]);
  }

  /** Sends what waits for its turn at our own socket. Everybody who calls waits for the same end. */
  #sendJobs(): Promise<void> {
    return this.#sending ??= this.#runJobs();
  }

  async #runJobs(): Promise<void> {
    for (let job; (job = this.#jobs.shift());) await this.#run(job);
    this.#sending = undefined;
  }

  async #run({ bytes, to, done }: Job): Promise<void> {
    const sending = this.#conn.send(bytes, to);
    sending.then(done.resolve, done.reject);
    if (await this.#wait.for(sending, this.#options.patience ?? SHORT_PATIENCE) !== "late") return;
    done.reject(new Deno.errors.TimedOut(`the peer at ${(to as Deno.UnixAddr).path} does not read`));
    await this.#replace(sending);
  }

  /** A send cannot be taken back, and nothing can be received before it ends: a new socket takes over the path. */
  async #replace(sending: Promise<unknown>): Promise<void> {
    const old = this.#conn;
    try {
      this.#conn = await this.#options.rebind!();
    } catch {
      // There is no way to, or none that is allowed: nobody is served until it ends.
      if (!this.#closed) await this.#wait.for(sending);
      return;
    }
    this.#closeBell(); // it may be waiting for the old one
    if (!this.#closed) return old.close(); // what it is sending ends with the peer
    try {
      this.#closeConn(); // the old one is closed
    } catch {
      // The file stays: who closed has been answered already.
    }
  }

  close(): void {
    this.#closed = true;
    try {
      this.#closeConn();
    } finally {
      this.#closeBell();
      this.#unbound.close();
      this.#wait.stop();
      for (const { done } of this.#jobs.splice(0)) {
        done.reject(new Deno.errors.BadResource("Socket has been closed"));
      }
    }
  }

  #closeConn(): void {
    try {
      this.#options.closed?.(); // first: the path must not be one where nobody answers
    } finally {
      this.#conn.close();
    }
  }

  ref(): void {
    (this.#conn as { ref?(): void }).ref?.();
  }

  unref(): void {
    (this.#conn as { unref?(): void }).unref?.();
  }
}

/** A socket that is connected to one peer refuses the packets of all others: EPERM, from the kernel of Linux. */
function isRefusedToStrangers(error: unknown): boolean {
  return (error as { code?: string }).code === "EPERM";
}
