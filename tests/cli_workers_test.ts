import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect, connectDatagram, type Connection } from "../mod.ts";
import { CA, CERT, KEY } from "./_support/certificates.ts";
import { cli, handlerModule, startCli } from "./_support/cli.ts";
import { within } from "./_support/deadline.ts";
import { untilGone } from "./_support/process_end.ts";
import { Program } from "./_support/program.ts";
import { socketFolder, socketPath } from "./_support/socket_folder.ts";

const ignore = Deno.build.os === "windows";

/** The flag, and what the announcement calls them. */
const KINDS = [["--workers", "thread"], ["--processes", "process"]] as const;

/** Tells which process serves, and then does as it is told. */
const OBEDIENT = handlerModule(`
  export default async function obedient(conn) {
    conn.signal.addEventListener("abort", () => conn.sendAll("draining\\n"));
    await conn.sendAll(Deno.pid + "\\n");
    for (let line; (line = await conn.readLine()) !== null;) {
      if (line === "exit") Deno.exit(7);
      if (line === "hang") for (;;);
      if (line === "bye") return;
      await conn.sendAll(line + "\\n");
    }
  }
`);

const ends = (program: Program): ReturnType<Program["end"]> =>
  within(program.end(), "the end of the program", 30_000);

async function call(addr: Deno.NetAddr): Promise<{ conn: Connection; pid: number }> {
  const conn = await connect(addr, { readTimeout: 20_000 });
  return { conn, pid: Number(await conn.readLine()) };
}

/** The same after a death: who comes before it is noticed is lost with the dead one. */
async function callAgain(addr: Deno.NetAddr): Promise<{ conn: Connection; pid: number }> {
  for (;;) {
    const { conn, pid } = await call(addr).catch(() => ({ conn: undefined, pid: 0 }));
    if (conn && pid > 0) return { conn, pid };
    conn?.close();
  }
}

// --- What it says -------------------------------------------------------------------------------------------------------

/** What runs on workers, and what is said of it. */
const ANNOUNCED: [string[], RegExp, "linux"?][] = [
  [["--tcp", ":0", "--workers", "2"], /^echo: listening on tcp:\S+ with 2 threads \(load-balanced\)$/],
  [
    ["--tcp", ":0", "--processes", "2"],
    /^echo: listening on tcp:\S+ with 2 processes \(reuse-port\)$/,
    "linux",
  ],
  [["--unix", socketPath(), "--workers", "1"], /^echo: listening on unix:\S+ with 1 thread \(relay\)$/],
  [
    ["--unix", socketPath(), "--processes", "1"],
    /^echo: listening on unix:\S+ with 1 process \(hand-over\)$/,
  ],
  [["--udp", ":0", "--workers", "1"], /^echo: listening on udp:\S+ with 1 thread \(relay\)$/],
  [["--tcp", ":0", "--workers", "1", "--mechanism", "relay"], / with 1 thread \(relay\)$/],
];

for (const [args, line, os] of ANNOUNCED) {
  const shown = args.map((arg) => arg.startsWith("/") ? "PATH" : arg).join(" ");
  Deno.test({
    name: `cli serve echo ${shown} says how many workers there are, and how clients get to them`,
    ignore: ignore || (os !== undefined && os !== Deno.build.os),
    async fn() {
      await using server = startCli(["serve", "echo", ...args]);
      await server.until(line);
      server.kill();
      assertEquals((await ends(server)).code, 0);
    },
  });
}

/** Command lines that cannot be, and what is said of them. */
const WRONG: [string[], RegExp][] = [
  [["echo", "--workers", "2", "--processes", "2"], /--workers and --processes are two ways/],
  [["echo", "--workers", "0"], /^error: --workers must be a whole number from 1/],
  [["echo", "--processes", "many"], /^error: --processes: "many" is no number$/],
  [
    ["echo", "--recycle-after", "1"],
    /^error: --recycle-after says nothing without --workers or --processes$/,
  ],
  [["echo", "--workers", "2", "--grant", "net"], /^error: --grant says nothing without --processes$/],
  [
    ["echo", "--processes", "2", "--grant", "everything"],
    /^error: --grant: there is no permission "everything"/,
  ],
  [
    ["echo", "--processes", "2", "--grant", "read="],
    /^error: --grant: the permission "read" is true or a list/,
  ],
  [
    ["echo", "--processes", "4", "--max-children", "2"],
    /^error: --max-children must be at least .*4.* is 2$/,
  ],
  [["echo", "--workers", "1", "--mechanism", "fast"], /^error: --mechanism: "fast" is none of load-balanced/],
  [
    ["echo", "--workers", "1", "--mechanism", "hand-over"],
    /^error: Cannot listen on tcp:\S+: --mechanism cannot be "hand-over" here: possible is "load-balanced" or .*"relay"$/,
  ],
  [
    ["echo", "--udp", ":0", "--workers", "1", "--mechanism", "reuse-port"],
    /^error: --mechanism cannot be .* packets/,
  ],
  [
    ["echo", "--unixgram", "/tmp/x.sock", "--workers", "1"],
    /^error: Cannot serve unixgram endpoints with workers$/,
  ],
  [["--exec", "--workers", "2", "--", "cat"], /^error: --exec starts a process for each connection anyway/],
  [["--exec", "--processes", "2", "--", "cat"], /^error: --exec starts a process for each connection anyway/],
];

for (const [args, complaint] of WRONG) {
  Deno.test(`cli serve ${args.join(" ")} is refused with code 2 and one line`, async () => {
    const { code, output, errors } = await cli(["serve", ...args]);
    assertMatch(errors.trimEnd(), complaint);
    assertEquals([code, output, errors.trimEnd().split("\n").length], [2, "", 1], errors);
  });
}

Deno.test("cli serve takes --workers in the stead of the processes that a handler's module asks for", async () => {
  const module = handlerModule(
    "export default () => {}; export const options = { processes: 2, recycleAfter: 9 };",
  );
  await using server = startCli(["serve", module, "--workers", "1"]);
  await server.until(/ with 1 thread /);
});

// --- What gets to the workers -------------------------------------------------------------------------------------------

for (const [flag, noun] of KINDS) {
  Deno.test({
    name: `cli serve echo ${flag} serves over TCP, TLS, UDP and a Unix socket`,
    ignore,
    async fn() {
      const [path, folder] = [socketPath(), socketFolder()];
      Deno.writeTextFileSync(`${folder}/cert.pem`, CERT);
      Deno.writeTextFileSync(`${folder}/key.pem`, KEY);
      const pem = ["--cert", `${folder}/cert.pem`, "--key", `${folder}/key.pem`];
      const endpoints = ["--tcp", ":0", "--tls", ":0", ...pem, "--unix", path, "--udp", ":0"];
      await using server = startCli(["serve", "echo", ...endpoints, flag, "1"]);
      const [, tcp] = await server.until(/listening on (tcp:\S+)/);
      const [, tlsPort] = await server.until(/listening on tls:\S+:(\d+)/);
      const [, udp] = await server.until(/listening on (udp:\S+)/);
      for (const endpoint of [tcp, `tls://127.0.0.1:${tlsPort}`, `unix:${path}`]) {
        using conn = await connect(endpoint, { readTimeout: 20_000, serverName: "localhost", caCerts: [CA] });
        await conn.sendAll("hello\n");
        assertEquals(await conn.readLine(), "hello", endpoint);
      }
      await using client = await connectDatagram(udp);
      await client.send("hello");
      assertEquals(new TextDecoder().decode(await client.receive({ timeout: 20_000 })), "hello");
      server.kill();
      assertEquals((await ends(server)).code, 0);
    },
  });

  Deno.test(`cli serve ${flag} tells a handler's settings to every ${noun}`, async () => {
    const module = handlerModule(`
      export const settings = { word: { value: "WORD", help: "what is said" } };
      export const configure = ({ word }) => (conn) => conn.sendAll(word + "\\n");
      export default () => {};
    `);
    await using server = startCli(["serve", module, "--word", "hello", flag, "2"]);
    const addr = await server.address();
    for (let i = 0; i < 6; i++) {
      using conn = await connect(addr, { readTimeout: 20_000 });
      assertEquals(await conn.readLine(), "hello");
    }
  });

  Deno.test(`cli serve upload --dir DIR ${flag} stores files, and needs no more than what is printed`, async () => {
    const dir = await Deno.makeTempDir();
    await using server = await startPrinted(["upload", "--dir", dir, "--tcp", ":0", flag, "2"]);
    using conn = await connect(await server.address(), { readTimeout: 20_000 });
    await conn.sendAll("put|note.txt|5\n");
    assertEquals(await conn.readLine(), "ready");
    await conn.sendAll("hello");
    await conn.closeWrite();
    assertEquals(await conn.recv(), null);
    assertEquals(await Deno.readTextFile(`${dir}/note.txt`), "hello");
  });
}

// --- Permissions --------------------------------------------------------------------------------------------------------

async function printed(args: string[]): Promise<string> {
  const { code, output, errors } = await cli(["serve", ...args, "--print-permissions"], {
    flags: ["--allow-read"],
  });
  assertEquals(code, 0, errors);
  return output.trimEnd();
}

/** Starts what `--print-permissions` prints, as a shell does. */
async function startPrinted(args: string[]): Promise<Program> {
  const line = await printed(args);
  const command = line.replace(
    /^(?:deno|npx -y deno@\S+) run/,
    `exec "${Deno.execPath()}" run --quiet --no-prompt`,
  );
  return new Program("cli.ts", { starter: ["sh", "-c", command] });
}

/** What is served, and what 7 is answered with. */
const PERMITTED: [string, () => string[], string?][] = [
  ["TCP", () => ["echo", "--tcp", "127.0.0.1:0"]],
  ["a Unix socket", () => ["echo", "--unix", socketPath()]],
  ["UDP", () => ["echo", "--udp", "127.0.0.1:0"]],
  ["a file that imports by name", () => ["./examples/factor_server.ts", "--tcp", "127.0.0.1:0"], "7 = 7"],
];

for (const [what, make, answer = "7"] of PERMITTED) {
  for (const [flag] of KINDS) {
    Deno.test({
      name:
        `cli serve --print-permissions prints what ${what} with ${flag} takes, and nothing of it can be left out`,
      ignore,
      async fn() {
        const args = [...make(), flag, "1"];
        await using server = await startPrinted(args);
        const [, endpoint] = await server.until(/listening on (\S+) with 1 /);
        await assertAnswers(endpoint, answer);
        server.kill();
        assertEquals((await ends(server)).code, 0);
        await assertMinimal(args);
      },
    });
  }
}

async function assertAnswers(endpoint: string, answer: string): Promise<void> {
  if (endpoint.startsWith("udp:")) {
    await using client = await connectDatagram(endpoint);
    await client.send("7");
    assertEquals(new TextDecoder().decode(await client.receive({ timeout: 20_000 })), answer);
    return;
  }
  using conn = await connect(endpoint, { readTimeout: 20_000 });
  await conn.sendAll("7\n");
  assertEquals(await conn.readLine(), answer);
}

/** Without any one of the flags it ends with one line that names it. */
async function assertMinimal(args: string[]): Promise<void> {
  const line = await printed(args);
  const flags = line.split(" ").filter((word) => word.startsWith("--allow-"));
  assert(flags.length > 1, line);
  for (const flag of flags) {
    const others = flags.filter((other) => other !== flag);
    const { code, output, errors } = await cli(["serve", ...args], { flags: others });
    assertEquals([code, output], [1, ""], `${flag}: ${errors}`);
    assertMatch(errors, /^error: [^\n]*\n$/);
    assertStringIncludes(errors, flag.replace(/=.*/, ""));
  }
}

/** Reads the file that it is told, or says why not. */
const READER = handlerModule(`
  export default async function reader(conn) {
    for await (const path of conn.lines()) {
      const answer = await Deno.readTextFile(path).catch((error) => error.name);
      await conn.sendAll(answer + "\\n");
    }
  }
`);

Deno.test("cli serve --processes --grant lets the children do what is granted, and nothing else", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["open", "closed"]) await Deno.writeTextFile(`${folder}/${name}`, name);
  await using server = startCli([
    ...["serve", READER, "--tcp", ":0", "--processes", "1"],
    ...["--grant", `read=${folder}/open`, "--grant", "env"],
  ]);
  using conn = await connect(await server.address(), { readTimeout: 20_000 });
  await conn.sendAll(`${folder}/open\n${folder}/closed\n`);
  assertEquals([await conn.readLine(), await conn.readLine()], ["open", "NotCapable"]);
});

Deno.test("cli serve --processes --grant none leaves the children nothing but their connections", async () => {
  await using server = startCli(["serve", READER, "--tcp", ":0", "--processes", "1", "--grant", "none"]);
  using conn = await connect(await server.address(), { readTimeout: 20_000 });
  await conn.sendAll("README.md\n");
  assertEquals(await conn.readLine(), "NotCapable");
});

Deno.test("cli serve --grant cannot give what the server itself has not got", async () => {
  const flags = ["--allow-net", `--allow-run=${Deno.execPath()}`, "--allow-env"];
  const args = ["serve", READER, "--tcp", ":0", "--processes", "1", "--grant", "write=/etc"];
  const { code, output, errors } = await cli(args, { flags });
  assertEquals([code, output], [1, ""]);
  assertMatch(
    errors,
    /^error: Cannot give child processes what this one may not do itself: --allow-write=\/etc\n$/,
  );
});

// --- Workers that die ---------------------------------------------------------------------------------------------------

function linesAbout(errors: string, words: string): string[] {
  return errors.trimEnd().split("\n").filter((line) => line.includes(words));
}

Deno.test({
  name: "cli serve --processes tells of a killed process in one line, and serves on",
  ignore,
  async fn() {
    await using server = startCli(["serve", OBEDIENT, "--tcp", ":0", "--processes", "1"]);
    const addr = await server.address();
    const { conn, pid } = await call(addr);
    Deno.kill(pid, "SIGKILL");
    await conn.recv().catch(() => {});
    conn.close();
    const next = await within(callAgain(addr), "the next process", 30_000);
    assert(next.pid !== pid);
    next.conn.close();
    server.kill();
    const { code, errors } = await ends(server);
    assertEquals(code, 0, errors);
    assertEquals(linesAbout(errors, "worker failed").length, 1, errors);
    assertMatch(
      errors,
      new RegExp(` worker failed: A worker \\(process ${pid}\\) died: it was ended by SIGKILL\\n`),
    );
    assertMatch(errors, / closed #1 .*: worker\n/);
    await untilGone(next.pid);
  },
});

for (const [flag, noun] of KINDS) {
  Deno.test(`cli serve ${flag} --log off still tells of a ${noun} that ends itself`, async () => {
    await using server = startCli(["serve", OBEDIENT, "--tcp", ":0", flag, "1", "--log", "off"]);
    const addr = await server.address();
    const { conn } = await call(addr);
    await conn.sendAll("exit\n");
    await conn.recv().catch(() => {});
    conn.close();
    (await within(callAgain(addr), "the next worker", 30_000)).conn.close();
    server.kill();
    const { code, errors } = await ends(server);
    assertEquals(code, 0, errors);
    const told = linesAbout(errors, "worker failed");
    assertEquals(told.length, 1, errors);
    assertMatch(told[0], new RegExp(`A worker \\(${noun} \\d+\\) died: it ended with code 7$`));
  });

  Deno.test(`cli serve ${flag} --heartbeat-timeout replaces a ${noun} in an endless loop`, async () => {
    const args = [
      "serve",
      OBEDIENT,
      "--tcp",
      ":0",
      flag,
      "1",
      "--heartbeat-timeout",
      "500ms",
      "--log",
      "json",
    ];
    await using server = startCli(args);
    const addr = await server.address();
    const { conn } = await call(addr);
    await conn.sendAll("hang\n");
    await conn.recv().catch(() => {});
    conn.close();
    (await within(callAgain(addr), "the next worker", 30_000)).conn.close();
    server.kill();
    const { code, errors } = await ends(server);
    assertEquals(code, 0, errors);
    const [entry, ...more] = linesAbout(errors, "worker failed").map((line) => JSON.parse(line));
    assertEquals(more, []);
    assertMatch(entry.error, /it hangs: its event loop has not turned for 500 ms$/);
  });

  Deno.test(`cli serve ${flag} ends with code 1 and one line when one ${noun} after the other ends itself`, async () => {
    const module = handlerModule(`
      export default () => {};
      const { isMainThread } = process.getBuiltinModule("node:worker_threads");
      if (!isMainThread || process.send) setTimeout(() => Deno.exit(7), 200);
    `);
    await using server = startCli(["serve", module, "--tcp", ":0", flag, "1", "--max-restarts", "1"]);
    await server.address();
    const { code, errors } = await ends(server);
    const said = errors.trimEnd().split("\n");
    assertEquals([code, said.length], [1, 3], errors);
    for (const line of said.slice(0, 2)) assertMatch(line, / worker failed: A worker \(\w+ \d+\) died: /);
    assertMatch(
      said[2],
      /^error: Workers die as soon as they start, 2 times in a row; the last one: it ended with code 7$/,
    );
  });

  Deno.test(`cli serve ${flag} says in one line that the handler does not load in a ${noun}, and is over`, async () => {
    const module = handlerModule(`
      const { isMainThread } = process.getBuiltinModule("node:worker_threads");
      if (!isMainThread || process.send) throw new Error("not here");
      export default () => {};
    `);
    const { code, output, errors } = await cli(["serve", module, flag, "2"]);
    assertEquals([code, output], [1, ""]);
    assertMatch(errors, /^error: A worker does not start: [^\n]*not here[^\n]*\n$/);
  });
}

Deno.test({
  name: "cli serve --processes 1 --recycle-after 1 has a process for each client",
  ignore,
  async fn() {
    await using server = startCli([
      "serve",
      OBEDIENT,
      "--tcp",
      ":0",
      "--processes",
      "1",
      "--recycle-after",
      "1",
    ]);
    const addr = await server.address();
    const pids = new Set<number>();
    for (let i = 0; i < 3; i++) {
      const { conn, pid } = await call(addr);
      await conn.sendAll("bye\n");
      assertEquals(await conn.recv(), null);
      conn.close();
      pids.add(pid);
    }
    assertEquals(pids.size, 3);
    server.kill();
    const { code, errors } = await ends(server);
    assertEquals([code, linesAbout(errors, "worker failed")], [0, []], errors);
    for (const pid of pids) await untilGone(pid);
  },
});

// --- Signals ------------------------------------------------------------------------------------------------------------

for (const [flag, noun] of KINDS) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.test({
      name:
        `cli serve ${flag} lets connections on a ${noun} come to their end on ${signal}, and leaves none behind`,
      ignore,
      async fn() {
        await using server = startCli(["serve", OBEDIENT, "--tcp", ":0", flag, "2"]);
        const { conn, pid } = await call(await server.address());
        server.kill(signal);
        assertEquals(await conn.readLine(), "draining");
        await conn.sendAll("still there\n");
        assertEquals(await conn.readLine(), "still there");
        await conn.sendAll("bye\n");
        assertEquals(await conn.recv(), null);
        conn.close();
        const { code, errors } = await ends(server);
        assertEquals(code, 0, errors);
        assertMatch(errors, new RegExp(`${signal}: draining, 1 still served`));
        await untilGone(pid);
      },
    });
  }

  Deno.test({
    name:
      `cli serve ${flag} cuts off what a ${noun} still serves when the time to drain is over, with code 1`,
    ignore,
    async fn() {
      await using server = startCli(["serve", OBEDIENT, "--tcp", ":0", flag, "1", "--drain", "100ms"]);
      const { conn, pid } = await call(await server.address());
      server.kill();
      assertEquals(await conn.readLine(), "draining");
      const { code, errors } = await ends(server);
      conn.close();
      assertEquals(code, 1, errors);
      assertMatch(errors, /The time to drain is over: 1 cut off\n/);
      await untilGone(pid);
    },
  });

  Deno.test({
    name: `cli serve ${flag} ends at once on a second signal, and no ${noun} outlives it`,
    ignore,
    async fn() {
      await using server = startCli(["serve", OBEDIENT, "--tcp", ":0", flag, "1"]);
      const { conn, pid } = await call(await server.address());
      server.kill();
      assertEquals(await conn.readLine(), "draining");
      server.kill();
      assertEquals((await ends(server)).code, 128 + 15);
      conn.close();
      await untilGone(pid);
    },
  });
}

Deno.test({
  name: "cli serve --processes ends on a signal while a process loads its handler, and that one with it",
  ignore,
  async fn() {
    const module = handlerModule(`
      export default () => {};
      if (process.send) {
        console.log("loading " + Deno.pid);
        await new Promise(() => {});
      }
    `);
    await using server = startCli(["serve", module, "--processes", "2"]);
    const [, pid] = await server.until(/^loading (\d+)$/);
    server.kill();
    const { code, errors } = await ends(server);
    assertEquals([code, errors], [0, "SIGTERM: nothing was served yet\n"]);
    await untilGone(Number(pid));
  },
});
