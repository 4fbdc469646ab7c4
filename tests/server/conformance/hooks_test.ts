import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { Connection } from "../../../mod.ts";
import { within } from "../../_support/deadline.ts";
import { logged } from "../../_support/hook_log.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { forEachStreamServer, make } from "../../_support/stream_servers.ts";
import { answerOnce, echo } from "../../_support/tiny_handlers.ts";

const BEFORE = ["getRequest", "verifyRequest"];
const AFTER = ["shutdownRequest", "closeRequest"];

forEachStreamServer((kind, test) => {
  /** Lets one client come to a server of class `Server`, and waits until nothing of it is left. */
  const visit = async (server: ReturnType<typeof make>): Promise<void> => {
    await server.listen();
    using client = await kind.connect(server);
    assert(await server.handleRequest({ timeout: 10_000 }));
    await within(client.recv().catch(() => null), "the end of the connection");
  };

  for (const concurrency of [1, Infinity]) {
    const options = { concurrency };
    const mode = concurrency === 1 ? "serially" : "concurrently";

    test(` calls its hooks ${mode} in the order of A.4`, async () => {
      const { Server, hooks } = logged(kind.Server);
      await using server = make(kind, () => hooks.push("handler"), options, Server);
      await visit(server);
      await server.shutdown();
      assertEquals(hooks, [...BEFORE, "processRequest", "finishRequest", "handler", ...AFTER]);
    });

    test(` calls handleError once ${mode}, between the handler that throws and shutdownRequest`, async () => {
      const observer = new Recorder();
      const { Server, hooks, errors } = logged(kind.Server);
      const failure = new Error("handler");
      const fail = (): void => {
        throw failure;
      };
      await using server = make(kind, fail, { ...options, observers: [observer] }, Server);
      await visit(server);
      await observer.until("closed");
      assertEquals(hooks, [...BEFORE, "processRequest", "finishRequest", "handleError", ...AFTER]);
      assertEquals(errors, [failure]);
      const told = observer.all("error");
      assertEquals(told.map(({ error, phase }) => [error, phase]), [[failure, "handler"]]);
      assertEquals(told[0].connection?.id, 1);
    });

    test(` ends a client that verifyRequest turns away ${mode} without a handler and without an error`, async () => {
      const observer = new Recorder();
      const { Server, hooks } = logged(kind.Server);
      await using server = make(kind, echo, { ...options, observers: [observer] }, Server);
      server.verifyRequest = () => (hooks.push("verifyRequest"), false);
      await visit(server);
      await server.shutdown();
      assertEquals(hooks, [...BEFORE, ...AFTER]);
      assertEquals(observer.all("refused").map(({ reason }) => reason), ["unverified"]);
      assertEquals(observer.all("opened"), []);
      assertEquals(observer.all("error"), []);
    });

    for (const falsy of [undefined, null, 0, "", Promise.resolve(false), Promise.resolve(undefined)]) {
      test(`.verifyRequest() is judged ${mode} by truthiness: ${Deno.inspect(falsy)} turns away`, async () => {
        const observer = new Recorder();
        await using server = make(kind, echo, { ...options, observers: [observer] });
        server.verifyRequest = () => falsy as unknown as boolean;
        await visit(server);
        await server.shutdown();
        assertEquals(server.stats.refused.unverified, 1);
        assertEquals(observer.all("opened"), []);
      });
    }
  }

  test(".shutdownRequest() that throws is called once, and the connection is closed all the same", async () => {
    const observer = new Recorder();
    const { Server, hooks } = logged(kind.Server);
    class Failing extends Server {
      override shutdownRequest(_conn: Connection): Promise<void> {
        hooks.push("shutdownRequest");
        throw new Error("shutdown");
      }
    }
    await using server = make(kind, () => {}, { observers: [observer] }, Failing);
    await visit(server);
    await observer.until("closed");
    await server.shutdown();
    assertEquals(hooks, [...BEFORE, "processRequest", "finishRequest", "shutdownRequest"]);
    assertEquals(observer.all("error").map(({ error }) => (error as Error).message), ["shutdown"]);
  });

  test(".closeRequest() that throws or does nothing leaves no connection open", async () => {
    for (const closeRequest of [() => {}, () => assert(false, "closeRequest fails")]) {
      for (const verdict of [true, false]) {
        await using server = make(kind, () => {}, { observers: [new Recorder()] });
        server.closeRequest = closeRequest;
        server.verifyRequest = () => verdict;
        await visit(server);
        await server.shutdown();
      }
    }
  });

  test(".closeRequest() that throws for a client that was turned away is told", async () => {
    const observer = new Recorder();
    await using server = make(kind, () => {}, { observers: [observer] });
    server.closeRequest = () => assert(false, "closeRequest fails");
    server.verifyRequest = () => false;
    await visit(server);
    await server.shutdown();
    assertEquals(observer.all("error").map(({ error }) => (error as Error).message), ["closeRequest fails"]);
  });

  test(".verifyRequest() that throws closes the connection and is told when handlers are concurrent", async () => {
    for (const verify of [() => assert(false, "verify"), () => Promise.reject(new Error("verify"))]) {
      const observer = new Recorder();
      const { Server, hooks } = logged(kind.Server);
      await using running = await serving(make(kind, echo, { observers: [observer] }, Server));
      running.server.verifyRequest = verify as () => boolean;
      using client = await kind.connect(running.server);
      assertEquals(await within(client.recv().catch(() => null), "the end"), null);
      const { error, phase } = await observer.until("error");
      assertEquals([(error as Error).message, phase], ["verify", "verify"]);
      assertEquals(hooks, ["getRequest", "closeRequest"]);
      assertEquals(observer.all("opened"), []);
    }
  });

  test(".prepare() that throws or rejects closes the connection as a failed handshake, and the next client is served", async () => {
    for (const prepare of [() => assert(false, "prepare"), () => Promise.reject(new Error("prepare"))]) {
      const observer = new Recorder();
      let failing = true;
      class Preparing extends kind.Server {
        protected override prepare(): Promise<void> | undefined {
          return failing ? prepare() as never : undefined;
        }
      }
      await using running = await serving(make(kind, answerOnce, { observers: [observer] }, Preparing));
      using client = await kind.connect(running.server);
      assertEquals(await within(client.recv().catch(() => null), "the end"), null);
      failing = false;
      using next = await kind.connect(running.server);
      await next.sendAll("next\n");
      assertEquals(await next.readLine(), "next");
      assertEquals(observer.all("error").map(({ phase }) => phase), ["handshake"]);
    }
  });

  test(".verifyRequest() that throws closes the connection and leaves serveForever when handlers are serial", async () => {
    const server = make(kind, echo, { concurrency: 1 });
    server.verifyRequest = () => assert(false, "verify") as never;
    await server.listen();
    const failed = assertRejects(() => server.serveForever(), Error, "verify");
    using client = await kind.connect(server);
    assertEquals(await within(client.recv().catch(() => null), "the end"), null);
    await failed;
    await server.close();
  });

  test(".handleError() that throws leaves serveForever when handlers are serial; the server stays bound", async () => {
    const { Server, hooks } = logged(kind.Server);
    let failing = true;
    const failOnce = (conn: Connection): unknown => {
      if (failing) throw new Error("handler");
      return answerOnce(conn, server);
    };
    await using server: ReturnType<typeof make> = make(kind, failOnce, { concurrency: 1 }, Server);
    server.handleError = (error) => {
      hooks.push("handleError");
      throw new Error("handleError", { cause: error });
    };
    await server.listen();
    const failed = assertRejects(() => server.serveForever(), Error, "handleError");
    using client = await kind.connect(server);
    await failed;
    assertEquals(await client.recv().catch(() => null), null);
    assertEquals(hooks, [...BEFORE, "processRequest", "finishRequest", "handleError", ...AFTER]);

    failing = false;
    const loop = server.serveForever();
    using second = await kind.connect(server);
    await second.sendAll("still here\n");
    assertEquals(await second.readLine(), "still here");
    await server.shutdown();
    await loop;
  });

  test(".handleError() that throws is told when handlers are concurrent, and the next client is served", async () => {
    const observer = new Recorder();
    await using running = await serving(
      make(kind, (conn) => Promise.reject(new Error(`handler ${conn.id}`)), { observers: [observer] }),
    );
    running.server.handleError = (error) => {
      throw new Error("handleError", { cause: error });
    };
    for (let n = 1; n <= 2; n++) {
      using client = await kind.connect(running.server);
      assertEquals(await client.recv().catch(() => null), null);
      const { error } = await observer.until("error", n);
      assertEquals((error as Error).message, "handleError");
      assertEquals(((error as Error).cause as Error).message, `handler ${n}`);
    }
  });

  test(".getRequest() that throws is a failed accept: told, and the loop goes on", async () => {
    const observer = new Recorder();
    await using running = await serving(make(kind, answerOnce, { observers: [observer] }));
    const { server } = running;
    const inherited = server.getRequest;
    let times = 0;
    server.getRequest = () => {
      if (times++ === 0) throw new Error("cannot take it");
      return inherited.call(server);
    };
    using client = await kind.connect(server);
    await client.sendAll("hello\n");
    assertEquals(await client.readLine(), "hello");
    assertEquals(observer.all("acceptFailed").map(({ kind }) => kind), ["unknown"]);
  });

  test(" looks its hooks up when it calls them: one that is replaced while it serves counts from the next client", async () => {
    await using running = await serving(make(kind, echo));
    const { server } = running;
    const served = async (): Promise<string | null> => {
      using client = await kind.connect(server);
      await client.sendAll("hello\n");
      return await client.readLine();
    };
    assertEquals(await served(), "hello");
    server.finishRequest = (conn) => conn.sendAll("replaced\n");
    assertEquals(await served(), "replaced");
    const seen: Connection[] = [];
    server.processRequest = async (conn) => {
      seen.push(conn);
      await conn.sendAll("processed\n");
    };
    assertEquals(await served(), "processed");
    assertEquals(seen.length, 1);
  });

  test(".processRequest() that is overridden owns the time and not the closing (F.15)", async () => {
    const gate = Promise.withResolvers<void>();
    await using running = await serving(make(kind, (conn) => conn.sendAll("handled\n")));
    const { server } = running;
    server.processRequest = async (conn) => {
      await gate.promise;
      await server.finishRequest(conn);
    };
    using client = await kind.connect(server);
    assertEquals(server.connections.size <= 1, true);
    gate.resolve();
    assertEquals(await client.readLine(), "handled");
    assertEquals(await client.recv(), null);
  });

  test(".finishRequest() gets the connection, and the handler gets connection and server", async () => {
    const args = Promise.withResolvers<unknown[]>();
    await using running = await serving(make(kind, (...given) => args.resolve(given)));
    using _client = await kind.connect(running.server);
    const [conn, server, ...rest] = await args.promise;
    assertEquals((conn as Connection).id, 1);
    assertStrictEquals(server, running.server);
    assertEquals(rest, []);
  });

  test(".serviceActions() runs every pollInterval while it serves, busy or idle, and never in handleRequest", async () => {
    const calls = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
    ];
    let count = 0;
    class Serviced extends kind.Server {
      override serviceActions(): void {
        calls[count++]?.resolve();
      }
    }
    await using server = make(kind, answerOnce, { pollInterval: 5 }, Serviced);
    await server.handleRequest({ timeout: 20 });
    assertEquals(count, 0);
    const loop = server.serveForever();
    for (const call of calls) await within(call.promise, "serviceActions");
    await server.shutdown();
    await loop;
    const after = count;
    await server.handleRequest({ timeout: 20 });
    assertEquals(count, after);
  });

  for (
    const [how, throws] of [
      ["throws", () => assert(false, "service")],
      ["rejects", () => Promise.reject(new Error("service"))],
    ] as [string, () => void][]
  ) {
    test(`.serviceActions() that ${how} ends serveForever; the server stays bound and can serve again`, async () => {
      class Serviced extends kind.Server {
        override serviceActions(): void | Promise<void> {
          return throws();
        }
      }
      await using server = make(kind, answerOnce, { pollInterval: 5 }, Serviced);
      await assertRejects(() => server.serveForever(), Error, "service");
      server.serviceActions = () => {};
      const loop = server.serveForever();
      using client = await kind.connect(server);
      await client.sendAll("again\n");
      assertEquals(await client.readLine(), "again");
      await server.shutdown();
      await loop;
    });
  }
});
