// S16, the server: takes files into a folder, several on one connection. handlers/upload.ts describes the
// dialogue; the command line serves it too: cli.ts serve upload --tcp :8009 --dir uploads
//
//   deno run --allow-net=127.0.0.1 --allow-read=uploads --allow-write=uploads examples/upload_server.ts --dir uploads
//   deno run --allow-net=127.0.0.1 --allow-read=README.md,LICENSE examples/upload_client.ts README.md LICENSE
import { formatAddr, TcpServer } from "@switchboard/kit";
import { options, upload } from "@switchboard/kit/handlers/upload";
import { parseArgs } from "@std/cli/parse-args";
import { portFromArgs } from "./_port.ts";

const { dir } = parseArgs(Deno.args, { string: ["dir"] });
const server = new TcpServer(upload({ dir }), { ...options, port: portFromArgs(8009) });
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
