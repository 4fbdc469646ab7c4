import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { type Connection, formatAddr, serve, type StreamHandler, TlsServer } from "../../mod.ts";
import { CA, CERT, ENCRYPTED_KEY, KEY, OTHER_KEY, UNUSABLE } from "../_support/certificates.ts";
import { isInstalled, python, run } from "../_support/command.ts";
import { readAll, text, writeAll } from "../_support/connection_pair.ts";
import { within } from "../_support/deadline.ts";
import { randomBytes } from "../_support/random_bytes.ts";
import { Recorder } from "../_support/recorder.ts";
import { Relay } from "../_support/relay.ts";
import { serving } from "../_support/serving.ts";
import { SilentConsole } from "../_support/silent_console.ts";
import { answerOnce, echo, greet, never } from "../_support/tiny_handlers.ts";
import {
  countsSockets,
  denoConnect,
  ENGINES,
  folder,
  openSockets,
  plainConnect,
  tlsConnect,
  tlsServer,
  until,
} from "../_support/tls.ts";

const noPython = !isInstalled("python3");
const noOpenssl = !isInstalled("openssl");
const noCurl = !isInstalled("curl");
/** The beginning of a ClientHello that says that 512 bytes follow. */
const HALF_A_HELLO = new Uint8Array([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);

// --- What is true of both engines -----------------------------------------------------------------------------------

for (const engine of ENGINES) {
  const test = (name: string, fn: () => Promise<void>): void =>
    Deno.test(`TlsServer (engine: "${engine}") ${name}`, fn);

  test("echoes to Deno's own client, and ends with a close_notify", async () => {
    await using running = await serving(tlsServer(echo, { engine }));
    using client = await denoConnect(running.server);
    await writeAll(client, "hello");
    const answer = new Uint8Array(10);
    assertEquals(text(answer.subarray(0, await client.read(answer) ?? 0)), "hello");
    await client.closeWrite();
    assertEquals(await within(client.read(answer), "the end"), null);
  });

  test("keeps every byte of many clients that send and receive at once", async () => {
    await using running = await serving(tlsServer(echo, { engine }));
    await Promise.all(Array.from({ length: 8 }, async (_, n) => {
      using client = await denoConnect(running.server);
      const data = randomBytes(n, 700_000 + n);
      const echoed = readAll(client);
      await writeAll(client, data);
      await client.closeWrite();
      assertEquals(await within(echoed, "the echo", 30_000), data);
    }));
  });

  test("serves the kit's own client with reads and writes of every size", async () => {
    await using running = await serving(tlsServer(echo, { engine }));
    using client = await tlsConnect(running.server);
    for (const size of [1, 1_000, 1_024, 16_383, 16_384, 16_385, 65_536, 300_000]) {
      const data = randomBytes(size, size);
      const sent = client.sendAll(data);
      assertEquals(await within(client.readExactly(size), `the echo of ${size} bytes`, 30_000), data);
      await sent;
    }
  });

  test("tells the handler the protocol that both sides know", async () => {
    const handler: StreamHandler = (conn) => conn.sendAll(`${conn.tls?.alpnProtocol}\n`);
    await using running = await serving(tlsServer(handler, { engine, alpnProtocols: ["two", "one"] }));
    for (
      const [offer, choice] of [[["one", "two"], "two"], [["one"], "one"], [undefined, "undefined"]] as const
    ) {
      using client = await tlsConnect(running.server, { alpnProtocols: offer && [...offer] });
      assertEquals(await client.readLine(), choice);
      assertEquals(`${client.tls?.alpnProtocol}`, choice);
    }
  });

  test("turns away a client that knows none of its protocols", async () => {
    const observer = new Recorder();
    await using running = await serving(
      tlsServer(greet, { engine, alpnProtocols: ["two"], observers: [observer] }),
    );
    await assertRejects(
      () => tlsConnect(running.server, { alpnProtocols: ["three"] }),
      Deno.errors.InvalidData,
    );
    const { reason, error } = await observer.until("refused");
    assertEquals(reason, "handshake");
    assertInstanceOf(error, Deno.errors.InvalidData);
    assertEquals(running.server.stats.refused.handshake, 1);
  });

  test("lets a client that has ended its half read the answer", async () => {
    const count: StreamHandler = async (conn) => {
      let bytes = 0;
      for await (const chunk of conn) bytes += chunk.length;
      await conn.sendAll(`${bytes}`);
    };
    await using running = await serving(tlsServer(count, { engine }));
    using client = await denoConnect(running.server);
    await writeAll(client, new Uint8Array(100_000));
    await client.closeWrite();
    assertEquals(text(await within(readAll(client), "the answer")), "100000");
  });

  test("loses the connection of a handler that throws, and no other", async () => {
    const observer = new Recorder();
    const handler: StreamHandler = async (conn) => {
      if (await conn.readLine() === "throw") throw new RangeError("on purpose");
      await conn.sendAll("fine\n");
    };
    await using running = await serving(tlsServer(handler, { engine, observers: [observer] }));
    using lost = await tlsConnect(running.server);
    using other = await tlsConnect(running.server);
    await lost.sendAll("throw\n");
    assertEquals(await within(lost.recv(), "the end"), null);
    assertEquals((await observer.until("error")).phase, "handler");
    await other.sendAll("go on\n");
    assertEquals(await within(other.readLine(), "the answer"), "fine");
  });

  test("turns away a client that does not speak TLS, without a word on the console", async () => {
    using silent = new SilentConsole();
    await using running = await serving(tlsServer(greet, { engine }));
    using client = await plainConnect(running.server);
    await writeAll(client, "GET / HTTP/1.1\r\n\r\n");
    await within(readAll(client).catch(() => {}), "the end"); // an alert first, or a reset
    await until(() => running.server.stats.refused.handshake === 1, "the refusal");
    assertEquals(silent.printed, []);
    using next = await tlsConnect(running.server);
    assertEquals(await next.readLine(), "hello");
  });

  test("serves others while handshakes stall, and gives the places of these back", async () => {
    const observer = new Recorder();
    await using running = await serving(
      tlsServer(greet, { engine, handshakeTimeout: 400, maxConnections: 3, observers: [observer] }),
    );
    using _silent = await plainConnect(running.server);
    using half = await plainConnect(running.server);
    await writeAll(half, HALF_A_HELLO);
    using first = await tlsConnect(running.server);
    assertEquals(await first.readLine(), "hello");
    assertEquals(observer.all("refused"), []);
    using second = await tlsConnect(running.server); // waits for a place
    assertEquals(await second.readLine(), "hello");
    const errors = observer.all("refused").map(({ reason, error }) =>
      `${reason}: ${(error as Error).message}`
    );
    const expected = "handshake: the TLS handshake took longer than 400 ms";
    assert(errors.length > 0 && errors.every((error) => error === expected), errors.join());
  });

  test(".close() ends at once with handshakes in flight", async () => {
    const server = await tlsServer(never, { engine }).listen();
    const loop = server.serveForever();
    using client = await plainConnect(server);
    await writeAll(client, HALF_A_HELLO);
    await until(() => server.stats.accepted === 1, "the accept");
    await within(server.close(), "close", 1_000);
    await within(loop, "the end of serveForever", 1_000);
  });

  test(".shutdown() cuts handshakes in flight at its deadline", async () => {
    const server = await tlsServer(never, { engine }).listen();
    const loop = server.serveForever();
    using client = await plainConnect(server);
    await writeAll(client, HALF_A_HELLO);
    await until(() => server.stats.accepted === 1, "the accept");
    const shutdown = server.shutdown({ signal: AbortSignal.timeout(50) });
    await within(shutdown, "shutdown", 1_000);
    await within(loop, "the end of serveForever", 1_000);
  });

  test(".shutdown() lets a handler answer, then closes", async () => {
    const server = await tlsServer(answerOnce, { engine }).listen();
    const loop = server.serveForever();
    using client = await tlsConnect(server);
    await until(() => server.connections.size === 1, "the handler");
    const shutdown = server.shutdown();
    await client.sendAll("last words\n");
    assertEquals(await within(client.readLine(), "the answer"), "last words");
    await within(shutdown, "shutdown");
    await loop;
  });

  test("asks verifyRequest when the handshake is done", async () => {
    const server = tlsServer(greet, { engine, alpnProtocols: ["friend", "foe"] });
    server.verifyRequest = (conn) => conn.tls?.alpnProtocol === "friend";
    await using _running = await serving(server);
    using friend = await tlsConnect(server, { alpnProtocols: ["friend"] });
    assertEquals(await friend.readLine(), "hello");
    using foe = await tlsConnect(server, { alpnProtocols: ["foe"] });
    assertEquals(await within(foe.recv(), "the end"), null);
    assertEquals(server.stats.refused.unverified, 1);
  });

  test("says why when it is full, inside TLS", async () => {
    const options = { engine, maxConnections: 1, whenFull: "refuse", banner: "full\n" } as const;
    await using running = await serving(tlsServer(greet, options));
    using first = await tlsConnect(running.server);
    assertEquals(await first.readLine(), "hello");
    using second = await tlsConnect(running.server);
    assertEquals(text(await within(second.recv(), "the banner")), "full\n");
    assertEquals(await second.recv(), null);
  });

  test("tells a client that left without a close_notify by UnexpectedEof, and nobody else", async () => {
    using silent = new SilentConsole();
    const read = Promise.withResolvers<unknown>();
    const handler: StreamHandler = async (conn) => {
      try {
        while (await conn.recv());
      } catch (error) {
        read.resolve(error);
        throw error;
      }
    };
    await using running = await serving(tlsServer(handler, { engine }));
    await using relay = await Relay.to(running.server.addr.port);
    const client = await Deno.connectTls({ hostname: "localhost", port: relay.port, caCerts: [CA] });
    await writeAll(client, "half a message");
    await until(() => running.server.stats.bytesIn === 14, "the message");
    await relay.cutServerOff();
    assertInstanceOf(await within(read.promise, "the error"), Deno.errors.UnexpectedEof);
    client.close();
    assertEquals(silent.printed, []);
  });

  test("answers the same address, with what its files hold by then, after a shutdown", async () => {
    await using files = await folder({ "cert.pem": CERT, "key.pem": KEY });
    const server = tlsServer(greet, { engine, cert: `${files.path}/cert.pem`, key: `${files.path}/key.pem` });
    await using _server = server;
    await server.listen();
    const { port } = server.addr;
    await server.shutdown();
    await Deno.writeTextFile(`${files.path}/key.pem`, OTHER_KEY);
    await assertRejects(() => server.listen(), Deno.errors.InvalidData, "is not the key of");
    await Deno.writeTextFile(`${files.path}/key.pem`, KEY);
    await using _running = await serving(server);
    assertEquals(server.addr.port, port);
    using client = await tlsConnect(server);
    assertEquals(await client.readLine(), "hello");
  });
}

// --- What the kit's engine adds -------------------------------------------------------------------------------------

for (const [name, bytes] of [["nothing", new Uint8Array()], ["half a ClientHello", HALF_A_HELLO]] as const) {
  Deno.test({
    name: `TlsServer frees the descriptor of a client that sends ${name} when its time is over`,
    ignore: !countsSockets,
    fn: async () => {
      const observer = new Recorder();
      await using _running = await serving(
        tlsServer(greet, { handshakeTimeout: 100, observers: [observer] }),
      );
      const { server } = _running;
      const before = openSockets();
      const clients = await Promise.all(Array.from({ length: 5 }, () => plainConnect(server)));
      for (const client of clients) if (bytes.length > 0) await writeAll(client, bytes);
      await observer.until("refused", clients.length);
      await until(
        () => openSockets() <= before + clients.length,
        "the end of all descriptors but the clients'",
      );
      for (const client of clients) {
        assertEquals(await within(client.read(new Uint8Array(1)), "the end"), null);
      }
      for (const client of clients) client.close();
    },
  });
}

Deno.test({
  name: "TlsServer frees the descriptor of a client that sends garbage at once",
  ignore: !countsSockets,
  fn: async () => {
    const observer = new Recorder();
    await using running = await serving(tlsServer(greet, { observers: [observer] }));
    const before = openSockets();
    for (let seed = 1; seed <= 20; seed++) {
      using client = await plainConnect(running.server);
      await writeAll(client, randomBytes(seed, 5_000)).catch(() => {}); // it may be reset before the last byte
      assertInstanceOf((await observer.until("refused", seed)).error, Deno.errors.InvalidData);
      await until(() => openSockets() <= before + 1, "the end of all descriptors but the client's");
    }
    assertEquals(observer.all("error"), []);
  },
});

const RESET_IN_THE_HANDSHAKE = `
import socket, ssl, struct, sys
port, times = int(sys.argv[1]), int(sys.argv[2])
context = ssl.create_default_context()
for n in range(times):
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try: tls.do_handshake()
    except ssl.SSLWantReadError: pass
    hello = outgoing.read()
    if n % 4 == 1: s.sendall(hello[:100])
    if n % 4 == 2: s.sendall(hello)
    if n % 4 == 3: s.sendall(hello); s.recv(1)
    s.close()
`;

Deno.test({
  name:
    "TlsServer serves on, with no descriptor lost, after 500 clients that reset in the middle of the handshake",
  ignore: noPython,
  fn: async () => {
    const observer = new Recorder();
    await using running = await serving(tlsServer(greet, { observers: [observer] }));
    const { server } = running;
    const before = countsSockets ? openSockets() : 0;
    await python(RESET_IN_THE_HANDSHAKE, String(server.addr.port), "500");
    await until(
      () => server.stats.refused.handshake + server.stats.acceptFailures === 500,
      "the end of 500 handshakes",
    );
    if (countsSockets) await until(() => openSockets() <= before, "the end of the descriptors");
    assertEquals(observer.all("error"), []);
    using client = await tlsConnect(server);
    assertEquals(await within(client.readLine(), "the greeting"), "hello");
  },
});

Deno.test("TlsServer that sends 100 MB to a client that never reads keeps its memory bounded and cuts it", async () => {
  const observer = new Recorder();
  let most = 0;
  const handler: StreamHandler = async (conn) => {
    const piece = new Uint8Array(1_000_000);
    const before = Deno.memoryUsage().rss;
    const timer = setInterval(() => most = Math.max(most, Deno.memoryUsage().rss - before), 5);
    try {
      for (let n = 0; n < 100; n++) await conn.sendAll(piece);
    } finally {
      clearInterval(timer);
    }
  };
  await using running = await serving(tlsServer(handler, { writeTimeout: 300, observers: [observer] }));
  using tcp = await plainConnect(running.server);
  const client = await Deno.startTls(tcp, { hostname: "localhost", caCerts: [CA] });
  await client.handshake();
  const { reason, connection } = await observer.until("closed");
  assertEquals(reason, "write-timeout");
  assert(connection.bytesOut < 50_000_000, `${connection.bytesOut} bytes went into the kernel`);
  assert(most < 60_000_000, `${most} bytes of memory`);
  client.close();
});

Deno.test("TlsServer whose handler does not read holds its client back", async () => {
  const observer = new Recorder();
  await using running = await serving(tlsServer(never, { idleTimeout: 1_000, observers: [observer] }));
  const client = await denoConnect(running.server);
  let sent = 0;
  const piece = new Uint8Array(65_536);
  const sending = (async () => {
    while (sent < 60_000_000) sent += await client.write(piece);
  })();
  await assertRejects(() => sending);
  assertEquals((await observer.until("closed")).reason, "idle");
  assert(sent < 30_000_000, `${sent} bytes were taken`);
  client.close();
});

Deno.test({
  name: "TlsServer tells a handler that writes to a client that has gone, and nobody else",
  ignore: noPython,
  fn: async () => {
    using silent = new SilentConsole();
    const observer = new Recorder();
    const failure = Promise.withResolvers<unknown>();
    const handler: StreamHandler = async (conn) => {
      try {
        for (;;) await conn.sendAll(new Uint8Array(10_000));
      } catch (error) {
        failure.resolve(error);
        throw error;
      }
    };
    const server = tlsServer(handler);
    server.observe({ closed: observer.closed });
    await using _running = await serving(server);
    const leave = `import socket, ssl, struct, sys
context = ssl._create_unverified_context()
s = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
s.recv(1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()`;
    await python(leave, String(server.addr.port));
    const error = await within(failure.promise, "the failure") as Error;
    assert(
      error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset,
      `${error}`,
    );
    assertEquals((await observer.until("closed")).reason, "peer");
    assertEquals(silent.printed, []);
  },
});

Deno.test("TlsServer tells a record that is none as the peer's breach of protocol", async () => {
  using silent = new SilentConsole();
  const observer = new Recorder();
  const server = tlsServer(echo);
  server.observe({ closed: observer.closed });
  await using _running = await serving(server);
  await using relay = await Relay.to(server.addr.port);
  const client = await Deno.connectTls({ hostname: "localhost", port: relay.port, caCerts: [CA] });
  await client.handshake();
  await until(() => server.connections.size === 1, "the handler");
  await relay.slipToServer(new Uint8Array([23, 3, 3, 0, 32, ...randomBytes(1, 32)]));
  const { reason, error } = await observer.until("closed");
  assertEquals(reason, "protocol");
  assertInstanceOf(error, Deno.errors.InvalidData);
  assertEquals(silent.printed, []);
  client.close();
});

Deno.test("TlsServer tells the handler what the handshake has agreed on", async () => {
  const told = Promise.withResolvers<Connection["tls"]>();
  await using running = await serving(
    tlsServer((conn) => told.resolve(conn.tls), { alpnProtocols: ["chat"] }),
  );
  using client = await tlsConnect(running.server, { alpnProtocols: ["chat"] });
  const info = await within(told.promise, "the handshake");
  assertEquals(info?.alpnProtocol, "chat");
  assertEquals(info?.serverName, "localhost");
  assertEquals(info?.protocol, "TLSv1.3");
  assertMatch(info?.cipher ?? "", /^TLS_/);
  assertEquals(client.tls?.cipher, info?.cipher);
  assertEquals(client.remoteAddr, running.server.addr);
});

Deno.test({
  name: "TlsServer.close() frees the descriptors of connections that read, write and shake hands",
  ignore: !countsSockets,
  fn: async () => {
    const before = openSockets();
    const handler: StreamHandler = async (conn) => {
      if (await conn.readLine() === "read") await conn.recv();
      else for (;;) await conn.sendAll(new Uint8Array(1_000_000));
    };
    const server = await tlsServer(handler).listen();
    const loop = server.serveForever();
    const [reads, writes] = [await tlsConnect(server), await tlsConnect(server)];
    using shakes = await plainConnect(server);
    await reads.sendAll("read\n");
    await writes.sendAll("write\n");
    await until(() => server.stats.accepted === 3 && server.stats.bytesOut > 1_000_000, "the pending calls");
    await within(server.close(), "close", 1_000);
    await until(() => openSockets() <= before + 3, "the end of all descriptors but the clients'");
    assertEquals(await shakes.read(new Uint8Array(1)), null);
    reads.close();
    writes.close();
    await loop;
  },
});

// --- Other clients ----------------------------------------------------------------------------------------------------

const PYTHON_CLIENT = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.maximum_version = getattr(ssl.TLSVersion, sys.argv[3])
plain = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
data = bytes(range(256)) * 4000
s.sendall(data[:300000])
got = b""
while len(got) < 300000: got += s.recv(65536)
assert got == data[:300000], "echo differs"
version = s.version()
plain = s.unwrap()  # close_notify, and waits for the server's
print(version, plain.recv(1))
`;

for (const [maximum, version] of [["TLSv1_2", "TLSv1.2"], ["TLSv1_3", "TLSv1.3"]]) {
  Deno.test({
    name: `TlsServer answers python3's ssl over ${version}, and its goodbye`,
    ignore: noPython,
    fn: async () => {
      await using files = await folder({ "ca.pem": CA });
      await using running = await serving(tlsServer(echo));
      const port = String(running.server.addr.port);
      const printed = await python(PYTHON_CLIENT, port, `${files.path}/ca.pem`, maximum);
      assertEquals(printed.trim(), `${version} b''`);
    },
  });
}

const SEND_FIRST_READ_LATER = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
s = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))),
                        server_hostname="localhost", suppress_ragged_eofs=False)
s.sendall(b"x" * int(sys.argv[3]))
got = b""
while True:
    chunk = s.recv(65536)
    if not chunk: break
    got += chunk
print(len(got))
`;

for (const sent of [1, 100_000, 1_000_000]) {
  Deno.test({
    name: `TlsServer's answer arrives whole at a client of whose ${sent} bytes the handler has read none`,
    ignore: noPython,
    fn: async () => {
      await using files = await folder({ "ca.pem": CA });
      await using running = await serving(tlsServer((conn) => conn.sendAll(new Uint8Array(50_000))));
      const port = String(running.server.addr.port);
      const printed = await python(SEND_FIRST_READ_LATER, port, `${files.path}/ca.pem`, String(sent));
      assertEquals(printed.trim(), "50000");
    },
  });
}

Deno.test({
  name: "TlsServer answers openssl s_client, which verifies its certificate",
  ignore: noOpenssl,
  fn: async () => {
    await using files = await folder({ "ca.pem": CA });
    await using running = await serving(tlsServer(answerOnce, { alpnProtocols: ["chat"] }));
    const { code, output, errors } = await run("openssl", [
      ...["s_client", "-connect", `127.0.0.1:${running.server.addr.port}`, "-servername", "localhost"],
      ...["-CAfile", `${files.path}/ca.pem`, "-verify_return_error", "-alpn", "chat", "-ign_eof"],
    ], "hello\n");
    assertEquals(code, 0, errors);
    assertMatch(output, /Verification: OK/);
    assertMatch(output, /ALPN protocol: chat/);
    assertMatch(output, /^hello$/m);
  },
});

Deno.test({
  name: "TlsServer answers curl",
  ignore: noCurl,
  fn: async () => {
    await using files = await folder({ "ca.pem": CA });
    const answer: StreamHandler = async (conn) => {
      while (await conn.readLine());
      await conn.sendAll("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n");
    };
    await using running = await serving(tlsServer(answer, { alpnProtocols: ["http/1.1"] }));
    const url = `https://localhost:${running.server.addr.port}/`;
    const { output, errors } = await run("curl", [
      "-sS",
      "--noproxy",
      "*",
      "--cacert",
      `${files.path}/ca.pem`,
      url,
    ]);
    assertEquals([output, errors], ["hello\n", ""]);
  },
});

// --- Certificate, key and options ------------------------------------------------------------------------------------

Deno.test("TlsServer takes certificate and key as text, as paths and as URLs, and from one file", async () => {
  await using files = await folder({ "cert.pem": CERT, "key.pem": KEY, "both.pem": KEY + CERT });
  const url = (name: string): URL => new URL(`file://${files.path}/${name}`);
  for (
    const [cert, key] of [
      [CERT, KEY],
      [`${files.path}/cert.pem`, `${files.path}/key.pem`],
      [url("cert.pem"), url("key.pem")],
      [`${files.path}/both.pem`, url("both.pem")],
    ]
  ) {
    for (const engine of ENGINES) {
      await using running = await serving(tlsServer(greet, { cert, key, engine }));
      using client = await tlsConnect(running.server);
      assertEquals(await client.readLine(), "hello");
    }
  }
});

Deno.test("TlsServer.listen() says in one line what is wrong with certificate or key, and binds nothing", async () => {
  await using files = await folder({
    "cert.pem": CERT,
    "empty.pem": "",
    "other.pem": OTHER_KEY,
    "junk.pem": "junk",
  });
  const { InvalidData, NotFound } = Deno.errors;
  const path = (name: string): string => `${files.path}/${name}`;
  const cases = [
    [
      path("none.pem"),
      KEY,
      NotFound,
      `Cannot read the certificate "${path("none.pem")}": there is no such file`,
    ],
    [CERT, path("none.pem"), NotFound, `Cannot read the key "${path("none.pem")}": there is no such file`],
    [
      path("empty.pem"),
      KEY,
      InvalidData,
      `Cannot use the certificate "${path("empty.pem")}": there is no readable PEM`,
    ],
    [
      path("junk.pem"),
      KEY,
      InvalidData,
      `Cannot use the certificate "${path("junk.pem")}": there is no readable PEM`,
    ],
    [
      CERT,
      path("junk.pem"),
      InvalidData,
      `Cannot use the key "${path("junk.pem")}": there is no readable PEM`,
    ],
    [
      KEY,
      CERT,
      InvalidData,
      "Cannot use the certificate given as text: there is no readable PEM certificate in it",
    ],
    [CERT, CERT, InvalidData, "Cannot use the key given as text: there is no readable PEM private key in it"],
    [
      CERT.replace("MII", "MIJ"),
      KEY,
      InvalidData,
      "Cannot use the certificate given as text: there is no readable",
    ],
    [CERT, ENCRYPTED_KEY, InvalidData, "Cannot use the key given as text: it is encrypted"],
    [
      path("cert.pem"),
      path("other.pem"),
      InvalidData,
      `Cannot use the key "${path("other.pem")}": it is not the key of the certificate "${path("cert.pem")}"`,
    ],
    [UNUSABLE.cert, UNUSABLE.key, InvalidData, "keys of its kind cannot be used with TLS"],
  ] as const;
  using holder = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (const engine of ENGINES) {
    for (const [cert, key, ErrorClass, message] of cases) {
      // If it bound before it looked, it would say that the address is in use.
      const server = tlsServer(greet, { cert, key, engine, port: holder.addr.port });
      const error = await assertRejects(() => server.listen(), ErrorClass, message);
      assert(!error.message.includes("\n"), error.message);
      await server.close();
    }
  }
});

Deno.test("TlsServer names the permission that it lacks to read its key", async () => {
  const code = `import { TlsServer } from "${new URL("../../server/tls_server.ts", import.meta.url)}";
    await new TlsServer(() => {}, { cert: "/nowhere/cert.pem", key: "/nowhere/key.pem" }).listen()
      .catch((error) => console.log(error.message));`;
  const { output, errors } = await run(Deno.execPath(), ["run", "--quiet", "--allow-net", "-"], code);
  const expected = 'Cannot read the certificate "/nowhere/cert.pem": permission is missing, run with ' +
    "--allow-read=/nowhere/cert.pem\n";
  assertEquals([output, errors], [expected, ""]);
});

Deno.test("TlsServer checks its options before it does anything", () => {
  const make = (options: object) => () => new TlsServer(greet, { cert: CERT, key: KEY, ...options });
  assertThrows(make({ cert: undefined }), TypeError, 'Option "cert" is missing');
  assertThrows(make({ key: undefined }), TypeError, 'Option "key" is missing');
  assertThrows(make({ cert: 7 }), RangeError, 'Option "cert" must be PEM text');
  assertThrows(make({ engine: "rust" }), RangeError, 'Option "engine" must be "node" or "native"');
  assertThrows(make({ handshakeTimeout: 0 }), RangeError, 'Option "handshakeTimeout"');
  assertThrows(make({ alpnProtocols: "h2" }), RangeError, 'Option "alpnProtocols" must be an array');
  assertThrows(make({ alpnProtocols: [""] }), RangeError, 'Option "alpnProtocols" must be an array');
});

Deno.test("TlsServer names the address that it cannot have as a TLS one", async () => {
  using holder = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (const engine of ENGINES) {
    const server = tlsServer(greet, { port: holder.addr.port, engine });
    const message = `Cannot listen on tls://127.0.0.1:${holder.addr.port}: the address is in use`;
    await assertRejects(() => server.listen(), Deno.errors.AddrInUse, message);
    await server.close();
  }
});

Deno.test("serve() serves tls:// endpoints beside others", async () => {
  await using group = await serve(
    { listen: ["tls://127.0.0.1:0", "tcp://127.0.0.1:0"], cert: CERT, key: KEY, alpnProtocols: ["chat"] },
    (conn) => conn.sendAll(`${conn.tls?.alpnProtocol}\n`),
  );
  const [server] = group.servers as TlsServer[];
  assertMatch(formatAddr(server.addr, "tls"), /^tls:\/\/127\.0\.0\.1:\d+$/);
  using client = await tlsConnect(server, { alpnProtocols: ["chat"] });
  assertEquals(await client.readLine(), "chat");
  using plain = await Deno.connect({ port: (group.addrs[1] as Deno.NetAddr).port });
  assertEquals(text(await within(readAll(plain), "the answer")), "undefined\n");
});

Deno.test("serve() says which option a tls:// endpoint lacks", async () => {
  const served = serve({ listen: "tls://127.0.0.1:0", cert: CERT }, greet);
  await assertRejects(() => served, TypeError, 'Option "key" is missing');
});

Deno.test("mod.ts does not load node:tls: it costs its start-up time only where it is used", async () => {
  const mod = new URL("../../mod.ts", import.meta.url).href;
  const { output } = await run(Deno.execPath(), ["info", "--json", mod]);
  type Dependency = { specifier: string; code?: unknown };
  const { modules } = JSON.parse(output) as { modules: { specifier: string; dependencies?: Dependency[] }[] };
  assert(modules.some(({ specifier }) => specifier.endsWith("/server/tls_server.ts")));
  const loaded = modules.flatMap(({ dependencies = [] }) => dependencies)
    .filter(({ specifier, code }) => specifier === "node:tls" && code !== undefined);
  assertEquals(loaded, []);
});
