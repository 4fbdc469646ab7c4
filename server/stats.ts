/**
 * What a server counts.
 *
 * @module
 */
import type { RefusalReason } from "./observer.ts";

/** What happened so far. Counters only grow, but for `active`. */
export interface ServerStats {
  /** When it was last bound, in milliseconds since the epoch; 0 if it never was. */
  listeningSince: number;
  /** Clients (or datagrams) that came out of the kernel. */
  accepted: number;
  /** Those turned away, by reason. */
  refused: Record<RefusalReason, number>;
  /** Attempts to accept that failed. */
  acceptFailures: number;
  /** Requests being handled now. */
  active: number;
  /** Requests whose handler returned. */
  succeeded: number;
  /** Requests whose handler threw, or that were cut off. */
  failed: number;
  /** Bytes that came in, of ended and live connections. */
  bytesIn: number;
  /** Bytes that went out. */
  bytesOut: number;
}

/** Counters of a server that has not done anything. */
export function newStats(): ServerStats {
  return {
    listeningSince: 0,
    accepted: 0,
    refused: { denied: 0, full: 0, "peer-limit": 0, rate: 0, "peer-rate": 0, handshake: 0, unverified: 0 },
    acceptFailures: 0,
    active: 0,
    succeeded: 0,
    failed: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}

/** The counters of two servers as if they were one; `listeningSince` is the earlier. */
export function addStats(a: ServerStats, b: ServerStats): ServerStats {
  const { listeningSince, refused, ...counters } = b;
  const sum = { ...a, refused: { ...a.refused }, listeningSince: Math.min(a.listeningSince, listeningSince) };
  for (const name of Object.keys(counters) as (keyof typeof counters)[]) sum[name] += counters[name];
  for (const reason of Object.keys(refused) as RefusalReason[]) sum.refused[reason] += refused[reason];
  return sum;
}
