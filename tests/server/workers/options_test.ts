import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AddressError, loadHandler, serve } from "../../../mod.ts";
import { ForkingTcpServer, ForkingUdpServer, ForkingUnixServer } from "../../../server/workers/forking.ts";
import {
  ThreadingTcpServer,
  ThreadingUdpServer,
  ThreadingUnixServer,
} from "../../../server/workers/threading.ts";
import { assertNoWorker } from "../../_support/living_workers.ts";
import { OBEDIENT } from "../../_support/pooled_servers.ts";
import { socketPath } from "../../_support/socket_folder.ts";

Deno.test("Servers with workers name an option that is out of range, and its value", () => {
  const wrong = {
    workers: [0, -1, 1.5, NaN],
    processes: [0, -1, 1.5, NaN],
    recycleAfter: [0, 0.5],
    maxChildren: [0, 1.5],
    heartbeatTimeout: [0, -1, NaN],
    maxRestarts: [-1, 0.5],
    mechanism: ["telepathy"],
  };
  for (const Server of [ThreadingTcpServer, ForkingTcpServer, ThreadingUdpServer, ForkingUdpServer]) {
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const error = assertThrows(() => new Server(OBEDIENT, { [name]: value }), RangeError, `"${name}"`);
        assert(error.message.includes(String(value)), error.message);
      }
    }
    const few = { workers: 4, processes: 4, maxChildren: 3 };
    assertThrows(
      () => new Server(OBEDIENT, few),
      RangeError,
      `"maxChildren" must be at least the number of workers, 4`,
    );
  }
});

Deno.test("Servers with workers take a handler module, and no function", () => {
  for (const Server of [ThreadingTcpServer, ForkingTcpServer, ThreadingUdpServer, ForkingUdpServer]) {
    for (const handler of [() => {}, undefined, null, {}]) {
      assertThrows(() => new Server(handler as never), TypeError, "a function cannot be sent");
    }
  }
});

Deno.test("A mechanism that cannot be had is named, with those that can", async () => {
  const path = socketPath();
  const impossible = [
    [new ThreadingTcpServer(OBEDIENT, { mechanism: "hand-over" }), `"load-balanced"`],
    [new ForkingTcpServer(OBEDIENT, { mechanism: "load-balanced" }), `"hand-over" or "relay"`],
    [new ThreadingUnixServer(OBEDIENT, { path, mechanism: "load-balanced" }), `"relay"`],
    [new ForkingUnixServer(OBEDIENT, { path, mechanism: "reuse-port" }), `"hand-over" or "relay"`],
    [new ThreadingUdpServer(OBEDIENT, { mechanism: "reuse-port" }), `"relay"`],
  ] as const;
  for (const [server, message] of impossible) {
    await assertRejects(() => server.listen(), TypeError, message);
    await server.close();
  }
  await assertNoWorker();
});

Deno.test("serve runs a handler on threads or in processes, not on both, and not for unixgram", async () => {
  const module = await loadHandler(OBEDIENT);
  const listen = "tcp://127.0.0.1:0";
  await assertRejects(
    () => serve({ listen, workers: 1, processes: 1 }, module),
    TypeError,
    "either workers or processes",
  );
  const unixgram = `unixgram:${socketPath()}`;
  await assertRejects(() => serve({ listen: unixgram, workers: 1 }, module), AddressError, "unixgram");
  await assertRejects(() => serve({ listen, workers: 1 }, () => {}), TypeError, "handler module");
  await assertNoWorker();
});

Deno.test("A handler module without a handler of the kind, or that is none, is told by listen()", async () => {
  const none = "data:text/javascript,export const nothing = 1;";
  const packetsOnly = "data:text/javascript,export const datagram = () => {};";
  for (const Server of [ThreadingTcpServer, ForkingTcpServer]) {
    for (const [handler, message] of [[none, "neither default nor datagram"], [packetsOnly, "connections"]]) {
      const server = new Server(handler, { workers: 1, processes: 1 });
      const error = await assertRejects(() => server.listen());
      assert((error as Error).message.includes(message), (error as Error).message);
      assertEquals((error as Error).message.split("\n").length, 1);
      await server.close();
    }
  }
  await assertNoWorker();
});
