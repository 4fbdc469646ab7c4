// S14: prints every datagram that comes.
//
//   deno run --allow-net=127.0.0.1 examples/udp_server.ts
//   deno run --allow-net=127.0.0.1 examples/udp_client.ts
import { formatAddr, UdpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";
import { printable } from "./_printable.ts";

const server = new UdpServer((packet) => {
  console.log(
    `${formatAddr(packet.remoteAddr)}: ${printable(packet.text())}${packet.truncated ? " (cut)" : ""}`,
  );
}, { port: portFromArgs(8014) });

await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
