/**
 * The discard protocol, [RFC 863](https://www.rfc-editor.org/rfc/rfc863): what comes is thrown away.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import type { Datagram } from "../server/datagram.ts";

/**
 * Throws away what comes, until the peer sends its end. Nothing is answered.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import discard from "@switchboard/kit/handlers/discard";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, discard);
 * using conn = await connect(group.addr);
 * await conn.sendAll("nobody reads this\n");
 * await conn.closeWrite();
 * assertEquals(await conn.recv(), null);
 * ```
 */
export default async function discard(conn: Connection): Promise<void> {
  for await (const _chunk of conn);
}

/**
 * Throws away each packet. Nothing is answered.
 *
 * @example
 * ```ts
 * import { connectDatagram, serve } from "@switchboard/kit";
 * import { datagram } from "@switchboard/kit/handlers/discard";
 *
 * await using group = await serve({ listen: "udp://127.0.0.1:0" }, { datagram });
 * await using client = await connectDatagram(group.addr);
 * await client.send("nobody reads this");
 * ```
 */
export function datagram(_packet: Datagram): void {}
