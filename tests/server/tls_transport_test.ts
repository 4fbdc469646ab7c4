import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { serverSide } from "../../server/_tls_side.ts";
import { TlsTransport } from "../../server/_tls_transport.ts";
import { loadKeyPair, secureContext } from "../../server/_key_pair.ts";
import { CA, CERT, KEY } from "../_support/certificates.ts";
import { readAll, text, writeAll } from "../_support/connection_pair.ts";
import { isSettled, within } from "../_support/deadline.ts";
import { countsSockets, openSockets, until } from "../_support/tls.ts";

/** The kit's TLS, and Deno's own as its client. */
interface Pair extends Disposable {
  readonly transport: TlsTransport;
  readonly client: Deno.TlsConn;
}

const source = { cert: CERT, key: KEY };

async function pair(): Promise<Pair> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [tcp, accepted] = await Promise.all([Deno.connect({ port: listener.addr.port }), listener.accept()]);
  const side = serverSide(await secureContext(await loadKeyPair(source), source));
  const transport = new TlsTransport(accepted, side);
  const client = await Deno.startTls(tcp, { hostname: "localhost", caCerts: [CA] });
  await Promise.all([transport.handshake(), client.handshake()]);
  return {
    transport,
    client,
    [Symbol.dispose]: () => {
      transport.close();
      client.close();
    },
  };
}

Deno.test("TlsTransport.read() gives one record in as many parts as the caller has room for", async () => {
  using both = await pair();
  await writeAll(both.client, "abcdefg");
  const parts: (string | null)[] = [];
  const p = new Uint8Array(3);
  for (let n = 0; n < 3; n++) parts.push(text(p.subarray(0, await both.transport.read(p) ?? 0)));
  assertEquals(parts, ["abc", "def", "g"]);
});

Deno.test("TlsTransport.read() resolves to null at the close_notify, and again", async () => {
  using both = await pair();
  await both.client.closeWrite();
  for (let n = 0; n < 3; n++) {
    assertEquals(await within(both.transport.read(new Uint8Array(1)), "the end"), null);
  }
});

Deno.test("TlsTransport.read() gives what came before the end, then the end", async () => {
  using both = await pair();
  await writeAll(both.client, "last words");
  await both.client.closeWrite();
  const p = new Uint8Array(100);
  assertEquals(text(p.subarray(0, await both.transport.read(p) ?? 0)), "last words");
  assertEquals(await within(both.transport.read(p), "the end"), null);
});

Deno.test("TlsTransport begins the handshake by itself when it is read or written first", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const side = serverSide(await secureContext(await loadKeyPair(source), source));
  for (const first of ["read", "write"] as const) {
    const [tcp, accepted] = await Promise.all([
      Deno.connect({ port: listener.addr.port }),
      listener.accept(),
    ]);
    const transport = new TlsTransport(accepted, side);
    const client = await Deno.startTls(tcp, { hostname: "localhost", caCerts: [CA] });
    if (first === "read") {
      await Promise.all([writeAll(client, "x"), transport.read(new Uint8Array(1))]);
    } else {
      const [read] = await Promise.all([client.read(new Uint8Array(1)), transport.write(new Uint8Array(1))]);
      assertEquals(read, 1);
    }
    transport.close();
    client.close();
  }
});

/** Writes until the peer holds a write up. */
async function fill(transport: TlsTransport): Promise<{ written: number; stuck: Promise<number> }> {
  for (let written = 0; written < 50_000_000;) {
    const stuck = transport.write(new Uint8Array(16_384));
    if (!(await isSettled(stuck))) return { written, stuck };
    written += await stuck;
  }
  throw new Error("nothing holds the writes up");
}

Deno.test("TlsTransport.write() waits for a peer that does not read, and goes on when it does", async () => {
  using both = await pair();
  const { written, stuck } = await fill(both.transport);
  let read = 0;
  const p = new Uint8Array(65_536);
  while (read < written + 16_384) read += await both.client.read(p) ?? NaN;
  assertEquals(await within(stuck, "the write"), 16_384);
  assertEquals(read, written + 16_384);
});

Deno.test("TlsTransport.write() takes at most a record's worth, and says so", async () => {
  using both = await pair();
  assertEquals(await both.transport.write(new Uint8Array(100_000)), 16_384);
  assertEquals(await both.transport.write(new Uint8Array(100)), 100);
});

Deno.test("TlsTransport.closeWrite() lets the peer read the end, and go on sending", async () => {
  using both = await pair();
  await both.transport.write(new TextEncoder().encode("bye"));
  await within(both.transport.closeWrite(), "closeWrite");
  assertEquals(text(await within(readAll(both.client), "the end")), "bye");
  await writeAll(both.client, "one more thing");
  const p = new Uint8Array(100);
  assertEquals(text(p.subarray(0, await both.transport.read(p) ?? 0)), "one more thing");
});

Deno.test("TlsTransport.close() sends a close_notify where nothing is on its way", async () => {
  using both = await pair();
  await both.transport.write(new TextEncoder().encode("bye"));
  both.transport.close();
  assertEquals(text(await within(readAll(both.client), "the end")), "bye");
});

Deno.test({
  name:
    "TlsTransport.close() frees the descriptor with a read, a write or a closeWrite pending, and rejects these",
  ignore: !countsSockets,
  fn: async () => {
    const pend: ((transport: TlsTransport) => Promise<Promise<unknown>[]>)[] = [
      (transport) => Promise.resolve([transport.read(new Uint8Array(1))]),
      async (transport) => [(await fill(transport)).stuck],
      async (transport) => [(await fill(transport)).stuck, transport.closeWrite()],
    ];
    for (const begin of pend) {
      const before = openSockets();
      const { transport, client } = await pair();
      const calls = await begin(transport);
      const ends = Promise.allSettled(calls);
      transport.close();
      transport.close(); // harmless
      for (const end of await within(ends, "the rejection")) {
        assertInstanceOf((end as PromiseRejectedResult).reason, Deno.errors.Interrupted);
      }
      await until(() => openSockets() <= before + 1, "the end of all descriptors but the client's");
      client.close();
    }
  },
});

Deno.test("TlsTransport rejects every call after close()", async () => {
  const { transport, client } = await pair();
  transport.close();
  const p = new Uint8Array(1);
  for (const call of [() => transport.read(p), () => transport.write(p), () => transport.closeWrite()]) {
    await assertRejects(call, Deno.errors.Interrupted);
  }
  client.close();
});
