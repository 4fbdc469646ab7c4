/**
 * The echo protocol, [RFC 862](https://www.rfc-editor.org/rfc/rfc862): what comes is sent back.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import type { Datagram } from "../server/datagram.ts";
import { couldLoop } from "./_small_services.ts";

/**
 * Sends back what comes, until the peer sends its end. A peer that reads slowly is read slowly.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import echo from "@switchboard/kit/handlers/echo";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, echo);
 * using conn = await connect(group.addr);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "hello");
 * ```
 */
export default async function echo(conn: Connection): Promise<void> {
  for await (const chunk of conn) await conn.sendAll(chunk);
}

/**
 * Sends back each packet, except one that claims to come from another such service: see RFC 862 for what it does, and
 * CERT advisory CA-1996-01 for what two of them do to each other.
 *
 * @example
 * ```ts
 * import { connectDatagram, serve } from "@switchboard/kit";
 * import { datagram } from "@switchboard/kit/handlers/echo";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve({ listen: "udp://127.0.0.1:0" }, { datagram });
 * await using client = await connectDatagram(group.addr);
 * await client.send("hello");
 * assertEquals(new TextDecoder().decode(await client.receive()), "hello");
 * ```
 */
export function datagram(packet: Datagram): Promise<void> | undefined {
  if (!couldLoop(packet)) return packet.reply(packet.data);
}
