import { assert } from "@std/assert";
import { within } from "../_support/deadline.ts";
import { Recorder } from "../_support/recorder.ts";
import { ScriptedServer, type Step } from "../_support/scripted_server.ts";
import { serving } from "../_support/serving.ts";

Deno.test("StreamServer.shutdown() stops accepting although new clients never stop coming", async () => {
  const endless = (function* (): Generator<Step> {
    for (;;) yield "client";
  })();
  const observer = new Recorder();
  const server = new ScriptedServer(endless, () => {}, { observers: [observer] });
  await using _running = await serving(server);
  await observer.until("closed", 10);
  await within(server.shutdown(), "shutdown", 4_000);
  assert(server.stats.accepted === server.stats.succeeded);
});
