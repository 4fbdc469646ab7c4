// node:net, with the example's protocol and store. For Node, its types are taken away first.
// deno-lint-ignore-file no-console

import { type AddressInfo, createServer } from "node:net";
import { RedisStore } from "../../examples/_redis_store.ts";
import { Session } from "../../examples/_resp.ts";

const store = new RedisStore();

const server = createServer({ noDelay: true }, (socket) => {
  const session = new Session(store);
  socket.on("data", (chunk: Uint8Array) => {
    const replies = session.receive(chunk);
    if (replies.length > 0) socket.write(new Uint8Array(replies)); // it may keep what it is given
    if (session.over) socket.end();
  });
  socket.on("error", () => socket.destroy());
});
server.listen(
  { host: "127.0.0.1", port: 0, backlog: 4096 },
  () => console.log(`listening ${(server.address() as AddressInfo).port}`),
);
