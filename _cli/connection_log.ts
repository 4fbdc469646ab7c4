/**
 * The log: one line for each connection and each packet.
 *
 * @module
 */
import { formatAddr } from "../server/address.ts";
import type { CloseReason } from "../server/errors.ts";
import type { ConnectionInfo, Observer } from "../server/observer.ts";
import { complain, oneLine, oneLineWithPlace } from "./terminal.ts";

/** How the log is written. `off` leaves out what went well; failures are told all the same. */
export type LogFormat = "text" | "json" | "off";

/** One event, in the order in which its parts are written. */
type Entry = { time: string; handler: string; event: string } & Record<string, unknown>;

/** The reasons for which the error says more than the reason itself. */
const TELLING: readonly CloseReason[] = ["error", "protocol", "handshake"];

/** An observer that writes the log of the servers that run `handler`. */
export function connectionLog(handler: string, format: LogFormat): Observer {
  const write = (event: string, parts: Record<string, unknown>): void => {
    const entry: Entry = { time: new Date().toISOString(), handler, event, ...parts };
    complain(format === "json" ? JSON.stringify(entry) : asText(entry));
  };
  const failures: Observer = {
    closed: ({ connection, reason, error }) => {
      if (reason === "error") write("closed", { ...facts(connection), end: reason, ...told(error) });
    },
    acceptFailed: ({ error, kind, delay }) => {
      if (kind !== "peer") write("accept failed", { error: oneLine(error), delay });
    },
    error: ({ error, phase, connection, remoteAddr = connection?.remoteAddr }) => {
      if (connection && phase === "handler") return; // told when the connection is closed
      write(`${phase} failed`, { ...remoteAddr && { peer: formatAddr(remoteAddr) }, ...told(error) });
    },
  };
  if (format === "off") return failures;
  return {
    ...failures,
    closed: ({ connection, reason, error }) => {
      write("closed", { ...facts(connection), end: reason, ...TELLING.includes(reason) && told(error) });
    },
    handled: ({ remoteAddr, localAddr, duration, bytesIn, bytesOut, reason }) => {
      write("handled", { ...sizes(remoteAddr, localAddr, duration, bytesIn, bytesOut), end: reason });
    },
    refused: ({ remoteAddr, reason }) => write("refused", { peer: formatAddr(remoteAddr), end: reason }),
  };
}

function facts(
  { id, remoteAddr, localAddr, age, bytesIn, bytesOut }: ConnectionInfo,
): Record<string, unknown> {
  return { id, ...sizes(remoteAddr, localAddr, age, bytesIn, bytesOut) };
}

function sizes(
  peer: Deno.Addr,
  local: Deno.Addr,
  duration: number,
  bytesIn: number,
  bytesOut: number,
): Record<string, unknown> {
  return {
    peer: formatAddr(peer),
    local: formatAddr(local),
    ms: Math.round(duration * 10) / 10,
    in: bytesIn,
    out: bytesOut,
  };
}

function told(error: unknown): { error?: string } {
  return error === undefined ? {} : { error: oneLineWithPlace(error) };
}

/** `2026-11-20T12:00:00.000Z echo closed #1 tcp://127.0.0.1:50000 1.2 ms, 6 B in, 6 B out: done` */
function asText({ time, handler, event, id, peer, ms, in: bytesIn, out, end, error, delay }: Entry): string {
  const who = [id === undefined ? [] : `#${id}`, peer ?? []].flat();
  const counts = ms === undefined ? [] : [`${ms} ms, ${bytesIn} B in, ${out} B out`];
  const why = [end, error, delay ? `again in ${delay} ms` : undefined].filter((part) => part !== undefined);
  return `${[time, handler, event, ...who, ...counts].join(" ")}: ${why.join(", ")}`;
}
