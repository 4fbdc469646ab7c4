import { assertEquals } from "@std/assert";
import { connect, TcpServer, type TcpServerOptions } from "../../mod.ts";
import { within } from "../_support/deadline.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";
import { greet } from "../_support/tiny_handlers.ts";

/** How each of several clients, which stay, is received: with a greeting, or with the reason why not. */
async function receptions(options: TcpServerOptions, hostnames: string[]): Promise<string[]> {
  const observer = new Recorder();
  const server = new TcpServer(greet, { ...options, observers: [observer] });
  await using _running = await serving(server);
  const { port } = server.addr;
  await using clients = new AsyncDisposableStack();
  const seen: string[] = [];
  for (const hostname of hostnames) {
    const client = clients.use(await connect({ transport: "tcp", hostname, port }));
    const greeting = await within(client.readLine().catch(() => null), "an answer");
    seen.push(
      greeting ?? (await observer.until("refused", seen.filter((one) => one !== "hello").length + 1)).reason,
    );
  }
  return seen;
}

const HERE = "127.0.0.1";

Deno.test("TcpServer turns away who is on its deny list or not on its allow list", async () => {
  assertEquals(await receptions({ allow: ["127.0.0.0/8"] }, [HERE]), ["hello"]);
  assertEquals(await receptions({ allow: ["192.0.2.0/24"] }, [HERE]), ["denied"]);
  assertEquals(await receptions({ deny: ["127.0.0.1"] }, [HERE]), ["denied"]);
  assertEquals(await receptions({ hostname: "::1", allow: ["::1"] }, ["::1"]), ["hello"]);
  assertEquals(await receptions({ hostname: "::1", deny: ["::/64"] }, ["::1"]), ["denied"]);
});

Deno.test("TcpServer on both families applies the rules for IPv4 to an IPv4-mapped client", async () => {
  assertEquals(await receptions({ hostname: "::", allow: ["127.0.0.0/8"] }, [HERE, "::1"]), [
    "hello",
    "denied",
  ]);
  assertEquals(await receptions({ hostname: "::", deny: ["127.0.0.0/8"] }, [HERE, "::1"]), [
    "denied",
    "hello",
  ]);
});

Deno.test("TcpServer limits the connections of one peer", async () => {
  assertEquals(await receptions({ maxConnectionsPerPeer: 2 }, [HERE, HERE, HERE, HERE]), [
    "hello",
    "hello",
    "peer-limit",
    "peer-limit",
  ]);
});

Deno.test("TcpServer limits the rate of new connections, of all and of one peer", async () => {
  assertEquals(await receptions({ maxConnectionRate: 0.01 }, [HERE, HERE]), ["hello", "rate"]);
  assertEquals(await receptions({ maxConnectionRatePerPeer: 0.01 }, [HERE, HERE]), ["hello", "peer-rate"]);
});
