import { assertEquals } from "@std/assert";
import { connect, TcpServer } from "../../mod.ts";
import { within } from "../_support/deadline.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";
import { echo } from "../_support/tiny_handlers.ts";

Deno.test("TcpServer.shutdown() answers a first request that comes a moment after its connection", async () => {
  const observer = new Recorder();
  await using running = await serving(new TcpServer(echo, { observers: [observer] }));
  using conn = await connect(running.server.addr);
  await observer.until("opened");
  const shutdown = running.server.shutdown();
  await new Promise((resolve) => setTimeout(resolve, 20)); // the way of a first request through a network
  await conn.sendAll("asked");
  assertEquals(new TextDecoder().decode(await conn.readExactly(5)), "asked");
  assertEquals(await conn.recv(), null);
  await within(shutdown, "shutdown");
});

Deno.test("TcpServer.shutdown() does not wait for the deadline where a client never says anything", async () => {
  const observer = new Recorder();
  await using running = await serving(new TcpServer(echo, { observers: [observer] }));
  using conn = await connect(running.server.addr);
  await observer.until("opened");
  await within(running.server.shutdown(), "shutdown", 2_000);
  assertEquals(await conn.recv(), null);
});
