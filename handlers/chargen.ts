/**
 * The character generator protocol, [RFC 864](https://www.rfc-editor.org/rfc/rfc864): a stream of characters that ends
 * when the caller has had enough.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import type { DatagramHandler } from "../server/handler.ts";
import discard from "./discard.ts";
import { couldLoop } from "./_small_services.ts";

/** The printing characters of ASCII, from the space to the tilde. */
const FIRST = 32;
const COUNT = 95;
const LINE = 72;

/**
 * The RFC's pattern: 72 characters a line, each line beginning one character later in the ring of the printing
 * characters. After as many lines as there are characters it repeats.
 */
const ROTATION = new TextEncoder().encode(
  Array.from({ length: COUNT }, (_, start) =>
    Array.from(
      { length: LINE },
      (_, column) => String.fromCharCode(FIRST + (start + column) % COUNT),
    ).join("") + "\r\n").join(""),
);

/**
 * Sends the pattern over and over, as fast as the peer reads, and throws away what the peer sends. Ends when the peer
 * leaves, or, after a whole rotation, when the server drains.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import chargen from "@switchboard/kit/handlers/chargen";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, chargen);
 * using conn = await connect(group.addr);
 * const line = await conn.readLine();
 * assertEquals(line?.length, 72);
 * assertEquals((await conn.readLine())?.slice(0, 71), line?.slice(1));
 * ```
 */
export default async function chargen(conn: Connection): Promise<void> {
  discard(conn).catch(() => {}); // where reading fails, sending does too
  while (!conn.signal.aborted) await conn.sendAll(ROTATION);
}

/** The most characters in an answer to a packet: the RFC's. */
const MOST = 512;

/** What the answers to packets may be. */
export interface ChargenDatagramOptions {
  /**
   * Answers with up to 512 characters, however short the packet was, as the RFC has it. On a network whose packets may
   * bear forged addresses this makes the server multiply what others are flooded with.
   *
   * @default {false} no answer is longer than its packet
   */
  amplify?: boolean;
}

/**
 * A handler that answers each packet with a random number of characters, except one that claims to come from another
 * such service.
 *
 * @param options whether an answer may be longer than what it answers
 * @returns the handler
 *
 * @example As the RFC has it, in a network where nobody forges addresses
 * ```ts
 * import { connectDatagram, serve } from "@switchboard/kit";
 * import { chargenDatagram } from "@switchboard/kit/handlers/chargen";
 * import { assert } from "@std/assert";
 *
 * await using group = await serve({ listen: "udp://127.0.0.1:0" }, {
 *   datagram: chargenDatagram({ amplify: true }),
 * });
 * await using client = await connectDatagram(group.addr);
 * await client.send("?");
 * assert((await client.receive()).length <= 512);
 * ```
 */
export function chargenDatagram({ amplify = false }: ChargenDatagramOptions = {}): DatagramHandler {
  return (packet) => {
    if (couldLoop(packet)) return;
    const most = amplify ? MOST : Math.min(MOST, packet.data.length);
    return packet.reply(ROTATION.subarray(0, Math.floor(Math.random() * (most + 1))));
  };
}

/**
 * Answers each packet with characters, as many as it was long at most.
 *
 * @example
 * ```ts
 * import { connectDatagram, serve } from "@switchboard/kit";
 * import { datagram } from "@switchboard/kit/handlers/chargen";
 * import { assert } from "@std/assert";
 *
 * await using group = await serve({ listen: "udp://127.0.0.1:0" }, { datagram });
 * await using client = await connectDatagram(group.addr);
 * await client.send("more!");
 * assert((await client.receive()).length <= 5);
 * ```
 */
export const datagram: DatagramHandler = chargenDatagram();
