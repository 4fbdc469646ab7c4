/**
 * The workers behind a datagram server: it receives and sends, they handle.
 *
 * @module
 */
import type { Datagram } from "../datagram.ts";

import { WorkerError } from "../errors.ts";
import type { Assignment, HandlerReference, Word } from "./_messages.ts";
import type { ErrorPhase } from "../observer.ts";
import { type CrewOptions, mostWorkers, patienceWith } from "./options.ts";
import { packError, unpackError } from "./_remote_error.ts";
import type { CrewKind } from "./_stream_crew.ts";
import { type Member, Team } from "./_team.ts";

/** A datagram server, as its crew sees it. */
export interface PacketHost {
  /** What the server was made with. */
  readonly options: { maxPacketSize?: number; handlerTimeout?: number };
  /** Sends a packet from the server's socket. */
  send(data: Uint8Array, to: Deno.Addr): Promise<void>;
  /** Counts and tells a packet that the module's `verifyRequest` has turned away. */
  refused(remoteAddr: Deno.Addr): void;
  /** Tells what failed when nobody waited for it any more. */
  complained(error: unknown, phase: ErrorPhase, remoteAddr: Deno.Addr | undefined): void;
  /** Tells that a worker died. */
  failed(error: WorkerError): void;
  /** Ends `serveForever` with this error. */
  abandon(error: unknown): void;
}

/** A packet that a worker has. */
interface Handling {
  readonly packet: Datagram;
  readonly member: Member;
  readonly over: PromiseWithResolvers<void>;
}

/** See the module. */
export class PacketCrew {
  readonly #kind: CrewKind;
  readonly #handler: HandlerReference;
  readonly #options: CrewOptions;
  readonly #host: PacketHost;
  readonly #handling = new Map<number, Handling>();
  readonly #idle: (() => void)[] = [];
  #team: Team | undefined;
  #lastId = 0;
  #turn = 0;
  #referenced = true;

  constructor(kind: CrewKind, handler: HandlerReference, options: CrewOptions, host: PacketHost) {
    this.#kind = kind;
    this.#handler = handler;
    this.#options = options;
    this.#host = host;
  }

  /** Starts the workers. */
  async start(addr: Deno.NetAddr): Promise<void> {
    const { size, mechanism = "relay" } = this.#options;
    if (mechanism !== "relay") {
      throw new TypeError(`Option "mechanism" cannot be "${mechanism}" for packets: possible is "relay"`);
    }
    const { hostname, port } = addr;
    const assignment: Assignment = {
      handler: this.#handler,
      kind: "datagram",
      scheme: "udp",
      intake: "given",
      hostname,
      port,
      options: { maxPacketSize: this.#host.options.maxPacketSize },
      refuses: false,
      asksForPeers: false,
    };
    this.#team = new Team({
      size,
      most: mostWorkers(this.#options),
      ...patienceWith(this.#options),
      launch: this.#kind.launch(undefined),
      begin: () => ({ do: "begin", assignment }),
    }, {
      heard: (member, word) => this.#heard(member, word),
      joined: () => this.#wake(),
      left: (member) => this.#left(member),
      failed: (error) => this.#host.failed(error),
      broken: (error) => this.#host.abandon(error),
    });
    this.#team.refer(this.#referenced);
    await this.#team.start();
  }

  /** Lets workers keep the process alive, or lets it end in spite of them. */
  refer(referenced: boolean): void {
    this.#referenced = referenced;
    this.#team?.refer(referenced);
  }

  /** Replaces the workers by fresh ones; packets that are being handled are handled by the old ones. */
  async reload(): Promise<void> {
    for (const member of await this.#team?.renew() ?? []) this.#leaveIfRetired(member);
  }

  /** Ends the workers. */
  async release(): Promise<void> {
    const team = this.#team;
    this.#team = undefined;
    this.#wake();
    await team?.end();
  }

  /** Gives a packet to whoever has the fewest; resolves when it is handled, and rejects with what the handler threw. */
  async handle(packet: Datagram): Promise<void> {
    let member = this.#leastBusy();
    while (!member && this.#team) {
      await this.#changed();
      member = this.#leastBusy();
    }
    if (!member) return;
    const id = ++this.#lastId;
    const over = Promise.withResolvers<void>();
    this.#handling.set(id, { packet, member, over });
    member.load++;
    this.#serving(member);
    const { data, truncated, remoteAddr } = packet;
    // A copy: its block of memory stays here.
    member.send({ do: "packet", id, data: data.slice(), truncated, remoteAddr: { ...remoteAddr } });
    if (this.#host.options.handlerTimeout !== undefined) { // a signal for each would be felt
      packet.signal.addEventListener("abort", () => member.send({ do: "wind-down", id }), { once: true });
    }
    try {
      await over.promise;
      member.succeeded++;
    } finally {
      this.#handling.delete(id);
      member.load--;
      this.#leaveIfRetired(member);
    }
  }

  /** Lets handlers know that the server drains. */
  drain(): void {
    for (const member of this.#team?.members ?? []) member.send({ do: "drain" });
  }

  #leastBusy(): Member | undefined {
    const ready = this.#team?.ready ?? [];
    const least = Math.min(...ready.map(({ load }) => load));
    const candidates = ready.filter(({ load }) => load === least);
    return candidates[this.#turn++ % candidates.length];
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Each may have room for one only: all look again. */
  #wake(): void {
    for (const look of this.#idle.splice(0)) look();
  }

  #serving(member: Member): void {
    const { recycleAfter = Infinity } = this.#options;
    if (++member.served >= recycleAfter) this.#team?.retire(member);
  }

  #leaveIfRetired(member: Member): void {
    if (member.state === "retired" && member.load === 0) void this.#team?.dismiss(member);
  }

  #left(member: Member): void {
    for (const handling of this.#handling.values()) {
      if (handling.member !== member) continue;
      handling.over.reject(new WorkerError(`The worker that had the packet (${member.host.name}) has died`));
    }
  }

  #heard(member: Member, word: Word): void {
    if (word.say === "handled") this.#handled(word);
    else if (word.say === "send") void this.#send(member, word);
    else if (word.say === "error") {
      this.#host.complained(unpackError(word.error), word.phase, word.remoteAddr);
    }
  }

  #handled({ id, error, refused }: Extract<Word, { say: "handled" }>): void {
    const handling = this.#handling.get(id);
    if (refused && handling) this.#host.refused(handling.packet.remoteAddr);
    if (error) handling?.over.reject(unpackError(error));
    else handling?.over.resolve();
  }

  async #send(member: Member, { seq, data, to, answers }: Extract<Word, { say: "send" }>): Promise<void> {
    try {
      const packet = answers === undefined ? undefined : this.#handling.get(answers)?.packet;
      await (packet ? packet.reply(data) : this.#host.send(data, to));
      member.send({ do: "sent", seq });
    } catch (error) {
      member.send({ do: "sent", seq, error: packError(error) });
    }
  }
}
