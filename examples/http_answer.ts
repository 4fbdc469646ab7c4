// S15: HTTP with nothing but a socket: read a request, write a status line and "Hello, World", close.
//
//   deno run --allow-net=127.0.0.1 examples/http_answer.ts
//   curl -i http://127.0.0.1:8004/
import { type Connection, formatAddr, FrameTooLargeError, TcpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

const END_OF_HEAD = "\r\n\r\n";

async function answer(conn: Connection): Promise<void> {
  await conn.sendAll(
    await hasRequest(conn) ? response("200 OK", "Hello, World\n") : response("431 Too Large", ""),
  );
}

/** Reads the head of a request; whatever body follows is left to the close, which reads it away. */
async function hasRequest(conn: Connection): Promise<boolean> {
  try {
    return await conn.readUntil(END_OF_HEAD, { limit: 8_192 }) !== null;
  } catch (error) {
    if (error instanceof FrameTooLargeError) return false;
    throw error;
  }
}

function response(status: string, body: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

const server = new TcpServer(answer, { port: portFromArgs(8004), readTimeout: 10_000 });
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
