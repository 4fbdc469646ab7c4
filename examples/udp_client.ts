// S14, its client: sends each line that is typed as a datagram, until `exit`.
import { connectDatagram } from "@switchboard/kit";
import { lines } from "@switchboard/kit/framing";
import { portFromArgs } from "./_port.ts";

await using client = await connectDatagram(`udp://127.0.0.1:${portFromArgs(8014)}`);
for await (const line of lines().decode(Deno.stdin.readable)) {
  if (line === "exit") break;
  await client.send(line);
}
