// S21: Twisted's getPage: several pages are asked for at once, a callback runs when each arrives, and the loop goes on
// meanwhile.
//
//   deno run --allow-net=127.0.0.1 examples/http_answer.ts     (somebody who answers)
//   deno run --allow-net=127.0.0.1 examples/get_page.ts http://127.0.0.1:8004/one http://127.0.0.1:8004/two
import { ClientFactory, type Connector, Protocol } from "@switchboard/kit";
import { Reactor } from "@switchboard/kit/multiplex";

/** Speaks as much HTTP/1.0 as it takes to get a page. */
class PageProtocol extends Protocol {
  #chunks: Uint8Array[] = [];

  override connectionMade(): void {
    const { url } = this.factory as PageFactory;
    const request = `GET ${url.pathname}${url.search} HTTP/1.0\r\nHost: ${url.host}\r\n\r\n`;
    this.transport.write(new TextEncoder().encode(request));
  }

  override dataReceived(data: Uint8Array): void {
    this.#chunks.push(data);
  }

  override async connectionLost(): Promise<void> {
    const answer = await new Blob(this.#chunks as BlobPart[]).text();
    const [head, ...body] = answer.split("\r\n\r\n");
    (this.factory as PageFactory).done(head.split("\r\n")[0], body.join("\r\n\r\n"));
  }
}

class PageFactory extends ClientFactory {
  override protocol = PageProtocol;
  readonly url: URL;
  readonly done: (status: string, body: string) => void;

  constructor(url: URL, done: (status: string, body: string) => void) {
    super();
    this.url = url;
    this.done = done;
  }

  override clientConnectionFailed(_connector: Connector, reason: Error): void {
    this.done(`failed: ${reason.message}`, "");
  }
}

const reactor = new Reactor();
const urls = Deno.args.length > 0 ? Deno.args : ["http://127.0.0.1:8004/one", "http://127.0.0.1:8004/two"];
let open = urls.length;

for (const url of urls.map((arg) => new URL(arg))) {
  console.log(`asking for ${url}`);
  const factory = new PageFactory(url, (status, body) => {
    console.log(`${url}: ${status}, ${body.length} characters`);
    if (--open === 0) reactor.stop();
  });
  reactor.connectTcp(url.hostname, Number(url.port || 80), factory);
}
console.log("the loop goes on");
await reactor.run();
