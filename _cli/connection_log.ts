/**
 * The log: one line for each connection and each packet.
 *
 * @module
 */
import { formatAddr } from "../server/address.ts";
import { type CloseReason, WorkerError } from "../server/errors.ts";
import type { ConnectionInfo, Observer } from "../server/observer.ts";
import type { ExecOptions } from "../handlers/exec.ts";
import { complain, oneLine, oneLineWithPlace, visible } from "./terminal.ts";

/** How the log is written. `off` leaves out what went well; failures are told all the same. */
export type LogFormat = "text" | "json" | "off";

/** One event, in the order in which its parts are written. */
type Entry = { time: string; handler: string; event: string } & Record<string, unknown>;

/** The reasons for which the error says more than the reason itself. */
const TELLING: readonly CloseReason[] = ["error", "protocol", "handshake"];

/** An observer that writes the log of the servers that run `handler`. */
export function connectionLog(handler: string, format: LogFormat): Observer {
  const write = writer(handler, format);
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

/**
 * What the log says of processes: their standard error, and how they ended if that was not well. `off` leaves nothing of
 * it out, as little of it went well.
 */
export function processLog(handler: string, format: LogFormat): Pick<ExecOptions, "stderr" | "exited"> {
  const write = writer(handler, format);
  return {
    stderr: (line, connection) => write("stderr", { ...named(connection), line: visible(line) }),
    exited: ({ pid, code, signal, asked }, connection) => {
      if (code === 0 || (asked && signal !== "SIGKILL")) return; // it did as it was asked to
      write("exited", { ...named(connection), pid, ...signal ? { signal } : { status: code } });
    },
  };
}

/** What the log says of a handler whose code has changed. `off` leaves out what went well. */
export function reloadLog(
  handler: string,
  format: LogFormat,
): { reloaded(): void; failed(error: unknown): void } {
  const write = writer(handler, format);
  return {
    reloaded: () => {
      if (format !== "off") write("reloaded", { end: "the next connection gets the new code" });
    },
    failed: (error) => write("not reloaded", { error: oneLine(error), end: "the old code goes on serving" }),
  };
}

function named({ id, remoteAddr }: ConnectionInfo): Record<string, unknown> {
  return { id, peer: formatAddr(remoteAddr) };
}

function writer(handler: string, format: LogFormat): (event: string, parts: Record<string, unknown>) => void {
  return (event, parts) => {
    const entry: Entry = { time: new Date().toISOString(), handler, event, ...parts };
    complain(format === "json" ? JSON.stringify(entry) : asText(entry));
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
  if (error instanceof WorkerError) return { error: oneLine(error) }; // it is nobody's line of code
  return error === undefined ? {} : { error: oneLineWithPlace(error) };
}

/** `2026-11-20T12:00:00.000Z echo closed #1 tcp://127.0.0.1:50000 1.2 ms, 6 B in, 6 B out: done` */
function asText(entry: Entry): string {
  const { time, handler, event, id, peer, ms, in: bytesIn, out, end, error, delay, line } = entry;
  if (line !== undefined) return `${time} ${handler} ${event} #${id} ${peer}: ${line}`;
  const who = [id === undefined ? [] : `#${id}`, peer ?? []].flat();
  const counts = ms === undefined ? [] : [`${ms} ms, ${bytesIn} B in, ${out} B out`];
  const why = [end, error, delay ? `again in ${delay} ms` : undefined, ...exit(entry)]
    .filter((part) => part !== undefined);
  return `${[time, handler, event, ...who, ...counts].join(" ")}: ${why.join(", ")}`;
}

function exit({ pid, status, signal }: Entry): string[] {
  if (pid === undefined) return [];
  return [signal === undefined ? `status ${status}` : `${signal}`, `pid ${pid}`];
}
