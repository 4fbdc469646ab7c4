// Node's cluster: as many processes as the argument says, each with the same work for a processor.
// deno-lint-ignore-file no-console

import cluster from "node:cluster";
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

const PADDING = new Uint8Array(2_000_000);

if (cluster.isPrimary) {
  const workers = Number(process.argv[2]);
  let ready = 0;
  cluster.on("listening", (_, { port }) => {
    if (++ready === workers) console.log(`listening ${port}`);
  });
  for (let i = 0; i < workers; i++) cluster.fork();
} else {
  const server = createServer({ noDelay: true }, (socket) => {
    createInterface({ input: socket }).on(
      "line",
      (line) => socket.write(`${createHash("sha256").update(line).update(PADDING).digest("hex")}\n`),
    );
    socket.on("error", () => socket.destroy());
  });
  server.listen({ host: "127.0.0.1", port: 0 });
}
