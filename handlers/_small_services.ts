/**
 * Packets that are better not answered.
 *
 * @module
 */
import type { Datagram } from "../server/datagram.ts";

/** echo, daytime, quotd, chargen, time: they answer whatever comes. */
const ANSWERING_PORTS: ReadonlySet<number> = new Set([7, 13, 17, 19, 37]);

/**
 * Whether a packet claims to come from a service that would answer the answer: two such services, set upon each other by
 * one forged packet, never stop (CERT advisory CA-1996-01). A server on the port that this one listens on is taken for
 * one too.
 */
export function couldLoop({ remoteAddr, localAddr }: Datagram): boolean {
  if (!("port" in remoteAddr && "port" in localAddr)) return false;
  return ANSWERING_PORTS.has(remoteAddr.port) || remoteAddr.port === localAddr.port;
}
