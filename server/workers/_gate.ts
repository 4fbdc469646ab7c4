/**
 * The limits of a server, as they look from a worker that accepts connections itself.
 *
 * @module
 */
import type { Permit } from "../admission.ts";
import type { Gate } from "../_door.ts";
import type { Word } from "./_messages.ts";
import type { RefusalReason } from "../observer.ts";

/** How long places that have become free are kept for the next clients, in milliseconds. */
const KEEP = 5;

/** How a gate decides. */
export interface GateOptions {
  /** Says something to the server. */
  say: (word: Word) => void;
  /** Whether a client whom nobody accepts here is accepted by nobody: it is in this worker's own queue. */
  ownQueue: boolean;
  /** Whether clients for whom there is no place are turned away. */
  refuses: boolean;
  /** Whether the server wants to be asked for each peer. */
  asksForPeers: boolean;
}

type Answer = (refusal: RefusalReason | undefined) => void;

/** Lets connections in as long as the server has lent places, and asks it for more. */
export class PlaceGate implements Gate {
  readonly #options: GateOptions;
  readonly #released = new Set<() => void>();
  /** Clients who wait for a place. */
  readonly #waiting: Answer[] = [];
  readonly #asked = new Map<number, Answer>();
  #held = 0;
  #used = 0;
  #asks = 0;
  /** The server knows from the start that a worker wants its first. */
  #wanting = true;
  /** Whether others wait for places: then none is kept. */
  #sought = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Whether one more may be accepted. */
  get hasRoom(): boolean {
    const { refuses, ownQueue } = this.#options;
    return refuses || (ownQueue ? this.#waiting.length === 0 : this.#used < this.#held);
  }

  /** Calls `listener` whenever there may be room again; the function that is returned ends that. */
  onRelease(listener: () => void): () => void {
    this.#released.add(listener);
    return () => this.#released.delete(listener);
  }

  /** Asks for this peer: at once where a place is there, later where the server has to be asked. */
  admit(addr: Deno.Addr): Permit | Promise<Permit | RefusalReason> {
    if (this.#used >= this.#held || this.#options.asksForPeers) return this.#admitLater(addr);
    this.#use();
    return this.#permit();
  }

  async #admitLater(addr: Deno.Addr): Promise<Permit | RefusalReason> {
    if (this.#used < this.#held) this.#use();
    else {
      const refusal = await this.#placeFor();
      if (refusal) return refusal;
    }
    if (!this.#options.asksForPeers) return this.#permit();
    const refusal = await this.#ask(addr);
    if (!refusal) return this.#permit(addr);
    this.#free();
    return refusal;
  }

  #use(): void {
    this.#used++;
    if (this.#used === this.#held) this.#want(false);
  }

  #want(urgent: boolean): void {
    if (this.#wanting && !urgent) return;
    this.#wanting = true;
    this.#options.say({ say: "want", urgent });
  }

  /** Waits for a place; it is used then. */
  #placeFor(): Promise<RefusalReason | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#want(true);
    });
  }

  #ask(addr: Deno.Addr): Promise<RefusalReason | undefined> {
    return new Promise((resolve) => {
      const ask = ++this.#asks;
      this.#asked.set(ask, resolve);
      this.#options.say({ say: "ask", ask, addr });
    });
  }

  #permit(asked?: Deno.Addr): Permit {
    let out = true;
    return {
      [Symbol.dispose]: () => {
        if (!out) return;
        out = false;
        if (asked) this.#options.say({ say: "left", addr: asked });
        this.#free();
      },
    };
  }

  /** A place is free: for who waits, or for a while for who comes. */
  #free(): void {
    this.#used--;
    this.#seat();
    if (this.#sought) this.#giveBackAll();
    else if (this.#held - this.#used > 1) this.#timer ??= setTimeout(this.#returnSurplus, KEEP);
    this.#tell();
  }

  #seat(): void {
    while (this.#used < this.#held && this.#waiting.length > 0) {
      this.#used++;
      this.#waiting.shift()!(undefined);
    }
    if (this.#waiting.length > 0) this.#want(true);
    else if (this.#used === this.#held) this.#want(false);
  }

  #returnSurplus = (): void => {
    this.#timer = undefined;
    this.#giveBack(this.#held - this.#used - 1);
  };

  #giveBack(places: number): void {
    if (places <= 0) return;
    this.#held -= places;
    this.#options.say({ say: "return", places });
  }

  #giveBackAll(): void {
    this.#giveBack(this.#held - this.#used);
    this.#want(false);
  }

  #tell(): void {
    for (const listener of [...this.#released]) listener();
  }

  /** The server has lent a place; `sought` says whether others wait for one. */
  granted(sought: boolean): void {
    this.#held++;
    this.#wanting = false;
    this.#sought = sought;
    this.#seat();
    if (sought) this.#giveBackAll();
    this.#tell();
  }

  /** The server has none for who waits here. */
  denied(): void {
    this.#wanting = false;
    for (const answer of this.#waiting.splice(0)) answer("full");
  }

  /** The server wants back what is not used, and what will not be. It waits for the answer, be it none. */
  recalled(): void {
    this.#sought = true;
    if (this.#used === this.#held) this.#options.say({ say: "return", places: 0 });
    this.#giveBackAll();
  }

  /** The server has decided about a peer. */
  decided(ask: number, refusal: RefusalReason | undefined): void {
    this.#asked.get(ask)?.(refusal);
    this.#asked.delete(ask);
  }

  /** Ends it. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
