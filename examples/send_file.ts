// S17: a file of any size is sent piece by piece, never held in memory. Everybody who connects gets it,
// behind a line with its size.
//
//   deno run --allow-net=127.0.0.1 --allow-read=README.md examples/send_file.ts README.md
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8010 > copy
import { type Connection, formatAddr, TcpServer } from "@switchboard/kit";
import { parseArgs } from "@std/cli/parse-args";
import { portFromArgs } from "./_port.ts";

const { _: [path = "README.md"] } = parseArgs(Deno.args, { string: ["_", "port"] });

async function sendFile(conn: Connection): Promise<void> {
  using file = await Deno.open(String(path));
  const { size } = await file.stat();
  await conn.sendAll(`${size}\n`);
  // The count is what was announced: a file that grows meanwhile sends no more, one that shrinks is an error.
  await conn.sendFile(file, { count: size });
  console.log(`sent ${size} bytes to ${formatAddr(conn.remoteAddr)}`);
}

const server = new TcpServer(sendFile, { port: portFromArgs(8010), writeTimeout: 30_000 });
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
