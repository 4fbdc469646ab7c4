// The kit's reactor: a protocol that writes what it is given.
// deno-lint-ignore-file no-console

import { Protocol, Reactor, ServerFactory } from "../../mod.ts";

class Echo extends Protocol {
  override dataReceived(data: Uint8Array): void {
    this.transport.write(data);
  }
}

const reactor = new Reactor();
const port = await reactor.listenTcp(0, ServerFactory.forProtocol(Echo));
console.log(`listening ${(port.host as Deno.NetAddr).port}`);
await reactor.run();
