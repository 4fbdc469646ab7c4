/**
 * Serves a program that refuses to end, talks to it once, prints its number, and exits at the first line that is typed.
 *
 * @module
 */
import { connect, execHandler, TcpServer } from "../../../mod.ts";

const args = ["-c", "trap '' HUP TERM; echo $$; while :; do sleep 0.05; done"];
const server = await new TcpServer(execHandler("sh", { args })).listen();
server.serveForever();
const conn = await connect(server.addr);
console.log(`pid ${await conn.readLine()}`);
await Deno.stdin.read(new Uint8Array(16));
Deno.exit(7);
