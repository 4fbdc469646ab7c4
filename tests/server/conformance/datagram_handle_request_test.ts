import { assert, assertEquals, assertRejects } from "@std/assert";
import { connectDatagram } from "../../../mod.ts";
import { loggedDatagrams } from "../../_support/datagram_hook_log.ts";
import { ask, forEachDatagramServer, hear, make } from "../../_support/datagram_servers.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { serving } from "../../_support/serving.ts";
import { echo, never } from "../../_support/tiny_datagram_handlers.ts";

forEachDatagramServer((kind, test) => {
  test(".handleRequest() listens, waits for one packet, dispatches it and resolves to true", async () => {
    await using server = make(kind, echo);
    await server.listen();
    const handled = server.handleRequest();
    assert(!(await isSettled(handled)));
    await using client = await connectDatagram(server.addr);
    await client.send("one");
    assert(await within(handled, "handleRequest"));
    assertEquals(await hear(client), "one");
  });

  test(".handleRequest() takes one packet and leaves the next in the queue", async () => {
    await using server = make(kind, echo);
    await server.listen();
    await using client = await connectDatagram(server.addr);
    await client.send("one");
    await client.send("two");
    assert(await server.handleRequest());
    assertEquals(server.stats.accepted, 1);
    assertEquals(await hear(client), "one");
    assert(await server.handleRequest());
    assertEquals(await hear(client), "two");
    assertEquals(await server.handleRequest({ timeout: 0 }), false);
  });

  test(".handleRequest() with concurrency 1 has handled the packet when it resolves", async () => {
    let handled = 0;
    const handler = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      handled++;
    };
    await using server = make(kind, handler, { concurrency: 1 });
    await server.listen();
    await using client = await connectDatagram(server.addr);
    await client.send("one");
    assert(await server.handleRequest());
    assertEquals(handled, 1);
  });

  for (const timeout of [0, -1, 15]) {
    test(`.handleRequest({ timeout: ${timeout} }) calls handleTimeout and resolves to false when nothing comes`, async () => {
      const { Server, hooks } = loggedDatagrams(kind.Server);
      await using server = make(kind, never, {}, Server);
      assertEquals(await within(server.handleRequest({ timeout }), "handleRequest"), false);
      assertEquals(hooks, ["handleTimeout"]);
    });

    test(`.handleRequest({ timeout: ${timeout} }) that ran out of time loses no packet: the next call gets it, once`, async () => {
      for (let n = 0; n < 20; n++) {
        const seen: string[] = [];
        await using server = make(kind, (packet) => void seen.push(packet.text()));
        await server.listen();
        assertEquals(await server.handleRequest({ timeout }), false);
        await using client = await connectDatagram(server.addr);
        await client.send("one");
        await client.send("two");
        assert(await within(server.handleRequest(), "handleRequest"));
        assertEquals(seen, ["one"]);
        assert(await within(server.handleRequest(), "handleRequest"));
        assertEquals(seen, ["one", "two"]);
      }
    });
  }

  test(".handleRequest() that ran out of time leaves its packet to serveForever", async () => {
    await using server = make(kind, echo);
    await server.listen();
    assertEquals(await server.handleRequest({ timeout: 0 }), false);
    await using client = await connectDatagram(server.addr);
    await client.send("one");
    await using _running = await serving(server);
    assertEquals(await hear(client), "one");
    assertEquals(await ask(server, "two"), "two");
  });

  test(".handleRequest() rejects while another call is waiting, which goes on", async () => {
    await using server = make(kind, echo);
    await server.listen();
    const first = server.handleRequest();
    await assertRejects(() => server.handleRequest(), TypeError, "another call is waiting");
    await using client = await connectDatagram(server.addr);
    await client.send("one");
    assert(await within(first, "handleRequest"));
    assertEquals(await hear(client), "one");
  });

  test(".timeout counts from the next call of handleRequest", async () => {
    await using server = make(kind, echo, { timeout: 5 });
    assertEquals(await server.handleRequest(), false);
    server.timeout = undefined;
    const handled = server.handleRequest();
    assert(!(await isSettled(handled)));
    await using client = await connectDatagram(server.addr);
    await client.send("one");
    assert(await within(handled, "handleRequest"));
  });
});
