/**
 * A handler that does what the first line of a connection, or a packet, tells it.
 *
 * @module
 */
import type { Connection, Datagram } from "../../../../mod.ts";
import type { DatagramServer } from "../../../../server/datagram_server.ts";
import { counted, pattern } from "../../../_support/byte_pattern.ts";

/** The process and the thread that this is. */
function where(): { pid: number; thread: number } {
  const { threadId } = process.getBuiltinModule("node:worker_threads");
  return { pid: Deno.pid, thread: threadId };
}

const ORDERS: Record<string, (conn: Connection, ...args: string[]) => unknown> = {
  /** Sends back what comes. */
  echo: async (conn) => {
    for await (const chunk of conn) await conn.sendAll(chunk);
  },
  /** Says where it runs, and waits for the client to leave. */
  who: async (conn) => {
    await tell(conn, where());
    await conn.recv();
  },
  /** Says what it knows of the connection. */
  self: async (conn) => {
    const { id, remoteAddr, localAddr, tls } = conn;
    await tell(conn, { id, remoteAddr, localAddr, tls: tls ?? null });
  },
  /** Sends as many bytes. */
  flood: async (conn, count) => {
    for await (const chunk of pattern(Number(count))) await conn.sendAll(chunk);
  },
  /** Counts what comes, slowly at first, until the client has sent its end; then answers. */
  swallow: async (conn, pause = "0") => {
    await new Promise((resolve) => setTimeout(resolve, Number(pause)));
    await tell(conn, await counted(conn));
  },
  throw: () => {
    throw Object.assign(new RangeError("no such order", { cause: new TypeError("the cause") }), {
      code: "EORDER",
    });
  },
  return: () => {},
  close: (conn) => conn.close(),
  /** Tells what it sees when the server takes its leave. */
  drained: async (conn) => {
    await conn.sendAll("in\n");
    await aborted(conn.signal);
    await conn.sendAll(`${(conn.signal.reason as Error).message}\n`);
  },
  /** Answers one more line. */
  hold: async (conn) => {
    await conn.sendAll("in\n");
    await conn.sendAll(`${await conn.readLine()}\n`);
  },
  /** Never ends by itself, whatever the client does. */
  never: async (conn) => {
    await conn.sendAll("in\n");
    await new Promise(() => {});
  },
  /** Keeps its thread busy. */
  spin: async (conn, ms) => {
    await conn.sendAll("in\n");
    for (const until = performance.now() + Number(ms); performance.now() < until;);
    await conn.sendAll("out\n");
  },
  /** Sends a little now and then. */
  tick: async (conn) => {
    for (;;) {
      await conn.sendAll(".");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
  /** Waits for a line, but not for long. */
  impatient: async (conn, ms) => {
    await conn.sendAll("in\n");
    conn.readTimeout = Number(ms);
    await conn.readLine();
  },
};

async function tell(conn: Connection, what: unknown): Promise<void> {
  await conn.sendAll(JSON.stringify(what) + "\n");
}

/** Serves a connection. */
export default async function obey(conn: Connection): Promise<void> {
  const line = await conn.readLine();
  if (line === null) return;
  const [order, ...args] = line.split(" ");
  await ORDERS[order](conn, ...args);
}

/** Serves a packet. */
export async function datagram(packet: Datagram, server: DatagramServer): Promise<void> {
  const [order, ...args] = packet.text().split(" ");
  switch (order) {
    case "who":
      return await packet.reply(JSON.stringify(where()));
    case "truncated":
      return await packet.reply(JSON.stringify({ truncated: packet.truncated, length: packet.data.length }));
    case "throw":
      throw new RangeError("no such order");
    case "wait":
      await new Promise((resolve) => setTimeout(resolve, Number(args[0])));
      return await packet.reply("waited");
    case "drained":
      await packet.reply("in");
      await aborted(packet.signal);
      return await packet.reply("aborted");
    case "server":
      return await server.send("from the server", packet.remoteAddr);
    default:
      return await packet.reply(packet.data);
  }
}

/** It may have aborted while what came before was on its way. */
function aborted(signal: AbortSignal): Promise<unknown> {
  return signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
