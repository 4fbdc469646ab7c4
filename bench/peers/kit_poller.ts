// The kit's multiplexer: one loop accepts and serves all clients.
// deno-lint-ignore-file no-console

import { type Connection, Poller, TcpServer } from "../../mod.ts";

const server = await new TcpServer(() => {}, { hostname: "127.0.0.1", port: 0 }).listen();
const poller = new Poller<TcpServer | Connection>();
const door = poller.register(server);
console.log(`listening ${server.addr.port}`);

const serve = (conn: Connection, chunk: Uint8Array | undefined): void => {
  if (chunk) return void conn.sendAll(chunk);
  poller.unregister(conn);
  conn.close();
};
for (;;) {
  for (const { key, source } of await poller.poll()) {
    if (key === door) {
      poller.register(door.take()!.value as Connection);
      continue;
    }
    try {
      serve(source as Connection, key.take()?.value as Uint8Array | undefined);
    } catch {
      serve(source as Connection, undefined); // the peer has reset the connection
    }
  }
}
