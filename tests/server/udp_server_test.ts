import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  connectDatagram,
  type Datagram,
  type DatagramHandler,
  serve,
  ServerClosedError,
  StreamRequestHandler,
  UdpServer,
} from "../../mod.ts";
import { isInstalled, python, run } from "../_support/command.ts";
import { hear, NodeUdpServer, SOON } from "../_support/datagram_servers.ts";
import { turn, within } from "../_support/deadline.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";
import { echo, never } from "../_support/tiny_datagram_handlers.ts";

const MIB = 2 ** 20;

/** Python code that sends packets as fast as it can; prints how many. */
const FLOOD = `
import socket, sys, time
port, count, size, seconds = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", port))
data, sent, end = b"x" * size, 0, time.monotonic() + seconds
while sent < count and (sent % 256 or time.monotonic() < end):
    try: sent += s.send(data) >= 0
    except OSError: pass
print(sent)
`;

for (const Server of [UdpServer, NodeUdpServer]) {
  const name = Server === UdpServer ? "UdpServer" : "UdpServer on node:dgram";

  for (const size of [0, 1, 8_191, 8_192]) {
    Deno.test(`${name} hands over a packet of ${size} bytes whole`, async () => {
      const packets: Datagram[] = [];
      await using running = await serving(
        new Server((packet) => (packets.push(packet), packet.reply(packet.data))),
      );
      await using client = await connectDatagram(running.server.addr);
      const sent = crypto.getRandomValues(new Uint8Array(size));
      await client.send(sent);
      assertEquals(await client.receive({ timeout: SOON }), sent);
      assertEquals([packets.length, packets[0].truncated], [1, false]);
    });
  }

  for (const size of [8_193, 10_000, 65_507]) {
    Deno.test(`${name} cuts a packet of ${size} bytes to 8192, and says so`, async () => {
      const packets: Datagram[] = [];
      await using running = await serving(
        new Server((packet) => (packets.push(packet), packet.reply(packet.data))),
      );
      await using client = await connectDatagram(running.server.addr);
      const sent = crypto.getRandomValues(new Uint8Array(size));
      await client.send(sent);
      assertEquals(await client.receive({ timeout: SOON }), sent.subarray(0, 8_192));
      assertEquals([packets.length, packets[0].truncated], [1, true]);
      await client.send("next");
      assertEquals(await hear(client), "next");
    });
  }

  Deno.test(`${name} with maxPacketSize 65507 echoes the largest packet there is; a reply of one byte more fails`, async () => {
    const observer = new Recorder();
    const handler: DatagramHandler = (packet) =>
      packet.reply(packet.data.length === 1 ? new Uint8Array(65_508) : packet.data);
    await using running = await serving(
      new Server(handler, { maxPacketSize: 65_507, observers: [observer] }),
    );
    await using client = await connectDatagram(running.server.addr);
    const sent = crypto.getRandomValues(new Uint8Array(65_507));
    await client.send(sent);
    assertEquals(await client.receive({ timeout: SOON }), sent);
    await client.send("1");
    const { error } = await observer.until("error");
    assertEquals((error as { code?: string }).code, "EMSGSIZE");
    await client.send("ok");
    assertEquals(await hear(client), "ok");
    assertEquals(running.server.stats.bytesOut, 65_509);
  });

  Deno.test(`${name} goes on after replies to a peer that is gone`, async () => {
    const observer = new Recorder();
    const gone = Promise.withResolvers<void>();
    const handler: DatagramHandler = async (packet) => {
      if (packet.text() !== "gone") return await packet.reply(packet.data);
      await gone.promise;
      for (let n = 0; n < 3; n++) await packet.reply("anybody?"); // the second one meets what the first has caused
    };
    await using running = await serving(new Server(handler, { observers: [observer] }));
    {
      await using client = await connectDatagram(running.server.addr);
      await client.send("gone");
    }
    gone.resolve();
    await using client = await connectDatagram(running.server.addr);
    await client.send("here");
    assertEquals(await hear(client), "here");
    assertEquals(observer.all("acceptFailed"), []);
    assertEquals(observer.all("error"), []);
  });

  Deno.test({
    name: `${name} counts what it drops of 100 000 packets sent as fast as can be, lives on and stays small`,
    ignore: !isInstalled("python3"),
    fn: async () => {
      await using running = await serving(new Server(never, { maxInFlight: 1_000 }));
      const { server } = running;
      const before = Deno.memoryUsage().rss;
      let [ticks, longest, last] = [0, 0, performance.now()];
      const timer = setInterval(() => {
        ticks++;
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 1);
      const sent = Number(await python(FLOOD, String(server.addr.port), "100000", "1000", "20"));
      clearInterval(timer);
      const { accepted, active, refused } = server.stats;
      assertEquals(sent, 100_000);
      assert(accepted >= 2_000, `only ${accepted} packets were accepted`);
      assertEquals([active, accepted - refused.full], [1_000, 1_000]);
      // Room for what the collector has not got to yet, and for none of it all: on node:dgram that is 64 KiB a packet.
      const grown = (Deno.memoryUsage().rss - before) / MIB;
      assert(grown < 300, `the memory grew by ${grown} MiB`);
      assert(ticks > 10 && longest < 1_000, `timers starved: ${ticks} ticks, ${longest} ms without one`);

      server.finishRequest = (packet) => packet.reply(packet.data);
      await within(server.shutdown({ signal: AbortSignal.timeout(10) }), "shutdown");
      const loop = server.serveForever();
      await server.listen();
      await using client = await connectDatagram(server.addr);
      await client.send("still there?");
      assertEquals(await hear(client), "still there?");
      await server.close();
      await loop;
    },
  });
}

Deno.test({
  name: "UdpServer.shutdown() without a deadline ends although packets keep coming",
  ignore: !isInstalled("python3"),
  fn: async () => {
    const stop = async (concurrency: number): Promise<void> => {
      const handler: DatagramHandler = () => new Promise((resolve) => setTimeout(resolve, 1));
      const server = new UdpServer(handler, { concurrency });
      await using _running = await serving(server);
      const flood = python(FLOOD, String(server.addr.port), "1000000000", "10", "3");
      while (server.stats.accepted < 100) await turn();
      await within(server.shutdown(), "shutdown", 2_500);
      await flood;
    };
    await Promise.all([stop(1), stop(Infinity)]);
  },
});

Deno.test("UdpServer on node:dgram counts what comes faster than a serial handler takes it", async () => {
  const observer = new Recorder();
  const busy = Promise.withResolvers<void>();
  const server = new NodeUdpServer(() => busy.promise, { concurrency: 1, observers: [observer] });
  await using _running = await serving(server);
  await using client = await connectDatagram(server.addr);
  for (let n = 0; n < 400; n++) {
    await client.send(`${n}`);
    if (n % 50 === 0) await turn(); // the kernel's queue is short too
  }
  await observer.until("refused", 10);
  busy.resolve();
  while (server.stats.active > 0 || server.stats.succeeded < 257) await turn();
  const { accepted, succeeded, refused } = server.stats;
  assertEquals(accepted, succeeded + refused.full);
  assert(refused.full >= 10, `${refused.full}`);
  assert(succeeded < 400, `${succeeded}`); // 257 at once, and what still came when the handler was free again
});

Deno.test({
  name: "UdpServer limits rate and handlers per peer, and lets the others through",
  ignore: Deno.build.os !== "linux" || !isInstalled("python3"), // elsewhere 127.0.0.2 is not there
  fn: async () => {
    const observer = new Recorder();
    const options = { hostname: "0.0.0.0", observers: [observer] };
    const send = (address: string, port: number): Promise<string> =>
      python(
        `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
for n in range(3): s.sendto(b"hello", ("127.0.0.1", int(sys.argv[2])))
`,
        address,
        String(port),
      );
    {
      await using running = await serving(new UdpServer(() => {}, { ...options, maxPacketRatePerPeer: 2 }));
      await send("127.0.0.1", running.server.addr.port);
      await send("127.0.0.2", running.server.addr.port);
      await observer.until("refused", 2);
      while (running.server.stats.succeeded < 4) await turn();
      const { succeeded, refused } = running.server.stats;
      assertEquals([succeeded, refused["peer-rate"]], [4, 2]);
    }
    {
      await using running = await serving(new UdpServer(never, { ...options, maxInFlightPerPeer: 1 }));
      await send("127.0.0.1", running.server.addr.port);
      await send("127.0.0.2", running.server.addr.port);
      await observer.until("refused", 6);
      const { active, refused } = running.server.stats;
      assertEquals([active, refused["peer-limit"]], [2, 4]);
    }
  },
});

Deno.test("UdpServer serves whom allow and deny let through, and nobody else", async () => {
  const cases: [object, boolean][] = [
    [{ allow: ["127.0.0.0/8"] }, true],
    [{ allow: ["192.0.2.0/24"] }, false],
    [{ deny: ["127.0.0.1"] }, false],
    [{ allow: ["127.0.0.0/8"], deny: ["127.0.0.1"] }, false],
  ];
  for (const [lists, served] of cases) {
    const observer = new Recorder();
    await using running = await serving(new UdpServer(echo, { ...lists, observers: [observer] }));
    await using client = await connectDatagram(running.server.addr);
    await client.send("hello");
    if (served) assertEquals(await hear(client), "hello");
    else assertEquals((await observer.until("refused")).reason, "denied");
  }
});

Deno.test("UdpServer serves IPv6", async () => {
  await using running = await serving(new UdpServer(echo, { hostname: "::1" }));
  await using client = await connectDatagram(running.server.addr);
  await client.send("hello");
  assertEquals(await hear(client), "hello");
});

Deno.test("UdpServer.listen() names the address that is in use, or not this machine's", async () => {
  for (const Server of [UdpServer, NodeUdpServer]) {
    await using taken = await new UdpServer(echo).listen();
    const { port } = taken.addr;
    await assertRejects(() => new Server(echo, { port }).listen(), Deno.errors.AddrInUse);
    await assertRejects(
      () => new UdpServer(echo, { port }).listen(),
      Deno.errors.AddrInUse,
      `Cannot listen on udp://127.0.0.1:${port}: the address is in use`,
    );
    await assertRejects(
      () => new Server(echo, { hostname: "192.0.2.1" }).listen(),
      Deno.errors.AddrNotAvailable,
    );
  }
});

Deno.test("UdpServer with reuseAddress shares its port with another", async () => {
  await using first = await new UdpServer(echo, { reuseAddress: true }).listen();
  const second = new UdpServer(echo, { port: first.addr.port, reuseAddress: true });
  await using _second = await second.listen();
  assertEquals(second.addr, first.addr);
});

Deno.test("UdpServer.send() to everybody needs the option broadcast", async () => {
  await using server = await new UdpServer(echo, { hostname: "0.0.0.0" }).listen();
  const everybody = "udp://255.255.255.255:9";
  await assertRejects(() => server.send("x", everybody), TypeError, "broadcast is off");
  await using loud = await new UdpServer(echo, { hostname: "0.0.0.0", broadcast: true }).listen();
  const failure = await loud.send("x", everybody).catch((error) => error);
  // Where there is no network the system says so; what matters is that it was asked.
  if (failure !== undefined) assert(!(failure instanceof TypeError), `${failure}`);
});

Deno.test("UdpServer.send() after close rejects, and a rejection that nobody awaits does no harm", async () => {
  const server = await new UdpServer(echo).listen();
  const { addr } = server;
  await server.close();
  server.send("x", addr);
  await turn();
  await assertRejects(() => server.send("x", addr), ServerClosedError);
});

/** Sends to a multicast group from the loopback interface, and prints what answers. */
const TO_GROUP = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
s.settimeout(5)
s.sendto(b"hello group", ("239.255.77.7", int(sys.argv[1])))
print(s.recv(100).decode())
`;

for (const engine of ["Deno.listenDatagram", "node:dgram"]) {
  Deno.test({
    name: `UdpServer on ${engine} hears a multicast group that it is a member of`,
    ignore: Deno.build.os !== "linux" || !isInstalled("python3"),
    fn: async () => {
      const child = await run(Deno.execPath(), [
        "run",
        "-A",
        "--quiet",
        ...engine === "node:dgram" ? ["--no-config"] : [],
        new URL("_fixtures/multicast_server.ts", import.meta.url).href,
        TO_GROUP,
      ]);
      assertEquals([child.errors, child.output], ["", `${engine}\nhello group\n`]);
    },
  });
}

Deno.test("UdpServer without --unstable-net works on node:dgram, and Unix datagrams name the flag", async () => {
  const fixture = new URL("_fixtures/without_unstable_net.ts", import.meta.url).href;
  const { output, errors, code } = await run(Deno.execPath(), [
    "run",
    "-A",
    "--quiet",
    "--no-config",
    fixture,
  ]);
  assertEquals([errors, code], ["", 0]);
  assertEquals(output.split("\n"), [
    "undefined",
    "hello over udp",
    "Cannot listen on unixgram:/tmp/x.sock: datagrams over Unix sockets need Deno.listenDatagram, run with --unstable-net",
    "Cannot talk to unixgram:/tmp/x.sock: Unix sockets need Deno.listenDatagram, run with --unstable-net",
    "",
  ]);
});

for (const config of [["--unstable-net"], []]) {
  const engine = config.length > 0 ? "Deno.listenDatagram" : "node:dgram";

  Deno.test(`UdpServer.listen() on ${engine} without the permission names the flag in one line`, async () => {
    const fixture = new URL("_fixtures/udp_permission.ts", import.meta.url).href;
    const args = ["run", "--no-prompt", "--quiet", "--no-config", ...config];
    const denied = await run(Deno.execPath(), [...args, fixture]);
    assertEquals(
      [denied.errors, denied.output],
      ["", "Cannot listen on udp://127.0.0.1:0: permission is missing, run with --allow-net=127.0.0.1\n"],
    );
    const narrow = await run(Deno.execPath(), [...args, "--allow-net=127.0.0.1:0", fixture]);
    assertEquals(narrow.errors, "");
    assertStringIncludes(narrow.output, 'Requires net access to "127.0.0.1:');
  });
}

Deno.test("serve() serves connections and packets side by side, with one limit for all packets", async () => {
  const observer = new Recorder();
  const held = Promise.withResolvers<void>();
  await using group = await serve({
    listen: ["udp://127.0.0.1:0", "tcp://127.0.0.1:0", "udp://127.0.0.1:0"],
    maxInFlight: 1,
    observers: [observer],
  }, {
    stream: (conn) => conn.sendAll("connected\n"),
    datagram: async (packet) => {
      await held.promise;
      await packet.reply("received");
    },
  });
  await using first = await connectDatagram(group.addrs[0]);
  await using second = await connectDatagram(group.addrs[2]);
  await first.send("one");
  while (group.stats.active === 0) await turn();
  await second.send("two");
  assertEquals((await observer.until("refused")).reason, "full");
  held.resolve();
  assertEquals(await hear(first), "received");
  assertEquals(group.addrs.map(({ transport }) => transport), ["udp", "tcp", "udp"]);
});

Deno.test("serve() applies verifyRequest to packets too", async () => {
  const handlers = { datagram: echo, verifyRequest: () => false };
  await using group = await serve({ listen: "udp://127.0.0.1:0" }, handlers);
  await using client = await connectDatagram(group.addr);
  await client.send("hello");
  while (group.stats.refused.unverified === 0) await turn();
  await assertRejects(() => client.receive({ timeout: 10 }), Deno.errors.TimedOut);
});

Deno.test("serve() says which handler is missing", async () => {
  await assertRejects(
    () => serve({ listen: "udp://127.0.0.1:0" }, () => {}),
    Error,
    "no handler for datagrams",
  );
  await assertRejects(
    () => serve({ listen: "tcp://127.0.0.1:0" }, { datagram: echo }),
    Error,
    "no handler for connections",
  );
});

Deno.test("UdpServer refuses a handler class that is for connections", () => {
  class Streaming extends StreamRequestHandler {}
  assertThrows(() => new UdpServer(Streaming), TypeError, "Streaming");
});

Deno.test({
  name: "UdpServer answers Python's socket and socat",
  ignore: !isInstalled("python3") || !isInstalled("socat"),
  fn: async () => {
    await using running = await serving(new UdpServer(echo));
    const port = String(running.server.addr.port);
    const answer = await python(
      `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(b"from python", ("127.0.0.1", int(sys.argv[1])))
print(s.recvfrom(100)[0].decode())
`,
      port,
    );
    assertEquals(answer, "from python\n");
    const { output } = await run(
      "socat",
      ["-t", "1", "-", `UDP:127.0.0.1:${port},shut-none`],
      "from socat\n",
    );
    assertEquals(output, "from socat\n");
  },
});
