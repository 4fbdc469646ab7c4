// S6 as a plain socket server: one caller at a time, the next ones wait in the line.
//
//   deno run --allow-net=127.0.0.1 examples/operator_serial.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8001
import { formatAddr, TcpServer } from "@switchboard/kit";
import operator from "@switchboard/kit/handlers/operator";
import { portFromArgs } from "./_port.ts";

const server = new TcpServer(operator, { port: portFromArgs(8001), concurrency: 1 });
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
