/**
 * Who may come in. It asks twice: *is there room?* before a client is accepted, so that the rest wait in the kernel's
 * queue, and *may this peer?* afterwards.
 *
 * @module
 */
import { peerKey, unmapped } from "./address.ts";
import type { RefusalReason } from "./observer.ts";
import { checkOptions, STREAM_DEFAULTS } from "./options.ts";

/** The limits that an {@linkcode Admission} keeps; their meaning stands in `StreamServerOptions`. */
export interface AdmissionOptions {
  /** How many at once. @default {10_000} */
  maxConnections?: number;
  /** How many at once from one peer. @default {Infinity} */
  maxConnectionsPerPeer?: number;
  /** How many per second. @default {Infinity} */
  maxConnectionRate?: number;
  /** How many per second from one peer. @default {Infinity} */
  maxConnectionRatePerPeer?: number;
  /** Networks that may come. @default {[]} */
  allow?: readonly string[];
  /** Networks that may not come. @default {[]} */
  deny?: readonly string[];
}

/** The right of one connection to be open; disposing of it gives the place to another. Doing so twice is harmless. */
export type Permit = Disposable;

/**
 * The limits of a server, or of several that share them.
 *
 * @example Two places
 * ```ts
 * import { Admission } from "@switchboard/kit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const admission = new Admission({ maxConnections: 2, deny: ["192.0.2.0/24"] });
 * const peer = (hostname: string) => ({ transport: "tcp" as const, hostname, port: 1 });
 * assertEquals(admission.admit(peer("192.0.2.1")), "denied");
 * const permit = admission.admit(peer("198.51.100.1"));
 * assert(typeof permit === "object");
 * assertEquals(admission.active, 1);
 * permit[Symbol.dispose]();
 * assertEquals(admission.active, 0);
 * ```
 */
export class Admission {
  readonly #limit: number;
  readonly #perPeer: number;
  readonly #rate: TokenBucket | undefined;
  readonly #peerRates: PeerRates | undefined;
  readonly #networks: Networks | undefined;
  readonly #peers = new Map<string, number>();
  readonly #released = new Set<() => void>();
  readonly #sought = new Set<() => void>();
  #active = 0;

  /**
   * An admission with these limits.
   *
   * @throws {RangeError} if a limit is out of range, or a network in `allow` or `deny` cannot be read; the message names it
   */
  constructor(options: AdmissionOptions = {}) {
    const { allow = [], deny = [] } = options;
    const {
      maxConnections = STREAM_DEFAULTS.maxConnections,
      maxConnectionsPerPeer = STREAM_DEFAULTS.maxConnectionsPerPeer,
      maxConnectionRate = STREAM_DEFAULTS.maxConnectionRate,
      maxConnectionRatePerPeer = STREAM_DEFAULTS.maxConnectionRatePerPeer,
    } = options;
    checkOptions({
      maxConnections,
      maxConnectionsPerPeer,
      maxConnectionRate,
      maxConnectionRatePerPeer,
      allow,
      deny,
    });
    this.#limit = maxConnections;
    this.#perPeer = maxConnectionsPerPeer;
    if (maxConnectionRate !== Infinity) this.#rate = new TokenBucket(maxConnectionRate);
    if (maxConnectionRatePerPeer !== Infinity) this.#peerRates = new PeerRates(maxConnectionRatePerPeer);
    if (allow.length > 0 || deny.length > 0) this.#networks = new Networks(allow, deny);
  }

  /** How many permits are out. */
  get active(): number {
    return this.#active;
  }

  /** Whether one more may be open. */
  get hasRoom(): boolean {
    if (this.#active < this.#limit) return true;
    for (const listener of this.#sought) listener();
    return this.#active < this.#limit;
  }

  /** Calls `listener` whenever a permit comes back; the function that is returned ends that. */
  onRelease(listener: () => void): () => void {
    this.#released.add(listener);
    return () => this.#released.delete(listener);
  }

  /**
   * Calls `listener` whenever a place is sought and there is none, so that those who {@linkcode Admission.reserve} places
   * give back what they do not use; the function that is returned ends that.
   */
  onSought(listener: () => void): () => void {
    this.#sought.add(listener);
    return () => this.#sought.delete(listener);
  }

  /**
   * Takes a place for a connection that somebody else will accept: a worker. Its peer is asked for when it is known.
   *
   * @returns whether there was one
   */
  reserve(): boolean {
    if (this.#active >= this.#limit) return false;
    this.#active++;
    return true;
  }

  /** Gives back a place that was reserved. */
  cede(): void {
    this.#active--;
    this.#tellReleased();
  }

  /** Asks for the peer of a connection that has a reserved place: the reason why it may not come, or `undefined`. */
  enterReserved(addr: Deno.Addr): RefusalReason | undefined {
    const refusal = this.#refusePeer(addr);
    if (!refusal) this.#countPeer(addr);
    return refusal;
  }

  /** Forgets the peer of a connection that has a reserved place. */
  leaveReserved(addr: Deno.Addr): void {
    this.#uncountPeer(addr);
  }

  /** Whether anything but the total has to be asked for. */
  get asksForPeers(): boolean {
    return this.#perPeer !== Infinity || this.#rate !== undefined || this.#peerRates !== undefined ||
      this.#networks !== undefined;
  }

  /** Asks for this peer: a permit, or the reason why not. */
  admit(addr: Deno.Addr): Permit | RefusalReason {
    return this.enter(addr) ?? new CountedPermit(this, addr);
  }

  /**
   * What {@linkcode Admission.admit} does, without a permit: for what comes so often that an object for each would be
   * felt. A place that was given is to be given back, once, by {@linkcode Admission.leave}.
   *
   * @returns the reason why not, or `undefined`: the place is taken
   */
  enter(addr: Deno.Addr): RefusalReason | undefined {
    const refusal = this.#refuse(addr);
    if (refusal) return refusal;
    this.#countPeer(addr);
    this.#active++;
  }

  /** Gives a place back that {@linkcode Admission.enter} has given to this peer. */
  leave(addr: Deno.Addr): void {
    this.#active--;
    this.#uncountPeer(addr);
    this.#tellReleased();
  }

  #countPeer(addr: Deno.Addr): void {
    const peer = this.#perPeer === Infinity ? undefined : peerKey(addr);
    if (peer !== undefined) this.#peers.set(peer, (this.#peers.get(peer) ?? 0) + 1);
  }

  #uncountPeer(addr: Deno.Addr): void {
    const peer = this.#perPeer === Infinity ? undefined : peerKey(addr);
    if (peer === undefined) return;
    const left = this.#peers.get(peer)! - 1;
    if (left > 0) this.#peers.set(peer, left);
    else this.#peers.delete(peer);
  }

  #tellReleased(): void {
    for (const listener of this.#released) listener();
  }

  /** Asks the lists first: who is denied must not use up anybody's rate. */
  #refuse(addr: Deno.Addr): RefusalReason | undefined {
    if (this.#networks && !this.#networks.admits(addr)) return "denied";
    return this.hasRoom ? this.#refuseByCount(addr) : "full";
  }

  #refusePeer(addr: Deno.Addr): RefusalReason | undefined {
    return this.#networks && !this.#networks.admits(addr) ? "denied" : this.#refuseByCount(addr);
  }

  #refuseByCount(addr: Deno.Addr): RefusalReason | undefined {
    if (this.#perPeer !== Infinity || this.#peerRates) {
      const peer = peerKey(addr);
      if (peer !== undefined && (this.#peers.get(peer) ?? 0) >= this.#perPeer) return "peer-limit";
      if (peer !== undefined && this.#peerRates?.take(peer) === false) return "peer-rate";
    }
    return this.#rate?.take() === false ? "rate" : undefined;
  }
}

class CountedPermit {
  #admission: Admission | undefined;
  readonly #addr: Deno.Addr;

  constructor(admission: Admission, addr: Deno.Addr) {
    this.#admission = admission;
    this.#addr = addr;
  }

  [Symbol.dispose](): void {
    this.#admission?.leave(this.#addr);
    this.#admission = undefined;
  }
}

/** Lets `rate` through per second, and after a quiet second as many at once (at least one). */
export class TokenBucket {
  readonly #rate: number;
  readonly #most: number;
  #tokens: number;
  #at: number;

  /** A bucket that begins full. */
  constructor(rate: number, now: number = performance.now()) {
    this.#rate = rate;
    this.#most = Math.max(1, rate);
    this.#tokens = this.#most;
    this.#at = now;
  }

  /** Whether one more may pass now; if so, it has. */
  take(now: number = performance.now()): boolean {
    this.#fill(now);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Whether the bucket has forgotten the past. */
  isFull(now: number = performance.now()): boolean {
    this.#fill(now);
    return this.#tokens >= this.#most;
  }

  #fill(now: number): void {
    this.#tokens = Math.min(this.#most, this.#tokens + (now - this.#at) * this.#rate / 1_000);
    this.#at = now;
  }
}

/** More peers than this are not remembered: a flood of addresses must not fill the memory. */
const MOST_PEERS = 16_384;

/** A {@linkcode TokenBucket} for each peer that came lately. */
export class PeerRates {
  readonly #rate: number;
  readonly #buckets = new Map<string, TokenBucket>();

  /** Buckets of `rate` per second. */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** How many peers are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Whether one more of this peer's may pass now; if so, it has. */
  take(peer: string): boolean {
    let bucket = this.#buckets.get(peer);
    if (!bucket) {
      if (this.#buckets.size >= MOST_PEERS) this.#forget();
      this.#buckets.set(peer, bucket = new TokenBucket(this.#rate));
    }
    return bucket.take();
  }

  /** Forgets the peers whose buckets are full again, which loses nothing; if all are busy, the eighth known longest. */
  #forget(): void {
    const now = performance.now();
    for (const [peer, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(peer);
    if (this.#buckets.size < MOST_PEERS) return;
    for (const peer of [...this.#buckets.keys()].slice(0, MOST_PEERS / 8)) this.#buckets.delete(peer);
  }
}

/** `node:net`'s address lists, loaded only where lists are given: loading it costs 20 ms. */
type Net = typeof import("node:net");

/** The networks that may come and those that may not. */
class Networks {
  readonly #net: Net = process.getBuiltinModule("node:net");
  readonly #allow: InstanceType<Net["BlockList"]> | undefined;
  readonly #deny: InstanceType<Net["BlockList"]>;

  constructor(allow: readonly string[], deny: readonly string[]) {
    this.#allow = allow.length > 0 ? this.#read(allow) : undefined;
    this.#deny = this.#read(deny);
  }

  admits(addr: Deno.Addr): boolean {
    if (!("hostname" in addr)) return true;
    const address = unmapped(addr.hostname).replace(/%.*$/, "");
    const family = address.includes(":") ? "ipv6" : "ipv4";
    if (this.#deny.check(address, family)) return false;
    return this.#allow?.check(address, family) ?? true;
  }

  #read(networks: readonly string[]): InstanceType<Net["BlockList"]> {
    const list = new this.#net.BlockList();
    for (const network of networks) {
      const { address, bits, family } = this.#parse(network);
      list.addSubnet(address, bits, family);
    }
    return list;
  }

  #parse(network: string): { address: string; bits: number; family: "ipv4" | "ipv6" } {
    const [whole, written, length] = /^([^/]+?)(?:\/(\d{1,3}))?$/.exec(String(network)) ?? [];
    const address = written === undefined ? "" : unmapped(written);
    const version = this.#net.isIP(address);
    const most = version === 6 ? 128 : 32;
    const folded = address === written ? 0 : 96; // ::ffff:192.0.2.0/120 is 192.0.2.0/24
    const bits = length === undefined ? most : Number(length) - folded;
    if (whole === undefined || version === 0 || bits < 0 || bits > most) {
      throw new RangeError(
        `Cannot read the network "${network}": expected an address or CIDR such as 192.0.2.0/24`,
      );
    }
    return { address, bits, family: version === 6 ? "ipv6" : "ipv4" };
  }
}
