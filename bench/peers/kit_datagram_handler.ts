// The kit with a DatagramRequestHandler: an object for each packet, with a reader and a writer.
// deno-lint-ignore-file no-console

import { DatagramRequestHandler, UdpServer } from "../../mod.ts";

class Echo extends DatagramRequestHandler {
  override handle(): void {
    this.wfile.write(this.packet.data);
  }
}

const server = new UdpServer(Echo);

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
