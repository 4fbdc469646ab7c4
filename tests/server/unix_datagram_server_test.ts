import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AddressError,
  connectDatagram,
  type Datagram,
  type DatagramHandler,
  parseEndpoint,
  UnixDatagramServer,
  type UnixDatagramServerOptions,
  type UnixEndpoint,
  UnixServer,
} from "../../mod.ts";
import { UnboundSockets } from "../../server/_unbound_sockets.ts";
import { UnixDatagramSocket } from "../../server/_unix_datagram_socket.ts";
import { isInstalled, python, run } from "../_support/command.ts";
import { ask, hear, SOON } from "../_support/datagram_servers.ts";
import { turn, within } from "../_support/deadline.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";
import { socketPath } from "../_support/socket_folder.ts";
import { echo } from "../_support/tiny_datagram_handlers.ts";

const ignore = Deno.build.os === "windows";
const withPython = { ignore: ignore || !isInstalled("python3") };

/** Python that sends from a socket of its own; `{body}` has `s`, bound to `own`, and the server's `path`. */
const script = (body: string): string => `
import os, socket, sys, time
path, own = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.settimeout(10)
if own: s.bind(own)
${body}
`;

Deno.test({
  name:
    "UnixDatagramServer's file has its mode, is gone after close, and is left where another has taken its place",
  ignore,
  fn: async () => {
    const path = socketPath();
    const server = new UnixDatagramServer(echo, { path, mode: 0o640 });
    await server.listen();
    assertEquals(Deno.lstatSync(path).mode! & 0o777, 0o640);
    assertEquals(server.addr, { transport: "unixpacket", path });
    await server.close();
    assertThrows(() => Deno.lstatSync(path), Deno.errors.NotFound);

    const replaced = await new UnixDatagramServer(echo, { path }).listen();
    assertEquals(Deno.lstatSync(path).mode! & 0o777, 0o600);
    Deno.removeSync(path);
    Deno.writeTextFileSync(path, "somebody else's");
    await replaced.close();
    assertEquals(Deno.readTextFileSync(path), "somebody else's");
  },
});

Deno.test({
  name: "UnixDatagramServer takes over the file of a killed process on request, and no other's",
  ...withPython,
  fn: async () => {
    const path = socketPath();
    await python(script("os.kill(os.getpid(), 9)"), "", path).catch(() => {}); // leaves its file behind
    assert(Deno.lstatSync(path).isSocket);
    const listen = (options?: Partial<UnixDatagramServerOptions>): Promise<UnixDatagramServer> =>
      new UnixDatagramServer(echo, { path, ...options }).listen();
    await assertRejects(() => listen(), Deno.errors.AddrInUse, "use reclaim to take it over");

    await using server = await listen({ reclaim: true });
    const serve = server.serveForever();
    await assertRejects(() => listen({ reclaim: true }), Deno.errors.AddrInUse);
    assertEquals(await ask(server, "still mine"), "still mine");
    assertEquals(server.stats.accepted, 1); // nobody was disturbed by the question
    await server.shutdown();
    await serve;

    await using _stream = await new UnixServer(() => {}, { path }).listen();
    await assertRejects(() => listen({ reclaim: true }), Deno.errors.AddrInUse);
    const text = socketPath();
    Deno.writeTextFileSync(text, "no socket");
    await assertRejects(
      () => listen({ path: text, reclaim: true }),
      Deno.errors.AddrInUse,
      "is not a socket",
    );
  },
});

Deno.test({
  name: "UnixDatagramServer.listen() says in a line what is wrong with a path",
  ignore,
  fn: async () => {
    assertThrows(
      () => new UnixDatagramServer(echo, { path: "x".repeat(200) }),
      AddressError,
      "at most 107 bytes",
    );
    await assertRejects(
      () => new UnixDatagramServer(echo, { path: "/nowhere/at/all.sock" }).listen(),
      Deno.errors.NotFound,
      "Cannot listen on unixgram:/nowhere/at/all.sock: there is no such file or directory",
    );
  },
});

Deno.test({
  name: "UnixDatagramServer serves an abstract name",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const path = `\0switchboard-${crypto.randomUUID()}`;
    await using running = await serving(new UnixDatagramServer(echo, { path }));
    assertEquals(await ask(running.server, "hello"), "hello");
  },
});

Deno.test({
  name: "UnixDatagramServer takes packets from peers without a name, and cannot reply to them",
  ...withPython,
  fn: async () => {
    const observer = new Recorder();
    const packets: Datagram[] = [];
    const handler: DatagramHandler = (packet) => {
      packets.push(packet);
      packet.reply("nobody awaits this");
      return packet.reply(packet.data);
    };
    const path = socketPath();
    await using running = await serving(new UnixDatagramServer(handler, { path, observers: [observer] }));
    await python(script(`s.sendto(b"", path); s.sendto(b"hello", path)`), path);
    await observer.until("error", 2);
    for (const { error } of observer.all("error")) assert(error instanceof Deno.errors.AddrNotAvailable);
    assertEquals(packets.map((packet) => packet.text()), ["", "hello"]);
    assertEquals((packets[0].remoteAddr as { path: string | null }).path, null);
    assertEquals(running.server.stats.bytesOut, 0);
    assertEquals(await ask(running.server, "named"), "nobody awaits this");
  },
});

Deno.test({
  name: "UnixDatagramServer tells of replies to a peer that is gone, or whose path is, and goes on",
  ...withPython,
  fn: async () => {
    const observer = new Recorder();
    const left = Promise.withResolvers<void>();
    const handler: DatagramHandler = async (packet) => {
      if (packet.text() === "gone") await left.promise;
      await packet.reply(packet.data);
    };
    const path = socketPath();
    await using running = await serving(new UnixDatagramServer(handler, { path, observers: [observer] }));
    await python(script(`s.sendto(b"gone", path)`), path, socketPath());
    await python(script(`s.sendto(b"gone", path); os.unlink(own)`), path, socketPath());
    while (running.server.stats.active < 2) await turn();
    left.resolve();
    await observer.until("error", 2);
    const [gone, removed] = observer.all("error").map(({ error }) => error);
    assert(gone instanceof Deno.errors.ConnectionRefused);
    assert(removed instanceof Deno.errors.NotFound);
    assertEquals(await ask(running.server, "here"), "here");
  },
});

Deno.test({
  name: "UnixDatagramServer survives a peer whose path is no UTF-8, and is not slowed down by it",
  ignore: withPython.ignore || Deno.build.os !== "linux",
  fn: async () => {
    const observer = new Recorder();
    const path = socketPath();
    await using running = await serving(new UnixDatagramServer(echo, { path, observers: [observer] }));
    const begun = performance.now();
    await python(
      script(`
own = os.fsencode(os.path.dirname(path)) + b"/\\xff\\xfe"
s.bind(own)
for n in range(20): s.sendto(b"hello", path)
os.unlink(own)
`),
      path,
    );
    assertEquals(await ask(running.server, "next"), "next");
    assertEquals((await observer.until("acceptFailed", 20)).kind, "peer");
    assert(performance.now() - begun < 5_000);
  },
});

Deno.test({
  name: "UnixDatagramServer answers a peer that has connected its socket, at once and later",
  ...withPython,
  fn: async () => {
    const later = Promise.withResolvers<void>();
    const handler: DatagramHandler = async (packet) => {
      if (packet.text() === "later") await later.promise;
      await packet.reply(packet.data);
    };
    const path = socketPath();
    await using running = await serving(new UnixDatagramServer(handler, { path, maxPacketSize: 5 }));
    const answer = python(
      script(`
s.connect(path)
for text in (b"one", b"two", b"later"): s.send(text)
print(s.recv(100), s.recv(100), s.recv(100))
s.send(b"last")
print(s.recv(100))
`),
      path,
      socketPath(),
    );
    while (running.server.stats.accepted < 3) await turn();
    for (let n = 0; n < 10; n++) await turn(); // the receive waits again, and no packet ends its wait
    later.resolve();
    assertEquals(await answer, "b'one' b'two' b'later'\nb'last'\n");
  },
});

Deno.test({
  name: "UnixDatagramServer answers ncat, which connects, and socat",
  ignore: ignore || !isInstalled("ncat") || !isInstalled("socat"),
  fn: async () => {
    const path = socketPath();
    await using running = await serving(new UnixDatagramServer(echo, { path }));
    // It leaves when its input ends, without waiting for an answer.
    const ncat = await run("sh", ["-c", `(echo from ncat; sleep 0.5) | ncat -uU ${path}`]);
    assertEquals(ncat.output, "from ncat\n");
    for (const mode of ["UNIX-SENDTO:", "UNIX-CLIENT:"]) {
      const own = `,bind=${socketPath()}${mode === "UNIX-CLIENT:" ? ",type=2" : ""}`;
      const socat = await run("socat", ["-t", "0.5", "-", `${mode}${path}${own}`], "from socat\n");
      assertEquals(socat.output, "from socat\n");
    }
    assertEquals(running.server.stats.succeeded, 3);
  },
});

Deno.test({
  name: "UnixDatagramServer answers a client that sends much before it reads anything",
  ...withPython,
  fn: async () => {
    for (const connect of ["", "s.connect(path)"]) {
      const path = socketPath();
      await using _running = await serving(new UnixDatagramServer(echo, { path }));
      const output = await python(
        script(`
${connect}
for n in range(200): s.sendto(b"%d" % n, path) if not ${connect ? "True" : "False"} else s.send(b"%d" % n)
print([s.recv(100) for n in range(200)] == [b"%d" % n for n in range(200)])
`),
        path,
        socketPath(),
      );
      assertEquals(output, "True\n");
    }
  },
});

Deno.test({
  name: "UnixDatagramServer has places for others while a peer floods it and does not read",
  ...withPython,
  fn: async () => {
    const observer = new Recorder();
    const path = socketPath();
    const server = new UnixDatagramServer(echo, { path, maxInFlight: 2_000, observers: [observer] });
    await using _running = await serving(server);
    const flood = script(`
sent = 0
while sent < 5_000: sent += s.sendto(b"x", path)
`);
    await python(flood, path, socketPath());
    assertEquals(await ask(server, "others"), "others");
    assertEquals(server.stats.refused.full, 0);
    assert(observer.all("error").some(({ error }) => error instanceof Deno.errors.Busy));
  },
});

Deno.test({
  name: "UnixDatagramServer serves others while a peer does not read its replies, connected or not",
  ...withPython,
  fn: async () => {
    for (const connect of ["", "s.connect(path)"]) {
      const observer = new Recorder();
      const path = socketPath();
      const own = socketPath();
      const server = new ImpatientServer(echo, { path, observers: [observer] });
      await using _running = await serving(server);
      const go = socketPath("go");
      const stubborn = python(
        script(`
${connect}
s.setblocking(False)
end = time.monotonic() + 20
while time.monotonic() < end and not os.path.exists(sys.argv[3]):
  try: s.send(b"x") if ${connect ? "True" : "False"} else s.sendto(b"x", path)
  except OSError: time.sleep(0.001)
`),
        path,
        own,
        go,
      );
      const gaveUp = (): boolean =>
        observer.all("error").some(({ error }) => error instanceof Deno.errors.TimedOut);
      for (let n = 1; !gaveUp(); n++) await observer.until("error", n);
      assertEquals(await ask(server, "others are served"), "others are served");
      Deno.writeTextFileSync(go, "");
      await within(stubborn, "the end of the client");
      assertEquals(await ask(server, "still"), "still");
      Deno.removeSync(go);
    }
  },
});

for (const where of ["a file", "an abstract name"]) {
  Deno.test({
    name: `UnixDatagramServer.close() at ${where} does not wait for a peer that does not read`,
    ignore: withPython.ignore || Deno.build.os !== "linux",
    fn: async () => {
      for (const connect of ["", "s.connect(path)"]) {
        const path = where === "a file" ? socketPath() : `@switchboard-${crypto.randomUUID()}`;
        const endpoint = parseEndpoint(`unixgram:${path}`) as UnixEndpoint;
        const server = new UnixDatagramServer(echo, { path: endpoint.path, observers: [new Recorder()] });
        const running = await serving(server);
        const go = socketPath("go");
        const stubborn = python(
          script(`
path = path.replace("@", "\\0")
${connect}
s.setblocking(False)
end, unsent = time.monotonic() + 20, 0
while time.monotonic() < end and not os.path.exists(sys.argv[3]):
  try: s.send(b"x") if ${connect ? "True" : "False"} else s.sendto(b"x", path)
  except OSError: time.sleep(0.001)
`),
          path,
          socketPath(),
          go,
        );
        // Until a reply waits, and goes on waiting.
        for (let before = -1; server.stats.active < 1 || server.stats.succeeded !== before;) {
          before = server.stats.succeeded;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        await within(server.close(), "close", 1_000);
        await within(running.loop, "the end of serveForever");
        Deno.writeTextFileSync(go, "");
        await within(stubborn, "the end of the client");
        for (let n = 0; n < 5; n++) await turn(); // the reply that waited ends with its peer
        Deno.removeSync(go);
      }
    },
  });
}

/** A server that does not wait for seconds, as tests cannot either. */
class ImpatientServer extends UnixDatagramServer {
  protected override patience = 50;
}

Deno.test({
  name: "UnboundSockets.close() ends what waits for a peer that does not read, and keeps no timer",
  ignore,
  fn: async () => {
    const path = socketPath();
    const peer = Deno.listenDatagram({ transport: "unixpacket", path });
    const sockets = new UnboundSockets(60_000);
    let sent = 0;
    const sendings: Promise<unknown>[] = [];
    for (let n = 0; n < 1_000; n++) sendings.push(sockets.send(new Uint8Array(1), path).then(() => sent++));
    const results = Promise.allSettled(sendings);
    for (let before = -1; sent !== before; await turn()) before = sent;
    sockets.close();
    const ends = await within(results, "the end of all sends");
    const failed = ends.filter((end): end is PromiseRejectedResult => end.status === "rejected");
    assert(failed.length > 0 && failed.every(({ reason }) => reason instanceof Deno.errors.BadResource));
    await assertRejects(() => sockets.send(new Uint8Array(1), path), Deno.errors.BadResource);
    peer.close(); // or else the one that the kernel has would never end
    await turn();
    Deno.removeSync(path);
  },
});

const bindUnix = (path: string): Deno.DatagramConn => Deno.listenDatagram({ transport: "unixpacket", path });

for (const outcome of ["succeeds", "fails"]) {
  Deno.test({
    name:
      `UnixDatagramSocket.close() while a socket that hangs is replaced, which ${outcome}, ends everything once`,
    ignore,
    fn: async () => {
      const path = socketPath();
      const peer = bindUnix(socketPath());
      const asked = Promise.withResolvers<void>();
      const given = Promise.withResolvers<Deno.DatagramConn>();
      const rebind = () => (asked.resolve(), given.promise);
      const socket = new UnixDatagramSocket(bindUnix(path), { path, named: true, patience: 20, rebind });
      const sendings = Promise.allSettled(
        Array.from({ length: 1_000 }, () => socket.send(new Uint8Array(1), peer.addr)),
      );
      const receiving = assertRejects(() => socket.receive(new Uint8Array(1)), Deno.errors.BadResource);
      await within(asked.promise, "the replacement");
      socket.close();
      Deno.removeSync(path);
      if (outcome === "fails") given.reject(new Deno.errors.AddrInUse());
      else given.resolve(bindUnix(path));
      await within(receiving, "the end of receive");
      await within(sendings, "the end of all sends");
      if (outcome === "succeeds") {
        const conn = await given.promise;
        assertThrows(() => conn.close(), Deno.errors.BadResource);
        Deno.removeSync(path);
      }
      peer.close(); // ends the send that hangs
      for (let n = 0; n < 5; n++) await turn();
      Deno.removeSync((peer.addr as Deno.UnixAddr).path!);
      await assertRejects(() => socket.send(new Uint8Array(1), peer.addr), Deno.errors.BadResource);
    },
  });
}

Deno.test({
  name: "UnixDatagramServer.close() ends where its file cannot be removed, and tells of it",
  ignore,
  fn: async () => {
    const observer = new Recorder();
    const folder = socketPath("folder");
    Deno.mkdirSync(folder);
    const server = new UnixDatagramServer(echo, { path: `${folder}/s`, observers: [observer] });
    const { loop } = await serving(server);
    assertEquals(await ask(server, "hello"), "hello");
    Deno.removeSync(folder, { recursive: true });
    Deno.writeTextFileSync(folder, "a file where the folder was");
    await within(server.close(), "close", 2_000);
    await within(loop, "the end of serveForever");
    assert(observer.all("error")[0].error instanceof Deno.errors.NotADirectory);
  },
});

Deno.test({
  name: "DatagramClient.close() ends where somebody has removed the client's folder",
  ignore,
  fn: async () => {
    await using running = await serving(new UnixDatagramServer(echo, { path: socketPath() }));
    const client = await connectDatagram(running.server.addr);
    const receiving = assertRejects(() => client.receive(), Deno.errors.BadResource);
    const { path } = client.localAddr as Deno.UnixAddr;
    Deno.removeSync(path!.slice(0, path!.lastIndexOf("/")), { recursive: true });
    await client.close();
    await within(receiving, "the end of receive");
    await client.close();
  },
});

Deno.test({
  name: "DatagramClient.receive() waits as long as it takes where no timer lasts as long as its time-out",
  ignore,
  fn: async () => {
    await using running = await serving(new UnixDatagramServer(echo, { path: socketPath() }));
    await using client = await connectDatagram(running.server.addr);
    await using other = await connectDatagram(running.server.addr);
    for (const timeout of [Infinity, 2 ** 31]) {
      const packet = client.receive({ timeout });
      packet.catch(() => {});
      await assertRejects(() => other.receive({ timeout: 20 }), Deno.errors.TimedOut);
      await client.send("late");
      assertEquals(new TextDecoder().decode(await within(packet, "the packet")), "late");
    }
  },
});

Deno.test({
  name: "UnixDatagramSocket answers a connected peer while as many others as it waits for do not read",
  ...withPython,
  fn: async () => {
    const path = socketPath();
    const socket = new UnixDatagramSocket(bindUnix(path), { path, patience: 60_000 });
    const connected = python(
      script(`s.connect(path); s.send(b"x"); print(s.recv(9), s.recv(9))`),
      path,
      socketPath(),
    );
    const [, from] = await within(socket.receive(new Uint8Array(1)), "the packet");
    await socket.send(new Uint8Array([49]), from);
    const silent = Array.from({ length: 64 }, () => bindUnix(socketPath()));
    const large = new Uint8Array(60_000);
    let sent = 0;
    const sendings = silent.flatMap(({ addr }) =>
      Array.from({ length: 20 }, () => socket.send(large, addr).then(() => sent++))
    );
    const results = Promise.allSettled(sendings);
    for (let before = -1; sent !== before; await turn()) before = sent;
    const receiving = Promise.allSettled([socket.receive(new Uint8Array(1))]);
    try {
      await within(socket.send(new Uint8Array([50]), from), "the reply", 2_000);
      assertEquals(await connected, "b'1' b'2'\n");
    } finally {
      socket.close();
      for (const peer of silent) peer.close();
      await results;
      await connected.catch(() => {});
      for (const { addr } of silent) Deno.removeSync((addr as Deno.UnixAddr).path!);
      Deno.removeSync(path);
    }
    await within(receiving, "the end of receive");
  },
});

Deno.test({
  name: "UnixDatagramSocket passes on a packet that looks nearly like its bell",
  ignore,
  fn: async () => {
    const path = socketPath();
    const conn = Deno.listenDatagram({ transport: "unixpacket", path });
    const socket = new UnixDatagramSocket(conn, { path });
    await using client = await connectDatagram({ transport: "unixpacket", path });
    await client.send(new Uint8Array(16));
    const [bytes, from] = await within(socket.receive(new Uint8Array(8)), "the packet", SOON);
    assertEquals(bytes, new Uint8Array(8));
    await socket.send(new Uint8Array([1]), from);
    assertEquals(await client.receive({ timeout: SOON }), new Uint8Array([1]));
    socket.close();
    Deno.removeSync(path);
  },
});

Deno.test({
  name: "UnixDatagramServer cuts a packet that is longer than maxPacketSize, and takes large ones",
  ignore,
  fn: async () => {
    const packets: Datagram[] = [];
    const path = socketPath();
    const handler: DatagramHandler = (packet) => (packets.push(packet), packet.reply(packet.data));
    await using running = await serving(new UnixDatagramServer(handler, { path, maxPacketSize: 65_507 }));
    await using client = await connectDatagram(running.server.addr);
    for (const size of [0, 65_507, 65_508, 100_000]) {
      await client.send(new Uint8Array(size).fill(7));
      assertEquals((await client.receive({ timeout: SOON })).length, Math.min(size, 65_507));
    }
    assertEquals(packets.map(({ truncated }) => truncated), [false, false, true, true]);
    await client.send("next");
    assertEquals(await hear(client), "next");
  },
});
