// node:net: answers each line with the same in capitals, a chunk of lines with one write.
// deno-lint-ignore-file no-console

import { createServer } from "node:net";

const server = createServer({ noDelay: true }, (socket) => {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    let replies = "";
    for (const line of lines) replies += `${line.toUpperCase()}\n`;
    if (replies) socket.write(replies);
  });
  socket.on("error", () => socket.destroy());
});
server.listen(
  { host: "127.0.0.1", port: 0, backlog: 4096 },
  () => console.log(`listening ${server.address().port}`),
);
