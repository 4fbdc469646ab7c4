import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect, type Connection } from "../mod.ts";
import { cli, startCli } from "./_support/cli.ts";
import { isInstalled } from "./_support/command.ts";
import { turn, within } from "./_support/deadline.ts";
import type { Program } from "./_support/program.ts";
import { socketPath } from "./_support/socket_folder.ts";

const ignore = Deno.build.os === "windows" || !isInstalled("sh") || !isInstalled("cat");

/** Starts `serve --exec` with flags and a command, talks to it, ends it, and gives how it ended. */
async function served(
  flags: string[],
  command: string[],
  talk: (conn: Connection, server: Program) => Promise<void>,
  permissions?: string[],
): Promise<{ code: number; errors: string[] }> {
  await using server = startCli(["serve", "--exec", "--tcp", ":0", ...flags, "--", ...command], permissions);
  const addr = await server.address();
  using conn = await connect(addr, { readTimeout: 20_000 });
  await talk(conn, server);
  server.kill("SIGTERM");
  const { code, errors } = await within(server.end(), "the end of the program", 20_000);
  return { code, errors: errors.trimEnd().split("\n") };
}

const script = (text: string): string[] => ["sh", "-c", text];

async function readAll(conn: Connection): Promise<string[]> {
  return await Array.fromAsync(conn.lines());
}

Deno.test({
  name: "cli serve --exec joins a program and a connection, with few permissions",
  ignore,
  async fn() {
    const { code, errors } = await served([], ["cat"], async (conn) => {
      await conn.sendAll("hello\n");
      assertEquals(await conn.readLine(), "hello");
      await conn.closeWrite();
      assertEquals(await conn.recv(), null);
    }, ["--allow-net", "--allow-run=cat"]);
    assertEquals(code, 0);
    assertMatch(errors[0], / cat closed #1 tcp:\S+ \S+ ms, 6 B in, 6 B out: done$/);
  },
});

Deno.test({
  name: "cli serve --exec listens on Unix sockets too, with all other flags",
  ignore,
  async fn() {
    const path = socketPath();
    await using server = startCli([
      "serve",
      "--exec",
      "--unix",
      path,
      "--idle-timeout",
      "100ms",
      "--",
      "cat",
    ]);
    await server.until(/^cat: listening on unix:/);
    using conn = await connect(`unix:${path}`);
    assertEquals(await within(conn.recv().catch(() => null), "the idle end"), null);
  },
});

Deno.test({
  name: "cli serve --exec leaves what follows -- to the program, --help too",
  ignore,
  async fn() {
    await served(["--log", "off"], ["printf", "%s|", "--help", "-h", "--exec", "--tcp"], async (conn) => {
      assertEquals(await conn.readLine(), "--help|-h|--exec|--tcp|");
    });
  },
});

Deno.test({
  name: "cli serve --exec gives the program few variables, and those that --exec-env names",
  ignore,
  async fn() {
    let names: string[] = [];
    await served(["--exec-env", "GREETING=a=b", "--exec-env", "NO_COLOR"], ["env"], async (conn) => {
      const lines = await readAll(conn);
      assert(lines.includes("GREETING=a=b"));
      assert(lines.includes("NO_COLOR=1"));
      names = lines.map((line) => line.replace(/=.*/, ""));
    });
    const allowed = [
      "PATH",
      "HOME",
      "USER",
      "LOGNAME",
      "LANG",
      "LC_ALL",
      "TZ",
      "GREETING",
      "NO_COLOR",
      "PROTO",
    ];
    assertEquals(
      names.filter((name) => !allowed.includes(name) && !/^TCP(LOCAL|REMOTE)(IP|PORT)$/.test(name)),
      [],
    );
    assert(names.includes("PATH"));
  },
});

Deno.test({
  name: "cli serve --exec writes standard error and failed exits into the log, as text",
  ignore,
  async fn() {
    const { errors } = await served(
      [],
      script("printf '  one\\033[31m\\007two\\n' >&2; exit 3"),
      async (conn) => {
        await readAll(conn);
        await within(conn.recv(), "the end");
      },
    );
    assertMatch(errors[0], /^\S+Z sh stderr #1 tcp:\/\/127\.0\.0\.1:\d+: {3}one two$/);
    assertMatch(errors[1], /^\S+Z sh exited #1 tcp:\/\/127\.0\.0\.1:\d+: status 3, pid \d+$/);
  },
});

Deno.test({
  name: "cli serve --exec --log json writes one object for each line and for a failed exit",
  ignore,
  async fn() {
    const { errors } = await served(
      ["--log", "json"],
      script("echo oops >&2; kill -SEGV $$"),
      async (conn) => {
        await readAll(conn);
      },
    );
    const [line, exit] = errors.map((text) => text.startsWith("{") ? JSON.parse(text) : {});
    assertEquals([line.handler, line.event, line.id, line.line], ["sh", "stderr", 1, "oops"]);
    assertEquals([exit.event, exit.signal, exit.status], ["exited", "SIGSEGV", undefined]);
  },
});

Deno.test({
  name: "cli serve --exec --log off still tells what programs complain of",
  ignore,
  async fn() {
    const { errors } = await served(["--log", "off"], script("echo oops >&2"), async (conn) => {
      await readAll(conn);
    });
    assertMatch(errors[0], / sh stderr #1 .*: oops$/);
    assertEquals(errors.filter((line) => line.includes("closed")), []);
  },
});

Deno.test({
  name: "cli serve --exec serves no more at once than --max-connections",
  ignore,
  async fn() {
    await using server = startCli(["serve", "--exec", "--tcp", ":0", "--max-connections", "1", "--", "cat"]);
    const addr = await server.address();
    using first = await connect(addr);
    await first.sendAll("1\n");
    assertEquals(await first.readLine(), "1");
    using second = await connect(addr);
    await second.sendAll("2\n");
    const answer = second.readLine();
    for (let i = 0; i < 50; i++) await turn();
    assertEquals(second.bytesIn, 0);
    await first.closeWrite();
    assertEquals(await within(answer, "the answer", 20_000), "2");
  },
});

Deno.test({
  name: "cli serve --exec lets programs come to their end when SIGTERM comes",
  ignore,
  async fn() {
    const counting = script("read -r line; echo got $line; while read -r line; do :; done; echo bye");
    await using server = startCli(["serve", "--exec", "--tcp", ":0", "--", ...counting]);
    using conn = await connect(await server.address());
    await conn.sendAll("one\n");
    assertEquals(await conn.readLine(), "got one");
    server.kill("SIGTERM");
    assertEquals(await readAll(conn), ["bye"]);
    assertEquals((await within(server.end(), "the end", 20_000)).code, 0);
  },
});

for (
  const [how, flags, signals, expected] of [["the drain's deadline", ["--drain", "0"], 1, 1], [
    "a second signal",
    [],
    2,
    143,
  ]] as const
) {
  Deno.test({
    name: `cli serve --exec leaves no program behind at ${how}`,
    ignore: ignore || Deno.build.os !== "linux",
    async fn() {
      const stubborn = script("trap '' TERM HUP; echo $$; while :; do sleep 0.05; done");
      await using server = startCli(["serve", "--exec", "--tcp", ":0", ...flags, "--", ...stubborn]);
      using conn = await connect(await server.address());
      const pid = await conn.readLine();
      const ended = server.end();
      server.kill("SIGTERM");
      if (signals === 2) {
        const again = setInterval(() => server.kill("SIGTERM"), 100);
        await within(ended, "the end", 20_000).finally(() => clearInterval(again));
      }
      assertEquals((await within(ended, "the end", 20_000)).code, expected);
      await within(gone(pid!), "the end of the program");
    },
  });
}

/** Waits until there is no such process; one that only waits to be noticed by init is none. */
async function gone(pid: string): Promise<void> {
  for (;;) {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => ") Z");
    if (/\) Z/.test(stat)) return;
    await turn();
  }
}

const NET = "--allow-net=127.0.0.1";

/** Command lines that cannot be, with their permissions, exit codes, and what is said of them. */
const WRONG: [string[], string[], 1 | 2, RegExp][] = [
  [["--exec"], ["-A"], 2, /^error: --exec needs a command behind --: serve --exec --tcp :7000 -- COMMAND/],
  [["--exec", "--"], ["-A"], 2, /^error: --exec needs a command behind --/],
  [["--exec=yes", "--", "cat"], ["-A"], 2, /^error: --exec takes no value$/],
  [
    ["echo", "--exec", "--", "cat"],
    ["-A"],
    2,
    /^error: --exec serves cat: the handler echo cannot be served too$/,
  ],
  [["--exec", "--udp", ":0", "--", "cat"], ["-A"], 2, /^error: Cannot serve udp: no handler for datagrams/],
  [["--exec", "--max-connections", "0", "--", "cat"], ["-A"], 2, /^error: --max-connections must be/],
  [
    ["--exec", "--exec-env", "NO_SUCH", "--", "cat"],
    ["-A"],
    2,
    /^error: --exec-env: NO_SUCH is not set; NO_SUCH=/,
  ],
  [["--exec", "--exec-env", "=x", "--", "cat"], ["-A"], 2, /^error: --exec-env: "=x" is neither NAME nor/],
  [
    ["--exec", "--", "no-such-program"],
    ["-A"],
    1,
    /^error: Cannot run no-such-program: PATH leads to no such/,
  ],
  [["--exec", "--", "./no-such"], ["-A"], 1, /^error: Cannot run \.\/no-such: there is no such file$/],
  [
    ["--exec", "--", "./README.md"],
    ["-A"],
    1,
    /^error: Cannot run \.\/README\.md: it is not executable; chmod \+x/,
  ],
  [["--exec", "--", "./server"], ["-A"], 1, /^error: Cannot run \.\/server: it is no file$/],
  [
    ["--exec", "--", "cat"],
    [NET],
    1,
    /^error: Cannot run cat: permission is missing, run with --allow-run=cat$/,
  ],
  [["--exec", "--", "cat"], [NET, "--allow-run=sh"], 1, /run with --allow-run=cat$/],
  [["--exec", "--exec-env", "HOME", "--", "cat"], [NET, "--allow-run=cat"], 1, /run with --allow-env=HOME$/],
  [
    ["--exec", "--exec-env", "LD_PRELOAD=x", "--", "cat"],
    [NET, "--allow-run=cat"],
    1,
    /run with --allow-run$/,
  ],
];

for (const [args, permissions, expected, said] of WRONG) {
  Deno.test({
    name: `cli serve ${args.join(" ")} with ${permissions.join(" ")} ends in one line and ${expected}`,
    ignore,
    async fn() {
      const { code, output, errors } = await cli(["serve", ...args], { flags: permissions });
      assertEquals([code, output], [expected, ""]);
      assertMatch(errors.trimEnd(), said);
      assertEquals(errors.trimEnd().split("\n").length, 1);
    },
  });
}

Deno.test("cli serve --help tells of --exec, also with a command behind it", async () => {
  for (const args of [["--help"], ["--exec", "--help", "--", "cat"]]) {
    const { code, output } = await cli(["serve", ...args]);
    assertEquals(code, 0);
    assertStringIncludes(output, "serve --exec [FLAG …] -- COMMAND [ARG …]");
    assertStringIncludes(output, "  --exec-env NAME[=VALUE] …");
  }
});
