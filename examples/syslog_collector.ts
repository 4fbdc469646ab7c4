// A syslog collector: prints what programs and machines report, one line for each message.
//
//   deno run --allow-net=127.0.0.1 examples/syslog_collector.ts
//   logger --server 127.0.0.1 --port 8514 --udp --tag demo "hello"
//
// With `--unixgram PATH` it listens there too, as a system's own does at /dev/log (this needs --unstable-net and -A).
import { type Datagram, formatAddr, serve } from "@switchboard/kit";
import { parseArgs } from "@std/cli/parse-args";
import { portFromArgs } from "./_port.ts";
import { printable } from "./_printable.ts";
import { parseSyslog } from "./_syslog.ts";

/** No packet can print a second line, or a longer one than this: what comes is text of strangers. */
const LONGEST_LINE = 2_000;

function report(packet: Datagram): void {
  const message = parseSyslog(packet.text().replace(/[\r\n\0]+$/, ""));
  const from = "hostname" in packet.remoteAddr ? packet.remoteAddr.hostname : "local";
  const process = message.procId ? `[${message.procId}]` : "";
  const program = message.appName ? ` ${message.appName}${process}:` : "";
  const text = `${message.hostname ?? from}${program} ${message.text}`;
  const cut = packet.truncated ? " (cut)" : "";
  console.log(`${message.facility}.${message.severity} ${printable(text, LONGEST_LINE)}${cut}`);
}

const { unixgram } = parseArgs(Deno.args, { string: ["unixgram"] });
await using group = await serve({
  listen: [`udp://127.0.0.1:${portFromArgs(8514)}`, ...unixgram ? [`unixgram:${unixgram}`] : []],
  maxPacketRatePerPeer: 1_000, // one that shouts does not drown the others
  reclaim: true,
}, { datagram: report });

Deno.addSignalListener("SIGINT", () => group.shutdown());
for (const addr of group.addrs) console.log(`listening on ${formatAddr(addr)}`);
await group.finished;
const { accepted, refused } = group.stats;
console.log(`${accepted} messages came, ${refused["peer-rate"]} of them too fast`);
