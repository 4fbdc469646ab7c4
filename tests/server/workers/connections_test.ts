import { assert, assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import type { Connection } from "../../../mod.ts";
import { type Counted, counted, pattern } from "../../_support/byte_pattern.ts";
import { isInstalled } from "../../_support/command.ts";
import { within } from "../../_support/deadline.ts";
import {
  makePooled,
  order,
  POOLED_SERVERS,
  POOLED_TCP_SERVERS,
  type PooledServerKind,
  told,
} from "../../_support/pooled_servers.ts";
import { Recorder } from "../../_support/recorder.ts";
import { readAndReset } from "../../_support/resetting_client.ts";
import { serving } from "../../_support/serving.ts";

const MEGABYTE = 1_000_000;

interface Fixture {
  kind: PooledServerKind;
  observer: Recorder;
  order(line: string): Promise<Connection>;
  /** What the observers were told at the end of the connection that comes next. */
  ending(): Promise<{ reason: string; error?: unknown; bytesIn: number; bytesOut: number }>;
}

/** What holds for every connection; all on one server of each kind, one after the other. */
const FACTS: Record<string, (fixture: Fixture) => Promise<void>> = {
  "echoes small messages, each as it comes": async ({ order }) => {
    using client = await order("echo");
    for (let n = 0; n < 50; n++) {
      await client.sendAll(`message ${n}\n`);
      assertEquals(await client.readLine(), `message ${n}`);
    }
  },

  "echoes a megabyte while it is being sent": async ({ order }) => {
    using client = await order("echo");
    const sending = (async () => {
      for (const chunk of pattern(MEGABYTE)) await client.sendAll(chunk);
      await client.closeWrite();
    })();
    assertEquals(await within(counted(client), "the echo"), { count: MEGABYTE, wrongAt: -1 });
    await sending;
  },

  "carries every byte to a client that begins to read late": async ({ order, ending }) => {
    const over = ending();
    using client = await order(`flood ${MEGABYTE}`);
    await client.peek();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(await within(counted(client), "the flood"), { count: MEGABYTE, wrongAt: -1 });
    assertEquals((await over).bytesOut, MEGABYTE);
  },

  "carries every byte to a handler that begins to read late, and its answer after the client's end": async (
    { order, ending },
  ) => {
    const over = ending();
    using client = await order("swallow 20");
    for (const chunk of pattern(MEGABYTE)) await client.sendAll(chunk);
    await client.closeWrite();
    assertEquals(await within(told<Counted>(client), "the count"), { count: MEGABYTE, wrongAt: -1 });
    assertEquals(await client.recv(), null);
    const { reason, bytesIn } = await over;
    assertEquals(reason, "done");
    assertEquals(bytesIn, MEGABYTE + "swallow 20\n".length);
  },

  "knows both ends of a connection": async ({ order, kind }) => {
    using client = await order("self");
    const { remoteAddr, localAddr, tls } = await told<Connection>(client);
    if (kind.transport === "unix") assertEquals(remoteAddr, { transport: "unix", path: null! });
    else assertEquals([remoteAddr, localAddr], [client.localAddr, client.remoteAddr]);
    assertEquals(tls !== null, kind.transport === "tls");
    if (tls) assertEquals(tls.protocol, "TLSv1.3");
  },

  "tells what a handler threw, with its class, its cause and its own properties": async (
    { order, ending, observer },
  ) => {
    const over = ending();
    using client = await order("throw");
    assertEquals(await within(client.recv(), "the end"), null);
    const { reason, error } = await over;
    assertEquals(reason, "error");
    assertInstanceOf(error, RangeError);
    assertEquals(error.message, "no such order");
    assertEquals((error as Error & { code: string }).code, "EORDER");
    assertInstanceOf(error.cause, TypeError);
    assert(error.stack?.includes("obedient.ts"), error.stack);
    const complaint = observer.all("error").at(-1)!;
    assertEquals(complaint.phase, "handler");
    assertInstanceOf(complaint.error, RangeError);
    assertEquals(complaint.connection?.id, observer.all("closed").at(-1)!.connection.id);
  },

  "ends a connection whose handler returns at once": async ({ order, ending }) => {
    const over = ending();
    using client = await order("return");
    assertEquals(await within(client.recv(), "the end"), null);
    assertEquals((await over).reason, "done");
  },

  "ends a connection that its handler closes": async ({ order, ending }) => {
    const over = ending();
    using client = await order("close");
    assertEquals(await within(client.recv().catch(() => null), "the end"), null);
    assertEquals((await over).reason, "closed");
  },

  "ends the connection of a client that leaves": async ({ order, ending }) => {
    const over = ending();
    const client = await order("echo");
    await client.sendAll("hello\n");
    assertEquals(await client.readLine(), "hello");
    client.close();
    assertEquals((await over).reason, "done");
  },

  "applies a time limit that the handler sets": async ({ order, ending }) => {
    const over = ending();
    using client = await order("impatient 20");
    assertEquals(await client.readLine(), "in");
    assertEquals(await within(client.recv().catch(() => null), "the end"), null);
    assertEquals((await over).reason, "read-timeout");
  },
};

for (const kind of POOLED_SERVERS) {
  Deno.test(`${kind.name} serves connections as a server without workers does`, async (t) => {
    const observer = new Recorder();
    const server = makePooled(kind, { observers: [observer] });
    await using _running = await serving(server);
    assertEquals(server.mechanism, kind.mechanism);
    const ending = async (): Promise<Awaited<ReturnType<Fixture["ending"]>>> => {
      const { connection, reason, error } = await observer.until("closed", observer.all("opened").length + 1);
      return { reason, error, bytesIn: connection.bytesIn, bytesOut: connection.bytesOut };
    };
    const fixture: Fixture = { kind, observer, ending, order: (line) => order(kind, server, line) };
    for (const [name, check] of Object.entries(FACTS)) {
      await t.step(name, async () => {
        const before = observer.all("opened").length;
        await check(fixture);
        await observer.until("closed", before + 1);
      });
    }
    await server.shutdown();
    const opened = observer.all("opened").map(({ connection }) => connection.id);
    const closed = observer.all("closed").map(({ connection }) => connection.id);
    assertEquals(opened, opened.map((_, n) => n + 1));
    assertEquals(closed, opened);
    const { accepted, active, succeeded, failed, bytesIn, bytesOut } = server.stats;
    assertEquals([accepted, active, succeeded + failed], [opened.length, 0, opened.length]);
    const sum = (name: "bytesIn" | "bytesOut"): number =>
      observer.all("closed").reduce((total, { connection }) => total + connection[name], 0);
    assertEquals([bytesIn, bytesOut], [sum("bytesIn"), sum("bytesOut")]);
    assertLess(4 * MEGABYTE, bytesIn + bytesOut);
  });
}

for (const kind of POOLED_TCP_SERVERS) {
  Deno.test({
    name: `${kind.name} tells that a client has reset its connection, and serves on`,
    ignore: !isInstalled("python3"),
    fn: async () => {
      const observer = new Recorder();
      const server = makePooled(kind, { observers: [observer], size: 1 });
      await using _running = await serving(server);
      await readAndReset(server.addr.port, "echo\nhello\n");
      assertEquals((await observer.until("closed")).reason, "peer");
      assertEquals(observer.all("error"), []);
      using client = await order(kind, server, "echo");
      await client.sendAll("hello\n");
      assertEquals(await client.readLine(), "hello");
    },
  });
}

for (const kind of POOLED_SERVERS.filter(({ transport }) => transport === "tls")) {
  Deno.test(`${kind.name} turns away who does not shake hands, at once or in time, and serves on`, async () => {
    const observer = new Recorder();
    const server = makePooled(kind, { observers: [observer], handshakeTimeout: 60, size: 1 });
    await using _running = await serving(server);
    using silent = await Deno.connect({ port: server.addr.port });
    using rude = await Deno.connect({ port: server.addr.port });
    await rude.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    const refusals = await observer.until("refused", 2).then(() => observer.all("refused"));
    assertEquals(refusals.map(({ reason }) => reason), ["handshake", "handshake"]);
    assertInstanceOf(refusals[0].error, Deno.errors.InvalidData);
    assertInstanceOf(refusals[1].error, Deno.errors.TimedOut);
    assertEquals(await within(silent.read(new Uint8Array(100)).catch(() => null), "the end"), null);
    using client = await order(kind, server, "echo");
    await client.sendAll("hello\n");
    assertEquals(await client.readLine(), "hello");
    assertEquals([server.stats.refused.handshake, observer.all("error").length], [2, 0]);
  });
}
