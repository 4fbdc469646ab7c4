// node:net, on Node and on Deno alike.
// deno-lint-ignore-file no-console

import { createServer } from "node:net";

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (chunk) => {
    if (socket.write(chunk)) return;
    socket.pause();
    socket.once("drain", () => socket.resume());
  });
  socket.on("error", () => socket.destroy());
});
server.listen(
  { host: "127.0.0.1", port: 0, backlog: 4096 },
  () => console.log(`listening ${server.address().port}`),
);
