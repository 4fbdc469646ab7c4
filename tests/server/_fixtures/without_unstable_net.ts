// What works without --unstable-net, and what says why it does not.
// deno-lint-ignore-file no-console
import { connectDatagram } from "../../../server/datagram_client.ts";
import { UdpServer } from "../../../server/udp_server.ts";
import { UnixDatagramServer } from "../../../server/unix_datagram_server.ts";

console.log(typeof Deno.listenDatagram);
const server = await new UdpServer((packet) => packet.reply(packet.data)).listen();
const loop = server.serveForever();
const client = await connectDatagram(server.addr);
await client.send("hello over udp");
console.log(new TextDecoder().decode(await client.receive({ timeout: 10_000 })));
await client.close();
await server.shutdown();
await loop;
await new UnixDatagramServer(() => {}, { path: "/tmp/x.sock" }).listen().catch((error) =>
  console.log(error.message)
);
await connectDatagram("unixgram:/tmp/x.sock").catch((error) => console.log(error.message));
