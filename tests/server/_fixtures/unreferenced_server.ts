/**
 * Listens and lets the process end in spite of it. Arguments, in any order: the class; `late` to do so while the server is
 * being served; `service` for one with service actions; `again` to change its mind.
 */
import { TcpServer, UnixServer } from "../../../mod.ts";

const has = (word: string): boolean => Deno.args.includes(word);
const greet = (conn: { sendAll(text: string): Promise<void> }): Promise<void> => conn.sendAll("hello\n");
const path = Deno.args.find((arg) => arg.startsWith("/"));
const server = path ? new UnixServer(greet, { path }) : new TcpServer(greet);
if (has("service")) server.serviceActions = () => {};
if (!has("late")) server.unref();
await server.listen();
server.serveForever(); // not awaited: Deno would wait for it
if (has("late")) {
  await new Promise((resolve) => setTimeout(resolve, 10));
  server.unref();
}
if (has("again")) server.ref();
console.log(path ?? `listening on tcp://127.0.0.1:${(server.addr as Deno.NetAddr).port}`);
