/**
 * Closing a connection whose peer may still be speaking.
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import { ignore, type Inbound } from "./_inbound.ts";
import { fill } from "./_reads.ts";

/** How long a close goes on discarding what the peer still sends, in milliseconds; Go's `net/http` waits as long. */
const LINGER = 500;

/**
 * Says goodbye: closing over bytes that nobody has read, or before they come, resets the connection, and the peer may
 * lose the end of the answer. Where there are such bytes, or may be as nobody has ever read, it ends the writing half and
 * reads them away until the peer's end, half a second at most.
 */
export async function linger(conn: Connection, inbound: Inbound, giveUp: () => void): Promise<void> {
  const { buffer } = inbound;
  const answeredUnasked = conn.bytesOut > 0 && conn.bytesIn === 0;
  if (buffer.length === 0 && !answeredUnasked && !(await hasUnread(inbound))) return;
  const deadline = setTimeout(giveUp, LINGER);
  try {
    await conn.closeWrite();
    do buffer.clear(); while (await fill(inbound));
  } catch {
    // the peer has reset the connection, or the time is over: there is nobody left to be polite to
  } finally {
    clearTimeout(deadline);
  }
}

/** Whether the kernel holds bytes for us. */
async function hasUnread(inbound: Inbound): Promise<boolean> {
  if (inbound.reading) return false; // it would have arrived
  const look = new AbortController();
  const timer = setTimeout(() => look.abort(), 0);
  try {
    await inbound.wait(ignore, look.signal);
    return inbound.buffer.length > 0;
  } catch {
    return false; // nothing came in a whole turn of the event loop
  } finally {
    clearTimeout(timer);
  }
}
