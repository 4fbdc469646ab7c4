/**
 * A connection as Web Streams. Deno's own close the connection at its end or when they are cancelled; these do not.
 *
 * @module
 */
import type { Connection } from "./connection.ts";

/** What comes in. Reads only what is asked for, and copies: a byte stream detaches what it is given. */
export function readableOf(conn: Connection): ReadableStream<Uint8Array<ArrayBuffer>> {
  const left = new AbortController();
  return new ReadableStream({
    type: "bytes",
    cancel: () => left.abort(),
    pull: async (controller) => {
      const chunk = await conn.recv({ signal: left.signal });
      if (!chunk) {
        controller.close();
        return controller.byobRequest?.respond(0);
      }
      // What was not asked for, or comes when the stream was left already, is put back for whoever reads next.
      const most = left.signal.aborted ? 0 : controller.byobRequest?.view?.byteLength ?? chunk.length;
      conn.unread(chunk.subarray(most));
      if (most > 0) controller.enqueue(chunk.slice(0, most));
    },
  }, { highWaterMark: 0 }) as ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What goes out. */
export function writableOf(conn: Connection): WritableStream<Uint8Array<ArrayBufferLike>> {
  return new WritableStream({
    write: (chunk) => conn.sendAll(chunk),
    close: () => conn.closeWrite(),
    abort: () => conn.close(),
  });
}
