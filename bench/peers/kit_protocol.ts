// The kit with a Protocol, in the manner of Twisted.
// deno-lint-ignore-file no-console

import { Protocol, TcpServer } from "../../mod.ts";

class Echo extends Protocol {
  override dataReceived(data: Uint8Array): void {
    this.transport.write(data);
  }
}

const server = new TcpServer(Echo, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
