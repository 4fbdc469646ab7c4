// One loop over everything: a TCP server and its clients, a UDP server, what is typed, a timer, and Ctrl-C.
//
//   deno run --allow-net=127.0.0.1 --unstable-net examples/poll_everything.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8035
//   echo hello | ncat -u 127.0.0.1 8035
import { Connection, type Datagram, formatAddr, lines, TcpServer, UdpServer } from "@switchboard/kit";
import { Poller, signals, ticks } from "@switchboard/kit/multiplex";
import { portFromArgs } from "./_port.ts";

const tcp = await new TcpServer(() => {}, { port: portFromArgs(8035) }).listen();
const udp = await new UdpServer(() => {}, { port: tcp.addr.port }).listen();
const [typed, timer, interrupt] = [lines().decode(Deno.stdin.readable), ticks(1_000), signals("SIGINT")];

const poller = new Poller();
const door = poller.register(tcp);
const packets = poller.register(udp);
const typing = poller.register(typed);
const ticking = poller.register(timer);
const interrupting = poller.register(interrupt);
console.log(`listening on ${formatAddr(tcp.addr)} and ${formatAddr(udp.addr)}`);

let seconds = 0;
while (!poller.closed) {
  for (const { key, source } of await poller.poll()) {
    if (key === door) accept(door.take()?.value);
    else if (key === packets) answer(packets.take()?.value);
    else if (key === typing) type(typing.take());
    else if (key === ticking) seconds += ticking.take()?.value ?? 0;
    else if (key === interrupting) stop();
    else if (source instanceof Connection) echo(source, key.take.bind(key));
  }
}

function accept(client: Connection | undefined): void {
  if (client) poller.register(client);
}

function echo(client: Connection, take: () => IteratorResult<unknown> | undefined): void {
  try {
    const item = take();
    if (item && !item.done) client.send(item.value as Uint8Array);
    if (!item?.done) return;
  } catch (error) {
    console.log((error as Error).message);
  }
  poller.unregister(client);
  client.close();
}

function answer(packet: Datagram | undefined): void {
  packet?.reply(packet.data).catch((error: Error) => console.log(error.message));
}

function type(line: IteratorResult<string> | undefined): void {
  if (!line) return;
  if (line.done) poller.unregister(typed);
  else console.log(`you typed ${line.value}; running for ${seconds} s with ${poller.keys.size} sources`);
}

/** Sources are the caller's to close; what was read from standard input and not typed yet cannot be waited for. */
function stop(): void {
  console.log("interrupted");
  poller.close();
  Deno.exit(0);
}
