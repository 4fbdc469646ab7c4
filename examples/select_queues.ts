// S11: the fourth step with select: a queue of messages for each client. The write phase answers every message with itself
// and "response".
//
//   deno run --allow-net=127.0.0.1 examples/select_queues.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8033
import { Connection, formatAddr, TcpServer } from "@switchboard/kit";
import { select, take } from "@switchboard/kit/multiplex";
import { portFromArgs } from "./_port.ts";

const server = await new TcpServer(() => {}, { port: portFromArgs(8033) }).listen();
console.log(`listening on ${formatAddr(server.addr)}`);
/** The messages of every client that have no answer yet. */
const queues = new Map<Connection, string[]>();

for (;;) {
  const waiting = [...queues.keys()].filter((client) => queues.get(client)!.length > 0);
  const [readable, writable] = await select([server, ...queues.keys()], waiting, []);
  for (const source of readable) {
    if (source instanceof Connection) receive(source);
    else queues.set(take(source)!.value!, []);
  }
  for (const client of writable) answer(client);
}

function receive(client: Connection): void {
  try {
    const item = take(client);
    if (item?.value) queues.get(client)!.push(new TextDecoder().decode(item.value).trimEnd());
    if (!item?.done) return;
  } catch (error) {
    console.log((error as Error).message); // a reset: gone as well
  }
  leave(client);
}

function answer(client: Connection): void {
  const message = queues.get(client)?.shift();
  if (message === undefined) return; // it has left in the read phase
  try {
    client.send(new TextEncoder().encode(`${message} response\n`));
  } catch {
    leave(client);
  }
}

function leave(client: Connection): void {
  console.log(`${formatAddr(client.remoteAddr)} hung up`);
  queues.delete(client);
  client.close();
}
