/**
 * The time protocol, [RFC 868](https://www.rfc-editor.org/rfc/rfc868): the time, for programs to read.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import type { Datagram } from "../server/datagram.ts";
import { couldLoop } from "./_small_services.ts";

/** Seconds from 1900, where this protocol begins to count, to 1970: the RFC says so. */
const EPOCH_1970 = 2_208_988_800;

function now(): Uint8Array {
  const message = new DataView(new ArrayBuffer(4));
  message.setUint32(0, Math.floor(Date.now() / 1_000) + EPOCH_1970); // keeps the lowest 32 bits
  return new Uint8Array(message.buffer);
}

/**
 * Sends the seconds since the beginning of 1900 in UTC as four bytes, the most significant first, and ends. The number
 * begins anew in 2036, as the protocol's does.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import time from "@switchboard/kit/handlers/time";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, time);
 * using conn = await connect(group.addr);
 * assertEquals((await conn.readExactly(4)).length, 4);
 * assertEquals(await conn.recv(), null);
 * ```
 */
export default async function time(conn: Connection): Promise<void> {
  await conn.sendAll(now());
}

/**
 * Answers each packet with the same four bytes, except one that claims to come from another such service.
 *
 * @example
 * ```ts
 * import { connectDatagram, serve } from "@switchboard/kit";
 * import { datagram } from "@switchboard/kit/handlers/time";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve({ listen: "udp://127.0.0.1:0" }, { datagram });
 * await using client = await connectDatagram(group.addr);
 * await client.send("");
 * assertEquals((await client.receive()).length, 4);
 * ```
 */
export function datagram(packet: Datagram): Promise<void> | undefined {
  if (!couldLoop(packet)) return packet.reply(now());
}
