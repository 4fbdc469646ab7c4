/**
 * The daytime protocol, [RFC 867](https://www.rfc-editor.org/rfc/rfc867): the date and time, for people to read.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import type { Datagram } from "../server/datagram.ts";
import { couldLoop } from "./_small_services.ts";

const FORMAT = new Intl.DateTimeFormat("en-US", {
  timeZone: "UTC",
  weekday: "long",
  year: "numeric",
  month: "long",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** The first of the two forms that the RFC suggests: `Tuesday, February 22, 1982 17:37:43-UTC`. */
function format(date: Date): string {
  const part = Object.fromEntries(FORMAT.formatToParts(date).map(({ type, value }) => [type, value]));
  const day = `${part.weekday}, ${part.month} ${part.day}, ${part.year}`;
  return `${day} ${part.hour}:${part.minute}:${part.second}-UTC`;
}

function line(): string {
  return format(new Date()) + "\r\n";
}

/**
 * Sends the date and time as one line, and ends.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import daytime from "@switchboard/kit/handlers/daytime";
 * import { assertMatch } from "@std/assert";
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, daytime);
 * using conn = await connect(group.addr);
 * assertMatch(await conn.readLine() ?? "", /^\w+day, \w+ \d+, \d{4} \d\d:\d\d:\d\d-UTC$/);
 * ```
 */
export default async function daytime(conn: Connection): Promise<void> {
  await conn.sendAll(line());
}

/**
 * Answers each packet with the date and time, except one that claims to come from another such service.
 *
 * @example
 * ```ts
 * import { connectDatagram, serve } from "@switchboard/kit";
 * import { datagram } from "@switchboard/kit/handlers/daytime";
 * import { assertMatch } from "@std/assert";
 *
 * await using group = await serve({ listen: "udp://127.0.0.1:0" }, { datagram });
 * await using client = await connectDatagram(group.addr);
 * await client.send("");
 * assertMatch(new TextDecoder().decode(await client.receive()), /UTC\r\n$/);
 * ```
 */
export function datagram(packet: Datagram): Promise<void> | undefined {
  if (!couldLoop(packet)) return packet.reply(line());
}
