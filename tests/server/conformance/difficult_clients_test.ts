import { assert, assertEquals } from "@std/assert";
import type { StreamHandler } from "../../../mod.ts";
import { within } from "../../_support/deadline.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { forEachStreamServer, make } from "../../_support/stream_servers.ts";
import { echo, never } from "../../_support/tiny_handlers.ts";

const readLine: StreamHandler = async (conn) => void await conn.readLine();

forEachStreamServer((kind, test) => {
  test(" cuts a client that sends a byte at a time when its lifetime is over, and the handler is not to blame", async () => {
    const observer = new Recorder();
    const server = make(kind, readLine, { maxLifetime: 600, readTimeout: 500, observers: [observer] });
    await using _running = await serving(server);
    using client = await kind.connect(server);
    const dripping = (async () => {
      for (;;) {
        await client.sendAll("x");
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })().catch(() => {});
    const { reason, connection } = await observer.until("closed");
    await dripping;
    assertEquals(reason, "lifetime");
    assert(connection.bytesIn > 1);
    assertEquals(observer.all("error"), []);
  });

  test(" lets a handler cut a client that takes too long for one line, by the signal of that read", async () => {
    const observer = new Recorder();
    const handler: StreamHandler = async (conn) => {
      await conn.readLine({ signal: AbortSignal.timeout(40) }).catch(() => conn.sendAll("too slow\n"));
    };
    const server = make(kind, handler, { observers: [observer] });
    await using _running = await serving(server);
    using client = await kind.connect(server);
    await client.sendAll("half a li");
    assertEquals(await client.readLine(), "too slow");
    client.close();
    assertEquals((await observer.until("closed")).reason, "done");
  });

  for (
    const [option, reason] of [["readTimeout", "read-timeout"], ["idleTimeout", "idle"], [
      "maxLifetime",
      "lifetime",
    ]]
  ) {
    test(` cuts a client that says nothing, by ${option}`, async () => {
      const observer = new Recorder();
      const server = make(kind, echo, { [option]: 20, observers: [observer] });
      await using _running = await serving(server);
      using client = await kind.connect(server);
      assertEquals(await within(client.recv().catch(() => null), "the cut"), null);
      assertEquals((await observer.until("closed")).reason, reason);
      assertEquals(observer.all("error"), []);
      assertEquals(server.stats.failed, 1);
    });
  }

  for (const option of ["idleTimeout", "maxLifetime"]) {
    test(` cuts a connection whose handler never ends, by ${option}`, async () => {
      const observer = new Recorder();
      const server = make(kind, never, { [option]: 20, concurrency: 1, observers: [observer] });
      await using _running = await serving(server);
      for (let n = 1; n <= 2; n++) {
        using client = await kind.connect(server);
        assertEquals(await within(client.recv().catch(() => null), "the cut"), null);
        await observer.until("closed", n);
      }
    });
  }

  test(" cuts a client that never reads, by writeTimeout, while others are served", async () => {
    const observer = new Recorder();
    const flood: StreamHandler = async (conn) => {
      if (await conn.readLine() === "flood") { for (;;) await conn.sendAll(new Uint8Array(65_536)); }
      await conn.sendAll("served\n");
    };
    const server = make(kind, flood, { writeTimeout: 50, observers: [observer] });
    await using _running = await serving(server);
    using stubborn = await kind.connect(server);
    await stubborn.sendAll("flood\n");
    using other = await kind.connect(server);
    await other.sendAll("please\n");
    assertEquals(await other.readLine(), "served");
    await observer.until("closed", 2);
    assertEquals(observer.all("closed").map(({ reason }) => reason), ["done", "write-timeout"]);
    assertEquals(observer.all("error"), []);
  });

  test(" cuts a client that does not read what send has queued when its handler is done, by writeTimeout", async () => {
    const observer = new Recorder();
    const handler: StreamHandler = async (conn) => {
      for (let full = 0; full < 5;) {
        full = conn.send(new Uint8Array(65_536)) === 0 ? full + 1 : 0;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    };
    const server = make(kind, handler, { writeTimeout: 50, observers: [observer] });
    await using _running = await serving(server);
    using _client = await kind.connect(server);
    assertEquals((await observer.until("closed")).reason, "write-timeout");
  });

  test(" answers a client that has closed its writing half, to the last byte", async () => {
    const handler: StreamHandler = async (conn) => {
      let size = 0;
      for await (const chunk of conn) size += chunk.length;
      await conn.sendAll(`${size} bytes\n`);
      await conn.sendAll(new Uint8Array(500_000));
    };
    const server = make(kind, handler);
    await using _running = await serving(server);
    using client = await kind.connect(server);
    await client.sendAll(new Uint8Array(123_456));
    await client.closeWrite();
    assertEquals(await client.readLine(), "123456 bytes");
    assertEquals((await client.readExactly(500_000)).length, 500_000);
    assertEquals(await client.recv(), null);
  });

  test(" serves a client whose handler has closed its own writing half", async () => {
    const heard = Promise.withResolvers<string | null>();
    const handler: StreamHandler = async (conn) => {
      await conn.sendAll("goodbye\n");
      await conn.closeWrite();
      heard.resolve(await conn.readLine());
    };
    const server = make(kind, handler);
    await using _running = await serving(server);
    using client = await kind.connect(server);
    assertEquals(await client.readLine(), "goodbye");
    assertEquals(await client.recv(), null);
    await client.sendAll("thanks\n");
    assertEquals(await heard.promise, "thanks");
  });

  test(" ends the connections of many clients that vanish at once", async () => {
    const observer = new Recorder();
    const server = make(kind, echo, { observers: [observer] });
    await using _running = await serving(server);
    const clients = await Promise.all(Array.from({ length: 100 }, () => kind.connect(server)));
    for (const client of clients) await client.sendAll("hello");
    await observer.until("opened", 100);
    for (const client of clients) client.close();
    await observer.until("closed", 100);
    assertEquals(server.connections.size, 0);
    assertEquals(server.stats.active, 0);
    assertEquals(observer.all("error"), []);
  });
});
