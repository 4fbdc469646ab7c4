/**
 * What `new` writes: a handler to learn from and to change, and its test.
 *
 * @module
 */

/** What the text of a new handler depends on. */
export interface Template {
  /** The name of its file, without `.ts`. */
  name: string;
  /** From where to import the kit. */
  kit: string;
  /** From where to import `assertEquals`. */
  assert: string;
}

/** A handler for connections. */
export function streamHandler({ name, kit }: Template): string {
  return `\
/**
 * ${name}: answers every line with a greeting.
 *
 * A handler module exports what follows; only \`default\` must be there.
 *
 * @module
 */
${importTypes(["HandlerModuleOptions", "HandlerSettings", "SettingValues", "StreamHandler"], kit)}

/**
 * Options of the server, times in milliseconds. Flags of the command line, such
 * as \`--idle-timeout 5\`, stand over them.
 */
export const options: HandlerModuleOptions = {
  idleTimeout: 60_000,
  maxConnections: 1_000,
};

${VERIFY_REQUEST}
/** What the handler can be told, each a flag of \`serve\`: \`--greeting Hi\`. */
export const settings: HandlerSettings = {
  greeting: { value: "TEXT", help: "how clients are greeted (Hello)" },
};

/**
 * Makes the handler that does as it was told. Values are text; throw a
 * RangeError for one that cannot be.
 */
export function configure(values: SettingValues): StreamHandler {
  const { greeting = "Hello" } = values;
  // Called for every connection, many at a time. When it returns, what was sent
  // is flushed and the connection closed. When it throws, that is logged, and
  // only this connection is closed.
  return async (conn) => {
    // The lines end when the client does, or when the server drains.
    for await (const line of conn.lines()) {
      await conn.sendAll(\`\${greeting}, \${line}!\\n\`);
    }
  };
}

/** The handler that was told nothing. */
const handler: StreamHandler = configure({});
export default handler;

${PERMISSIONS}`;
}

/** A handler for datagrams. */
export function datagramHandler({ name, kit }: Template): string {
  return `\
/**
 * ${name}: answers every packet with a greeting.
 *
 * A handler module exports what follows; only \`datagram\` must be there.
 *
 * @module
 */
${importTypes(["Datagram", "HandlerModuleOptions"], kit)}

/**
 * Options of the server. Flags of the command line, such as
 * \`--max-packet-size 512\`, stand over them.
 */
export const options: HandlerModuleOptions = {
  maxPacketSize: 1_024,
  maxInFlightPerPeer: 100,
};

${VERIFY_REQUEST}
/**
 * Called for every packet, many at a time. When it throws, that is logged, and
 * the others are served on.
 */
export async function datagram(packet: Datagram): Promise<void> {
  const name = new TextDecoder().decode(packet.data).trim();
  await packet.reply(\`Hello, \${name}!\\n\`);
}

${PERMISSIONS}`;
}

const VERIFY_REQUEST = `\
const UNWELCOME = ["192.0.2.7"];

/** Says who is served. The handler never sees the others. */
export function verifyRequest(request: { remoteAddr: Deno.Addr }): boolean {
  const { remoteAddr } = request;
  return !("hostname" in remoteAddr && UNWELCOME.includes(remoteAddr.hostname));
}
`;

const PERMISSIONS = `\
// A handler that reads files or connects to others says so. Then \`serve\` tells
// at once if it may not, and \`serve --print-permissions\` how to let it.
// export const permissions = { read: ["data"], net: ["127.0.0.1:5432"] };
`;

/** As `deno fmt` writes it. */
function importTypes(names: readonly string[], from: string): string {
  const line = `import type { ${names.join(", ")} } from "${from}";`;
  const lines = ["import type {", ...names.map((name) => `  ${name},`), `} from "${from}";`];
  return line.length <= 80 ? line : lines.join("\n");
}

/** The test of {@linkcode streamHandler}. */
export function streamTest({ name, kit, assert }: Template): string {
  return `\
import { connect, serve } from "${kit}";
import { assertEquals } from "${assert}";
import handler, { configure, options, verifyRequest } from "./${name}.ts";

const listen = "tcp://127.0.0.1:0"; // a free port

Deno.test("${name} greets every line", async () => {
  const handlers = { stream: handler, verifyRequest };
  await using group = await serve({ ...options, listen }, handlers);
  using conn = await connect(group.addr, { readTimeout: 5_000 });
  await conn.sendAll("Ada\\nGrace\\n");
  assertEquals(await conn.readLine(), "Hello, Ada!");
  assertEquals(await conn.readLine(), "Hello, Grace!");
});

Deno.test("${name} greets as it is told", async () => {
  await using group = await serve({ listen }, configure({ greeting: "Hi" }));
  using conn = await connect(group.addr, { readTimeout: 5_000 });
  await conn.sendAll("Ada\\n");
  assertEquals(await conn.readLine(), "Hi, Ada!");
});

${verifyTest(name, "tcp")}`;
}

/** The test of {@linkcode datagramHandler}. */
export function datagramTest({ name, kit, assert }: Template): string {
  return `\
import { connectDatagram, serve } from "${kit}";
import { assertEquals } from "${assert}";
import { datagram, options, verifyRequest } from "./${name}.ts";

const listen = "udp://127.0.0.1:0"; // a free port

Deno.test("${name} greets every packet", async () => {
  const handlers = { datagram, verifyRequest };
  await using group = await serve({ ...options, listen }, handlers);
  await using client = await connectDatagram(group.addr);
  for (const name of ["Ada", "Grace"]) {
    await client.send(name);
    const reply = await client.receive({ timeout: 5_000 });
    assertEquals(new TextDecoder().decode(reply), \`Hello, \${name}!\\n\`);
  }
});

${verifyTest(name, "udp")}`;
}

function verifyTest(name: string, transport: string): string {
  return `\
Deno.test("${name} does not serve who is unwelcome", () => {
  const verified = (hostname: string) =>
    verifyRequest({ remoteAddr: { transport: "${transport}", hostname, port: 50_000 } });
  assertEquals(verified("127.0.0.1"), true);
  assertEquals(verified("192.0.2.7"), false);
});
`;
}
