/**
 * A connection that a worker has accepted, as its server knows it.
 *
 * @module
 */
import type { ConnectionInfo } from "../observer.ts";
import type { Member } from "./_team.ts";

/** What is known when it was opened. */
interface Opened {
  id: number;
  theirs: number;
  member: Member;
  remoteAddr: Deno.Addr;
  localAddr: Deno.Addr;
  openedAt: number;
}

/** What can be known about it. Bytes are those of the last report, a few seconds old at most. */
export class RemoteConnection implements ConnectionInfo {
  readonly id: number;
  /** What its worker calls it. */
  readonly theirs: number;
  /** The worker. */
  readonly member: Member;
  readonly remoteAddr: Deno.Addr;
  readonly localAddr: Deno.Addr;
  readonly #openedAt: number;
  #endedAt: number | undefined;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor({ id, theirs, member, remoteAddr, localAddr, openedAt }: Opened) {
    this.id = id;
    this.theirs = theirs;
    this.member = member;
    this.remoteAddr = remoteAddr;
    this.localAddr = localAddr;
    this.#openedAt = openedAt;
  }

  get age(): number {
    return Math.max(0, (this.#endedAt ?? Date.now()) - this.#openedAt);
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  /** The worker has told how many went. */
  count(bytesIn: number, bytesOut: number): void {
    this.#bytesIn = bytesIn;
    this.#bytesOut = bytesOut;
  }

  /** It is over. */
  end(): void {
    this.#endedAt = Date.now();
  }
}
