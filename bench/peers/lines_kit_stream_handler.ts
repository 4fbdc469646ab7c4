// The kit with a StreamRequestHandler that reads lines, as Python's would.
// deno-lint-ignore-file no-console

import { StreamRequestHandler, TcpServer } from "../../mod.ts";

class Capitals extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for (let line; (line = await this.rfile.readLine()) !== null;) {
      await this.wfile.write(`${line.toUpperCase()}\n`);
    }
  }
}

const server = new TcpServer(Capitals, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
