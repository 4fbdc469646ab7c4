/**
 * The long way of a datagram, hook by hook. Its place is given back by the one who called.
 *
 * @module
 */
import type { Datagram } from "./datagram.ts";
import type { Flight } from "./_flight.ts";
import type { ErrorPhase, RefusalReason } from "./observer.ts";

/** The server, as one packet's path needs it. */
export interface DatagramHost {
  /** The hook. */
  verifyRequest(packet: Datagram): boolean | Promise<boolean>;
  /** The hook. */
  processRequest(packet: Datagram): void | Promise<void>;
  /** The hook. */
  handleError(error: unknown, packet: Datagram): void | Promise<void>;
  /** The hook. */
  shutdownRequest(packet: Datagram): void | Promise<void>;
  /** The hook. */
  closeRequest(packet: Datagram): void | Promise<void>;
  /** Counts and tells a refusal. */
  refused(addr: Deno.Addr, reason: RefusalReason): void;
  /** Tells what a hook threw, or lets it leave the loop. */
  failed(error: unknown, phase: ErrorPhase, packet: Datagram): void;
  /** Counts a packet whose handler comes next. */
  began(packet: Datagram): void;
  /** Counts and tells a packet whose handler is over. */
  ended(flight: Flight, failure: Failure | undefined): void;
}

/** What ended a handler but its return. */
export interface Failure {
  /** What it threw, or why it was given up. */
  error: unknown;
}

/** Runs one admitted packet to its end. */
export async function dispatchDatagram(flight: Flight, host: DatagramHost, timeout?: number): Promise<void> {
  if (!(await isVerified(flight, host))) return;
  const timer = timeout && setTimeout(() => flight.cut("timeout"), timeout);
  let failure: Failure | undefined;
  host.began(flight.packet);
  try {
    failure = await handled(flight, host);
  } catch (error) {
    failure = { error };
    if (!flight.isStopped) host.failed(error, "handler", flight.packet);
  } finally {
    clearTimeout(timer);
    host.ended(flight, failure);
  }
}

async function isVerified(flight: Flight, host: DatagramHost): Promise<boolean> {
  const { packet } = flight;
  try {
    if (await flight.untilCut(() => host.verifyRequest(packet))) return true;
    host.refused(packet.remoteAddr, "unverified");
    await host.shutdownRequest(packet);
  } catch (error) {
    await host.closeRequest(packet);
    if (!flight.isStopped) host.failed(error, "verify", packet);
  }
  return false;
}

async function handled(flight: Flight, host: DatagramHost): Promise<Failure | undefined> {
  const { packet } = flight;
  try {
    await flight.untilCut(() => host.processRequest(packet));
  } catch (error) {
    if (!flight.isStopped) await flight.untilCut(() => host.handleError(error, packet));
    return { error };
  } finally {
    await host.shutdownRequest(packet);
  }
}
