// A server of uploads, to be killed: deno run -A upload_program.ts DIR
import { formatAddr, TcpServer } from "../../mod.ts";
import { upload } from "../../handlers/upload.ts";

const server = new TcpServer(upload({ dir: Deno.args[0] }), { observers: [{ error: () => {} }] });
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
