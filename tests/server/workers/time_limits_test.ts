import { assertEquals } from "@std/assert";
import type { Connection } from "../../../mod.ts";
import { within } from "../../_support/deadline.ts";
import { makePooled, order, POOLED_SERVERS, type PooledServerKind } from "../../_support/pooled_servers.ts";
import { Recorder } from "../../_support/recorder.ts";
import { serving } from "../../_support/serving.ts";

/** What a client asks for, the one limit that there is, and the reason that is told. */
const ENDINGS = [
  ["hold", { readTimeout: 30 }, "read-timeout"],
  ["flood 50000000", { writeTimeout: 60 }, "write-timeout"],
  ["never", { idleTimeout: 60 }, "idle"],
  ["tick", { maxLifetime: 120 }, "lifetime"],
] as const;

async function reasonOf(kind: PooledServerKind, line: string, limit: object): Promise<string> {
  const observer = new Recorder();
  const server = makePooled(kind, { ...limit, size: 1, observers: [observer] });
  await using _running = await serving(server);
  using client: Connection = await order(kind, server, line);
  await client.peek();
  const { reason } = await within(observer.until("closed"), `the end of "${line}"`);
  return reason;
}

for (const kind of POOLED_SERVERS) {
  Deno.test(`${kind.name} tells which of the server's time limits has ended a connection`, async () => {
    const reasons = ENDINGS.map(([line, limit]) => reasonOf(kind, line, limit));
    assertEquals(await Promise.all(reasons), ENDINGS.map(([, , reason]) => reason));
  });
}
