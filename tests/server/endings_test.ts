import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assertEquals, assertRejects } from "@std/assert";
import { Admission, connect, type Connection, ServerGroup, TcpServer } from "../../mod.ts";
import { EVENT_READ, Poller } from "../../multiplex/mod.ts";
import { turn, within } from "../_support/deadline.ts";
import { serving } from "../_support/serving.ts";
import { SilentConsole } from "../_support/silent_console.ts";

/** A server whose `getRequest` waits for a gate once it has its client. */
class Gated extends TcpServer {
  readonly gate = Promise.withResolvers<void>();
  readonly taken = Promise.withResolvers<void>();
  readonly opened: number[] = [];

  override async getRequest() {
    const request = await super.getRequest();
    this.taken.resolve();
    await this.gate.promise;
    return request;
  }
}

for (const end of ["close", "the deadline of shutdown"] as const) {
  Deno.test(`A client whose getRequest ends after ${end} is not served, and is let go`, async () => {
    const server: Gated = new Gated(() => void server.opened.push(1), { port: 0 });
    await server.listen();
    const loop = server.serveForever();
    using client = await connect(server.addr);
    await server.taken.promise;
    const over = end === "close" ? server.close() : server.shutdown({ signal: AbortSignal.abort() });
    await turn();
    server.gate.resolve();
    await within(over, "the end");
    await within(loop, "the end of the loop");
    assertEquals(await client.recv(), null);
    assertEquals([server.opened, server.stats.active, server.stats.acceptFailures], [[], 0, 0]);
  });
}

Deno.test("A getRequest that finds the server closed is no failed accept", async () => {
  const gate = Promise.withResolvers<void>();
  class Late extends TcpServer {
    override async getRequest() {
      await gate.promise;
      return await super.getRequest();
    }
  }
  const server = new Late(() => {}, { port: 0 });
  await server.listen();
  const loop = server.serveForever();
  using _client = await connect(server.addr);
  await turn();
  const closed = server.close();
  await turn();
  gate.resolve();
  await within(Promise.all([closed, loop]), "the end");
  assertEquals(server.stats.acceptFailures, 0);
});

Deno.test("shutdown() of a full server takes no more clients than its backlog, however often they come back", async () => {
  let served = 0;
  const handler = async (conn: Connection) => {
    served++;
    await conn.sendAll("x");
    await turn();
  };
  await using running = await serving(new TcpServer(handler, { port: 0, concurrency: 1, backlog: 8 }));
  const { server } = running;
  let on = true;
  const clients = Array.from({ length: 3 }, async () => {
    while (on) {
      try {
        using conn = await connect(server.addr);
        while (await conn.recv() !== null);
      } catch {
        // The server is gone, or has reset it: the next attempt will tell.
        await turn();
      }
    }
  });
  while (served < 3) await turn();
  const before = served;
  await within(server.shutdown(), "the shutdown");
  on = false;
  await Promise.all(clients);
  assertEquals(served - before <= 8 + 2, true, `${served - before} were served`);
});

Deno.test("An observer whose promise rejects does no harm, and is told of", async () => {
  using output = new SilentConsole();
  const observer = { opened: () => Promise.reject(new Error("observer")) };
  await using running = await serving(
    new TcpServer((conn) => conn.sendAll("x"), { port: 0, observers: [observer] }),
  );
  using client = await connect(running.server.addr);
  assertEquals(await client.readExactly(1), new Uint8Array([120]));
  await turn();
  assertEquals(output.printed.length, 1);
});

Deno.test("An admission does not keep a server that is gone, and forgets it at the next release", async () => {
  let listeners = 0;
  class Counted extends Admission {
    override onRelease(listener: () => void): () => void {
      listeners++;
      const forget = super.onRelease(listener);
      return () => (listeners--, forget());
    }
  }
  const admission = new Counted({});
  for (let n = 0; n < 20; n++) await new TcpServer(() => {}, { port: 0, admission }).close();
  assertEquals(listeners, 20);
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  for (let n = 0; n < 20 && listeners > 1; n++) {
    await turn(); // what is still on the stack is not collected
    collect();
    admission.reserve();
    admission.cede();
  }
  assertEquals(listeners <= 1, true, `${listeners} are still told of every release`);
});

Deno.test("The signal of serve() closes also a server whose loop has failed", async () => {
  class Failing extends TcpServer {
    override serviceActions(): void {
      throw new RangeError("service");
    }
  }
  const abort = new AbortController();
  const server = new Failing(() => {}, { port: 0 });
  await server.listen();
  const group = new ServerGroup([server], abort.signal);
  await assertRejects(() => within(group.finished, "the failure"), RangeError);
  abort.abort();
  await within(server.finished, "the end");
  await assertRejects(() => connect(server.addr, { timeout: 1_000 }));
});

Deno.test("A poller that waits for an edge is told of a server that listens anew", async () => {
  const server = new TcpServer((conn) => conn.sendAll("x"), { port: 0 });
  await server.listen();
  using poller = new Poller();
  poller.register(server, EVENT_READ, { trigger: "edge" });
  await server.shutdown();
  assertEquals((await within(poller.poll(), "the end")).length, 1);
  await server.listen();
  using client = await connect(server.addr);
  assertEquals((await within(poller.poll(), "the client")).length, 1);
  await server.handleRequest();
  assertEquals(await client.readExactly(1), new Uint8Array([120]));
  await server.close();
});
