// The kit with a LineReceiver, as Twisted's. Answers to lines that came together go out together.
// deno-lint-ignore-file no-console

import { LineReceiver, TcpServer } from "../../mod.ts";

class Capitals extends LineReceiver {
  override delimiter = "\n" as const;

  override lineReceived(line: string): void {
    this.sendLine(line.toUpperCase());
  }
}

const server = new TcpServer(Capitals, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
