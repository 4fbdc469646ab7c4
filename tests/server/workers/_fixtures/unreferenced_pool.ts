/**
 * Serves with workers and lets the process end in spite of it. Arguments: the class; `again` to change its mind.
 *
 * @module
 */
import { ForkingTcpServer, ForkingUdpServer } from "../../../../server/workers/forking.ts";
import { ThreadingTcpServer, ThreadingUdpServer } from "../../../../server/workers/threading.ts";

const CLASSES = { ThreadingTcpServer, ForkingTcpServer, ThreadingUdpServer, ForkingUdpServer };
const [name, again] = Deno.args;
const handler = new URL("obedient.ts", import.meta.url);
const server = new CLASSES[name as keyof typeof CLASSES](handler, { workers: 2, processes: 2 });
await server.listen();
server.serveForever(); // not awaited: Deno would wait for it
server.unref();
if (again) server.ref();
console.log(`listening on ${server.addr.port}`);
