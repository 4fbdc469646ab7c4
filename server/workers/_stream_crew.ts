/**
 * The workers behind a stream server.
 *
 * @module
 */
import type { Listening } from "../base_server.ts";
import type { Connection } from "../connection.ts";
import { Crew, type CrewAddress, type CrewHost } from "../_crew.ts";
import type { CloseReason } from "../errors.ts";
import { type StreamHandler, toStreamHandler } from "../handler.ts";
import type { ConnectionInfo } from "../observer.ts";
import { SERVER_DEFAULTS, STREAM_DEFAULTS } from "../options.ts";
import { type Carried, carry } from "./_carrier.ts";
import type { Launch } from "./_host.ts";
import type { Assignment, Event, HandlerReference, Intake, Order, Word } from "./_messages.ts";
import { unpackError } from "./_remote_error.ts";
import { bindNodeListener } from "./_node_listener.ts";
import { choosePort, holdLoadBalanced } from "./_ports.ts";
import { type CrewOptions, type Mechanism, mostWorkers, patienceWith } from "./options.ts";
import { Places } from "./_places.ts";
import { RemoteConnection } from "./_remote_connection.ts";
import { type Member, Team } from "./_team.ts";

/** How long closed workers may take to tell how their connections ended, in milliseconds. */
const LAST_WORDS = 1_000;

/** The kind of workers that a crew has. */
export interface CrewKind {
  /** Starts one, for a server at this address. */
  launch(address: CrewAddress | undefined): Launch;
  /** The mechanisms that it knows, the fastest first. */
  mechanisms: readonly Mechanism[];
  /** Whether a connection waits in the queue of one worker, so that it is lost when that one is replaced. */
  readonly recyclesBadly: readonly Mechanism[];
}

/** See {@linkcode Crew}. */
export class StreamCrew extends Crew {
  readonly #kind: CrewKind;
  readonly #handler: HandlerReference;
  readonly #options: CrewOptions;
  readonly #remote = new Map<number, RemoteConnection>();
  /** By worker and its own number of a connection. */
  readonly #byMember = new Map<Member, Map<number, RemoteConnection>>();
  readonly #carried = new Map<number, Carried>();
  /** Who waits for a worker: there was one when the server accepted. */
  readonly #idle: (() => void)[] = [];
  /** Workers that have not closed their listening sockets. */
  readonly #listening = new Set<Member>();
  /** Who waits for one of them to close it. */
  readonly #awaited = new Map<Member, () => void>();
  /** Workers that retire as soon as who comes in their places listens. */
  readonly #outgoing = new Set<Member>();
  #host!: CrewHost;
  #team: Team | undefined;
  #places: Places | undefined;
  #mechanism: Mechanism | undefined;
  #closing: ReturnType<typeof setTimeout> | undefined;
  #draining = false;
  #paused = false;
  #referenced = true;
  #silent: (() => void) | undefined;
  #turn = 0;

  constructor(kind: CrewKind, handler: HandlerReference, options: CrewOptions) {
    super();
    this.#kind = kind;
    this.#handler = handler;
    this.#options = options;
  }

  /** How connections get to the workers; `undefined` before they are started. */
  get mechanism(): Mechanism | undefined {
    return this.#mechanism;
  }

  join(host: CrewHost): void {
    this.#host = host;
  }

  [toStreamHandler](): StreamHandler {
    return (conn: Connection) => this.#give(conn);
  }

  get shakesHands(): boolean {
    return this.#mechanism === "hand-over";
  }

  get connections(): ReadonlyMap<number, ConnectionInfo> {
    return this.#remote;
  }

  /** Workers that accept have their own room. */
  get hasRoom(): boolean {
    return this.accepts || this.#team?.ready.length !== 0;
  }

  get busy(): boolean {
    return this.#remote.size > 0;
  }

  get blocksOnClose(): boolean {
    return this.#options.blockOnClose ?? true;
  }

  get accepts(): boolean {
    return this.#mechanism !== undefined && isAccepting(this.#mechanism);
  }

  // --- Life ---------------------------------------------------------------------------------------------------------

  async start(address?: CrewAddress): Promise<Listening<never> | undefined> {
    this.#draining = false;
    const [first, ...others] = this.#choose(address);
    try {
      return await this.#startBy(first, address);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotSupported) || others.length === 0) throw error;
      return await this.#startBy(others[0], address); // what can be found out only by trying
    }
  }

  #startBy(mechanism: Mechanism, address: CrewAddress | undefined): Promise<Listening<never> | undefined> {
    this.#mechanism = mechanism;
    return address && this.accepts ? this.#listen(address) : this.#stand(address);
  }

  /** What is possible, the fastest first, unless one is named. */
  #choose(address: CrewAddress | undefined): Mechanism[] {
    const { mechanisms, recyclesBadly } = this.#kind;
    const { mechanism: named, recycleAfter = Infinity } = this.#options;
    const possible = mechanisms.filter((mechanism) => isPossible(mechanism, address));
    if (named) {
      if (possible.includes(named)) return [named];
      throw new TypeError(
        `Option "mechanism" cannot be "${named}" here: possible is ${
          possible.map((name) => `"${name}"`).join(" or ")
        }`,
      );
    }
    if (this.#host.hooked) return ["relay"];
    return possible.filter((mechanism) =>
      // Who accepts itself may have accepted a second one before it is told that one was all.
      (recycleAfter > 1 || !isAccepting(mechanism)) &&
      (!recyclesBadly.includes(mechanism) || (recycleAfter === Infinity && this.#options.size > 1))
    );
  }

  /** The server accepts: the workers need only be there. */
  async #stand(address: CrewAddress | undefined): Promise<undefined> {
    const { hostname = "127.0.0.1", port = 0 } = address ?? {}; // nobody binds it
    const scheme = this.shakesHands ? address?.scheme ?? "unix" : "unix";
    await this.#startTeam({
      intake: "given",
      scheme,
      hostname,
      port,
      options: address?.options ?? this.#host.options,
    }, address);
  }

  /** The workers accept: what they listen with is closed when the last of them has closed its own. */
  async #listen(address: CrewAddress): Promise<Listening<never>> {
    const { hostname, scheme, options } = address;
    const intake = this.#mechanism as Intake;
    const chosen = choosePort(address);
    const { concurrency = SERVER_DEFAULTS.concurrency } = this.#host.options;
    const { maxConnections = STREAM_DEFAULTS.maxConnections, whenFull } = this.#host.options;
    const places = this.#places = new Places({
      admission: this.#host.admission,
      capacity: Math.min(concurrency, maxConnections),
      balanced: intake === "load-balanced",
      refuses: whenFull === "refuse",
    });
    const held = intake === "load-balanced" ? holdLoadBalanced(hostname, chosen) : undefined;
    const { promise: ended, reject } = Promise.withResolvers<never>();
    ended.catch(() => {}); // whoever waits for the next client is told; nobody may be waiting
    const close = async (): Promise<void> => {
      await this.#silence();
      held?.close();
      reject(new Deno.errors.BadResource("Listener has been closed"));
    };
    try {
      await this.#startTeam({ intake, scheme, hostname, port: chosen.port, options }, {
        ...address,
        port: chosen.port,
      });
    } catch (error) {
      held?.close();
      places.close();
      throw error;
    }
    return {
      addr: { transport: "tcp", hostname: chosen.hostname, port: chosen.port },
      next: () => ended,
      close,
    };
  }

  async #startTeam(
    how: Pick<Assignment, "intake" | "scheme" | "hostname" | "port" | "options">,
    address: CrewAddress | undefined,
  ): Promise<void> {
    const { size } = this.#options;
    const assignment: Assignment = {
      ...how,
      kind: "stream",
      handler: this.#handler,
      options: travelling(how.options, how.intake),
      refuses: this.#host.options.whenFull === "refuse",
      asksForPeers: this.#host.admission.asksForPeers,
    };
    this.#team = new Team({
      size,
      most: mostWorkers(this.#options),
      ...patienceWith(this.#options),
      launch: this.#kind.launch(address),
      begin: () => ({ do: "begin", assignment }),
    }, {
      heard: (member, word) => this.#heard(member, word),
      joined: (member) => this.#joined(member),
      left: (member) => this.#left(member),
      failed: (error) => this.#host.observers.error({ error, phase: "worker" }),
      broken: (error) => this.#host.abandon(error),
    });
    this.#team.refer(this.#referenced);
    await this.#team.start();
  }

  #joined(member: Member): void {
    if (this.#paused) member.send({ do: "pause", paused: true });
    if (this.accepts) {
      this.#listening.add(member);
      this.#byMember.set(member, new Map());
      this.#places?.join(member);
      for (const old of this.#outgoing) if (old.place === member.place) this.#relieved(old);
      if (this.#draining) member.send({ do: "drain" }); // it was starting when the others were told
    } else {
      this.#wake();
    }
    this.#host.changed();
  }

  #relieved(member: Member): void {
    this.#outgoing.delete(member);
    this.#retired(member);
  }

  #left(member: Member): void {
    this.#outgoing.delete(member);
    this.#isSilent(member);
    this.#places?.leave(member);
    for (const conn of this.#byMember.get(member)?.values() ?? []) {
      this.#closed(member, conn.theirs, "worker");
    }
    this.#byMember.delete(member);
    for (const carried of this.#carried.values()) if (carried.member === member) carried.lost();
    this.#host.changed();
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (this.accepts) this.#tellAll({ do: "pause", paused });
  }

  refer(referenced: boolean): void {
    this.#referenced = referenced;
    this.#team?.refer(referenced);
  }

  drain(): void {
    this.#draining = true;
    this.#paused = false;
    if (this.accepts) this.#tellAll({ do: "drain" });
  }

  closeAll(reason: CloseReason): void {
    this.#wake();
    if (!this.accepts) return;
    this.#tellAll({ do: "close", reason });
    this.#closing ??= setTimeout(() => {
      for (const [member, conns] of this.#byMember) {
        for (const id of conns.keys()) this.#closed(member, id, reason);
      }
    }, LAST_WORDS);
  }

  disconnect(id: number): boolean {
    const conn = this.#remote.get(id);
    conn?.member.send({ do: "disconnect", id: conn.theirs });
    return conn !== undefined;
  }

  async release(): Promise<void> {
    clearTimeout(this.#closing);
    this.#closing = undefined;
    const [team, places] = [this.#team, this.#places];
    this.#team = this.#places = undefined;
    this.#wake();
    await team?.end();
    places?.close();
  }

  #tellAll(order: Order): void {
    for (const member of this.#team?.members ?? []) member.send(order);
  }

  /** Waits until no worker listens, where the server drains; otherwise they are closed in a moment anyway. */
  async #silence(): Promise<void> {
    if (!this.#draining || this.#listening.size === 0) return;
    await new Promise<void>((resolve) => this.#silent = resolve);
  }

  #isSilent(member: Member): void {
    this.#listening.delete(member);
    this.#awaited.get(member)?.();
    this.#awaited.delete(member);
    if (this.#listening.size === 0) this.#silent?.();
  }

  // --- Connections that are given -----------------------------------------------------------------------------------

  /** Gives a connection to whoever has the least to do. */
  async #give(conn: Connection): Promise<void> {
    let member = this.#leastBusy();
    while (!member && this.#team && !conn.closed) {
      await this.#changed();
      member = this.#leastBusy();
    }
    if (!member || conn.closed) return;
    member.load++;
    this.#serving(member);
    try {
      await carry(conn, member, { handsOver: this.shakesHands, table: this.#carried, host: this.#host });
      if (member.state !== "gone") member.succeeded++; // it has not died of this one
    } finally {
      member.load--;
      this.#leaveIfRetired(member);
    }
  }

  #leastBusy(): Member | undefined {
    const ready = this.#team?.ready ?? [];
    const least = Math.min(...ready.map(({ load }) => load));
    const candidates = ready.filter(({ load }) => load === least);
    return candidates[this.#turn++ % candidates.length];
  }

  /** There was somebody when the server accepted, and is no more; somebody else is on the way. Each may have room for one only. */
  #changed(): Promise<void> {
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #wake(): void {
    for (const look of this.#idle.splice(0)) look();
  }

  /** Counts a connection of this worker's, which may have been its last. */
  #serving(member: Member): void {
    const { recycleAfter = Infinity } = this.#options;
    if (++member.served < recycleAfter || member.state !== "ready") return;
    this.#team?.retire(member);
    // Whose clients have no other queue to wait in listens until the next one does.
    if (this.#mechanism === "reuse-port" && this.#team?.isSucceeded(member)) this.#outgoing.add(member);
    else this.#retired(member);
  }

  /** It has its connections, and gets no more. */
  #retired(member: Member): void {
    if (this.accepts) member.send({ do: "retire", sweep: this.#mechanism === "reuse-port" });
    this.#places?.retire(member);
    this.#leaveIfRetired(member);
  }

  async reload(): Promise<void> {
    const old = await this.#team?.renew() ?? [];
    for (const member of old) this.#retired(member);
    await Promise.all(old.map((member) => this.#silenceOf(member)));
  }

  /** Waits until a worker listens no more. */
  #silenceOf(member: Member): Promise<void> | undefined {
    if (!this.#listening.has(member)) return undefined;
    return new Promise((resolve) => this.#awaited.set(member, resolve));
  }

  /** One that accepts says itself when it has finished: it may have a client of whom nothing is known here yet. */
  #leaveIfRetired(member: Member): void {
    if (member.state === "retired" && member.load === 0 && !this.accepts) void this.#team?.dismiss(member);
  }

  // --- What workers say ---------------------------------------------------------------------------------------------

  #heard(member: Member, word: Word): void {
    switch (word.say) {
      case "pong":
        this.#places?.alive(member);
        return this.#progress(member, word.bytes);
      case "events":
        for (const event of word.events) this.#happened(member, event);
        return this.#host.changed();
      case "error":
        return this.#complained(member, word);
      case "silent":
        return this.#isSilent(member);
      case "finished":
        return void this.#team?.dismiss(member);
      case "want":
        return this.#places?.want(member, word.urgent);
      case "return":
        return this.#places?.return(member, word.places);
      case "ask":
        return this.#decide(member, word.ask, word.addr);
      case "left":
        return this.#host.admission.leaveReserved(word.addr);
      case "done":
        return this.#carried.get(word.report.id)?.done(word.report);
      case "taken":
      case "write":
      case "end":
        return this.#carried.get(word.id)?.heard(word);
    }
  }

  #decide(member: Member, ask: number, addr: Deno.Addr): void {
    member.send({ do: "verdict", ask, refusal: this.#host.admission.enterReserved(addr) });
  }

  #complained(member: Member, { error, phase, id, remoteAddr }: Extract<Word, { say: "error" }>): void {
    const connection = id === undefined ? undefined : this.#byMember.get(member)?.get(id);
    this.#host.observers.error({ error: unpackError(error), phase, connection, remoteAddr });
  }

  #progress(member: Member, bytes: Float64Array): void {
    const conns = this.#byMember.get(member) ?? this.#carried;
    for (let i = 0; i < bytes.length; i += 3) conns.get(bytes[i])?.count(bytes[i + 1], bytes[i + 2]);
  }

  #happened(member: Member, event: Event): void {
    const { counters, observers } = this.#host;
    switch (event.is) {
      case "opened":
        return this.#opened(member, event);
      case "closed": {
        const { id, reason, bytesIn, bytesOut, error } = event.report;
        this.#byMember.get(member)?.get(id)?.count(bytesIn, bytesOut);
        if (reason === "done" || reason === "closed") member.succeeded++;
        return this.#closed(member, id, reason, error && unpackError(error));
      }
      case "refused":
        counters.accepted++;
        return this.#host.refused(event.remoteAddr, event.reason, event.error && unpackError(event.error));
      case "accept-failed": {
        counters.acceptFailures++;
        const { kind, delay } = event;
        return observers.acceptFailed({ error: unpackError(event.error), kind, delay }, true);
      }
    }
  }

  #opened(member: Member, { id: theirs, ...where }: Extract<Event, { is: "opened" }>): void {
    const conn = new RemoteConnection({ id: this.#host.nextId(), theirs, member, ...where });
    this.#remote.set(conn.id, conn);
    this.#byMember.get(member)?.set(theirs, conn);
    this.#host.counters.accepted++;
    this.#host.counters.active++;
    member.load++;
    this.#host.observers.tell("opened", { connection: conn });
    this.#serving(member);
  }

  #closed(member: Member, theirs: number, reason: CloseReason, error?: unknown): void {
    const conn = this.#byMember.get(member)?.get(theirs);
    if (!conn) return;
    const { counters, observers } = this.#host;
    this.#byMember.get(member)!.delete(theirs);
    this.#remote.delete(conn.id);
    conn.end();
    member.load--;
    counters.active--;
    counters.bytesIn += conn.bytesIn;
    counters.bytesOut += conn.bytesOut;
    if (reason === "done" || reason === "closed") counters.succeeded++;
    else counters.failed++;
    observers.tell("closed", { connection: conn, reason, ...error !== undefined && { error } });
    this.#host.changed();
    this.#leaveIfRetired(member);
  }

  bind(
    options: Deno.TcpListenOptions | { transport: "unix"; path: string },
  ): Promise<Deno.Listener> | undefined {
    return this.shakesHands ? bindNodeListener(options) : undefined;
  }
}

/** Whether workers accept themselves. */
function isAccepting(mechanism: Mechanism): boolean {
  return mechanism === "load-balanced" || mechanism === "reuse-port";
}

/** Whether a mechanism can be had for an address, on this platform and with these flags. */
function isPossible(mechanism: Mechanism, address: CrewAddress | undefined): boolean {
  switch (mechanism) {
    case "load-balanced":
      return address !== undefined;
    case "reuse-port":
      return address !== undefined && Deno.build.os === "linux";
    case "hand-over":
      return Deno.build.os !== "windows";
    case "relay":
      return true;
  }
}

/** What a worker's server is told. Observers cannot travel, and totals are the parent's. */
function travelling(options: object, intake: Intake): object {
  const { observers: _o, admission: _a, concurrency: _c, maxConnections: _m, allow: _l, deny: _d, ...own } =
    options as
      & Record<string, unknown>
      & { engine?: string };
  delete own.maxConnectionsPerPeer;
  delete own.maxConnectionRate;
  delete own.maxConnectionRatePerPeer;
  delete own.reusePort;
  if (intake === "given") delete own.engine; // there is no listening socket for Deno's own TLS
  return Object.fromEntries(
    Object.entries(own).filter(([, value]) => value !== undefined && typeof value !== "function"),
  );
}
