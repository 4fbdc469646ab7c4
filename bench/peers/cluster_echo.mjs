// Node's cluster: as many processes as the argument says; one that dies is replaced, as the manual shows it.
// deno-lint-ignore-file no-console

import cluster from "node:cluster";
import { createServer } from "node:net";

if (cluster.isPrimary) {
  const workers = Number(process.argv[2]);
  let ready = 0;
  let taken = 0; // a worker that takes the place of the last one would get another port
  cluster.on("listening", (_, { port }) => {
    taken = port;
    if (++ready === workers) console.log(`listening ${port}`);
  });
  cluster.on("exit", () => cluster.fork({ PORT: taken }));
  for (let i = 0; i < workers; i++) cluster.fork();
} else {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", (chunk) => socket.write(chunk));
    socket.on("error", () => socket.destroy());
  });
  server.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 0), backlog: 4096 });
}
