import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect, connectDatagram, type Endpoint, formatAddr, parseEndpoint } from "../mod.ts";
import { CA, CERT, KEY } from "./_support/certificates.ts";
import { cli, handlerModule } from "./_support/cli.ts";
import { run } from "./_support/command.ts";
import { within } from "./_support/deadline.ts";
import { HTTP_FLAGS, kitOverHttp } from "./_support/kit_over_http.ts";
import { Program } from "./_support/program.ts";
import { socketFolder, socketPath } from "./_support/socket_folder.ts";

const ignore = Deno.build.os === "windows";

/** The line for a command line of `serve`, and the notes to it. */
async function printed(args: string[], flags: string[] = []): Promise<{ line: string; notes: string }> {
  const { code, output, errors } = await cli(["serve", ...args, "--print-permissions"], { flags });
  assertEquals(code, 0, errors);
  const [line, ...more] = output.split("\n");
  assertEquals(more, [""]);
  return { line, notes: errors };
}

/** What stands between `deno run` and the program. */
function flagsIn(line: string): string[] {
  const [, flags] = /^(?:deno|npx -y deno@\S+) run (.*?) ?\S*cli\.ts serve\b/.exec(line)!;
  const words = flags.match(/(?:'[^']*'|\\'|[^\s'])+/g) ?? [];
  return words.map((word) => word.replace(/'([^']*)'|\\(')/g, "$1$2"));
}

/** Starts what was printed, as a shell does. */
function start(line: string): Program {
  const quiet = line.replace(
    /^(?:deno|npx -y deno@\S+) run/,
    `exec "${Deno.execPath()}" run --quiet --no-prompt`,
  );
  return new Program("cli.ts", { starter: ["sh", "-c", quiet] });
}

/** Whether a server answers with what it is sent. */
async function echoes(endpoint: string): Promise<void> {
  if (/^(udp|unixgram):/.test(endpoint)) {
    await using client = await connectDatagram(endpoint);
    await client.send("hello");
    assertEquals(new TextDecoder().decode(await client.receive({ timeout: 10_000 })), "hello");
    return;
  }
  using conn = await connect(endpoint, { readTimeout: 10_000 });
  await conn.sendAll("hello\n");
  assertEquals(await conn.readLine(), "hello");
}

/** Starts the line, hands on where it listens, and sees it end well. */
async function whileServed(
  line: string,
  use: (endpoints: string[]) => Promise<void>,
  count = 1,
): Promise<void> {
  await using server = start(line);
  const endpoints: string[] = [];
  while (endpoints.length < count) endpoints.push((await server.until(/: listening on (.+)$/))[1]);
  await use(endpoints);
  server.kill();
  const { code, errors } = await within(server.end(), "the end of the server");
  assertEquals(code, 0, errors);
}

/** Runs it without each of its flags in turn: every time it ends, with one line that names the flag. */
async function assertMinimal(args: string[], line: string): Promise<void> {
  const flags = flagsIn(line);
  assert(flags.length > 0, line);
  for (const flag of flags) {
    const others = flags.filter((other) => other !== flag);
    const { code, output, errors } = await cli(["serve", ...args], { flags: others });
    assertEquals([code, output], [1, ""], `${flag}: ${errors}`);
    assertMatch(errors, /^error: [^\n]*\n$/);
    assertStringIncludes(errors, flag.replace(/=.*/, ""));
  }
}

function pem(): string[] {
  const folder = socketFolder();
  Deno.writeTextFileSync(`${folder}/cert.pem`, CERT);
  Deno.writeTextFileSync(`${folder}/key.pem`, KEY);
  return ["--cert", `${folder}/cert.pem`, "--key", `${folder}/key.pem`];
}

// --- It suffices, and nothing of it can be left out -----------------------------------------------------------------

const SERVED: [string, () => string[], number?][] = [
  ["TCP", () => ["echo", "--tcp", "127.0.0.1:0"]],
  ["an endpoint of its own choice", () => ["echo"]],
  ["IPv6", () => ["echo", "--tcp", "[::1]:0"]],
  ["UDP, whose replies go to any port", () => ["echo", "--udp", "127.0.0.1:0"]],
  ["UDP at every address, whose replies go anywhere", () => ["echo", "--udp", "*:0"]],
  ["a Unix socket", () => ["echo", "--unix", socketPath()]],
  ["Unix datagrams, whose replies go to any path", () => ["echo", "--unixgram", socketPath()]],
  ["TCP, UDP and a Unix socket", () => ["echo", "--tcp", ":0", "--udp", ":0", "--unix", socketPath()], 3],
  ["a path with a space", () => ["echo", "--unix", `${socketFolder()}/it's here.sock`]],
];

for (const [what, make, count] of SERVED) {
  Deno.test({
    name:
      `cli serve --print-permissions prints a line that serves ${what}, and no flag of it can be left out`,
    ignore,
    fn: async () => {
      const args = make();
      const { line } = await printed(args);
      await whileServed(line, async (endpoints) => {
        for (const endpoint of endpoints) await echoes(here(endpoint));
      }, count);
      await assertMinimal(args, line);
    },
  });
}

/** A server at every address is reached at loopback. */
function here(text: string): string {
  const endpoint: Endpoint = parseEndpoint(text);
  return "hostname" in endpoint && endpoint.hostname === "0.0.0.0"
    ? formatAddr({ ...endpoint, hostname: "127.0.0.1" })
    : text;
}

Deno.test({
  name: "cli serve --print-permissions has the certificate and its key read for TLS",
  ignore,
  fn: async () => {
    const args = ["echo", "--tls", "127.0.0.1:0", ...pem()];
    const { line } = await printed(args);
    assertEquals(flagsIn(line), ["--allow-net=127.0.0.1:0", `--allow-read=${args[4]},${args[6]}`]);
    await whileServed(line, async ([endpoint]) => {
      const { port } = parseEndpoint(endpoint) as Deno.NetAddr;
      using conn = await connect(`tls://127.0.0.1:${port}`, { serverName: "localhost", caCerts: [CA] });
      await conn.sendAll("hello\n");
      assertEquals(await conn.readLine(), "hello");
    });
    await assertMinimal(args, line);
  },
});

Deno.test({
  name: "cli serve --print-permissions prints what upload needs for its folder: to read and to write it",
  ignore,
  fn: async () => {
    const dir = `${socketFolder()}/new folder`;
    const args = ["upload", "--dir", dir];
    const { line } = await printed(args);
    assertStringIncludes(line, `'--allow-read=${dir}' '--allow-write=${dir}'`);
    await whileServed(line, async ([endpoint]) => {
      using conn = await connect(endpoint, { readTimeout: 10_000 });
      const hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; // of "hello"
      await conn.sendAll(`put|a.txt|5|${hash}\n`);
      assertEquals(await conn.readLine(), "resume 0");
      await conn.sendAll("hello");
      assertEquals(await conn.readLine(), `stored ${hash}`);
    });
    assertEquals(await Deno.readTextFile(`${dir}/a.txt`), "hello");
    for (const [given, missing] of [["read", "write"], ["write", "read"]]) {
      const flags = ["--allow-net=127.0.0.1:0", `--allow-${given}=${dir}`];
      const { code, output, errors } = await cli(["serve", ...args], { flags });
      assertEquals([code, output], [1, ""]);
      assertEquals(
        errors,
        `error: Cannot serve upload: permission is missing, run with '--allow-${missing}=${dir}'\n`,
      );
    }
  },
});

for (const kind of ["tcp", "unix"]) {
  Deno.test({
    name: `cli serve --print-permissions lets proxy connect to its target over ${kind}, and to nothing else`,
    ignore,
    fn: async () => {
      const target = kind === "tcp" ? ["--tcp", "127.0.0.1:0"] : ["--unix", socketPath()];
      const inner = (await printed(["echo", ...target])).line;
      await whileServed(inner, async ([to]) => {
        const args = ["proxy", "--to", to, "--tcp", "127.0.0.1:0"];
        const { line } = await printed(args);
        const net = kind === "tcp" ? to.replace("tcp://", "") : to;
        assertEquals(flagsIn(line)[0], `--allow-net=127.0.0.1:0,${net}`);
        await whileServed(line, async ([endpoint]) => await echoes(endpoint));
        await assertMinimal(args, line);
        const { code, errors } = await cli(["serve", ...args], { flags: ["--allow-net=127.0.0.1:0"] });
        assertEquals(code, 1);
        assertMatch(
          errors,
          /^error: Cannot serve proxy: permission is missing, run with --allow-net=[^\n]*\n$/,
        );
      });
    },
  });
}

Deno.test({
  name: "cli serve --print-permissions prints a line that serves a program",
  ignore,
  fn: async () => {
    const { code, output, errors } = await cli(
      ["serve", "--exec", "--print-permissions", "--tcp", ":0", "--", "/bin/cat", "-u"],
      { flags: [] },
    );
    assertEquals([code, errors], [0, ""]);
    const line = output.trimEnd();
    assertEquals(flagsIn(line), ["--allow-net=127.0.0.1:0", "--allow-run=/bin/cat"]);
    await whileServed(line, async ([endpoint]) => await echoes(endpoint));
    await assertMinimal(["--exec", "--tcp", ":0", "--", "/bin/cat", "-u"], line);
  },
});

// --- Handlers of one's own --------------------------------------------------------------------------------------------

const GREETER = 'import { greeting } from "./lib/greeting.ts";\n' +
  'import type { Connection } from "./lib/types.ts";\n' +
  '/* import "./lib/commented.ts"; */\n' +
  "export const permissions = { read: [new URL('data.txt', import.meta.url).pathname] };\n" +
  "export default async (conn: Connection) =>\n" +
  "  await conn.sendAll(greeting + await Deno.readTextFile(new URL('data.txt', import.meta.url)) + '\\n');\n";

/** A handler in a folder of its own: it imports a file, and reads one. */
async function greeter(): Promise<string> {
  const folder = `${socketPath()}.handler`;
  await Deno.mkdir(`${folder}/lib`, { recursive: true });
  await Deno.writeTextFile(`${folder}/greeter.ts`, GREETER);
  await Deno.writeTextFile(`${folder}/lib/greeting.ts`, 'export const greeting = "hello, ";\n');
  await Deno.writeTextFile(`${folder}/lib/types.ts`, "export type Connection = any;\n");
  await Deno.writeTextFile(`${folder}/data.txt`, "data");
  return folder;
}

async function assertGreets(endpoint: string): Promise<void> {
  using conn = await connect(endpoint, { readTimeout: 10_000 });
  assertEquals(await conn.readLine(), "hello, data");
}

Deno.test({
  name:
    "cli serve --print-permissions names the files that a local handler imports, and those that it says it needs",
  ignore,
  fn: async () => {
    const folder = await greeter();
    const args = [`${folder}/greeter.ts`];
    const { line, notes } = await printed(args, ["--allow-read"]);
    assertEquals(notes, "");
    const files = ["data.txt", "greeter.ts", "lib/greeting.ts"].map((file) => `${folder}/${file}`);
    assertEquals(flagsIn(line), ["--allow-net=127.0.0.1:0", `--allow-read=${files.join(",")}`]);
    await whileServed(line, async ([endpoint]) => await assertGreets(endpoint));
    for (const file of files) {
      const others = files.filter((other) => other !== file).join(",");
      const flags = ["--allow-net=127.0.0.1:0", `--allow-read=${others}`];
      const { code, errors } = await cli(["serve", ...args], { flags });
      assertEquals(code, 1);
      assertMatch(errors, /^error: [^\n]*--allow-read[^\n]*\n$/);
      assertStringIncludes(errors, file);
    }
  },
});

Deno.test({
  name: "cli serve --print-permissions names a file from the working directory only where it lies within",
  ignore,
  fn: async () => {
    const folder = await greeter();
    const { output } = await cli(["serve", `${folder}/greeter.ts`, "--print-permissions"], {
      cwd: `${folder}/lib`,
    });
    const read = `${folder}/data.txt,${folder}/greeter.ts,greeting.ts`;
    assertEquals(flagsIn(output.trimEnd()), ["--allow-net=127.0.0.1:0", `--allow-read=${read}`]);
  },
});

Deno.test({
  name:
    "cli serve --print-permissions does without a look at a local handler, and says so; its line suffices",
  ignore,
  fn: async () => {
    const path = `${await greeter()}/greeter.ts`;
    const { line, notes } = await printed([path, "--tcp", ":0"]);
    assertEquals(flagsIn(line), ["--allow-net=127.0.0.1:0", "--allow-read"]);
    assertMatch(notes, /^note: [^\n]*greeter\.ts was not looked into[^\n]*--allow-read[^\n]*\n$/);
    await whileServed(line, async ([endpoint]) => await assertGreets(endpoint));
  },
});

Deno.test("cli serve --print-permissions takes flags for settings of a handler that it may not look at", async () => {
  const { line } = await printed(["./nowhere.ts", "--colour", "dark blue", "--udp", ":0"]);
  assertMatch(
    line,
    /run --allow-net=127\.0\.0\.1 --allow-read \S*cli\.ts serve \.\/nowhere\.ts --colour 'dark blue' --udp :0$/,
  );
});

Deno.test("cli serve --print-permissions has the kit's own files read for a handler that imports them", async () => {
  const folder = socketFolder();
  await Deno.writeTextFile(
    `${folder}/classy.ts`,
    'import { StreamRequestHandler } from "@switchboard/kit";\nexport default class extends StreamRequestHandler {}\n',
  );
  const { output } = await cli(["serve", `${folder}/classy.ts`, "--print-permissions"]);
  assertEquals(flagsIn(output.trimEnd())[1].split(",").length, 2);
});

Deno.test("cli serve --print-permissions lets a remote handler be imported, and does not import it", async () => {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    throw new Error("nobody should ask");
  });
  const { port } = server.addr;
  const { line, notes } = await printed([`http://127.0.0.1:${port}/handler.ts`, "--tcp", ":0"]);
  assertEquals(flagsIn(line), ["--allow-net=127.0.0.1:0", "--allow-import"]);
  assertMatch(notes, /^note: [^\n]*--allow-import[^\n]*\n$/);
});

Deno.test("cli serve names --allow-import where a remote handler may not be imported", async () => {
  const { code, output, errors } = await cli(["serve", "http://127.0.0.1:9/handler.ts"], {
    flags: ["--allow-net"],
  });
  assertEquals([code, output], [1, ""]);
  assertMatch(errors, /^error: Cannot load the handler http:[^\n]*--allow-import[^\n]*\n$/);
});

Deno.test("cli serve says in one line that a handler's permissions are none", async () => {
  for (
    const [code, said] of [
      ["export const permissions = { disk: true };", /there is no permission "disk"/],
      ["export const permissions = { read: 'data' };", /"read" is true or a list/],
      ["export const permissions = () => 7;", /permissions are an object/],
    ] as const
  ) {
    const handler = handlerModule(`${code} export default () => {};`);
    const ending = await cli(["serve", handler]);
    assertEquals([ending.code, ending.output], [1, ""]);
    assertMatch(ending.errors, /^error: [^\n]*\n$/);
    assertMatch(ending.errors, said);
  }
});

// --- What it prints ----------------------------------------------------------------------------------------------------

Deno.test("deno task start runs the line that is printed for serve", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  const { line } = await printed([]);
  assertEquals(line.replace(/^npx -y deno@\S+/, "deno"), tasks.start);
});

Deno.test({
  name:
    "cli serve --print-permissions, when it comes from elsewhere, has --unstable-net where nothing goes without it",
  ignore,
  fn: async () => {
    await using server = kitOverHttp();
    const program = `http://127.0.0.1:${server.addr.port}/cli.ts`;
    const printed = async (...args: string[]): ReturnType<typeof run> => {
      const flags = ["run", "--quiet", "--no-prompt", ...HTTP_FLAGS, program, "serve", "echo"];
      return await run(Deno.execPath(), [...flags, ...args, "--print-permissions"]);
    };
    const unixgram = await printed("--unixgram", "/tmp/x.sock");
    assertMatch(
      unixgram.output,
      / --allow-write --unstable-net http:\S+ serve echo --unixgram \/tmp\/x\.sock\n$/,
    );
    assertEquals(unixgram.errors, "");
    const udp = await printed("--udp", ":0");
    assertStringIncludes(udp.output, ` run --allow-net=127.0.0.1 ${program} serve echo --udp :0\n`);
    assertMatch(udp.errors, /^note: with --unstable-net [^\n]*\n$/);
  },
});

Deno.test("cli serve --print-permissions prints nothing for a command line that cannot be", async () => {
  for (const args of [["echo", "--tpc", ":0"], ["proxy"], ["echo", "--tls", ":0"], ["--tcp", ":0"]]) {
    const { code, output, errors } = await cli(["serve", ...args, "--print-permissions"], { flags: [] });
    assertEquals([code, output], [2, ""], args.join(" "));
    assertMatch(errors, /^error: [^\n]*\n$/);
  }
});

// --- Other permissions that are missing ---------------------------------------------------------------------------------

const MISSING: [string, string[], string[], RegExp][] = [
  ["to talk over UDP", ["connect", "udp://127.0.0.1:9"], [], /--allow-net=127\.0\.0\.1:0,127\.0\.0\.1:9$/m],
  ["to talk to a name over UDP", ["connect", "udp://localhost:9"], [], /--allow-net$/m],
  [
    "to talk to a Unix socket for datagrams",
    ["connect", "unixgram:/tmp/x"],
    [],
    /--allow-net --allow-read --allow-write$/m,
  ],
  [
    "to connect to a Unix socket",
    ["connect", "unix:/tmp/x"],
    ["--allow-net"],
    /--allow-read=\/tmp\/x --allow-write=\/tmp\/x$/m,
  ],
  ["to read --ca", ["connect", "tls://127.0.0.1:9", "--ca", "ca.pem"], ["--allow-net"], /--allow-read/],
];

for (const [what, args, flags, said] of MISSING) {
  Deno.test({
    name: `cli ${args[0]} without the permission ${what} (${flags}) names the flag in one line`,
    ignore,
    fn: async () => {
      const { code, output, errors } = await cli(args, { flags });
      assertEquals([code, output], [1, ""]);
      assertMatch(errors, /^error: [^\n]*\n$/);
      assertMatch(errors, said);
    },
  });
}

for (const granted of ["localhost:0", "localhost"]) {
  Deno.test(`UdpServer.listen() at a name, without --unstable-net and granted ${granted}, names the flag in one line`, async () => {
    const code = `import { UdpServer } from "${new URL("../server/udp_server.ts", import.meta.url)}";
      await new UdpServer(() => {}, { hostname: "localhost" }).listen().catch((error) => console.log(error.message));`;
    const flags = ["--quiet", "--no-prompt", "--no-config", `--allow-net=${granted}`];
    const { output, errors } = await run(Deno.execPath(), ["run", ...flags, "-"], code);
    assertEquals(errors, "");
    assertMatch(
      output,
      /^Cannot listen on udp:\/\/localhost:0: permission is missing, run with --allow-net=\S*127\.0\.0\.1\S*\n$/,
    );
  });
}

Deno.test({
  name: "cli serve asks nobody where there is no terminal",
  ignore,
  fn: async () => {
    const command = ["run", "--quiet", new URL("../cli.ts", import.meta.url).href, "serve"];
    for (const args of [["upload"], ["echo", "--udp", ":0"], ["./nowhere.ts"]]) {
      const { code, errors } = await within(run(Deno.execPath(), [...command, ...args]), "the end of serve");
      assertEquals(code, 1);
      assertStringIncludes(errors, "--allow-");
    }
  },
});
