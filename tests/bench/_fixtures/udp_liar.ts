// A datagram echo that does wrong after a thousand packets. The first argument says what. Their first eight bytes are the
// number of a place in the generator's window and a serial.
// deno-lint-ignore-file no-console

const PATIENCE = 1000;
const STALL_MS = 600;

let heard = 0;

/** What each liar sends in place of a packet, from the thousand and first on. */
const LIES: Record<string, (packet: Uint8Array<ArrayBuffer>) => Uint8Array[]> = {
  honest: (packet) => [packet],
  stalls: (packet) => [packet],
  drops: (packet) => heard % 50 === 0 ? [] : [packet],
  "drops-one": (packet) => heard === PATIENCE + 1 ? [] : [packet],
  doubles: (packet) => heard % 50 === 0 ? [packet, packet] : [packet],
  "doubles-one": (packet) => heard === PATIENCE + 1 ? [packet, packet] : [packet],
  "flips-slot-low": (packet) => [packet.with(0, packet[0] ^ 1)],
  "flips-slot-high": (packet) => [packet.with(3, packet[3] ^ 1)],
  "flips-serial-low": (packet) => [packet.with(4, packet[4] ^ 1)],
  "flips-serial-high": (packet) => [packet.with(7, packet[7] ^ 1)],
  changes: (packet) => [packet.with(-1, packet.at(-1)! ^ 1)],
  adds: (packet) => [new Uint8Array([...packet, 120])],
  shortens: (packet) => [packet.subarray(0, -1)],
};

const [lie] = Deno.args;
const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
console.log(`listening ${(socket.addr as Deno.NetAddr).port}`);
const buffer = new Uint8Array(65536);
for (;;) {
  const [packet, peer] = await socket.receive(buffer);
  const late = ++heard > PATIENCE;
  if (lie === "stalls" && heard === PATIENCE + 1) {
    await new Promise((resolve) => setTimeout(resolve, STALL_MS));
  }
  for (const reply of late ? LIES[lie](packet as Uint8Array<ArrayBuffer>) : [packet]) {
    await socket.send(reply, peer);
  }
}
