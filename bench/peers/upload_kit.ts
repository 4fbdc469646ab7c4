// The kit: the shipped handler. The folder is an argument.
// deno-lint-ignore-file no-console

import { upload } from "../../handlers/upload.ts";
import { TcpServer } from "../../mod.ts";
import { emptyFolder } from "./_empty_folder.ts";

await emptyFolder(Deno.args[0]);
const handler = upload({ dir: Deno.args[0], maxSize: 2 ** 32 });
const server = new TcpServer(handler, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
