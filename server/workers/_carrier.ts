/**
 * One connection that this process has accepted and a worker serves: its socket handed over, or its bytes carried.
 *
 * @module
 */
import type { Socket } from "node:net";
import { type Connection, control } from "../connection.ts";
import type { CrewHost } from "../_crew.ts";
import { WorkerError } from "../errors.ts";
import type { Given, Report, Word } from "./_messages.ts";
import { packError, unpackError } from "./_remote_error.ts";
import type { NodeTransport } from "./_node_transport.ts";
import type { Member } from "./_team.ts";

/** Bytes that may be on their way to a worker that has not read them. */
const WINDOW = 262_144;

/** A connection at a worker. */
export interface Carried {
  /** The worker. */
  readonly member: Member;
  /** What the worker says about its bytes. */
  heard(word: Extract<Word, { say: "taken" | "write" | "end" }>): void;
  /** The worker has told how many bytes went so far. */
  count(bytesIn: number, bytesOut: number): void;
  /** The worker is done with it. */
  done(report: Report): void;
  /** The worker is no more. */
  lost(): void;
}

/** What carrying needs. */
export interface CarryOptions {
  /** Whether the socket goes, or the bytes. */
  handsOver: boolean;
  /** Where those that are being carried stand, by id. */
  table: Map<number, Carried>;
  /** Who is told of refusals. */
  host: CrewHost;
}

/** Resolves when the worker is done with it; rejects with what its handler has thrown there. */
export async function carry(
  conn: Connection,
  member: Member,
  { handsOver, table, host }: CarryOptions,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<Report | undefined>();
  const relay = handsOver ? undefined : new Relay(conn, member);
  let socket: Socket | undefined;
  const lost = (): void => {
    socket?.destroy(); // it may not have got there
    reject(new WorkerError(`The worker that served it (${member.host.name}) has died`));
  };
  const { id } = conn;
  const count = (bytesIn: number, bytesOut: number): void => {
    if (handsOver) control.credit(conn, bytesIn, bytesOut); // what is carried is counted here
  };
  table.set(id, { member, done: resolve, lost, count, heard: (word) => relay?.heard(word) });
  const windDown = (): void => member.send({ do: "wind-down", id });
  let reported = false;
  conn.finished.then(() => {
    if (reported) return; // it is over there, too
    member.send({ do: "cut", id, reason: control.reason(conn) ?? "closed" });
    setTimeout(() => resolve(undefined), 0); // a worker that hangs does not hold it up
  });
  try {
    socket = give(conn, member, relay === undefined);
    if (conn.signal.aborted) windDown();
    else conn.signal.addEventListener("abort", windDown, { once: true });
    relay?.start();
    const report = await promise;
    reported = report !== undefined;
    if (report) conclude(conn, report, host, relay === undefined);
  } catch (error) {
    if (error instanceof WorkerError) return control.end(conn, "worker");
    throw error;
  } finally {
    conn.signal.removeEventListener("abort", windDown);
    table.delete(id);
    relay?.stop();
  }
}

function give(conn: Connection, member: Member, handsOver: boolean): Socket | undefined {
  const { id, remoteAddr, localAddr, tls } = conn;
  const given: Given = { id, remoteAddr: { ...remoteAddr }, localAddr: { ...localAddr }, ...tls && { tls } };
  const socket = handsOver ? (control.transport(conn) as NodeTransport).release() : undefined;
  member.send({ do: "take", given, relayed: !handsOver }, socket);
  return socket;
}

/** Lets the connection end here as it has ended there. */
function conclude(conn: Connection, report: Report, host: CrewHost, wasHandedOver: boolean): void {
  const { reason, bytesIn, bytesOut, error, refusal } = report;
  if (wasHandedOver) control.credit(conn, bytesIn, bytesOut);
  if (refusal) host.refused(conn.remoteAddr, refusal, error && unpackError(error));
  if (reason === "error") throw unpackError(error!);
  // What is done here is flushed and closed by who called; what was closed or cut there is so here.
  if (wasHandedOver || reason !== "done") control.end(conn, reason);
}

/** Carries bytes both ways, each no faster than the other side takes them. */
class Relay {
  readonly #conn: Connection;
  readonly #member: Member;
  #onTheWay = 0;
  #goOn: (() => void) | undefined;
  readonly #stop = new AbortController();

  constructor(conn: Connection, member: Member) {
    this.#conn = conn;
    this.#member = member;
  }

  start(): void {
    void this.#pump();
  }

  stop(): void {
    this.#stop.abort();
    this.#goOn?.();
  }

  async #pump(): Promise<void> {
    const { id } = this.#conn;
    try {
      await this.#conn.copyTo((chunk) => this.#forward(chunk), { signal: this.#stop.signal });
      this.#member.send({ do: "end", id });
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#member.send({ do: "fail", id, error: packError(error) });
    }
  }

  #forward(chunk: Uint8Array): Promise<void> | undefined {
    this.#member.send({ do: "bytes", id: this.#conn.id, chunk: chunk.slice() });
    this.#onTheWay += chunk.length;
    if (this.#onTheWay < WINDOW) return undefined;
    return new Promise((resolve) => this.#goOn = resolve);
  }

  heard(word: Extract<Word, { say: "taken" | "write" | "end" }>): void {
    if (word.say === "write") void this.#write(word.chunk);
    else if (word.say === "end") void this.#conn.closeWrite().catch(() => {});
    else this.#taken(word.count);
  }

  #taken(count: number): void {
    this.#onTheWay -= count;
    if (this.#onTheWay >= WINDOW) return;
    this.#goOn?.();
    this.#goOn = undefined;
  }

  async #write(chunk: Uint8Array): Promise<void> {
    const { id } = this.#conn;
    try {
      await this.#conn.sendAll(chunk);
      this.#member.send({ do: "wrote", id });
    } catch (error) {
      this.#member.send({ do: "wrote", id, error: packError(error) });
    }
  }
}
