import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { BaseServer, connectDatagram, type Datagram, type DatagramServer } from "../../../mod.ts";
import { loggedDatagrams } from "../../_support/datagram_hook_log.ts";
import { ask, forEachDatagramServer, hear, make } from "../../_support/datagram_servers.ts";
import { within } from "../../_support/deadline.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { echo } from "../../_support/tiny_datagram_handlers.ts";

const BEFORE = ["getRequest", "verifyRequest"];
const AFTER = ["shutdownRequest", "closeRequest"];

forEachDatagramServer((kind, test) => {
  /** Lets one packet come to a server, and waits until nothing of it is left. */
  const visit = async (server: DatagramServer): Promise<void> => {
    await server.listen();
    await using client = await connectDatagram(server.addr);
    await client.send("visit");
    assert(await server.handleRequest({ timeout: 10_000 }));
    await within(server.shutdown(), "shutdown");
  };

  for (const concurrency of [1, Infinity]) {
    const options = { concurrency };
    const mode = concurrency === 1 ? "serially" : "concurrently";

    test(` calls its hooks ${mode} in the order of A.4`, async () => {
      const { Server, hooks } = loggedDatagrams(kind.Server);
      await using server = make(kind, () => hooks.push("handler"), options, Server);
      await visit(server);
      assertEquals(hooks, [...BEFORE, "processRequest", "finishRequest", "handler", ...AFTER]);
    });

    test(` calls handleError once ${mode}, between the handler that throws and shutdownRequest`, async () => {
      const observer = new Recorder();
      const { Server, hooks, errors } = loggedDatagrams(kind.Server);
      const failure = new Error("handler");
      const fail = (): void => {
        throw failure;
      };
      await using server = make(kind, fail, { ...options, observers: [observer] }, Server);
      await visit(server);
      assertEquals(hooks, [...BEFORE, "processRequest", "finishRequest", "handleError", ...AFTER]);
      assertEquals(errors, [failure]);
      assertEquals(observer.all("error").map(({ error, phase }) => [error, phase]), [[failure, "handler"]]);
      assertEquals(observer.all("handled").map(({ reason, error }) => [reason, error]), [["error", failure]]);
    });

    test(` ends a packet that verifyRequest turns away ${mode} without a handler and without an error`, async () => {
      const observer = new Recorder();
      const { Server, hooks } = loggedDatagrams(kind.Server);
      await using server = make(kind, echo, { ...options, observers: [observer] }, Server);
      server.verifyRequest = () => (hooks.push("verifyRequest"), false);
      await visit(server);
      assertEquals(hooks, [...BEFORE, ...AFTER]);
      assertEquals(observer.all("refused").map(({ reason }) => reason), ["unverified"]);
      assertEquals(observer.all("handled"), []);
      assertEquals(observer.all("error"), []);
    });

    for (const falsy of [undefined, null, 0, "", Promise.resolve(false), Promise.resolve(undefined)]) {
      test(`.verifyRequest() is judged ${mode} by truthiness: ${Deno.inspect(falsy)} turns away`, async () => {
        await using server = make(kind, echo, options);
        server.verifyRequest = () => falsy as unknown as boolean;
        await visit(server);
        assertEquals([server.stats.refused.unverified, server.stats.succeeded], [1, 0]);
      });
    }

    test(` calls no hook of a request ${mode} for a packet that is denied, but closeRequest`, async () => {
      if (!("hostname" in make(kind, echo).addr)) return; // a Unix peer has no address to deny
      const { Server, hooks } = loggedDatagrams(kind.Server);
      await using server = make(kind, echo, { ...options, deny: ["127.0.0.0/8"] }, Server);
      await visit(server);
      assertEquals(hooks, ["getRequest", "closeRequest"]);
      assertEquals(server.stats.refused.denied, 1);
    });
  }

  test(".shutdownRequest() that throws is called once and is told", async () => {
    const observer = new Recorder();
    const { Server, hooks } = loggedDatagrams(kind.Server);
    class Failing extends Server {
      override shutdownRequest(_packet: Datagram): Promise<void> {
        hooks.push("shutdownRequest");
        throw new Error("shutdown");
      }
    }
    await using server = make(kind, () => {}, { observers: [observer] }, Failing);
    await visit(server);
    assertEquals(hooks, [...BEFORE, "processRequest", "finishRequest", "shutdownRequest"]);
    assertEquals(observer.all("error").map(({ error }) => (error as Error).message), ["shutdown"]);
    assertEquals(server.stats.failed, 1);
  });

  test(".closeRequest() that throws for a packet that was turned away is told", async () => {
    const observer = new Recorder();
    await using server = make(kind, () => {}, { observers: [observer] });
    server.closeRequest = () => assert(false, "closeRequest fails");
    server.verifyRequest = () => false;
    await visit(server);
    assertEquals(observer.all("error").map(({ error }) => (error as Error).message), ["closeRequest fails"]);
  });

  test(".verifyRequest() that throws ends the packet and is told when handlers are concurrent", async () => {
    for (const verify of [() => assert(false, "verify"), () => Promise.reject(new Error("verify"))]) {
      const observer = new Recorder();
      const { Server, hooks } = loggedDatagrams(kind.Server);
      await using server = make(kind, echo, { observers: [observer] }, Server);
      server.verifyRequest = verify as () => boolean;
      await visit(server);
      const [{ error, phase }] = observer.all("error");
      assertEquals([(error as Error).message, phase], ["verify", "verify"]);
      assertEquals(hooks, ["getRequest", "closeRequest"]);
    }
  });

  test(".verifyRequest() that throws leaves serveForever when handlers are serial; the server stays bound", async () => {
    await using server = make(kind, echo, { concurrency: 1 });
    server.verifyRequest = () => assert(false, "verify") as never;
    await server.listen();
    const failed = assertRejects(() => server.serveForever(), Error, "verify");
    await using client = await connectDatagram(server.addr);
    await client.send("hello");
    await failed;
    server.verifyRequest = () => true;
    await using _running = await serving(server);
    assertEquals(await ask(server, "again"), "again");
  });

  test(".handleError() that throws leaves serveForever when handlers are serial", async () => {
    await using server = make(kind, () => assert(false, "handler"), { concurrency: 1 });
    server.handleError = (error) => {
      throw new Error("handleError", { cause: error });
    };
    await server.listen();
    const failed = assertRejects(() => server.serveForever(), Error, "handleError");
    await using client = await connectDatagram(server.addr);
    await client.send("hello");
    await failed;
  });

  test(".handleError() that throws is told when handlers are concurrent, and the next packet is served", async () => {
    const observer = new Recorder();
    await using running = await serving(
      make(
        kind,
        (packet) => packet.data.length === 0 ? assert(false, "handler") : packet.reply(packet.data),
        {
          observers: [observer],
        },
      ),
    );
    running.server.handleError = () => assert(false, "handleError");
    await using client = await connectDatagram(running.server.addr);
    await client.send("");
    assertEquals(((await observer.until("error")).error as Error).message, "handleError");
    await client.send("next");
    assertEquals(await hear(client), "next");
  });

  test(".getRequest() that throws is a failed accept: told, and the loop goes on", async () => {
    const observer = new Recorder();
    await using server = make(kind, echo, { observers: [observer] });
    server.getRequest = () => {
      const packet = BaseServer.prototype.getRequest.call(server); // the packet is taken, and lost
      assert(packet);
      throw new Error("getRequest");
    };
    await using _running = await serving(server);
    await using client = await connectDatagram(server.addr);
    await client.send("lost");
    const { error, kind: what } = await observer.until("acceptFailed");
    assertEquals([(error as Error).message, what], ["getRequest", "unknown"]);
    server.getRequest = () => BaseServer.prototype.getRequest.call(server) as Datagram;
    await client.send("found");
    assertEquals(await hear(client), "found");
  });

  test(" looks its hooks up when it calls them: one that is replaced while it serves counts from the next packet", async () => {
    await using running = await serving(make(kind, echo));
    const { server } = running;
    assertEquals(await ask(server, "one"), "one");
    server.finishRequest = (packet) => packet.reply("replaced");
    assertEquals(await ask(server, "two"), "replaced");
    server.verifyRequest = (packet) => packet.text() !== "three";
    server.processRequest = (packet) => packet.reply("processed");
    assertEquals(await ask(server, "four"), "processed");
    await using client = await connectDatagram(server.addr);
    await client.send("three");
    await client.send("five");
    assertEquals(await hear(client), "processed");
    assertEquals(server.stats.refused.unverified, 1);
  });

  test(".finishRequest() gets the packet, and the handler gets packet and server", async () => {
    const seen: unknown[] = [];
    class Finishing extends kind.Server {
      override finishRequest(packet: Datagram): unknown {
        seen.push(packet);
        return super.finishRequest(packet);
      }
    }
    await using server = make(kind, (packet, server) => void seen.push(packet, server), {}, Finishing);
    await visit(server);
    assertEquals(seen.length, 3);
    assertStrictEquals(seen[1], seen[0]);
    assertStrictEquals(seen[2], server);
  });

  test(".serviceActions() that throws ends serveForever; the server stays bound and can serve again", async () => {
    let failing = true;
    class Failing extends kind.Server {
      override serviceActions(): void {
        if (failing) throw new Error("service");
      }
    }
    await using server = make(kind, echo, { pollInterval: 5 }, Failing);
    await within(assertRejects(() => server.serveForever(), Error, "service"), "the end of serveForever");
    failing = false;
    await using _running = await serving(server);
    assertEquals(await ask(server, "again"), "again");
  });
});
