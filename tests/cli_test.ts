import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { connect, connectDatagram, type Connection, shippedHandlers } from "../mod.ts";
import { CA, CERT, KEY } from "./_support/certificates.ts";
import { cli, handlerModule, startCli } from "./_support/cli.ts";
import { isInstalled, python, run } from "./_support/command.ts";
import { within } from "./_support/deadline.ts";
import type { Program } from "./_support/program.ts";
import { socketFolder, socketPath } from "./_support/socket_folder.ts";
import { readServeArguments } from "../_cli/assignment.ts";
import { resolveHandler } from "../handlers/mod.ts";
import { type Endpoint, formatAddr } from "../server/address.ts";

/** How a line to paste begins; through npx where Deno came from there, and so is not on the path. */
const PASTED = String.raw`  (?:deno|npx -y deno@\S+) run -A \S*cli\.ts`;

/** Says when it is asked to end, and never does. */
const STUBBORN = handlerModule(`
  export default async function stubborn(conn) {
    conn.signal.addEventListener("abort", () => conn.send(new TextEncoder().encode("draining\\n")));
    await conn.sendAll("open\\n");
    await new Promise(() => {});
  }
`);

/** Starts `serve`, waits for its first address, and hands on. */
async function withServer(
  args: string[],
  fn: (server: Program, addr: Deno.NetAddr) => Promise<void>,
  flags?: string[],
): Promise<void> {
  await using server = startCli(["serve", ...args], flags);
  await fn(server, await server.address());
}

/** Talks to STUBBORN until it knows that the first signal has come through. */
async function readDraining(conn: Connection): Promise<void> {
  assertEquals(await conn.readLine(), "draining");
}

const ends = (program: Program): ReturnType<Program["end"]> =>
  within(program.end(), "the end of the program");

// --- What it says -------------------------------------------------------------------------------------------------------

Deno.test("cli --help shows examples before anything else", async () => {
  for (const args of [["--help"], ["-h"], ["serve", "--help"], ["connect", "-h"], ["list", "--help"]]) {
    const { code, output, errors } = await cli(args);
    assertEquals([code, errors], [0, ""]);
    assertEquals(output.split("\n")[2], "Examples:");
    assertMatch(output.split("\n")[3], new RegExp(`^${PASTED} `));
  }
});

Deno.test("cli serve --help names a flag for every limit", async () => {
  const { output } = await cli(["serve", "--help"]);
  for (
    const flag of [
      "--max-connections N",
      "--idle-timeout TIME",
      "--allow CIDR",
      "--deny CIDR",
      "--drain TIME",
    ]
  ) {
    assertStringIncludes(output, `  ${flag}`);
  }
});

Deno.test("cli --version names the version of the kit and of Deno", async () => {
  const { code, output } = await cli(["--version"]);
  assertEquals([code, output], [0, `switchboard ${config.version} (deno ${Deno.version.deno})\n`]);
});

Deno.test("cli list names every shipped handler with what it does", async () => {
  const { code, output } = await cli(["list"]);
  assertEquals(code, 0);
  const lines = output.trimEnd().split("\n").map((line) => line.trim().split(/ {2,}/));
  assertEquals(lines, Object.entries(shippedHandlers).map(([name, { description }]) => [name, description]));
});

/** Command lines that cannot be, with their exit codes and what is said of them. */
const WRONG: [string[], 1 | 2, RegExp][] = [
  [[], 2, /^error: No command is given/],
  [["srve"], 2, /^error: There is no command srve; did you mean serve\?$/],
  [["constructor"], 2, /^error: There is no command constructor/],
  [["serve", "echo", "--tpc", ":0"], 2, /^error: There is no flag --tpc; did you mean --tcp\?$/],
  [
    ["serve", "echo", "--idletimeout=3"],
    2,
    /^error: There is no flag --idletimeout; did you mean --idle-timeout\?$/,
  ],
  [["serve", "echo", "-x"], 2, /^error: There is no flag -x$/],
  [["serve", "echo", "--tcp"], 2, /^error: --tcp needs a value: --tcp HOST:PORT$/],
  [["serve", "echo", "--reclaim=yes"], 2, /^error: --reclaim takes no value$/],
  [["serve", "echo", "--tcp", "nonsense"], 2, /^error: Cannot read the address "tcp:\/\/nonsense"/],
  [["serve", "echo", "--tcp", ":70000"], 2, /^error: .*70000/],
  [
    ["serve", "echo", "--unix", "/tmp/" + "x".repeat(200)],
    2,
    /^error: The path of a Unix socket has at most/,
  ],
  [["serve", "echo", "--tls", ":0"], 2, /^error: --cert is missing/],
  [["serve", "--tcp", ":0"], 2, /^error: Endpoints belong to one handler, and none is named/],
  [["serve", "echo", "time", "--tcp", ":0"], 2, /^error: Endpoints belong to one handler, and 2 are named/],
  [["serve", "echo", "--max-connections", "0"], 2, /^error: --max-connections must be a whole number from 1/],
  [["serve", "echo", "--max-connections", "many"], 2, /^error: --max-connections: "many" is no number$/],
  [["serve", "echo", "--idle-timeout", "soon"], 2, /^error: --idle-timeout: "soon" is no time/],
  [["serve", "echo", "--idle-timeout", "0"], 2, /^error: --idle-timeout must be/],
  [["serve", "echo", "--mode", "999"], 2, /^error: --mode: "999" is no file mode/],
  [["serve", "echo", "--log", "xml"], 2, /^error: --log: "xml" is none of text, json, off$/],
  [["serve", "echo", "--allow", "300.0.0.1"], 2, /^error: Cannot read the network "300\.0\.0\.1"/],
  [["serve", "echo", "--unix", ""], 2, /^error: One of the arguments is empty$/],
  [["serve", "ecko"], 1, /^error: There is no handler "ecko": shipped are .*echo/],
  [["serve", "./nope.ts"], 1, /^error: Cannot load the handler \.\/nope\.ts: there is no such file$/],
  [
    ["serve", handlerModule("export default 7")],
    1,
    /^error: Cannot use data:\S+ as a handler: .* got number 7$/,
  ],
  [["serve", "echo", "--tcp", "203.0.113.1:0"], 1, /^error: Cannot listen on tcp:\/\/203\.0\.113\.1:0: /],
  [["serve", "proxy"], 2, /^error: The proxy needs to know where to: --to ENDPOINT$/],
  [["serve", "upload", "--max-files", "few"], 2, /^error: --max-files is a whole number: received few$/],
  [["serve", "upload", "--keep", "more"], 1, /^error: There is no handler "more"/],
  [["serve", "echo", "--dir", "x"], 2, /^error: There is no flag --dir/],
  [["serve", "operator", "--udp", ":0"], 2, /^error: Cannot serve udp: no handler for datagrams is given$/],
  [
    ["serve", handlerModule("export default () => {}; export const settings = { log: {} }")],
    2,
    /--log is a flag of serve/,
  ],
  [["connect"], 2, /^error: connect takes one endpoint/],
  [["connect", "tcp://a", "tcp://b"], 2, /^error: connect takes one endpoint/],
  [["connect", "gopher://x:1"], 2, /^error: Cannot read the endpoint "gopher:\/\/x:1"/],
  [["list", "echo"], 2, /^error: list takes no arguments$/],
];

for (const [args, code, complaint] of WRONG) {
  const shown = args.join(" ").slice(0, 60);
  Deno.test(`cli ${shown} is refused with code ${code} and one line`, async () => {
    const ending = await cli(args);
    assertMatch(ending.errors.trimEnd(), complaint);
    assertEquals(ending.errors.trimEnd().split("\n").length, 1, ending.errors);
    assertEquals([ending.code, ending.output], [code, ""]);
  });
}

// --- serve --------------------------------------------------------------------------------------------------------------

Deno.test("cli serve without a handler serves the operator and echo, with lines to paste", async () => {
  await using server = startCli(["serve"], ["--allow-net"]);
  const [, operatorPort] = await server.until(/^operator: listening on tcp:\/\/127\.0\.0\.1:(\d+)$/);
  await server.until(new RegExp(`^${PASTED} connect tcp://127\\.0\\.0\\.1:${operatorPort}$`));
  await server.until(new RegExp(`^  ncat 127\\.0\\.0\\.1 ${operatorPort}$`));
  const [, echoPort] = await server.until(/^echo: listening on tcp:\/\/127\.0\.0\.1:(\d+)$/);
  await server.until(/^Ctrl-C/);
  using operator = await connect(`tcp://127.0.0.1:${operatorPort}`);
  assertMatch(await operator.readLine() ?? "", /^Welcome to call 10086/);
  using echo = await connect(`tcp://127.0.0.1:${echoPort}`);
  await echo.sendAll("hello\n");
  assertEquals(await echo.readLine(), "hello");
  server.kill();
  assertEquals((await ends(server)).code, 0);
});

Deno.test("cli serve without a handler finds other ports when its own are taken", async () => {
  await using first = startCli(["serve"], ["--allow-net"]);
  await first.until(/^Ctrl-C/);
  await using second = startCli(["serve"], ["--allow-net"]);
  const [, port] = await second.until(/^operator: listening on tcp:\/\/127\.0\.0\.1:(\d+)$/);
  using conn = await connect(`tcp://127.0.0.1:${port}`);
  assertMatch(await conn.readLine() ?? "", /^Welcome/);
});

Deno.test("cli serve serves several handlers, each on a port of its own", async () => {
  await using server = startCli(["serve", "daytime", "time"]);
  const [, daytime] = await server.until(/^daytime: listening on (tcp:\S+)$/);
  const [, time] = await server.until(/^time: listening on (tcp:\S+)$/);
  using first = await connect(daytime);
  assertMatch(await first.readLine() ?? "", /UTC$/);
  using second = await connect(time);
  assertEquals((await second.readExactly(4)).length, 4);
});

Deno.test("cli serve binds every endpoint it is given, and prints each", async () => {
  const path = socketPath();
  await using server = startCli(["serve", "echo", "--unix", path, "--tcp", ":0", "--tcp", "127.0.0.1:0"]);
  const addrs = [];
  for (let i = 0; i < 3; i++) addrs.push((await server.until(/^echo: listening on (\S+)$/))[1]);
  assertEquals(addrs[2], `unix:${path}`);
  await server.until(new RegExp(`^  ncat -U ${path}$`));
  for (const addr of addrs) {
    using conn = await connect(addr);
    await conn.sendAll("hello\n");
    assertEquals(await conn.readLine(), "hello");
  }
  server.kill();
  assertEquals((await ends(server)).code, 0);
  await assertGone(path);
});

async function assertGone(path: string): Promise<void> {
  const found = await Deno.lstat(path).catch(() => undefined);
  assertEquals(found, undefined);
}

Deno.test("cli serve shows an address that can be reached where it listens everywhere", async () => {
  await using server = startCli(["serve", "echo", "--tcp", "*:0"]);
  const [, port] = await server.until(/^echo: listening on tcp:\/\/0\.0\.0\.0:(\d+)$/);
  const [, hostname] = await server.until(new RegExp(`^  ncat (\\S+) ${port}$`));
  assert(hostname !== "0.0.0.0");
});

Deno.test({
  name: "cli serve talks with ncat and python3",
  ignore: !isInstalled("ncat") || !isInstalled("python3"),
  fn: () =>
    withServer(["operator"], async (_server, { port }) => {
      const { output } = await run("ncat", ["127.0.0.1", String(port)], "1000\nexit\n");
      assertEquals(output.split("\n").length, 3);
      const code = `
import socket, sys
f = socket.create_connection(("127.0.0.1", int(sys.argv[1]))).makefile("rw")
print(f.readline().split()[0], end=" ")
f.write("0\\n"); f.flush()
print(f.readline().split()[-1])
`;
      assertEquals(await python(code, String(port)), "Welcome recorded.\n");
    }),
});

Deno.test("cli serve loads a handler from a path, and flags override its options", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/mine.ts`;
    await Deno.writeTextFile(
      file,
      `
      export const options = { maxConnections: 1, whenFull: "refuse", banner: "the module's\\n" };
      export default async function mine(conn: { sendAll(text: string): Promise<void>; recv(): Promise<unknown> }) {
        await conn.sendAll("mine\\n");
        await conn.recv();
      }
    `,
    );
    await withServer([file, "--banner", "the flag's"], async (_server, addr) => {
      using first = await connect(addr);
      assertEquals(await first.readLine(), "mine");
      using second = await connect(addr);
      assertEquals(await second.readLine(), "the flag's");
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("cli serve HANDLER --help also names the handler's own flags", async () => {
  const { code, output } = await cli(["serve", "upload", "--help"]);
  assertEquals(code, 0);
  assertMatch(output, /^The handler:\n {2}--dir DIR /m);
});

Deno.test("cli serve tells a handler its own flags, before and behind the others", async () => {
  const told = handlerModule(`
    export const settings = { word: { value: "WORD", help: "a word" }, loud: { help: "a switch" } };
    export const configure = ({ word = "nothing", loud }) => (conn) => conn.sendAll(word + (loud ? "!" : "") + "\\n");
    export default () => {};
  `);
  const cases: [string[], string][] = [
    [[told], "nothing"],
    [[told, "--word", "hello", "--tcp", ":0", "--loud"], "hello!"],
    [["--drain", "3", told, "--loud"], "nothing!"],
  ];
  for (const [args, answer] of cases) {
    await withServer(args, async (_server, addr) => {
      using conn = await connect(addr);
      assertEquals(await conn.readLine(), answer);
    });
  }
});

Deno.test("cli serve proxy --to forwards to another server", () =>
  withServer(
    ["daytime"],
    (_inner, { port }) =>
      withServer(["proxy", "--to", `tcp://127.0.0.1:${port}`], async (_outer, addr) => {
        using conn = await connect(addr);
        assertMatch(await conn.readLine() ?? "", /UTC$/);
      }),
  ));

Deno.test("cli serve turns away whom --deny names, and closes who is idle for longer than --idle-timeout", async () => {
  await withServer(["echo", "--deny", "127.0.0.0/8"], async (_server, addr) => {
    using conn = await connect(addr);
    assertEquals(await conn.recv().catch(() => null), null);
  });
  await withServer(["echo", "--idle-timeout", "20ms"], async (_server, addr) => {
    using conn = await connect(addr);
    assertEquals(await conn.recv(), null);
  });
});

Deno.test("cli serve says which port is free when the one it is given is not", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const { code, output, errors } = await cli(["serve", "echo", "--tcp", `:${port}`]);
  assertEquals([code, output], [1, ""]);
  const said = new RegExp(
    `^error: Cannot listen on tcp://127\\.0\\.0\\.1:${port}: the address is in use; port (\\d+) is free\n$`,
  ).exec(errors);
  assert(said, errors);
  Deno.listen({ hostname: "127.0.0.1", port: Number(said[1]) }).close();
});

Deno.test("cli serve says what is in the way of a socket's file", async () => {
  const path = socketPath();
  await Deno.writeTextFile(path, "precious");
  const { code, errors } = await cli(["serve", "echo", "--unix", path]);
  assertEquals(code, 1);
  assertMatch(errors, /^error: Cannot listen on unix:\S+: [^\n]*exists and is not a socket\n$/);
  assertEquals(await Deno.readTextFile(path), "precious");
});

Deno.test({
  name: "cli serve takes the socket of a process that was killed over with --reclaim, and says so without",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const path = socketPath();
    await using first = startCli(["serve", "echo", "--unix", path]);
    await first.until(/listening on unix:/);
    first.kill("SIGKILL");
    await ends(first);
    const { code, errors } = await cli(["serve", "echo", "--unix", path]);
    assertEquals(code, 1);
    assertMatch(errors, /^error: Cannot listen on unix:[^\n]*process that is gone; use --reclaim[^\n]*\n$/);
    await using second = startCli(["serve", "echo", "--unix", path, "--reclaim"]);
    await second.until(/listening on unix:/);
    using conn = await connect(`unix:${path}`);
    await conn.sendAll("hello\n");
    assertEquals(await conn.readLine(), "hello");
  },
});

Deno.test("cli serve leaves nothing bound when one of its endpoints cannot be", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const path = socketPath();
  const { port } = taken.addr as Deno.NetAddr;
  const { code } = await cli(["serve", "echo", "--unix", path, "--tcp", `:${port}`]);
  assertEquals(code, 1);
  await assertGone(path);
});

Deno.test("cli serve names the permission that is missing", async () => {
  const net = await cli(["serve", "echo", "--tcp", ":0"], { flags: [] });
  assertEquals([net.code, net.output], [1, ""]);
  assertMatch(net.errors, /^error: [^\n]*--allow-net=127\.0\.0\.1:0\n$/);
  const read = await cli(["serve", "./tests/_support/clock.ts"], { flags: ["--allow-net"] });
  assertEquals([read.code, read.output], [1, ""]);
  assertMatch(read.errors, /^error: [^\n]*--allow-read[^\n]*\n$/);
});

Deno.test("cli serve needs no permission but that to listen for a shipped handler", () =>
  withServer(["echo"], async (server, addr) => {
    using conn = await connect(addr);
    await conn.sendAll("hello\n");
    assertEquals(await conn.readLine(), "hello");
    conn.close();
    server.kill();
    assertEquals((await ends(server)).code, 0);
  }, ["--allow-net=127.0.0.1:0"]));

Deno.test("cli serve and connect talk TLS, and connect trusts what --ca names", async () => {
  const [ca, cert, key] = [CA, CERT, KEY].map((text, index) => {
    const file = `${socketFolder()}/${index}.pem`;
    Deno.writeTextFileSync(file, text);
    return file;
  });
  const args = ["--tls", "127.0.0.1:0", "--cert", cert, "--key", key];
  await using server = startCli(["serve", "operator", ...args]);
  const [, port] = await server.until(/^operator: listening on tls:\/\/127\.0\.0\.1:(\d+)$/);
  await server.until(new RegExp(`^  ncat --ssl 127\\.0\\.0\\.1 ${port}$`));
  const trusting = await cli(["connect", `tls://localhost:${port}`, "--ca", ca], {
    input: "exit\n",
  });
  assertEquals([trusting.code, trusting.output.split(" ")[0], trusting.errors], [0, "Welcome", ""]);
  const wary = await cli(["connect", `tls://localhost:${port}`]);
  assertEquals([wary.code, wary.output], [1, ""]);
  assertMatch(wary.errors, /^error: Cannot connect to tls:[^\n]*certificate[^\n]*\n$/i);
});

Deno.test("cli serve and connect exchange datagrams: each line is one, and the log has a line for each", async () => {
  await using server = startCli(["serve", "echo", "--udp", "127.0.0.1:0"]);
  const [, port] = await server.until(/^echo: listening on udp:\/\/127\.0\.0\.1:(\d+)$/);
  await server.until(new RegExp(`^  ncat -u 127\\.0\\.0\\.1 ${port}$`));
  const { code, output, errors } = await cli(["connect", `udp://127.0.0.1:${port}`, "--wait", "200ms"], {
    input: "one\ntwo\n",
  });
  assertEquals([code, output, errors], [0, "one\ntwo\n", ""]);
  server.kill();
  const log = (await ends(server)).errors.match(
    /^\S+Z echo handled udp:\S+ [\d.]+ ms, 3 B in, 3 B out: done$/gm,
  );
  assertEquals(log?.length, 2);
});

// --- Its log ------------------------------------------------------------------------------------------------------------

/** One connection that echoes five bytes; what was written on standard error about it. */
async function logOf(...flags: string[]): Promise<string[]> {
  let errors = "";
  await withServer(["echo", ...flags], async (server, addr) => {
    using conn = await connect(addr);
    await conn.sendAll("four\n");
    await conn.readLine();
    await conn.closeWrite();
    assertEquals(await conn.recv(), null);
    server.kill();
    ({ errors } = await ends(server));
  });
  return errors.trimEnd().split("\n").filter((line) => !line.startsWith("SIGTERM: draining"));
}

Deno.test("cli serve logs one line per connection: when, which, who, how long, how much, how it ended", async () => {
  const [line, ...more] = await logOf();
  assertEquals(more, []);
  assertMatch(line, /^\d{4}-\S+Z echo closed #1 tcp:\/\/127\.0\.0\.1:\d+ [\d.]+ ms, 5 B in, 5 B out: done$/);
});

Deno.test("cli serve --log json writes the same as JSON", async () => {
  const [line, ...more] = await logOf("--log", "json");
  assertEquals(more, []);
  const { time, peer, local, ms, ...rest } = JSON.parse(line);
  assert(Math.abs(Date.now() - Date.parse(time)) < 60_000);
  assertMatch(`${peer} ${local}`, /^tcp:\/\/127\.0\.0\.1:\d+ tcp:\/\/127\.0\.0\.1:\d+$/);
  assertEquals(typeof ms, "number");
  assertEquals(rest, { handler: "echo", event: "closed", id: 1, in: 5, out: 5, end: "done" });
});

Deno.test("cli serve --log off writes nothing about a connection that went well", async () => {
  assertEquals(await logOf("--log", "off"), []);
});

Deno.test("cli serve tells in one line what a handler threw, and where, and serves on", async () => {
  const throwing = handlerModule(
    `export default (conn) => { throw new RangeError("first\\nsecond\\x1b[31m"); }`,
  );
  for (const log of ["text", "off"]) {
    await withServer([throwing, "--log", log], async (server, addr) => {
      for (let i = 0; i < 2; i++) {
        using conn = await connect(addr);
        assertEquals(await conn.recv(), null);
      }
      server.kill();
      const { code, errors } = await ends(server);
      assertEquals(code, 0);
      const lines = errors.trimEnd().split("\n").filter((line) => line.includes("RangeError"));
      assertEquals(lines.length, 2, errors);
      // deno-lint-ignore no-control-regex -- the escape character must not be there
      assertMatch(lines[0], /: error, RangeError: first second \(data:[^\x1b]*:1:\d+\)$/);
    });
  }
});

Deno.test("cli serve survives promises and timers that a handler leaves behind", async () => {
  const careless = handlerModule(`
    export default async function careless(conn) {
      Promise.reject(new Error("left behind"));
      setTimeout(() => { throw new Error("thrown later"); }, 0);
      await new Promise((resolve) => setTimeout(resolve, 1));
      await conn.sendAll("done\\n");
    }
  `);
  await withServer([careless], async (server, addr) => {
    for (let i = 0; i < 2; i++) {
      using conn = await connect(addr);
      assertEquals(await conn.readLine(), "done");
    }
    server.kill();
    const { code, errors } = await ends(server);
    assertEquals(code, 0);
    assertEquals(
      errors.match(/^A promise that nobody awaits was rejected: Error: left behind \(/gm)?.length,
      2,
    );
    assertEquals(errors.match(/^Nobody caught an error: Error: thrown later \(/gm)?.length, 2);
  });
});

// --- Its end ------------------------------------------------------------------------------------------------------------

const SIGNALS: [Deno.Signal, number][] = [["SIGINT", 130], ["SIGTERM", 143]];
const ignore = Deno.build.os === "windows";

for (const [signal, insisting] of SIGNALS) {
  Deno.test({
    name: `cli serve drains on ${signal}: what was asked is answered, and the code is 0`,
    ignore,
    fn: () =>
      withServer(["echo"], async (server, addr) => {
        const conns = await Promise.all(Array.from({ length: 20 }, () => connect(addr)));
        for (const conn of conns) await conn.sendAll("asked\n");
        server.kill(signal);
        for (const conn of conns) {
          assertEquals(await conn.readLine(), "asked");
          assertEquals(await conn.recv(), null);
          conn.close();
        }
        const { code, errors } = await ends(server);
        assertEquals(code, 0, errors);
        assertStringIncludes(errors, `${signal}: draining`);
      }),
  });

  Deno.test({
    name: `cli serve ends at once on the second ${signal}, with code ${insisting}`,
    ignore,
    fn: () =>
      withServer([STUBBORN], async (server, addr) => {
        using conn = await connect(addr);
        assertEquals(await conn.readLine(), "open");
        server.kill(signal);
        await readDraining(conn);
        server.kill(signal);
        assertEquals((await ends(server)).code, insisting);
      }),
  });
}

Deno.test({
  name: "cli serve takes a signal that arrives twice at once for one: a Ctrl-C under deno task",
  ignore,
  fn: () =>
    withServer(["echo"], async (server, addr) => {
      using conn = await connect(addr);
      await conn.sendAll("asked\n");
      server.kill("SIGINT");
      server.kill("SIGTERM");
      assertEquals(await conn.readLine(), "asked");
      assertEquals(await conn.recv(), null);
      conn.close();
      assertEquals((await ends(server)).code, 0);
    }),
});

Deno.test({
  name: "cli serve --drain is the deadline: what is open then is closed, and the code is 1",
  ignore,
  fn: () =>
    withServer([STUBBORN, "--drain", "100ms"], async (server, addr) => {
      using conn = await connect(addr);
      assertEquals(await conn.readLine(), "open");
      server.kill();
      await readDraining(conn);
      assertEquals(await conn.recv().catch(() => null), null);
      const { code, errors } = await ends(server);
      assertEquals(code, 1);
      assertMatch(errors, /^The time to drain is over: 1 cut off$/m);
    }),
});

Deno.test({
  name: "cli serve --drain cuts packets off too that are still being handled",
  ignore,
  fn: async () => {
    const hanging = handlerModule(`
      export async function datagram(packet) {
        await packet.reply("open");
        await new Promise(() => {});
      }
    `);
    await using server = startCli(["serve", hanging, "--drain", "50ms"]);
    const [, addr] = await server.until(/listening on (udp:\S+)$/);
    await using client = await connectDatagram(addr);
    await client.send("hello");
    assertEquals(new TextDecoder().decode(await client.receive({ timeout: 10_000 })), "open");
    server.kill();
    assertEquals((await ends(server)).code, 1);
  },
});

Deno.test({
  name: "cli serve refuses new clients while it drains",
  ignore,
  fn: () =>
    withServer([STUBBORN], async (server, addr) => {
      using conn = await connect(addr);
      assertEquals(await conn.readLine(), "open");
      server.kill();
      await readDraining(conn);
      // The kernel's queue is taken first, so a client or two may still be let in.
      for (let refused = false; !refused;) {
        refused = await connect(addr).then((late) => (late.close(), false), () => true);
      }
      server.kill();
      await ends(server);
    }),
});

// --- connect ------------------------------------------------------------------------------------------------------------

Deno.test("cli connect sends what is piped in, half-closes, and prints the whole answer", () =>
  withServer(["echo"], async (_server, { port }) => {
    const input = "line of input\n".repeat(100_000);
    const { code, output, errors } = await cli(["connect", `tcp://127.0.0.1:${port}`], { input });
    assertEquals([code, errors], [0, ""]);
    assertEquals(output, input);
  }));

Deno.test("cli connect takes HOST:PORT for TCP, and Unix sockets", async () => {
  const path = socketPath();
  await using server = startCli(["serve", "operator", "--tcp", ":0", "--unix", path]);
  const { port } = await server.address();
  await server.until(/^operator: listening on unix:/);
  for (const endpoint of [`127.0.0.1:${port}`, `:${port}`, String(port), `unix:${path}`]) {
    const { code, output } = await cli(["connect", endpoint], { input: "exit\n" });
    assertEquals([code, output.split(" ")[0]], [0, "Welcome"], endpoint);
  }
});

Deno.test("cli connect prints what comes while it is typed at, and ends when the server does", () =>
  withServer(["operator"], async (_server, { port }) => {
    await using client = startCli(["connect", `:${port}`]);
    await client.until(/^Welcome/);
    await client.type("12");
    await client.until(/^There is no such number/);
    await client.type("exit");
    const { code, output } = await ends(client); // its input is still open
    assertEquals([code, output], [0, []]);
  }));

Deno.test("cli connect goes on printing after the end of its input", () =>
  withServer(["daytime"], async (_server, { port }) => {
    const { code, output } = await cli(["connect", `:${port}`]);
    assertEquals(code, 0);
    assertMatch(output, /UTC\r\n$/);
  }));

Deno.test({
  name: "cli connect ends quietly when nobody reads its output any more",
  ignore,
  fn: () =>
    withServer(["chargen"], async (_server, { port }) => {
      const command = `"${Deno.execPath()}" run -A cli.ts connect :${port} | head -c 5`;
      const { code, output, errors } = await run("sh", ["-c", command]);
      assertEquals([code, output, errors], [0, ' !"#$', ""]);
    }),
});

Deno.test("cli connect says in one line that nobody listens", async () => {
  const unserved = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = unserved.addr as Deno.NetAddr;
  unserved.close();
  const { code, output, errors } = await cli(["connect", `tcp://127.0.0.1:${port}`]);
  assertEquals([code, output], [1, ""]);
  assertEquals(errors, `error: Cannot connect to tcp://127.0.0.1:${port}: nobody listens there\n`);
});

Deno.test("cli connect says in one line that the connection was reset", async () => {
  const unreading = handlerModule(`
    export default async function unreading(conn) {
      await conn.sendAll("open\\n");
      await conn.peek();
      await conn.sendAll("seen\\n");
      await new Promise(() => {});
    }
  `);
  await withServer([unreading], async (server, { port }) => {
    await using client = startCli(["connect", `:${port}`]);
    await client.until(/^open$/);
    await client.type("more than the server reads ahead".repeat(10_000));
    await client.until(/^seen$/);
    server.kill("SIGKILL"); // over unread bytes, so the kernel resets
    const { code, errors } = await ends(client);
    assertMatch(errors, /^error: [^\n]*reset[^\n]*\n$/i);
    assertEquals(code, 1);
  });
});

Deno.test("cli serve keeps the networks that a module denies where the command line names none", async () => {
  const module = handlerModule(`
    export const options = { deny: ["127.0.0.0/8"] };
    export default (conn) => conn.sendAll("welcome\\n");
  `);
  await using server = startCli(["serve", module, "--tcp", "127.0.0.1:0"]);
  using client = await connect(await server.address());
  assertEquals(await client.readLine(), null);
  server.kill("SIGINT");
  assertMatch((await server.end()).errors, /refused .*: denied/);
});

Deno.test("a command line keeps the endpoints that are built in, unless it names others", async () => {
  const module = await resolveHandler("echo");
  const builtIn = { name: "echo", module, args: ["--tcp=127.0.0.1:7000", "--unix=/tmp/echo.sock"] };
  const places = async (args: string[]) =>
    (await readServeArguments(args, builtIn)).assignments.flatMap(({ endpoints }) =>
      endpoints.map(formatEndpoint)
    );
  assertEquals(await places(["--log", "off"]), ["tcp://127.0.0.1:7000", "unix:/tmp/echo.sock"]);
  assertEquals(await places(["--tcp", "127.0.0.1:7001"]), ["tcp://127.0.0.1:7001"]);
});

function formatEndpoint(endpoint: Endpoint): string {
  return "path" in endpoint ? `${endpoint.transport}:${endpoint.path}` : formatAddr(endpoint as Deno.NetAddr);
}
