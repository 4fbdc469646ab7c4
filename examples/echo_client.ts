// S7, its client: sends each line that is typed and prints what comes back; an empty line ends it.
import { connect } from "@switchboard/kit";
import { lines } from "@switchboard/kit/framing";
import { portFromArgs } from "./_port.ts";

using conn = await connect({ transport: "tcp", hostname: "127.0.0.1", port: portFromArgs(8003) });
for await (const line of lines().decode(Deno.stdin.readable)) {
  if (line === "") break;
  await conn.sendAll(line + "\n");
  console.log(await conn.readLine());
}
