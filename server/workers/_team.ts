/**
 * A number of workers, kept at that number.
 *
 * @module
 */
import { WorkerError } from "../errors.ts";
import type { Host, Launch } from "./_host.ts";
import type { Order, Word } from "./_messages.ts";
import { unpackError } from "./_remote_error.ts";

/** A worker that has lived this long has not failed at its start, in milliseconds. */
const SETTLED = 10_000;
/** The first wait before a worker that died at its start is replaced; it doubles up to the longest. In milliseconds. */
const [FIRST_WAIT, LONGEST_WAIT] = [100, 2_000];
/** How many times in the time that a worker may be silent it is asked for a sign of life. */
const BEATS = 4;
/** How long a worker that was asked to leave may take, in milliseconds, before it is ended. */
const GRACE = 1_000;

/** One worker, from its start to its end. */
export class Member {
  /** Which of the places in the team it has: a replacement has the same. */
  readonly place: Place;
  /** Where it runs. */
  readonly host: Host;
  /** What it is doing. */
  state: "starting" | "ready" | "retired" | "leaving" | "gone" = "starting";
  /** Connections (or packets) that it has now. */
  load = 0;
  /** How many it was given. */
  served = 0;
  /** How many have ended well. */
  succeeded = 0;
  /** When it was heard last. */
  heardAt: number = performance.now();
  readonly startedAt: number = performance.now();
  /** Whether it has ever been ready. */
  joined = false;
  /** The error that nobody caught in it, and of which it dies. */
  uncaught?: unknown;

  constructor(place: Place, host: Host) {
    this.place = place;
    this.host = host;
  }

  /** Says something, unless it is no more. */
  send(order: Order, socket?: unknown): void {
    if (this.state !== "gone") this.host.send(order, socket);
  }
}

/** A place in the team, which one worker after the other has. */
interface Place {
  /** How often in a row a worker in it died at its start. */
  failures: number;
}

/** How a worker ended that is to be replaced. */
interface Death {
  /** Whether it has served well, or long. */
  wasWell?: boolean;
  /** Whether it was given anything. */
  ofClients?: boolean;
  /** What ended it. */
  why: string;
}

/** How a team is made. */
export interface TeamOptions {
  /** How many workers. */
  size: number;
  /** How many may be alive at once. */
  most: number;
  /** How long one may be silent, in milliseconds. */
  heartbeatTimeout: number;
  /** How long one may take to be ready, in milliseconds. */
  loadTimeout: number;
  /** How often in a row one may die at its start. */
  maxRestarts: number;
  /** Starts a worker. */
  launch: Launch;
  /** What each is told first; the answer is `ready` or `unable`. */
  begin: (member: Member) => Order;
}

/** Who has a team. */
export interface TeamHost {
  /** A worker said something. */
  heard(member: Member, word: Word, socket?: unknown): void;
  /** A worker is ready. */
  joined(member: Member): void;
  /** A worker is no more. Told once for each that has joined. */
  left(member: Member): void;
  /** A worker died, or hangs, and nobody has asked for it. */
  failed(error: WorkerError): void;
  /** Workers die again and again: the team has given up. */
  broken(error: WorkerError): void;
}

type TeamState = "starting" | "running" | "over";

/** Starts workers, watches them, replaces those that die, hang or retire, and ends them. */
export class Team {
  readonly members = new Set<Member>();
  readonly #options: TeamOptions;
  readonly #host: TeamHost;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #vacant: Place[] = [];
  /** Those who died while others were still starting. */
  readonly #early: (() => void)[] = [];
  #referenced = true;
  #pulse: ReturnType<typeof setInterval> | undefined;
  #state: TeamState = "starting";
  /** Threads that were ended and run on: they take part in what there may be at most. */
  readonly #lingering = new Set<Host>();

  constructor(options: TeamOptions, host: TeamHost) {
    this.#options = options;
    this.#host = host;
  }

  /** Those who can be given something. */
  get ready(): Member[] {
    return [...this.members].filter(({ state, host }) => state === "ready" && !host.over);
  }

  /**
   * Starts the workers, the first one before the others: what ails one ails all.
   *
   * @throws {WorkerError} what the first that was not ready has said; then all are ended
   */
  async start(): Promise<void> {
    try {
      await this.#start({ failures: 0 });
      await Promise.all(Array.from({ length: this.#options.size - 1 }, () => this.#start({ failures: 0 })));
    } catch (error) {
      await this.end();
      throw error;
    }
    if (this.#state === "over") throw stopped();
    this.#state = "running";
    for (const died of this.#early.splice(0)) died();
    this.#pulse = setInterval(() => this.#beat(), this.#options.heartbeatTimeout / BEATS);
    this.refer(this.#referenced);
  }

  /** Lets the workers keep this process alive, or lets it end in spite of them. */
  refer(referenced: boolean): void {
    this.#referenced = referenced;
    for (const { host } of this.members) referenced ? host.ref() : host.unref();
    if (this.#pulse !== undefined) referenced ? Deno.refTimer(this.#pulse) : Deno.unrefTimer(this.#pulse);
  }

  async #start(place: Place): Promise<Member> {
    if (this.#state === "over") throw stopped();
    const member = new Member(place, this.#options.launch());
    this.members.add(member);
    const ready = Promise.withResolvers<void>();
    const { loadTimeout } = this.#options;
    const late = (): void => ready.reject(new WorkerError(`it was not ready within ${loadTimeout} ms`));
    const timer = setTimeout(late, loadTimeout);
    const first = (word: Word): void => {
      if (word.say === "ready") ready.resolve();
      else if (word.say === "unable") ready.reject(unpackError(word.error));
    };
    member.host.onMessage = (word, socket) => {
      member.heardAt = performance.now();
      if (member.state === "starting") first(word);
      if (word.say === "uncaught") member.uncaught = unpackError(word.error);
      if (member.state !== "gone") this.#host.heard(member, word, socket);
    };
    member.host.gone.then((end) => {
      const why = member.uncaught === undefined ? end : `nobody caught ${shown(member.uncaught)}`;
      ready.reject(new WorkerError(why, { cause: member.uncaught }));
      this.#gone(member, why);
    });
    member.send(this.#options.begin(member));
    try {
      await ready.promise;
    } catch (cause) {
      await this.dismiss(member);
      if (this.#state as TeamState === "over") throw stopped();
      throw new WorkerError(`A worker does not start: ${(cause as Error).message}`, { cause });
    } finally {
      clearTimeout(timer);
    }
    if (member.state === "starting") {
      member.state = "ready";
      member.joined = true;
      if (!this.#referenced) member.host.unref();
      this.#host.joined(member);
    }
    return member;
  }

  /** Lets a worker have nothing more, and another take its place as soon as there may be one more. It leaves when told to. */
  retire(member: Member): void {
    if (member.state !== "ready") return;
    member.state = "retired";
    member.place.failures = 0;
    this.#fill(member.place);
  }

  /** Whether somebody is starting who takes this one's place. */
  isSucceeded(member: Member): boolean {
    return [...this.members].some(({ place, state }) => place === member.place && state === "starting");
  }

  /**
   * Lets fresh workers take the places of those that there are, which are retired and given back. If the first is not ready,
   * nothing changes.
   *
   * @throws {WorkerError} what it has said
   */
  async renew(): Promise<Member[]> {
    const [first, ...others] = this.ready;
    if (!first) return [];
    await this.#start(first.place); // what ails one ails all
    await Promise.all(others.map(({ place }) => this.#renewPlace(place)));
    const old = [first, ...others].filter(({ state }) => state === "ready");
    for (const member of old) member.state = "retired";
    return old;
  }

  async #renewPlace(place: Place): Promise<void> {
    try {
      await this.#start(place);
    } catch (error) {
      this.#host.failed(error as WorkerError);
      this.#replace(place, { why: (error as WorkerError).message });
    }
  }

  /** Lets a worker go. One that does not is ended. */
  async dismiss(member: Member): Promise<void> {
    if (member.state === "gone") return;
    if (member.state !== "retired") member.state = "leaving";
    member.send({ do: "leave" });
    const timer = setTimeout(() => member.host.kill(), GRACE);
    await member.host.gone;
    clearTimeout(timer);
  }

  /** Ends all. */
  async end(): Promise<void> {
    this.#state = "over";
    clearInterval(this.#pulse);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const member of this.members) if (member.state === "retired") member.state = "leaving";
    await Promise.all([...this.members].map((member) => this.dismiss(member)));
  }

  #gone(member: Member, why: string): void {
    const { state } = member;
    if (state === "gone") return;
    member.state = "gone";
    this.members.delete(member);
    if (member.joined) this.#host.left(member);
    if (this.#state === "over") return;
    if (state === "retired") return this.#fillVacant();
    if (state === "leaving") return;
    if (state === "starting") return; // whoever started it is told
    if (this.#state === "starting") this.#early.push(() => this.#died(member, why));
    else this.#died(member, why);
  }

  #died(member: Member, why: string): void {
    const error = new WorkerError(`A worker (${member.host.name}) died: ${why}`, { cause: member.uncaught });
    this.#host.failed(error);
    const wasWell = member.succeeded > 0 || performance.now() - member.startedAt > SETTLED;
    this.#replace(member.place, { wasWell, why, ofClients: member.served > 0 });
  }

  /** `ofClients`: it may have died of what it was given, which is no fault of the next one. */
  #replace(place: Place, { wasWell = false, ofClients = false, why }: Death): void {
    if (this.#state !== "running") return;
    place.failures = wasWell ? 0 : place.failures + 1;
    const { maxRestarts } = this.#options;
    if (place.failures > maxRestarts && !ofClients) {
      return this.#host.broken(
        new WorkerError(
          `Workers die as soon as they start, ${place.failures} times in a row; the last one: ${why}`,
        ),
      );
    }
    const wait = place.failures === 0 ? 0 : Math.min(FIRST_WAIT * 2 ** (place.failures - 1), LONGEST_WAIT);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#fill(place);
    }, wait);
    this.#timers.add(timer);
  }

  /** Starts somebody for this place, now or when there may be one more. */
  #fill(place: Place): void {
    if (this.#state !== "running") return;
    if (this.members.size + this.#lingering.size >= this.#options.most) return void this.#vacant.push(place);
    this.#start(place).catch((error) => {
      if (this.#state !== "running") return;
      this.#host.failed(error);
      this.#replace(place, { why: error.message });
    });
  }

  #fillVacant(): void {
    const place = this.#vacant.shift();
    if (place) this.#fill(place);
  }

  /** Asks for a sign of life, and gives up whoever has given none for too long. */
  #beat(): void {
    this.#countLingering();
    for (const member of this.members) {
      if (member.state === "starting" || member.state === "leaving") continue;
      if (performance.now() - member.heardAt <= this.#options.heartbeatTimeout) member.send({ do: "ping" });
      else this.#giveUp(member);
    }
  }

  /** A thread that waits in the kernel ends when it returns from there. Those who never do take the place of others. */
  #countLingering(): void {
    const { most, size } = this.#options;
    for (const host of this.#lingering) {
      if (host.lingers) continue;
      this.#lingering.delete(host);
      this.#fillVacant();
    }
    if (this.#lingering.size <= most - size || this.#state !== "running") return;
    this.#host.broken(
      new WorkerError(
        `${this.#lingering.size} worker threads hang in the kernel and cannot be ended: child processes could be`,
      ),
    );
  }

  #giveUp(member: Member): void {
    const why = `it hangs: its event loop has not turned for ${this.#options.heartbeatTimeout} ms`;
    member.host.kill();
    this.#lingering.add(member.host);
    this.#gone(member, why);
  }
}

function stopped(): WorkerError {
  return new WorkerError("The workers were stopped while they started");
}

function shown(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
