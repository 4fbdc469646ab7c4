import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  connect,
  connectDatagram,
  Connection,
  ConnectionClosedError,
  TcpServer,
  UdpServer,
} from "../../mod.ts";
import { EVENT_READ, EVENT_WRITE, Poller } from "../../multiplex/mod.ts";
import { turn, within } from "../_support/deadline.ts";
import { MemoryTransport } from "../_support/memory_transport.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (chunk: unknown): string => new TextDecoder().decode(chunk as Uint8Array);

Deno.test("A server is ready when a client waits, and handleRequest then serves it", async () => {
  await using server = await new TcpServer((conn) => conn.sendAll("hello\n"), { concurrency: 1 }).listen();
  using poller = new Poller();
  poller.register(server);
  assertEquals(await poller.poll(0), []);
  using client = await connect(server.addr);
  assertEquals((await within(poller.poll(), "a client")).map(({ source }) => source), [server]);
  assertEquals(await server.handleRequest({ timeout: 0 }), true);
  assertEquals(await client.readLine(), "hello");
  assertEquals(await poller.poll(0), []);
});

Deno.test("A client that take() takes from a server is the caller's", async () => {
  await using server = await new TcpServer(() => {}).listen();
  using poller = new Poller();
  const door = poller.register(server);
  assertEquals(door.take(), undefined);
  using client = await connect(server.addr);
  await within(poller.poll(), "a client");
  using conn = door.take()!.value as Connection;
  assertInstanceOf(conn, Connection);
  assertEquals(server.connections.size, 0);
  await conn.sendAll("mine\n");
  assertEquals(await client.readLine(), "mine");
});

Deno.test("A full server is not ready and accepts nobody until there is room", async () => {
  const hold = Promise.withResolvers<void>();
  await using server = await new TcpServer(async (conn) => {
    await conn.sendAll("in\n");
    await hold.promise;
  }, { maxConnections: 1 }).listen();
  using poller = new Poller();
  poller.register(server);
  using first = await connect(server.addr);
  using _second = await connect(server.addr);
  await within(poller.poll(), "the first client");
  await server.handleRequest();
  await first.readLine();
  assertEquals(await poller.poll(5), []);
  const answer = poller.poll();
  hold.resolve();
  assertEquals((await within(answer, "the second client")).length, 1);
});

Deno.test("A server that was never bound cannot be watched", async () => {
  await using server = new TcpServer(() => {});
  using poller = new Poller();
  assertThrows(() => poller.register(server), TypeError, "does not listen");
});

Deno.test("A server that is closed under the poller is ready, and take() says done", async () => {
  const server = await new TcpServer(() => {}).listen();
  using poller = new Poller();
  const door = poller.register(server);
  const answer = poller.poll();
  await turn();
  await server.close();
  assertEquals((await within(answer, "the end")).length, 1);
  assertEquals(door.take(), { value: undefined, done: true });
  assertEquals((await poller.poll()).length, 1);
  poller.unregister(server);
});

Deno.test("A client that the poller accepted and nobody took is closed with the server", async () => {
  const server = await new TcpServer(() => {}).listen();
  using poller = new Poller();
  poller.register(server);
  using client = await connect(server.addr);
  await within(poller.poll(), "a client");
  await server.close();
  assertEquals(await client.recv().catch(() => null), null);
});

Deno.test("A connection is ready with bytes, then with its end", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  using poller = new Poller();
  const key = poller.register(conn);
  assertEquals(await poller.poll(0), []);
  transport.receive("hello");
  assertEquals((await poller.poll()).map(({ events }) => events), [EVENT_READ]);
  assertEquals(text(key.take()!.value), "hello");
  assertEquals(key.take(), undefined);
  transport.end();
  assertEquals((await poller.poll()).length, 1);
  assertEquals(key.take(), { value: undefined, done: true });
  assertEquals((await poller.poll()).length, 1, "the end stays ready");
});

Deno.test("A connection's own reads find what the poller has read ahead, also after unregister", async () => {
  const transport = new MemoryTransport().receive("one\ntwo\n");
  using conn = new Connection(transport);
  using poller = new Poller();
  poller.register(conn);
  await poller.poll();
  assertEquals(await conn.readLine(), "one");
  assertEquals((await poller.poll()).length, 1, "what is left is ready");
  poller.unregister(conn);
  assertEquals(await conn.readLine(), "two");
  assertEquals(transport.reads, 1);
});

Deno.test("A connection is read no further while a chunk waits to be taken", async () => {
  const transport = new MemoryTransport().receive("a").receive("b");
  using conn = new Connection(transport);
  using poller = new Poller();
  const key = poller.register(conn);
  for (let n = 0; n < 5; n++) assertEquals((await poller.poll()).length, 1);
  assertEquals(transport.reads, 1);
  assertEquals(text(key.take()!.value), "a");
  await poller.poll();
  assertEquals(text(key.take()!.value), "b");
});

Deno.test("Bytes that are put back make a connection ready", async () => {
  using conn = new Connection(new MemoryTransport());
  using poller = new Poller();
  poller.register(conn);
  const answer = poller.poll();
  await turn();
  conn.unread(bytes("again"));
  assertEquals((await within(answer, "the answer")).length, 1);
});

Deno.test("A reset is ready, and take() throws it", async () => {
  using conn = new Connection(
    new MemoryTransport().receive(new Deno.errors.ConnectionReset("reset by peer")),
  );
  using poller = new Poller();
  const key = poller.register(conn);
  assertEquals((await poller.poll()).length, 1);
  assertThrows(() => key.take(), Deno.errors.ConnectionReset);
});

Deno.test("A connection that is closed under the poller is ready, and take() says why", async () => {
  const conn = new Connection(new MemoryTransport());
  using poller = new Poller();
  const key = poller.register(conn, EVENT_READ | EVENT_WRITE);
  poller.modify(conn, EVENT_READ);
  const answer = poller.poll();
  await turn();
  conn.close();
  assertEquals((await within(answer, "the answer")).length, 1);
  assertThrows(() => key.take(), ConnectionClosedError);
  poller.modify(conn, EVENT_WRITE);
  assertEquals((await poller.poll()).map(({ events }) => events), [EVENT_WRITE]);
  assertThrows(() => conn.send(bytes("x")), ConnectionClosedError);
  poller.unregister(conn);
});

Deno.test("EVENT_WRITE holds while the queue of send has room", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  using poller = new Poller();
  poller.register(conn, EVENT_WRITE);
  assertEquals((await poller.poll()).map(({ events }) => events), [EVENT_WRITE]);
  transport.stall();
  while (conn.send(new Uint8Array(10_000)) > 0);
  assertEquals(await poller.poll(0), []);
  const answer = poller.poll();
  await turn();
  transport.flow();
  assertEquals((await within(answer, "room")).map(({ events }) => events), [EVENT_WRITE]);
});

Deno.test("EVENT_WRITE by edge tells once that there is room, and once for each time it comes back", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  using poller = new Poller();
  poller.register(conn, EVENT_WRITE, { trigger: "edge" });
  assertEquals((await poller.poll(0)).length, 1);
  assertEquals(await poller.poll(0), []);
  transport.stall();
  while (conn.send(new Uint8Array(10_000)) > 0);
  assertEquals(await poller.poll(0), []);
  transport.flow();
  assertEquals((await within(poller.poll(), "room")).length, 1);
});

Deno.test("A connection that is always writable still tells of what comes in", async () => {
  const transport = new MemoryTransport();
  using conn = new Connection(transport);
  using poller = new Poller();
  poller.register(conn, EVENT_READ | EVENT_WRITE);
  assertEquals((await poller.poll())[0].events, EVENT_WRITE);
  transport.receive("hello");
  while ((await poller.poll())[0].events !== (EVENT_READ | EVENT_WRITE));
});

Deno.test("Bare listeners and connections of Deno are sources", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using poller = new Poller();
  const door = poller.register(listener);
  using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  await within(poller.poll(), "a client");
  using conn = door.take()!.value as Deno.TcpConn;
  const key = poller.register(conn);
  await client.write(bytes("hello"));
  await within(poller.poll(), "bytes");
  assertEquals(text(key.take()!.value), "hello");
  assertThrows(() => poller.modify(conn, EVENT_WRITE), TypeError, "EVENT_WRITE");
  await client.closeWrite();
  await within(poller.poll(), "the end");
  assertEquals(key.take(), { value: undefined, done: true });
  poller.unregister(conn);
});

Deno.test("The remainder of a bare connection begins with the chunk that was read ahead", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using conn = await listener.accept();
  using poller = new Poller();
  poller.register(conn);
  await client.write(bytes("first"));
  await within(poller.poll(), "bytes");
  const rest = poller.unregister(conn) as AsyncIterableIterator<Uint8Array>;
  assertEquals(text((await rest.next()).value), "first");
  await client.write(bytes("second"));
  assertEquals(text((await rest.next()).value), "second");
  await rest.return!();
  await conn.write(bytes("still open"));
});

Deno.test("A bare listener that is closed under the poller has come to its end", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using poller = new Poller();
  const door = poller.register(listener);
  const answer = poller.poll();
  await turn();
  listener.close();
  assertEquals((await within(answer, "the end")).length, 1);
  assertEquals(door.take(), { value: undefined, done: true });
});

Deno.test("A bare connection that is closed under the poller is ready, and take() throws", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using _conn = await listener.accept();
  using poller = new Poller();
  const key = poller.register(client);
  const answer = poller.poll();
  await turn();
  client.close();
  assertEquals((await within(answer, "the failure")).length, 1);
  assertThrows(() => key.take());
  poller.unregister(client);
});

Deno.test("Datagrams of a bare socket are items", async () => {
  const receiver = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const sender = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  using poller = new Poller();
  const key = poller.register(receiver);
  await sender.send(bytes("packet"), receiver.addr);
  await within(poller.poll(), "a packet");
  const [packet, from] = key.take()!.value as [Uint8Array, Deno.NetAddr];
  assertEquals([text(packet), from.port], ["packet", (sender.addr as Deno.NetAddr).port]);
  sender.close();
  receiver.close();
});

Deno.test("A datagram server is ready when a packet waits, which handleRequest serves and take() takes", async () => {
  await using server = await new UdpServer((packet) => packet.reply("served")).listen();
  await using client = await connectDatagram(server.addr);
  using poller = new Poller();
  const key = poller.register(server);
  await client.send("one");
  await within(poller.poll(), "a packet");
  assertEquals(await server.handleRequest({ timeout: 0 }), true);
  assertEquals(text(await within(client.receive(), "the reply")), "served");
  await client.send("two");
  await within(poller.poll(), "a packet");
  const packet = key.take()!.value!;
  assertEquals(text(packet.data), "two");
  await packet.reply("mine");
  assertEquals(text(await within(client.receive(), "the reply")), "mine");
});

Deno.test("A ReadableStream is a source", async () => {
  const stream = ReadableStream.from(["a", "b"]);
  using poller = new Poller();
  const key = poller.register(stream);
  const taken: unknown[] = [];
  while (taken.at(-1) !== "b") {
    await poller.poll();
    taken.push(key.take()!.value);
  }
  assertEquals(taken, ["a", "b"]);
  await poller.poll();
  assertEquals(key.take()!.done, true);
});

Deno.test("One loop echoes for many clients over real sockets", async () => {
  await using server = await new TcpServer(() => {}).listen();
  using poller = new Poller<TcpServer | Connection>();
  const door = poller.register(server);
  const echoing = (async () => {
    while (!poller.closed) {
      for (const { key, source } of await poller.poll()) {
        const item = key.take();
        if (key === door && item && !item.done) poller.register(item.value as Connection);
        else if (source instanceof Connection && item?.done) (poller.unregister(source), source.close());
        else if (source instanceof Connection && item) await source.sendAll(item.value as Uint8Array);
      }
    }
  })();
  const talk = async (n: number): Promise<void> => {
    using client = await connect(server.addr);
    for (let m = 0; m < 20; m++) {
      await client.sendAll(`${n}:${m}\n`);
      assertEquals(await client.readLine(), `${n}:${m}`);
    }
  };
  await within(Promise.all(Array.from({ length: 20 }, (_, n) => talk(n))), "all clients");
  while (poller.keys.size > 1) await turn();
  poller.close();
  await echoing;
  assert(poller.closed);
});

Deno.test("EVENT_WRITE tells of the room that comes back when a flush or a file no longer waits", async () => {
  const file = await Deno.makeTempFile();
  for (const wait of ["flush", "sendFile"] as const) {
    const transport = new MemoryTransport();
    using conn = new Connection(transport);
    using poller = new Poller();
    poller.register(conn, EVENT_WRITE);
    transport.stall();
    conn.sendAll("hello");
    const waiting = wait === "flush" ? conn.flush() : conn.sendFile(file);
    assertEquals(await poller.poll(0), []);
    const answer = poller.poll();
    await turn();
    transport.flow();
    assertEquals((await within(answer, `room after ${wait}`)).map(({ events }) => events), [EVENT_WRITE]);
    await waiting;
  }
  await Deno.remove(file);
});
