/**
 * A handler module that turns away every client but those with an even port, and every packet that begins with "no".
 *
 * @module
 */
import type { Connection, Datagram } from "../../../../mod.ts";

/** Says hello. */
export default async function greet(conn: Connection): Promise<void> {
  await conn.sendAll("hello\n");
}

/** Sends it back. */
export function datagram(packet: Datagram): Promise<void> {
  return packet.reply(packet.data);
}

/** Whether it is served. */
export function verifyRequest(request: Connection | Datagram): boolean {
  if ("text" in request) {
    if (request.text() === "throw") throw new RangeError("not in the mood");
    return !request.text().startsWith("no");
  }
  return (request.remoteAddr as Deno.NetAddr).port % 2 === 0;
}
