// A small server that speaks Redis's protocol: PING, GET, SET, DEL, INCR, EXPIRE and a few more. Everything
// that has come is run in one pass and answered with one write, so that pipelining pays.
//
//   deno run --allow-net=127.0.0.1 examples/redis_server.ts
//   redis-cli -p 8007 set greeting hello          redis-benchmark -p 8007 -t ping,set,get -P 16 -q
import { type Connection, formatAddr, TcpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";
import { RedisStore } from "./_redis_store.ts";
import { Session } from "./_resp.ts";

const store = new RedisStore();

async function redis(conn: Connection): Promise<void> {
  const session = new Session(store);
  for (let chunk; !session.over && (chunk = await conn.recv()) !== null;) {
    const replies = session.receive(chunk);
    if (replies.length > 0) await conn.sendAll(replies);
  }
}

const server = new TcpServer(redis, { port: portFromArgs(8007) });
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
