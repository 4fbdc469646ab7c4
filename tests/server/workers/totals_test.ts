import { assert, assertEquals } from "@std/assert";
import { connect, type Connection, loadHandler, serve } from "../../../mod.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import {
  makePooled,
  OBEDIENT,
  order,
  POOLED_TCP_SERVERS,
  pooledConnect,
  pooledKind,
  type PooledServer,
} from "../../_support/pooled_servers.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { socketPath } from "../../_support/socket_folder.ts";

/** What a client hears first; `null` is its end. */
async function heard(client: Connection): Promise<string | null> {
  return await within(client.readLine().catch(() => null), "a word or the end");
}

/** Waits until a client that has left is forgotten. */
async function leave(observer: Recorder, client: Connection): Promise<void> {
  const closed = observer.all("closed").length;
  client.close();
  await observer.until("closed", closed + 1);
}

for (const kind of POOLED_TCP_SERVERS) {
  const hold = (server: PooledServer): Promise<Connection> => order(kind, server, "hold");

  Deno.test(`${kind.name} serves three clients at once in two workers, and lets the others wait`, async () => {
    for (const limit of [{ maxConnections: 3 }, { concurrency: 3 }]) {
      const server = makePooled(kind, limit);
      await using _running = await serving(server);
      const clients = await Promise.all(Array.from({ length: 8 }, () => hold(server)));
      const served = new Set<number>();
      const greetings = clients.map((client, n) => client.readLine().then((line) => (served.add(n), line)));
      for (let rest = clients.length; rest > 0; rest--) {
        while (served.size < Math.min(3, rest)) {
          await within(Promise.race(greetings.filter((_, n) => !served.has(n))), "service");
        }
        await isSettled(Promise.all(greetings));
        assert(served.size <= 3, `${served.size} at once`);
        const [first] = served;
        await clients[first].sendAll("bye\n");
        assertEquals(await within(clients[first].readLine(), "the answer"), "bye");
        assertEquals(await greetings[first], "in");
        clients[first].close();
        served.delete(first);
        greetings[first] = new Promise(() => {});
      }
      await server.shutdown();
      assertEquals(server.stats.accepted, 8);
    }
  });

  Deno.test(`${kind.name} that refuses tells the fourth client of three, whichever worker it meets`, async () => {
    const observer = new Recorder();
    const options = {
      maxConnections: 3,
      whenFull: "refuse",
      banner: "full\n",
      observers: [observer],
    } as const;
    const server = makePooled(kind, options);
    await using _running = await serving(server);
    const clients: Connection[] = [];
    for (let n = 0; n < 3; n++) {
      clients.push(await hold(server));
      assertEquals(await heard(clients[n]), "in");
    }
    for (let n = 1; n <= 6; n++) {
      using late = await pooledConnect(kind, server);
      assertEquals(await heard(late), "full");
      const { reason, remoteAddr } = await observer.until("refused", n);
      assertEquals([reason, remoteAddr], ["full", late.localAddr]);
    }
    await leave(observer, clients[1]);
    using next = await hold(server);
    assertEquals(await heard(next), "in");
    await observer.until("opened", 4);
    assertEquals([server.stats.refused.full, server.stats.accepted], [6, 10]);
    for (const client of clients) client.close();
  });

  Deno.test(`${kind.name} counts the connections of one peer over both workers`, async () => {
    const observer = new Recorder();
    const server = makePooled(kind, { maxConnectionsPerPeer: 3, observers: [observer] });
    await using _running = await serving(server);
    const clients: Connection[] = [];
    for (let n = 0; n < 3; n++) {
      clients.push(await hold(server));
      assertEquals(await heard(clients[n]), "in");
    }
    for (let n = 0; n < 3; n++) {
      using late = await pooledConnect(kind, server);
      assertEquals(await heard(late), null);
    }
    await observer.until("refused", 3);
    assertEquals(server.stats.refused["peer-limit"], 3);
    await leave(observer, clients[1]);
    using next = await hold(server);
    assertEquals(await heard(next), "in");
    for (const client of clients) client.close();
  });

  Deno.test(`${kind.name} counts the clients of a second over both workers`, async () => {
    const observer = new Recorder();
    const server = makePooled(kind, { maxConnectionRate: 4, observers: [observer] });
    await using _running = await serving(server);
    const before = performance.now();
    const clients = await Promise.all(Array.from({ length: 12 }, () => pooledConnect(kind, server)));
    await within(observer.until("refused", 7), "refusals");
    while (server.stats.accepted < 12) await new Promise((resolve) => setTimeout(resolve, 1));
    const passed = (performance.now() - before) / 1_000;
    const { refused: { rate }, accepted } = server.stats;
    assert(rate <= 8 && accepted - rate <= 4 + Math.ceil(4 * passed), `${accepted - rate} in ${passed} s`);
    for (const client of clients) client.close();
  });

  Deno.test(`${kind.name} turns away who is on the list`, async () => {
    const observer = new Recorder();
    const server = makePooled(kind, { deny: ["127.0.0.0/8"], observers: [observer] });
    await using _running = await serving(server);
    for (let n = 1; n <= 4; n++) {
      using client = await pooledConnect(kind, server);
      assertEquals(await heard(client), null);
      assertEquals((await observer.until("refused", n)).reason, "denied");
    }
    assertEquals(observer.all("opened"), []);
  });

  Deno.test(`${kind.name} asks the verifyRequest of the handler's module`, async () => {
    const observer = new Recorder();
    const choosy = new URL("_fixtures/choosy.ts", import.meta.url);
    const server = makePooled(kind, { observers: [observer] }, choosy);
    await using _running = await serving(server);
    let welcome = 0;
    for (let n = 0; n < 12; n++) {
      using client = await pooledConnect(kind, server);
      const isWelcome = (client.localAddr as Deno.NetAddr).port % 2 === 0;
      assertEquals(await heard(client), isWelcome ? "hello" : null);
      if (isWelcome) welcome++;
    }
    await server.shutdown();
    assertEquals(server.stats.refused.unverified, 12 - welcome);
    assertEquals(observer.all("refused").length, 12 - welcome);
  });
}

for (const workers of [{ workers: 2 }, { processes: 2 }]) {
  const [name] = Object.keys(workers);
  Deno.test(`serve with ${name} shares its places among its endpoints`, async () => {
    const observer = new Recorder();
    await using group = await serve(
      {
        listen: ["tcp://127.0.0.1:0", `unix:${socketPath()}`],
        maxConnections: 3,
        observers: [observer],
        ...workers,
      },
      await loadHandler(OBEDIENT),
    );
    const held: Connection[] = [];
    let opened = 3;
    const hold = async (n: number): Promise<Connection> => {
      const client = await connect(group.addrs[n]);
      await client.sendAll("hold\n");
      return client;
    };
    for (const n of [0, 1, 0]) {
      held.push(await hold(n));
      assertEquals(await heard(held.at(-1)!), "in");
    }
    for (const n of [0, 1, 0, 1]) {
      using waiting = await hold(n);
      const greeting = waiting.readLine();
      assert(!(await isSettled(greeting)));
      await leave(observer, held.shift()!);
      assertEquals(await within(greeting, `service at endpoint ${n}`), "in");
      await observer.until("opened", ++opened);
      assertEquals(group.stats.active, 3);
      held.push(await leaveAndHold(waiting, n));
    }
    for (const client of held) client.close();

    /** The place stays taken, by another client of the same endpoint. */
    async function leaveAndHold(waiting: Connection, n: number): Promise<Connection> {
      await leave(observer, waiting);
      const client = await hold(n);
      assertEquals(await heard(client), "in");
      await observer.until("opened", ++opened);
      return client;
    }
  });
}

Deno.test("A hook that a subclass overrides is called for each connection: the connections come here then", async () => {
  for (const isThreading of [true, false]) {
    const kind = pooledKind(isThreading, "relay");
    const verified: number[] = [];
    const failures: unknown[] = [];
    class Hooked extends kind.Server {
      override verifyRequest(conn: Connection): boolean {
        verified.push(conn.id);
        return conn.id !== 2;
      }
      override handleError(error: unknown): void {
        failures.push(error);
      }
    }
    const server = makePooled(kind, { mechanism: undefined }, OBEDIENT, Hooked);
    await using _running = await serving(server);
    assertEquals(server.mechanism, "relay");
    using failing = await order(kind, server, "throw");
    assertEquals(await heard(failing), null);
    using refused = await pooledConnect(kind, server);
    assertEquals(await heard(refused), null);
    assertEquals(verified, [1, 2]);
    assertEquals(failures.map((error) => (error as Error).message), ["no such order"]);
  }
});
