import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { connect } from "../../mod.ts";
import { CA } from "../_support/certificates.ts";
import { within } from "../_support/deadline.ts";
import { Relay } from "../_support/relay.ts";
import { serving } from "../_support/serving.ts";
import { greet } from "../_support/tiny_handlers.ts";
import { countsSockets, ENGINES, openSockets, tlsConnect, tlsServer, until } from "../_support/tls.ts";

for (const engine of ENGINES) {
  const test = (name: string, fn: () => Promise<void>): void =>
    Deno.test(`connect("tls://…", { engine: "${engine}" }) ${name}`, fn);

  test("expects the endpoint's name or IP address in the certificate, or the name that it is told", async () => {
    await using running = await serving(tlsServer(greet));
    const { port } = running.server.addr;
    for (const [hostname, serverName] of [["localhost"], ["127.0.0.1"], ["127.0.0.1", "localhost"]]) {
      const endpoint = { transport: "tls", hostname, port } as const;
      using client = await connect(endpoint, { engine, serverName, caCerts: [CA] });
      assertEquals(await client.readLine(), "hello");
    }
    for (const serverName of ["example.org", "10.0.0.1"]) {
      await assertRejects(() => tlsConnect(running.server, { engine, serverName }), Deno.errors.InvalidData);
    }
  });

  test("says in one line that it does not trust the certificate, and closes", async () => {
    await using running = await serving(tlsServer(greet));
    const { port } = running.server.addr;
    const attempt = (): Promise<unknown> => connect(`tls://localhost:${port}`, { engine });
    const place = `Cannot connect to tls://localhost:${port}: `;
    const error = await assertRejects(attempt, Deno.errors.InvalidData, place);
    assert(!error.message.includes("\n"), error.message);
    await until(() => running.server.connections.size === 0, "the end of the connection");
  });

  test("says in one line that the server does not speak TLS", async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const answering = (async () => {
      using conn = await listener.accept();
      await conn.write(new TextEncoder().encode("220 mail.example.org ESMTP\r\n"));
      while (await conn.read(new Uint8Array(4_096)) !== null);
    })().catch(() => {}); // the client may reset
    const attempt = (): Promise<unknown> => connect(`tls://127.0.0.1:${listener.addr.port}`, { engine });
    await assertRejects(
      attempt,
      Deno.errors.InvalidData,
      `Cannot connect to tls://127.0.0.1:${listener.addr.port}: `,
    );
    await within(answering, "the end of the connection");
  });

  test("gives up a handshake that stalls when its time is over, or by its signal", async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const endpoint = `tls://127.0.0.1:${listener.addr.port}`;
    const accepted = [listener.accept()];
    const late = `Cannot connect to ${endpoint}: no answer within 50 ms`;
    await assertRejects(() => connect(endpoint, { engine, timeout: 50 }), Deno.errors.TimedOut, late);
    accepted.push(accepted[0].then(() => listener.accept()));
    const signal = AbortSignal.timeout(50);
    assertEquals(await connect(endpoint, { engine, signal }).catch((reason) => reason), signal.reason);
    for (const conn of await Promise.all(accepted)) conn.close();
  });
}

Deno.test({
  name: "connect() frees the descriptor of a handshake that it gives up, whatever the server does",
  ignore: !countsSockets,
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const before = openSockets();
    for (const limit of [() => ({ timeout: 50 }), () => ({ signal: AbortSignal.timeout(50) })]) {
      const accepting = listener.accept();
      await assertRejects(() => connect(`tls://127.0.0.1:${listener.addr.port}`, limit()));
      using stalling = await accepting;
      await until(() => openSockets() <= before + 1, "the end of all descriptors but the server's");
      while (await within(stalling.read(new Uint8Array(4_096)), "the end") !== null);
    }
  },
});

Deno.test("connect() to a TLS server that leaves without a close_notify reads UnexpectedEof, not the end", async () => {
  await using running = await serving(tlsServer(greet));
  await using relay = await Relay.to(running.server.addr.port);
  using client = await connect(`tls://localhost:${relay.port}`, { caCerts: [CA] });
  assertEquals(await within(client.readLine(), "the greeting"), "hello");
  await relay.cutClientOff();
  assertInstanceOf(await within(client.recv().catch((error) => error), "the end"), Deno.errors.UnexpectedEof);
});
