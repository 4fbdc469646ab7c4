/**
 * The places of a server, lent to workers that accept connections themselves.
 *
 * @module
 */
import type { Admission } from "../admission.ts";
import type { Member } from "./_team.ts";

/** How often a worker that holds up others is asked whether it is there, in milliseconds. */
const PROBE = 20;

/** How long places that others sought are left to them, in milliseconds. */
const MODESTY = 50;

/** How long a client who is to be turned away waits for what others may give back, in milliseconds. */
const HOPE = 100;

/** How places are lent. */
export interface PlacesOptions {
  /** Whose places they are. */
  admission: Admission;
  /** How many of them, whatever the admission says. */
  capacity: number;
  /** Whether workers take from one queue: then nobody gets much more than the others, as whoever is quick would take all. */
  balanced: boolean;
  /** Whether clients for whom there is no place are turned away. */
  refuses: boolean;
}

interface Account {
  /** Places that it has. */
  held: number;
  /** Whether it has asked for one. */
  wants: boolean;
  /** Whether a client waits for that at its door. */
  urgent: boolean;
  /** Whether it accepts no more. */
  retired?: boolean;
  /** When it was last asked whether it is there, while others wait for it; it has not answered yet. */
  probedAt?: number;
  /** When it was asked to give back what it does not use; it has not answered yet. */
  recalledAt?: number;
}

/**
 * Lends places: a worker may accept while it has one that is free, and asks for the next when it has used its last. So the
 * limits of a server are totals, and a thread that has more connections than another waits for that one.
 */
export class Places {
  readonly #options: PlacesOptions;
  readonly #accounts = new Map<Member, Account>();
  readonly #forget: (() => void)[];
  #lent = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lending = false;
  #modestUntil = 0;

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#forget = [
      options.admission.onRelease(() => this.#lend()),
      options.admission.onSought(() => this.#sought()),
    ];
  }

  /** A worker that accepts from now on. */
  join(member: Member): void {
    this.#accounts.set(member, { held: 0, wants: true, urgent: false });
    this.#lend();
  }

  /** A worker accepts no more: what it does not use it gives back, and nobody waits for it. */
  retire(member: Member): void {
    const account = this.#accounts.get(member);
    if (!account) return;
    account.retired = true;
    account.wants = account.urgent;
    this.#recallFrom(member, account);
    this.#lend();
  }

  /** Takes back what a worker had. */
  leave(member: Member): void {
    const account = this.#accounts.get(member);
    if (!account) return;
    this.#accounts.delete(member);
    this.#cede(account.held);
    this.#lend();
    this.#denyInVain();
  }

  /** A worker asks for a place. */
  want(member: Member, urgent: boolean): void {
    const account = this.#accounts.get(member);
    if (!account) return;
    if (account.retired && !urgent) return;
    account.wants = true;
    account.urgent ||= urgent;
    this.#heard(account);
    this.#lend();
    if (!account.urgent) return;
    this.#recall();
    this.#denyInVain();
  }

  /** A worker gives some back. */
  return(member: Member, places: number): void {
    const account = this.#accounts.get(member);
    if (!account) return;
    account.held -= places;
    account.recalledAt = undefined;
    this.#heard(account);
    this.#cede(places);
    this.#lend();
    this.#denyInVain();
  }

  /** A worker has given a sign of life. */
  alive(member: Member): void {
    const account = this.#accounts.get(member);
    if (account) this.#heard(account);
  }

  /** Ends it; every worker is gone. */
  close(): void {
    clearTimeout(this.#timer);
    for (const forget of this.#forget) forget();
    for (const member of [...this.#accounts.keys()]) this.leave(member);
  }

  #heard(account: Account): void {
    account.probedAt = undefined;
  }

  #cede(places: number): void {
    this.#lent -= places;
    for (let left = places; left > 0; left--) this.#options.admission.cede();
  }

  /** Gives to those who ask as long as there is something to give: first to those at whose door a client waits. */
  #lend(): void {
    if (this.#lending) return; // giving back makes the admission tell of a place
    this.#lending = true;
    try {
      while (this.#lendOne());
    } finally {
      this.#lending = false;
    }
    this.#watch();
  }

  #lendOne(): boolean {
    const wanting = [...this.#accounts].filter(([, { wants }]) => wants)
      .sort(([, a], [, b]) => Number(b.urgent) - Number(a.urgent) || a.held - b.held);
    for (const [member, account] of wanting) {
      if (!account.urgent && (this.#isModest || this.#isAhead(account))) continue;
      if (this.#lent >= this.#options.capacity || !this.#options.admission.reserve()) return false;
      this.#lent++;
      account.held++;
      account.wants = account.urgent = false;
      member.send({ do: "grant", sought: this.#isModest || this.#isUrgent });
      return true;
    }
    return false;
  }

  /** Turns away those at the doors when nobody can be hoped for who gives something back. */
  #denyInVain(): void {
    if (!this.#options.refuses || !this.#isUrgent) return;
    for (const account of this.#accounts.values()) if (isHopedFor(account)) return this.#watch();
    for (const [member, account] of this.#accounts) {
      if (!account.urgent) continue;
      account.wants = account.urgent = false;
      member.send({ do: "deny" });
    }
  }

  get #isUrgent(): boolean {
    return [...this.#accounts.values()].some(({ urgent }) => urgent);
  }

  get #isModest(): boolean {
    return performance.now() < this.#modestUntil;
  }

  /** Whether others, who are there, have less: an eighth of what they have may be between them, and one. */
  #isAhead({ held }: Account): boolean {
    if (!this.#options.balanced) return false;
    const others = [...this.#accounts.values()].filter((account) => !isBusy(account) && !account.retired);
    const least = Math.min(...others.map((account) => account.held));
    return held > least + Math.floor(least / 8);
  }

  /** Whoever holds up others has to be there. One that does not answer soon is busy, and nobody waits for it. */
  #watch(): void {
    const waiting = [...this.#accounts.values()].some((account) =>
      account.wants && (this.#isModest || account.urgent && this.#options.refuses || this.#isAhead(account))
    );
    if (!waiting || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#probe();
      this.#lend();
      this.#denyInVain();
    }, PROBE);
  }

  #probe(): void {
    for (const [member, account] of this.#accounts) {
      if (account.wants || account.probedAt !== undefined) continue;
      account.probedAt = performance.now();
      member.send({ do: "ping" });
    }
  }

  /** A server that shares the admission has a client and no place for it. */
  #sought(): void {
    if (this.#isModest || this.#lent === 0) return;
    this.#modestUntil = performance.now() + MODESTY;
    this.#recall();
    this.#watch();
  }

  /** Whoever has a place that is not used gives it back. */
  #recall(): void {
    for (const [member, account] of this.#accounts) {
      if (account.held > 0) this.#recallFrom(member, account); // also who wants one: it may have got one of its own since
    }
  }

  #recallFrom(member: Member, account: Account): void {
    if (account.recalledAt !== undefined) return;
    account.recalledAt = performance.now();
    member.send({ do: "recall" });
  }
}

/** Whether it may yet answer that it has a place which it does not use. */
function isHopedFor({ recalledAt }: Account): boolean {
  return recalledAt !== undefined && performance.now() - recalledAt < HOPE;
}

/** Whether it was asked whether it is there, and has not said so in time. */
function isBusy({ probedAt }: Account): boolean {
  return probedAt !== undefined && performance.now() - probedAt > PROBE / 2;
}
