// The kit with a function as its datagram handler.
// deno-lint-ignore-file no-console

import { UdpServer } from "../../mod.ts";

const server = new UdpServer((packet) => packet.reply(packet.data));

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
