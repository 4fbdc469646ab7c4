/**
 * Standard input to a server, and what it answers to standard output, both at once.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import type { DatagramClient } from "../server/datagram_client.ts";
import { isPeerGone } from "../server/errors.ts";
import { lines } from "../server/framing/lines.ts";

/** As long as the largest datagram. */
const LONGEST_LINE = 65_507;

/**
 * Until the server has ended. That it did not take all of the input does not matter then; that it has reset the
 * connection does, and the system tells that only once, to whichever direction asks first.
 *
 * @throws {Deno.errors.ConnectionReset} if it has; and what reading the input throws
 */
export async function exchangeBytes(conn: Connection): Promise<void> {
  let failure: unknown;
  sendInput(conn).catch((error) => {
    const isReset = error instanceof Deno.errors.ConnectionReset;
    if (isPeerGone(error) && !isReset) return;
    failure = error;
    if (!isReset) conn.close();
  });
  try {
    for await (const chunk of conn) if (!await print(chunk)) return;
  } catch (error) {
    throw failure ?? error;
  }
  if (failure) throw failure;
}

async function sendInput(conn: Connection): Promise<void> {
  for await (const chunk of input()) await conn.sendAll(chunk);
  await conn.closeWrite();
}

/** Each line as a datagram, until the input has ended and no datagram has come for `wait` milliseconds. */
export async function exchangePackets(client: DatagramClient, wait: number): Promise<void> {
  const ended = new AbortController();
  const sent = sendLines(client).finally(() => ended.abort());
  sent.catch(() => {}); // awaited below, when the abort has ended the wait
  try {
    while (await printPacket(await client.receive({ signal: ended.signal })));
  } catch (error) {
    if (error !== ended.signal.reason) throw error;
  }
  if (!ended.signal.aborted) return; // nobody reads what is printed any more
  await sent;
  try {
    while (await printPacket(await client.receive({ timeout: wait })));
  } catch (error) {
    if (!(error instanceof Deno.errors.TimedOut)) throw error;
  }
}

async function sendLines(client: DatagramClient): Promise<void> {
  const framing = lines({ encoding: "bytes", limit: LONGEST_LINE });
  for await (const line of framing.decode(input())) await client.send(line);
}

const NEWLINE = 10;

/** As a line, as it was sent as one. */
async function printPacket(packet: Uint8Array<ArrayBuffer>): Promise<boolean> {
  if (packet.at(-1) === NEWLINE) return await print(packet);
  const line = new Uint8Array(packet.length + 1);
  line.set(packet);
  line[packet.length] = NEWLINE;
  return await print(line);
}

/** What is typed or piped in. */
async function* input(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(65_536);
  for (let count; (count = await Deno.stdin.read(buffer)) !== null;) yield buffer.slice(0, count);
}

/** Writes all of it; `false` if nobody reads it any more, as with `connect … | head -n 1`. */
async function print(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    for (let written = 0; written < bytes.length;) {
      written += await Deno.stdout.write(bytes.subarray(written));
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return false;
    throw error;
  }
}
