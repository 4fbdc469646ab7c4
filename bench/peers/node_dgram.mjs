// node:dgram, on Node and on Deno alike.
// deno-lint-ignore-file no-console

import { createSocket } from "node:dgram";

const socket = createSocket("udp4");
socket.on("message", (packet, { port, address }) => socket.send(packet, port, address));
socket.bind(0, "127.0.0.1", () => console.log(`listening ${socket.address().port}`));
