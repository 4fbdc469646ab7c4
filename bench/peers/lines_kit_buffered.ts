// The kit with a StreamRequestHandler whose answers are collected until it has to wait for the client.
// deno-lint-ignore-file no-console

import { StreamRequestHandler, TcpServer } from "../../mod.ts";

class Capitals extends StreamRequestHandler {
  override writeBufferSize = 16_384;

  override async handle(): Promise<void> {
    for await (const line of this.rfile.lines()) await this.wfile.write(`${line.toUpperCase()}\n`);
  }
}

const server = new TcpServer(Capitals, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
