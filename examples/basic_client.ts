// S1, its client: connect, say something, print the answer.
import { connect } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

using conn = await connect({ transport: "tcp", hostname: "127.0.0.1", port: portFromArgs(8000) });
await conn.sendAll("Hello, server.");
await conn.closeWrite();
for await (const chunk of conn) await Deno.stdout.write(chunk);
console.log();
