import { assert, assertEquals } from "@std/assert";
import { Admission, type Connection } from "../../../mod.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { forEachStreamServer, make } from "../../_support/stream_servers.ts";
import { answerOnce, greet, Turnstile } from "../../_support/tiny_handlers.ts";

forEachStreamServer((kind, test) => {
  test(" that is full lets clients wait in the kernel's queue, and serves them when there is room", async () => {
    const observer = new Recorder();
    const server = make(kind, greet, { maxConnections: 2, observers: [observer] });
    await using _running = await serving(server);
    const clients = await Promise.all(Array.from({ length: 5 }, () => kind.connect(server)));
    const greetings = clients.map((client) => client.readLine());
    await Promise.race(greetings);
    for (let served = 0; served < 5; served++) {
      assert(server.connections.size <= 2);
      assert(server.stats.accepted <= served + 2);
      const first = await Promise.any(greetings.map((greeting, n) => greeting.then(() => n)));
      assertEquals(await greetings[first], "hello");
      clients[first].close();
      greetings[first] = new Promise(() => {});
    }
    await observer.until("closed", 5);
    assertEquals(observer.all("refused"), []);
  });

  test(" that is full and refuses says so with its banner, and goes on", async () => {
    for (const banner of ["full, come back later\n", new TextEncoder().encode("full, come back later\n")]) {
      const observer = new Recorder();
      const server = make(kind, greet, {
        maxConnections: 1,
        whenFull: "refuse",
        banner,
        observers: [observer],
      });
      await using _running = await serving(server);
      using first = await kind.connect(server);
      assertEquals(await first.readLine(), "hello");
      for (let n = 1; n <= 3; n++) {
        using refused = await kind.connect(server);
        await refused.sendAll("unread by anybody");
        assertEquals(await refused.readLine(), "full, come back later");
        assertEquals(await refused.recv(), null);
        refused.close();
        const { reason, remoteAddr } = await observer.until("refused", n);
        assertEquals(reason, "full");
        assertEquals(remoteAddr, refused.localAddr);
      }
      first.close();
      await observer.until("closed");
      using next = await kind.connect(server);
      assertEquals(await next.readLine(), "hello");
      assertEquals(server.stats.refused.full, 3);
      assertEquals(observer.all("opened").length, 2);
    }
  });

  test(" that is full and refuses without a banner closes at once", async () => {
    const server = make(kind, greet, { maxConnections: 1, whenFull: "refuse" });
    await using _running = await serving(server);
    using first = await kind.connect(server);
    assertEquals(await first.readLine(), "hello");
    using refused = await kind.connect(server);
    assertEquals(await within(refused.recv().catch(() => null), "the close"), null);
  });

  test(" that refuses is not held up by a refused client that neither reads nor leaves", async () => {
    const server = make(kind, greet, { maxConnections: 1, whenFull: "refuse", banner: "full\n" });
    const running = await serving(server);
    using first = await kind.connect(server);
    assertEquals(await first.readLine(), "hello");
    const stubborn = await Promise.all(Array.from({ length: 150 }, () => kind.connect(server)));
    const ends = Promise.all(stubborn.map((client) => client.readLine().catch(() => null)));
    assert((await within(ends, "the ends")).includes("full"));
    const before = performance.now();
    await running[Symbol.asyncDispose]();
    assert(performance.now() - before < 400, "close waits for nobody");
    for (const client of stubborn) client.close();
  });

  test(" counts a client that verifyRequest has not judged among those inside", async () => {
    const verdict = Promise.withResolvers<boolean>();
    const asked = Promise.withResolvers<void>();
    const server = make(kind, greet, { maxConnections: 1, whenFull: "refuse", banner: "full\n" });
    server.verifyRequest = () => (asked.resolve(), verdict.promise);
    await using _running = await serving(server);
    using first = await kind.connect(server);
    await asked.promise;
    using second = await kind.connect(server);
    assertEquals(await second.readLine(), "full");
    verdict.resolve(true);
    assertEquals(await first.readLine(), "hello");
  });

  test(" gives the place of a client that was turned away to the next", async () => {
    let welcome = false;
    const server = make(kind, greet, { maxConnections: 1 });
    server.verifyRequest = () => welcome;
    await using _running = await serving(server);
    for (let n = 0; n < 3; n++) {
      using client = await kind.connect(server);
      assertEquals(await within(client.recv().catch(() => null), "the close"), null);
    }
    welcome = true;
    using client = await kind.connect(server);
    assertEquals(await within(client.readLine(), "the greeting"), "hello");
  });

  test(" shares the places of one admission with another server, and loses no place when either closes", async () => {
    const admission = new Admission({ maxConnections: 2 });
    const turnstile = new Turnstile();
    const servers = [1, 2].map(() => make(kind, turnstile.handler, { admission }));
    await using _one = await serving(servers[0]);
    const other = await serving(servers[1]);
    const clients: Connection[] = [];
    for (const server of servers) clients.push(await kind.connect(server));
    for (const client of clients) assertEquals(await client.readLine(), "in");
    assertEquals(admission.active, 2);

    const waiting = [await kind.connect(servers[0]), await kind.connect(servers[1])];
    const greetings = waiting.map((client) => client.readLine().catch(() => null));
    assert(!(await isSettled(Promise.race(greetings))));
    await within(
      other[Symbol.asyncDispose](),
      "close although a client waits for a place of the other server",
    );
    assertEquals(await within(greetings[0], "the greeting of who waited at the other server"), "in");
    assertEquals(await greetings[1], null);
    for (const client of [...clients, ...waiting]) client.close();
    turnstile.open();
    await servers[0].shutdown();
    assertEquals(admission.active, 0);
  });

  test(" takes undefined options for their defaults", async () => {
    const undefinedOptions = {
      concurrency: undefined,
      maxConnections: undefined,
      maxConnectionsPerPeer: undefined,
      maxConnectionRate: undefined,
      maxConnectionRatePerPeer: undefined,
      whenFull: undefined,
      banner: undefined,
      allow: undefined,
      deny: undefined,
      backlog: undefined,
      timeout: undefined,
      pollInterval: undefined,
      readTimeout: undefined,
      writeTimeout: undefined,
      idleTimeout: undefined,
      maxLifetime: undefined,
      admission: undefined,
      observers: undefined,
      hostname: undefined,
      port: undefined,
      noDelay: undefined,
      keepAlive: undefined,
      reusePort: undefined,
      mode: undefined,
      reclaim: undefined,
    };
    const server = make(kind, answerOnce, undefinedOptions);
    await using _running = await serving(server);
    using client = await kind.connect(server);
    await client.sendAll("hello\n");
    assertEquals(await within(client.readLine(), "the answer"), "hello");
  });
});
