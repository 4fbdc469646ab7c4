// S8: the first step with select: a loop that waits for clients and only greets them.
//
//   deno run --allow-net=127.0.0.1 examples/select_greet.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8030
import { formatAddr, TcpServer } from "@switchboard/kit";
import { select, take } from "@switchboard/kit/multiplex";
import { portFromArgs } from "./_port.ts";

const server = await new TcpServer(() => {}, { port: portFromArgs(8030) }).listen();
console.log(`listening on ${formatAddr(server.addr)}`);

for (;;) {
  await select([server], [], []);
  const client = take(server)?.value;
  if (!client) continue;
  console.log(`new connection from ${formatAddr(client.remoteAddr)}`);
  await client.sendAll("hello, you are connected\n").catch(() => console.log("it has left already"));
  client.close();
}
