import { assert, assertEquals } from "@std/assert";
import type { Connection, StreamHandler } from "../../../mod.ts";
import { turn, within } from "../../_support/deadline.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";
import { forEachStreamServer, make } from "../../_support/stream_servers.ts";
import { echo } from "../../_support/tiny_handlers.ts";

const LARGE = new Uint8Array(100_000);

forEachStreamServer((kind, test) => {
  /** A server whose handler fails for who says "fail", and echoes to everybody else. */
  const mixed = (failing: StreamHandler): StreamHandler => async (conn, server) => {
    if (await conn.readLine() === "fail") return failing(conn, server);
    await conn.sendAll("well\n");
    await echo(conn, server);
  };

  const failures: [string, StreamHandler][] = [
    ["throws at once", () => assert(false, "at once")],
    ["throws later", async () => {
      await turn();
      throw new Error("later");
    }],
    ["throws nothing in particular", () => {
      throw undefined;
    }],
    ["rejects with null", () => Promise.reject(null)],
    ["throws after it has answered", async (conn) => {
      await conn.sendAll("part of an answer\n");
      throw new Error("after the answer");
    }],
    ["throws after it has closed the connection", (conn) => {
      conn.close();
      throw new Error("after the close");
    }],
    ["returns garbage", () => ({ garbage: true })],
    ["returns a thenable that throws", () => ({
      then: () => assert(false, "thenable"),
    })],
    ["returns the connection", (conn) => conn],
    ["returns nothing although a sendAll is under way", (conn) => void conn.sendAll(LARGE)],
    ["leaves a read behind", (conn) => void conn.recv()],
    ["leaves a failing send behind", (conn) => {
      conn.close();
      conn.sendAll(LARGE);
      conn.write(LARGE);
      conn.closeWrite();
    }],
    ["uses the connection after its end", (conn) => {
      turn().then(turn).then(() => {
        conn.sendAll("late");
        conn.recv();
        conn.readLine();
        conn.close();
      });
    }],
    ["never reads a client that sends without end", async (conn) => {
      await conn.sendAll("go on\n");
    }],
  ];

  for (const concurrency of [1, Infinity]) {
    test(` with concurrency ${concurrency} loses only the connection of a handler that fails`, async () => {
      for (const [what, failing] of failures) {
        const observer = new Recorder();
        const server = make(kind, mixed(failing), { concurrency, observers: [observer] });
        await using _running = await serving(server);
        const visits = concurrency === 1 ? 1 : 3;
        const others: Connection[] = [];
        for (let n = 0; n < visits && concurrency > 1; n++) {
          const other = await kind.connect(server);
          await other.sendAll("well\n");
          assertEquals(await other.readLine(), "well", what);
          others.push(other);
        }
        for (let n = 0; n < visits; n++) {
          using client = await kind.connect(server);
          await client.sendAll("fail\n");
          while (await within(client.recv().catch(() => null), `the end (${what})`));
        }
        await observer.until("closed", visits);
        for (const other of others) {
          await other.sendAll("still there?\n");
          assertEquals(await other.readLine(), "still there?", what);
          other.close();
        }
        using last = await kind.connect(server);
        await last.sendAll("well\n");
        assertEquals(await within(last.readLine(), `the answer after one that ${what}`), "well");
      }
    });
  }

  test(" survives a handler whose client has gone, whatever the handler does then", async () => {
    const gone = Promise.withResolvers<void>();
    const handlers: StreamHandler[] = [
      async (conn) => {
        for (;;) await conn.sendAll(LARGE);
      },
      async (conn) => {
        for (let n = 0; n < 20; n++) conn.sendAll(LARGE); // nobody awaits them
        await turn();
        for (let n = 0; n < 20; n++) conn.sendAll("more");
      },
      async (conn) => {
        for (;;) {
          conn.send(LARGE);
          await turn();
        }
      },
      async (conn) => {
        await conn.recv();
        throw new Error("the client is gone");
      },
      async (conn) => {
        await conn.sendAll(LARGE).catch(() => {});
        await conn.sendAll(LARGE).catch(() => {});
        await conn.closeWrite();
        await conn.flush();
      },
    ];
    for (const handler of handlers) {
      const observer = new Recorder();
      const server = make(kind, async (conn, server) => {
        await gone.promise;
        await handler(conn, server);
      }, { observers: [observer] });
      await using _running = await serving(server);
      for (let n = 0; n < 3; n++) (await kind.connect(server)).close();
      gone.resolve();
      await observer.until("closed", 3);
      assert(observer.all("error").every(({ error }) => (error as Error).message === "the client is gone"));
    }
  });

  test(" drops what a handler throws after its connection was cut", async () => {
    const observer = new Recorder();
    const cut = Promise.withResolvers<void>();
    const thrown = Promise.withResolvers<void>();
    const handler: StreamHandler = async (conn) => {
      conn.signal.addEventListener("abort", () => cut.resolve());
      await conn.sendAll("in\n");
      await cut.promise;
      await turn();
      thrown.resolve();
      throw new Error("too late to matter");
    };
    const server = make(kind, handler, { observers: [observer] });
    await using _running = await serving(server);
    using client = await kind.connect(server);
    assertEquals(await client.readLine(), "in");
    server.disconnect(1);
    await observer.until("closed");
    await thrown.promise;
    await turn();
    assertEquals(observer.all("error"), []);
    assertEquals(observer.all("closed").length, 1);
  });

  test(" reports a failed last flush once, as the peer's fault and not as the handler's", async () => {
    const observer = new Recorder();
    const left = Promise.withResolvers<void>();
    const handler: StreamHandler = async (conn) => {
      await left.promise;
      if (conn.remoteAddr.transport === "tcp") { // TCP learns from the answer to one write that the peer is gone
        await conn.sendAll("x");
        while (await conn.recv().catch(() => null));
      }
      conn.send(LARGE);
    };
    const server = make(kind, handler, { observers: [observer] });
    await using _running = await serving(server);
    (await kind.connect(server)).close();
    left.resolve();
    assertEquals((await observer.until("closed")).reason, "peer");
    assertEquals(observer.all("closed").length, 1);
    assertEquals(observer.all("error"), []);
  });
});
