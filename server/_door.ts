/**
 * Step 2 of a connection's path: admitted, prepared and verified, or turned away.
 *
 * @module
 */
import type { Permit } from "./admission.ts";
import { type Connection, control } from "./connection.ts";
import { untilCut } from "./_dispatch.ts";
import { ConnectionClosedError, isPeerGone } from "./errors.ts";
import type { ErrorPhase, RefusalReason } from "./observer.ts";

/** How many refused clients are said goodbye to at once; beyond, they are closed as they are. */
const MOST_GOODBYES = 100;
/** How long a refused client may take to read why, in milliseconds. */
const GOODBYE = 500;

/** The server, as its door needs it. */
export interface DoorHost {
  /** What has to happen before the handler, such as a handshake. */
  prepare(conn: Connection): Promise<void> | undefined;
  /** The hook. */
  verifyRequest(conn: Connection): boolean | Promise<boolean>;
  /** The hook. */
  shutdownRequest(conn: Connection): void | Promise<void>;
  /** The hook. */
  closeRequest(conn: Connection): void | Promise<void>;
  /** Counts and tells a refusal. */
  refused(addr: Deno.Addr, reason: RefusalReason, error?: unknown): void;
  /** Tells what `prepare` or `verifyRequest` threw. */
  failed(error: unknown, phase: ErrorPhase, conn: Connection): void;
}

/** Who decides whether a peer may come in: an `Admission`, or in a worker what asks the one of the server. */
export interface Gate {
  /** Whether one more may be accepted. */
  readonly hasRoom: boolean;
  /** Asks for this peer: a permit, or the reason why not; later, where somebody else has to be asked. */
  admit(addr: Deno.Addr): Permit | RefusalReason | Promise<Permit | RefusalReason>;
  /** Calls `listener` whenever there may be room again; the function that is returned ends that. */
  onRelease(listener: () => void): () => void;
}

/** How the door decides. */
export interface DoorOptions {
  /** The limits, shared perhaps with other servers. */
  admission: Gate;
  /** How many this server lets in at once, whatever its admission says. */
  capacity: number;
  /** Whether clients are turned away while it is full; otherwise they wait. */
  refuses: boolean;
  /** What they are told then. */
  banner?: Uint8Array;
}

/** Lets connections in, one permit each. */
export class Door {
  readonly #options: DoorOptions;
  readonly #host: DoorHost;
  /** Those that are on the threshold: not yet the handler's. */
  readonly #waiting = new Set<Connection>();
  #inside = 0;
  #goodbyes = 0;

  constructor(host: DoorHost, options: DoorOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Whether one more may be accepted. A server that refuses always accepts, to say so. */
  get hasRoom(): boolean {
    const { refuses, capacity, admission } = this.#options;
    return refuses || (this.#inside < capacity && admission.hasRoom);
  }

  /**
   * A permit, to be given back by {@linkcode Door.leave}; or `undefined`: it was turned away and is closed. Answers at
   * once where nothing has to be waited for, as for most connections.
   */
  enter(conn: Connection): Permit | undefined | Promise<Permit | undefined> {
    const permit = this.#admit(conn);
    if (typeof permit === "string") return this.#onThreshold(conn, this.#stepBack(conn, permit));
    if (permit instanceof Promise) return this.#onThreshold(conn, this.#enterLater(conn, permit));
    const preparing = this.#prepare(conn);
    const verdict = preparing ? undefined : this.#ask(conn);
    return verdict === true
      ? permit
      : this.#onThreshold(conn, this.#decide(conn, permit, preparing, verdict));
  }

  /** Takes a permit back. */
  leave(permit: Permit): void {
    this.#inside--;
    permit[Symbol.dispose]();
  }

  /** Who is turned away is closed, whatever the hooks that close it do. */
  async #onThreshold(conn: Connection, deciding: Promise<Permit | undefined>): Promise<Permit | undefined> {
    let permit: Permit | undefined;
    this.#waiting.add(conn);
    try {
      return permit = await deciding;
    } catch (error) {
      this.#host.failed(error, "handler", conn);
    } finally {
      this.#waiting.delete(conn);
      if (!permit) control.end(conn, "done");
    }
  }

  /** Closes those on the threshold. */
  closeAll(reason: "stopped" | "shutdown"): void {
    for (const conn of this.#waiting) control.end(conn, reason);
  }

  #admit(conn: Connection): Permit | RefusalReason | Promise<Permit | RefusalReason> {
    const { admission, refuses, capacity } = this.#options;
    if (refuses && this.#inside >= capacity) return "full";
    const permit = admission.admit(conn.remoteAddr);
    if (typeof permit === "object" && !(permit instanceof Promise)) this.#inside++;
    return permit;
  }

  /** Who is asked elsewhere for this client may take a while, in which the client may be cut. */
  async #enterLater(
    conn: Connection,
    asking: Promise<Permit | RefusalReason>,
  ): Promise<Permit | undefined> {
    const permit = await asking;
    if (typeof permit === "string") return await this.#refuse(conn, permit);
    this.#inside++;
    if (!conn.closed) return await this.#goOn(conn, permit);
    this.leave(permit);
    return undefined;
  }

  async #goOn(conn: Connection, permit: Permit): Promise<Permit | undefined> {
    const preparing = this.#prepare(conn);
    return await this.#decide(conn, permit, preparing, preparing ? undefined : this.#ask(conn));
  }

  /** Servers that share an admission may both have seen the last place: the second then waits with its client. */
  async #stepBack(conn: Connection, reason: RefusalReason): Promise<Permit | undefined> {
    const { admission, refuses } = this.#options;
    let permit: Permit | RefusalReason | Promise<Permit | RefusalReason> = reason;
    while (permit === "full" && !refuses) {
      await new Promise<void>((resolve) => {
        const forget = admission.onRelease(() => (forget(), resolve()));
        control.onCut(conn, () => (forget(), resolve()));
      });
      if (conn.closed) return undefined;
      permit = this.#admit(conn);
    }
    if (permit instanceof Promise) return await this.#enterLater(conn, permit);
    if (typeof permit === "string") return await this.#refuse(conn, permit);
    return await this.#goOn(conn, permit);
  }

  /** What comes before the hook; a rejection if it throws. */
  #prepare(conn: Connection): Promise<void> | undefined {
    try {
      return this.#host.prepare(conn);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What the hook answers; a rejection if it throws. */
  #ask(conn: Connection): boolean | Promise<boolean> {
    try {
      return this.#host.verifyRequest(conn);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Who is not welcome is closed without a word; who finds the house full is told. */
  async #refuse(conn: Connection, reason: RefusalReason): Promise<undefined> {
    this.#host.refused(conn.remoteAddr, reason);
    const { banner } = this.#options;
    if (reason === "full" && banner && this.#goodbyes < MOST_GOODBYES) await this.#sayGoodbye(conn, banner);
    else await this.#host.closeRequest(conn);
  }

  async #sayGoodbye(conn: Connection, banner: Uint8Array): Promise<void> {
    this.#goodbyes++;
    try {
      conn.writeTimeout = GOODBYE;
      await conn.sendAll(banner);
    } catch {
      // the client has left already, or does not read
    }
    try {
      await this.#host.shutdownRequest(conn);
    } finally {
      this.#goodbyes--; // they hold a descriptor until here
    }
  }

  /** A client that fails the handshake or the hook is closed without its handler ever being called. */
  async #decide(
    conn: Connection,
    permit: Permit,
    preparing: Promise<void> | undefined,
    verdict: boolean | Promise<boolean> | undefined,
  ): Promise<Permit | undefined> {
    let phase: ErrorPhase = preparing ? "handshake" : "verify";
    let verified = false;
    try {
      if (preparing) {
        await untilCut(conn, () => preparing);
        phase = "verify";
        verdict = this.#ask(conn);
      }
      verified = Boolean(verdict instanceof Promise ? await untilCut(conn, () => verdict) : verdict);
      if (verified) return permit;
      this.#host.refused(conn.remoteAddr, "unverified");
      await this.#host.shutdownRequest(conn);
    } catch (error) {
      await this.#host.closeRequest(conn);
      if (phase === "handshake" && isClientsFault(error)) this.#host.refused(conn.remoteAddr, phase, error);
      else if (!(error instanceof ConnectionClosedError)) this.#host.failed(error, phase, conn);
    } finally {
      if (!verified) this.leave(permit);
    }
    return undefined;
  }
}

/** A handshake that fails is told quietly: every port scanner fails one. What is no client's doing is not. */
function isClientsFault(error: unknown): boolean {
  return error instanceof Deno.errors.TimedOut || error instanceof Deno.errors.InvalidData ||
    isPeerGone(error);
}
