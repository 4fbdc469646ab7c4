// Bare Deno, the datagram loop that ratios refer to: receive into one buffer, send it back.
// deno-lint-ignore-file no-console

const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
console.log(`listening ${(socket.addr as Deno.NetAddr).port}`);
const buffer = new Uint8Array(65536);
for (;;) {
  const [packet, peer] = await socket.receive(buffer);
  await socket.send(packet, peer);
}
