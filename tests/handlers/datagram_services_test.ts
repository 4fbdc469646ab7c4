import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connectDatagram, type DatagramHandler, UdpServer } from "../../mod.ts";
import { chargenDatagram, datagram as chargen } from "../../handlers/chargen.ts";
import { datagram as daytime } from "../../handlers/daytime.ts";
import { datagram as discard } from "../../handlers/discard.ts";
import { datagram as echo } from "../../handlers/echo.ts";
import { datagram as time } from "../../handlers/time.ts";
import { couldLoop } from "../../handlers/_small_services.ts";
import { isInstalled, run } from "../_support/command.ts";
import { hear, SOON } from "../_support/datagram_servers.ts";
import { turn } from "../_support/deadline.ts";
import { serving } from "../_support/serving.ts";

/** What a handler answers to some packets. */
async function answers(handler: DatagramHandler, packets: (string | Uint8Array)[]): Promise<Uint8Array[]> {
  await using running = await serving(new UdpServer(handler));
  await using client = await connectDatagram(running.server.addr);
  const answers: Uint8Array[] = [];
  for (const packet of packets) {
    await client.send(packet);
    answers.push(await client.receive({ timeout: SOON }));
  }
  return answers;
}

Deno.test("echo sends back each packet, the empty one too", async () => {
  assertEquals(
    await answers(echo, ["", "one", "two"]),
    ["", "one", "two"].map((t) => new TextEncoder().encode(t)),
  );
});

Deno.test("discard answers no packet", async () => {
  await using running = await serving(new UdpServer(discard));
  await using client = await connectDatagram(running.server.addr);
  await client.send("anybody?");
  while (running.server.stats.succeeded === 0) await turn();
  await assertRejects(() => client.receive({ timeout: 10 }), Deno.errors.TimedOut);
});

Deno.test("daytime answers a packet with a line", async () => {
  const [line] = await answers(daytime, [""]);
  assertMatch(new TextDecoder().decode(line), /^\w+day, \w+ \d+, \d{4} \d\d:\d\d:\d\d-UTC\r\n$/);
});

Deno.test("time answers a packet with the seconds since 1900", async () => {
  const [bytes] = await answers(time, [""]);
  const seconds = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0);
  assert(Math.abs(seconds - 2_208_988_800 - Date.now() / 1_000) < 10);
});

Deno.test("chargen answers with no more bytes than it was sent", async () => {
  const sizes = [0, 1, 10, 100, 1_000];
  const packets = sizes.flatMap((size) => new Array(20).fill(new Uint8Array(size)));
  for (const [n, answer] of (await answers(chargen, packets)).entries()) {
    assert(answer.length <= Math.min(512, packets[n].length));
    assertMatch(new TextDecoder().decode(answer), /^[ -~\r\n]*$/);
  }
});

Deno.test("chargen that is told to amplify answers an empty packet with up to 512 characters", async () => {
  const lengths = (await answers(chargenDatagram({ amplify: true }), new Array(50).fill(""))).map((a) =>
    a.length
  );
  assert(Math.max(...lengths) > 0);
  assert(Math.max(...lengths) <= 512);
});

Deno.test("echo, daytime, time and chargen answer no packet that claims to come from such a service", () => {
  const packet = (remote: number, local: number): Parameters<typeof couldLoop>[0] =>
    ({
      remoteAddr: { transport: "udp", hostname: "192.0.2.1", port: remote },
      localAddr: { transport: "udp", hostname: "127.0.0.1", port: local },
    }) as Parameters<typeof couldLoop>[0];
  for (const port of [7, 13, 17, 19, 37]) assert(couldLoop(packet(port, 5_000)));
  assert(couldLoop(packet(5_000, 5_000)));
  assert(!couldLoop(packet(40_000, 7)));
});

Deno.test("two echo servers that are set upon each other by a forged packet stay quiet", async () => {
  await using first = await serving(new UdpServer(echo, { hostname: "127.0.0.1" }));
  const port = first.server.addr.port;
  await using second =
    await new UdpServer(() => {}, { hostname: "127.0.0.2", port }).listen().catch(() => null) ??
      await new UdpServer(() => {}).listen(); // where 127.0.0.2 is not there
  await second.send("forged", first.server.addr);
  while (first.server.stats.succeeded === 0) await turn();
  assertEquals(first.server.stats.bytesOut, second.addr.port === port ? 0 : 6);
});

Deno.test({
  name: "echo answers ncat over UDP",
  ignore: !isInstalled("ncat"),
  fn: async () => {
    await using running = await serving(new UdpServer(echo));
    const { port } = running.server.addr;
    const { output } = await run("sh", ["-c", `(echo one; sleep 0.5) | ncat -u 127.0.0.1 ${port}`]);
    assertEquals(output, "one\n");
  },
});

Deno.test("DatagramClient throws away what comes from elsewhere, unless anybody may answer", async () => {
  for (const anySender of [false, true]) {
    await using running = await serving(new UdpServer(echo));
    await using stranger = await new UdpServer(() => {}).listen();
    await using client = await connectDatagram(running.server.addr, { anySender });
    await stranger.send("from a stranger", client.localAddr);
    await client.send("asked");
    if (anySender) assertEquals(await hear(client), "from a stranger");
    assertEquals(await hear(client), "asked");
  }
});

Deno.test("DatagramClient.receive() that timed out or was aborted loses no packet", async () => {
  await using running = await serving(new UdpServer(echo));
  await using client = await connectDatagram(`udp://localhost:${running.server.addr.port}`);
  await assertRejects(() => client.receive({ timeout: 5 }), Deno.errors.TimedOut);
  const controller = new AbortController();
  const aborted = assertRejects(() => client.receive({ signal: controller.signal }), Error, "enough");
  controller.abort(new Error("enough"));
  await aborted;
  await client.send("one");
  await client.send("two");
  assertEquals(await hear(client), "one");
  assertEquals(await hear(client), "two");
});

Deno.test("DatagramClient.close() ends a receive that waits, and iteration", async () => {
  await using running = await serving(new UdpServer(echo));
  const client = await connectDatagram(running.server.addr);
  const waiting = assertRejects(() => client.receive(), Deno.errors.BadResource);
  await turn();
  await client.close();
  await client.close();
  await waiting;

  const other = await connectDatagram(running.server.addr);
  const seen: number[] = [];
  await other.send("one");
  for await (const packet of other) {
    seen.push(packet.length);
    if (seen.length === 1) await other.send("three");
    else await other.close();
  }
  assertEquals(seen, [3, 5]);
});
