// S20: Twisted's echo: a protocol, a factory, a reactor.
//
//   deno run --allow-net=127.0.0.1 examples/reactor_echo.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8034
import { formatAddr, Protocol, ServerFactory } from "@switchboard/kit";
import { Reactor } from "@switchboard/kit/multiplex";
import { portFromArgs } from "./_port.ts";

class Echo extends Protocol {
  override dataReceived(data: Uint8Array): void {
    this.transport.write(data);
  }
}

const reactor = new Reactor();
const port = await reactor.listenTcp(portFromArgs(8034), ServerFactory.forProtocol(Echo));
console.log(`listening on ${formatAddr(port.host)}`);
await reactor.run();
