// S12: two listening ports in one loop. Every client is served by itself: the course starts a thread for each, here it is
// an async function, which costs a kilobyte.
//
//   deno run --allow-net=127.0.0.1 examples/select_two_ports.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8020
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8021
import { type Connection, formatAddr, TcpServer } from "@switchboard/kit";
import { select, take } from "@switchboard/kit/multiplex";
import { portFromArgs } from "./_port.ts";

const first = portFromArgs(8020);
const servers = await Promise.all(
  [first, first && first + 1].map((port) => new TcpServer(() => {}, { port }).listen()),
);
for (const server of servers) console.log(`listening on ${formatAddr(server.addr)}`);

for (;;) {
  const [readable] = await select(servers, [], []);
  for (const server of readable) {
    const client = take(server)?.value;
    if (client) serve(client, server.addr.port).catch((error) => console.log(error.message));
  }
}

async function serve(client: Connection, port: number): Promise<void> {
  using conn = client;
  await conn.sendAll(`welcome to port ${port}\n`);
  for await (const line of conn.lines()) await conn.sendAll(`${port}: ${line}\n`);
}
