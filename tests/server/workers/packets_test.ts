import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { connectDatagram, type DatagramClient, type UdpServer, type UdpServerOptions } from "../../../mod.ts";
import { ForkingUdpServer } from "../../../server/workers/forking.ts";
import type { WorkerOptions } from "../../../server/workers/options.ts";
import { ThreadingUdpServer } from "../../../server/workers/threading.ts";
import { hear } from "../../_support/datagram_servers.ts";
import { isSettled, turn, within } from "../../_support/deadline.ts";
import { assertNoWorker } from "../../_support/living_workers.ts";
import { OBEDIENT, type Where } from "../../_support/pooled_servers.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";

const CHOOSY = new URL("_fixtures/choosy.ts", import.meta.url);
const KINDS = [
  { name: "ThreadingUdpServer", Server: ThreadingUdpServer, size: { workers: 2 } },
  { name: "ForkingUdpServer", Server: ForkingUdpServer, size: { processes: 2 } },
];

for (const { name, Server, size } of KINDS) {
  const make = (options: UdpServerOptions & WorkerOptions = {}, handler = OBEDIENT): UdpServer =>
    new Server(handler, { ...size, ...options });

  const ask = async (client: DatagramClient, question: string | Uint8Array): Promise<string> => {
    await client.send(question);
    return await hear(client);
  };

  Deno.test(`${name} replies as a server without workers does`, async (t) => {
    const observer = new Recorder();
    const server = make({ maxPacketSize: 100, observers: [observer] });
    await using _running = await serving(server);
    await using client = await connectDatagram(server.addr);

    await t.step("from both workers, to packets that come at once", async () => {
      const wheres = new Set<string>();
      for (let n = 0; n < 8; n++) wheres.add(await ask(client, "who"));
      assertEquals(wheres.size, 2);
      for (const where of wheres) {
        const { pid } = JSON.parse(where) as Where;
        assertEquals(pid === Deno.pid, Server === ThreadingUdpServer as unknown);
      }
    });
    await t.step("to packets of any size, to none at all, and to one that was cut", async () => {
      assertEquals(await ask(client, "hello"), "hello");
      assertEquals(await ask(client, ""), "");
      assertEquals(await ask(client, "truncated"), `{"truncated":false,"length":9}`);
      assertEquals(await ask(client, "truncated " + "x".repeat(90)), `{"truncated":false,"length":100}`);
      assertEquals(await ask(client, "truncated " + "x".repeat(91)), `{"truncated":true,"length":100}`);
    });
    await t.step("also with server.send", async () => {
      assertEquals(await ask(client, "server"), "from the server");
    });
    await t.step("and tells what a handler threw", async () => {
      await client.send("throw");
      const { error, phase, remoteAddr } = await observer.until("error");
      assertInstanceOf(error, RangeError);
      assertEquals([error.message, phase, remoteAddr], ["no such order", "handler", client.localAddr]);
    });
    await t.step("and counts", () => {
      const { accepted, succeeded, failed, active } = server.stats;
      assertEquals([accepted, succeeded, failed, active], [15, 14, 1, 0]);
    });
  });

  Deno.test(`${name} drops what comes while as many packets as may be are in flight, over both workers`, async () => {
    const observer = new Recorder();
    const server = make({ maxInFlight: 3, observers: [observer] });
    await using _running = await serving(server);
    await using client = await connectDatagram(server.addr);
    for (let n = 0; n < 5; n++) await client.send("wait 100");
    assertEquals((await observer.until("refused", 2)).reason, "full");
    for (let n = 0; n < 3; n++) assertEquals(await hear(client), "waited");
  });

  Deno.test(`${name} waits in shutdown() for handlers, which are told`, async () => {
    const server = make();
    await using _running = await serving(server);
    await using client = await connectDatagram(server.addr);
    assertEquals(await ask(client, "drained"), "in");
    await client.send("wait 100");
    while (server.stats.accepted < 2) await turn();
    const shutdown = server.shutdown();
    assert(!(await isSettled(shutdown)));
    assertEquals([await hear(client), await hear(client)].sort(), ["aborted", "waited"]);
    await within(shutdown, "shutdown");
    await assertNoWorker();
  });

  Deno.test(`${name} gives up a handler that takes longer than handlerTimeout, and tells it`, async () => {
    const observer = new Recorder();
    const server = make({ handlerTimeout: 50, observers: [observer] });
    await using _running = await serving(server);
    await using client = await connectDatagram(server.addr);
    assertEquals(await ask(client, "drained"), "in");
    assertEquals((await observer.until("handled")).reason, "timeout");
    assertEquals(await hear(client), "aborted");
  });

  Deno.test(`${name} asks the verifyRequest of the handler's module, and tells what it throws`, async () => {
    const observer = new Recorder();
    const server = make({ observers: [observer] }, CHOOSY);
    await using _running = await serving(server);
    await using client = await connectDatagram(server.addr);
    await client.send("no");
    assertEquals((await observer.until("refused")).reason, "unverified");
    await client.send("throw");
    assertEquals(((await observer.until("error")).error as Error).message, "not in the mood");
    assertEquals(await ask(client, "yes"), "yes");
    await observer.until("handled", 3);
    assertEquals([server.stats.active, server.stats.failed, server.stats.refused.unverified], [0, 1, 1]);
  });

  Deno.test(`${name} with recycleAfter: 5 loses no packet`, async () => {
    const server = make({ recycleAfter: 5 });
    await using _running = await serving(server);
    await using client = await connectDatagram(server.addr);
    const wheres = new Set<string>();
    for (let n = 0; n < 40; n++) wheres.add(await ask(client, "who"));
    assert(wheres.size >= 8, `${wheres.size} workers`);
    await server.shutdown();
    await assertNoWorker();
  });
}
