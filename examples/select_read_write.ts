// S10: the third step with select: reading and writing apart. Whoever sent something gets "response" in the write phase;
// who hangs up is taken out of both lists.
//
//   deno run --allow-net=127.0.0.1 examples/select_read_write.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8032
import { Connection, formatAddr, TcpServer } from "@switchboard/kit";
import { select, take } from "@switchboard/kit/multiplex";
import { portFromArgs } from "./_port.ts";

const server = await new TcpServer(() => {}, { port: portFromArgs(8032) }).listen();
console.log(`listening on ${formatAddr(server.addr)}`);
const inputs = new Set<TcpServer | Connection>([server]);
const outputs = new Set<Connection>();
const response = new TextEncoder().encode("response\n");

for (;;) {
  const [readable, writable] = await select(inputs, outputs, inputs);
  for (const source of readable) {
    if (source instanceof Connection) receive(source);
    else inputs.add(take(source)!.value!);
  }
  for (const client of writable) {
    if (outputs.delete(client)) client.send(response);
  }
}

function receive(client: Connection): void {
  try {
    const item = take(client);
    if (item && !item.done) outputs.add(client);
    if (!item?.done) return;
  } catch (error) {
    console.log((error as Error).message); // a reset: gone as well
  }
  console.log(`${formatAddr(client.remoteAddr)} hung up`);
  inputs.delete(client);
  outputs.delete(client);
  client.close();
}
