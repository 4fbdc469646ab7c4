// A chat room: what one says, all others read. A slow reader misses messages; it never makes the others wait, and never
// fills the memory.
//
//   deno run --allow-net=127.0.0.1 examples/chat.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8005     (twice)
import { type Connection, formatAddr, TcpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

interface Guest {
  name: string;
}

const guests = new Set<Connection<Guest>>();
const encoder = new TextEncoder();

async function chat(conn: Connection<Guest>): Promise<void> {
  await conn.sendAll("Your name? ");
  const name = await conn.readLine({ limit: 32 });
  if (!name) return;
  conn.data = { name: printable(name) };
  guests.add(conn);
  try {
    tell(`* ${conn.data.name} has joined`, conn);
    for await (const line of conn.lines({ limit: 1_024 })) {
      tell(`${conn.data.name}: ${printable(line)}`, conn);
    }
  } finally {
    guests.delete(conn);
    tell(`* ${conn.data.name} has left`, conn);
  }
}

/** `send` takes what fits into the guest's queue and never waits: the message goes whole, or not at all. */
function tell(text: string, from: Connection<Guest>): void {
  const message = encoder.encode(text + "\n");
  for (const guest of guests) if (guest !== from && guest.sendRoom >= message.length) guest.send(message);
}

/** Control characters could rewrite other people's terminals. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "");
}

const server = new TcpServer<Guest>(chat, { port: portFromArgs(8005), maxConnectionsPerPeer: 50 });
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
