import { assertEquals, assertRejects } from "@std/assert";
import { type Connection, type Listening, TcpServer } from "../../mod.ts";
import { within } from "../_support/deadline.ts";
import { Recorder } from "../_support/recorder.ts";
import { echo } from "../_support/tiny_handlers.ts";

/** A server whose listener cannot be closed without an error. */
class Sticky extends TcpServer {
  protected override async open(): Promise<Listening<Connection>> {
    const listening = await super.open();
    return {
      ...listening,
      close: () => {
        listening.close();
        throw new Error("stuck");
      },
    };
  }
}

for (const end of ["close", "shutdown"] as const) {
  Deno.test(`BaseServer.${end}() tells what closing the listener threw, and ends all the same`, async () => {
    const observer = new Recorder();
    const server = new Sticky(echo, { observers: [observer] });
    await server.listen();
    const loop = server.serveForever();
    await within(server[end](), end);
    await within(loop, "the end of serveForever");
    await within(server.finished, "finished");
    assertEquals(observer.all("error").map(({ error }) => (error as Error).message), ["stuck"]);
    await server.close();
  });
}

Deno.test("BaseServer.listen() rejects with what went wrong, not with what closing threw after it", async () => {
  const observer = new Recorder();
  const server = new Sticky(echo, { observers: [observer] });
  server.serverActivate = () => {
    throw new Error("not activated");
  };
  await assertRejects(() => server.listen(), Error, "not activated");
  await server.close();
});
