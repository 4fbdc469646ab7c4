// S9: the second step with select: one loop accepts clients and receives from all of them.
//
//   deno run --allow-net=127.0.0.1 examples/select_receive.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8031
import { Connection, formatAddr, TcpServer } from "@switchboard/kit";
import { select, take } from "@switchboard/kit/multiplex";
import { portFromArgs } from "./_port.ts";

const server = await new TcpServer(() => {}, { port: portFromArgs(8031) }).listen();
console.log(`listening on ${formatAddr(server.addr)}`);
const inputs: (TcpServer | Connection)[] = [server];

for (;;) {
  const [readable] = await select(inputs, [], []);
  for (const source of readable) {
    if (source instanceof Connection) receive(source);
    else accept(source);
  }
}

function accept(server: TcpServer): void {
  const client = take(server)?.value;
  if (!client) return;
  console.log(`new connection from ${formatAddr(client.remoteAddr)}`);
  inputs.push(client);
}

function receive(client: Connection): void {
  const who = formatAddr(client.remoteAddr);
  try {
    const item = take(client);
    if (!item) return;
    if (!item.done) return console.log(`${who}: ${new TextDecoder().decode(item.value).trimEnd()}`);
    console.log(`${who} hung up`);
  } catch (error) {
    console.log(`${who} is gone: ${(error as Error).message}`);
  }
  inputs.splice(inputs.indexOf(client), 1);
  client.close();
}
