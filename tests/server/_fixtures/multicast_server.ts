// A member of a group echoes what the Python program in its first argument sends to that group.
// deno-lint-ignore-file no-console
import { UdpServer } from "../../../server/udp_server.ts";

console.log(typeof Deno.listenDatagram === "function" ? "Deno.listenDatagram" : "node:dgram");
const server = new UdpServer((packet) => packet.reply(packet.data), {
  hostname: "0.0.0.0",
  multicast: [{ address: "239.255.77.7", interface: "127.0.0.1" }],
  multicastLoopback: true,
});
await server.listen();
const loop = server.serveForever();
const args = ["-c", Deno.args[0], String(server.addr.port)];
await new Deno.Command("python3", { args, stdout: "inherit", stderr: "inherit" }).spawn().status;
await server.close();
await loop;
