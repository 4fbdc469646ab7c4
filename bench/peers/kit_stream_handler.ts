// The kit with a class as its handler, in the manner of Python's socketserver.
// deno-lint-ignore-file no-console

import { StreamRequestHandler, TcpServer } from "../../mod.ts";

class Echo extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const chunk of this.rfile) await this.wfile.write(chunk);
  }
}

const server = new TcpServer(Echo, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
