import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import type { Connection } from "../../../mod.ts";
import { within } from "../../_support/deadline.ts";
import {
  makePooled,
  order,
  POOLED_TCP_SERVERS,
  pooledKind,
  type PooledServerKind,
  spread,
} from "../../_support/pooled_servers.ts";
import { serving } from "../../_support/serving.ts";

/** How many of `count` clients each of two workers serves. */
async function spreadOf(kind: PooledServerKind, count: number): Promise<number[]> {
  const server = makePooled(kind);
  await using _running = await serving(server);
  const clients = await Promise.all(Array.from({ length: count }, () => order(kind, server, "who")));
  const counts = await within(spread(clients), "the answers");
  for (const client of clients) client.close();
  return counts;
}

for (const kind of POOLED_TCP_SERVERS) {
  const balanced = kind.mechanism === "load-balanced";
  const hashed = kind.mechanism === "reuse-port";
  // Whom a hash gives fewer than nine of 64 is met once in a thousand million runs.
  const [count, least] = hashed ? [64, 9] : [16, balanced ? 6 : 8];
  Deno.test(`${kind.name} gives each of two workers at least ${least} of ${count} long connections`, async () => {
    const counts = await spreadOf(kind, count);
    assertEquals(counts.length, 2);
    assertGreaterOrEqual(counts[0], least);
  });
}

Deno.test("ThreadingTcpServer (load-balanced) does not wait for a thread that is busy", async () => {
  const kind = pooledKind(true, "load-balanced");
  const server = makePooled(kind);
  await using _running = await serving(server);
  using busy = await order(kind, server, "spin 500");
  assertEquals(await busy.readLine(), "in");
  let isBusy = true;
  const out = busy.readLine().then(() => isBusy = false);
  const clients: Connection[] = [];
  for (let n = 0; n < 8; n++) clients.push(await order(kind, server, "who"));
  assertEquals(await spread(clients), [8]);
  assert(isBusy);
  await out;
  for (const client of clients) client.close();
});
