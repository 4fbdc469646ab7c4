import { assert, assertEquals } from "@std/assert";
import type { Connection } from "../../../mod.ts";
import { isSettled, within } from "../../_support/deadline.ts";
import { assertNoWorker } from "../../_support/living_workers.ts";
import {
  makePooled,
  order,
  POOLED_TCP_SERVERS,
  pooledKind,
  type PooledServer,
  type PooledServerKind,
  told,
  type Where,
} from "../../_support/pooled_servers.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";

async function who(kind: PooledServerKind, server: PooledServer): Promise<[Connection, string]> {
  const client = await order(kind, server, "who");
  const { pid, thread } = await within(told<Where>(client), "the answer");
  return [client, `${pid}/${thread}`];
}

for (const isThreading of [true, false]) {
  const kind = pooledKind(isThreading, "relay");

  Deno.test(`${kind.Server.name} with recycleAfter: 1 serves each client in a worker of its own, as many at once as maxChildren`, async () => {
    const observer = new Recorder();
    const options = { mechanism: undefined, recycleAfter: 1, maxChildren: 3, observers: [observer] };
    const server = makePooled(kind, options);
    await using _running = await serving(server);
    assertEquals(server.mechanism, isThreading ? "relay" : "hand-over");
    const served = [await who(kind, server), await who(kind, server), await who(kind, server)];
    using fourth = await order(kind, server, "who");
    const answer = told<Where>(fourth);
    await new Promise((resolve) => setTimeout(resolve, 100)); // long enough for a fourth worker to start
    assert(!(await isSettled(answer)));
    served[1][0].close();
    const { pid, thread } = await within(answer, "the answer");
    const workers = new Set([...served.map(([, where]) => where), `${pid}/${thread}`]);
    assertEquals(workers.size, 4);
    for (const [client] of served) client.close();
    fourth.close();
    await server.shutdown();
    assertEquals([server.stats.succeeded, observer.all("error").length], [4, 0]);
    await assertNoWorker();
  });
}

/** With a queue for each worker, those are lost that come to one in the moment in which it closes: it is not chosen then. */
const LOSSLESS = POOLED_TCP_SERVERS.filter(({ mechanism }) => mechanism !== "reuse-port");

for (const kind of LOSSLESS) {
  Deno.test(`${kind.name} with recycleAfter: 10 loses no client that comes under load`, async () => {
    const observer = new Recorder();
    const server = makePooled(kind, { recycleAfter: 10, observers: [observer] });
    await using _running = await serving(server);
    const wheres = new Set<string>();
    const visits = async (): Promise<void> => {
      for (let n = 0; n < 25; n++) {
        const [client, where] = await who(kind, server);
        wheres.add(where);
        client.close();
      }
    };
    await within(Promise.all([visits(), visits(), visits(), visits()]), "100 visits");
    assert(wheres.size >= 3, `${wheres.size} workers`);
    await server.shutdown();
    assertEquals([server.stats.succeeded, server.stats.failed], [100, 0]);
    assertEquals([observer.all("opened").length, observer.all("closed").length], [100, 100]);
    assertEquals(observer.all("error"), []);
    await assertNoWorker();
  });
}

Deno.test("ForkingTcpServer (reuse-port) that recycles always has a worker that listens", async () => {
  const kind = pooledKind(false, "reuse-port");
  const server = makePooled(kind, { recycleAfter: 10, size: 1 });
  await using _running = await serving(server);
  const wheres = new Set<string>();
  for (let visits = 0; wheres.size < 4 || visits < 50; visits++) {
    try {
      const [client, where] = await who(kind, server);
      wheres.add(where);
      client.close();
    } catch (error) {
      assert(!(error instanceof Deno.errors.ConnectionRefused), "somebody listens");
    }
  }
});
