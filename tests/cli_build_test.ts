import { existsSync } from "node:fs";
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { connect, shippedHandlers } from "../mod.ts";
import { cli, type Ending } from "./_support/cli.ts";
import { isInstalled, run } from "./_support/command.ts";
import { within } from "./_support/deadline.ts";
import { Program } from "./_support/program.ts";

/** Everything is made below it. */
const folder = Deno.makeTempDirSync({ prefix: "switchboard-build-" });

/** A bundle of the handler, made once: made whole, it is the same for every test. */
const BUNDLE = `${folder}/bundle.js`;

const HANDLER = `${folder}/greet.ts`;

/** Other flags than those of a clone: nothing but this file is to be had. */
const ALONE = [
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--no-remote",
  "--no-npm",
  "--cached-only",
  "--deny-import",
  "--allow-net=127.0.0.1",
];

let made: Ending;

Deno.test.beforeAll(async () => {
  await Deno.writeTextFile(`${folder}/greeting.ts`, `export const greeting: string = "good morning";\n`);
  await Deno.writeTextFile(
    HANDLER,
    `
    import { greeting } from "./greeting.ts";
    interface Client { sendAll(text: string): Promise<void> }
    export const settings = { whom: { value: "NAME", help: "whom to greet" } };
    export function configure({ whom = "everybody" }: { whom?: string }) {
      return async function greet(client: Client): Promise<void> {
        await client.sendAll(\`\${greeting}, \${whom}\\n\`);
      };
    }
    export default configure({});
    `,
  );
  made = await build(HANDLER, "-o", BUNDLE, "--bundle", "--tcp", "127.0.0.1:0", "--whom", "Ada", "--drain=1");
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

function build(...args: string[]): Promise<Ending> {
  return cli(["build", ...args], { env: OFFLINE });
}

/** A runtime that is not there yet must not be fetched; the bundler comes from npm, which goes without a proxy. */
const OFFLINE = { DENORT_BIN: `${folder}/no-runtime` };

/** A folder with nothing in it. */
function emptyFolder(): Promise<string> {
  return Deno.makeTempDir({ dir: folder });
}

async function namesIn(path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(path)) names.push(name);
  return names.sort();
}

/** Runs a bundle alone in an empty folder. */
async function startAlone(bundle: string, args: string[] = [], flags = ALONE): Promise<Program> {
  const name = bundle.replace(/.*\//, "");
  const cwd = await emptyFolder();
  await Deno.copyFile(bundle, `${cwd}/${name}`);
  return new Program({
    command: [Deno.execPath(), "run", ...flags, name, ...args],
    cwd,
    env: { NO_COLOR: "1", DENO_DIR: `${cwd}/cache`, PATH: Deno.env.get("PATH")! },
  });
}

async function firstLine(addr: Deno.NetAddr): Promise<string | null> {
  using conn = await connect(addr);
  return await conn.readLine();
}

const ends = (program: Program): ReturnType<Program["end"]> =>
  within(program.end(), "the end of the program", 20_000);

Deno.test("cli build --help shows examples first, and names its own flags", async () => {
  const { code, output, errors } = await cli(["build", "--help"]);
  assertEquals([code, errors, output.split("\n")[2]], [0, "", "Examples:"]);
  for (const flag of ["bundle", "with-deno", "target SYSTEM", "include MODULE …", "force", "no-check"]) {
    assertStringIncludes(output, `  --${flag} `);
  }
});

// --- What bad input gets ------------------------------------------------------------------------------------------------

await Deno.writeTextFile(
  `${folder}/wrong.ts`,
  `const wrong: number = "text";\nexport default () => wrong;\n`,
);
await Deno.writeTextFile(`${folder}/no_handler.ts`, "export const x = 1;\n");
await Deno.writeTextFile(`${folder}/there.js`, "precious");

const OUT = `${folder}/out`;

/** Command lines that cannot be, with their exit codes and what is said of them. */
const WRONG: [string[], 1 | 2, RegExp][] = [
  [[], 2, /^error: build takes one handler: build HANDLER -o FILE$/],
  [["echo", "time", "-o", OUT], 2, /^error: build takes one handler/],
  [["echo"], 2, /^error: -o is missing: build echo -o FILE$/],
  [["echo", "-o"], 2, /^error: --output needs a value/],
  [["ecko", "-o", OUT], 1, /^error: There is no handler "ecko": shipped are /],
  [[`${folder}/nope.ts`, "-o", OUT], 1, /^error: Cannot load the handler .*nope\.ts: there is no such file$/],
  [
    [`${folder}/wrong.ts`, "-o", OUT, "--bundle"],
    1,
    /wrong\.ts does not type-check: TS2322: Type 'string' .*\(.*wrong\.ts:1:7\); deno check .*wrong\.ts shows .*--no-check/,
  ],
  [
    [`${folder}/no_handler.ts`, "-o", OUT],
    1,
    /^error: Cannot use .*no_handler\.ts as a handler: it exports neither/,
  ],
  [
    ["echo", "-o", `${folder}/there.js`, "--bundle"],
    1,
    /^error: Cannot write .*there\.js: it is there already; --force/,
  ],
  [["echo", "-o", folder, "--force"], 1, /^error: Cannot write \S+: it is a folder$/],
  [["echo", "-o", `${folder}/none/out`], 1, /^error: Cannot write \S+: there is no folder \S+none$/],
  [["echo", "-o", `${folder}/`], 2, /^error: -o needs the name of a file/],
  [
    ["echo", "-o", OUT, "--target", "pdp11"],
    2,
    /^error: --target: "pdp11" is none of x86_64-unknown-linux-gnu, .*aarch64-pc-windows-msvc$/,
  ],
  [
    ["echo", "-o", OUT, "--bundle", "--target", "x86_64-apple-darwin"],
    2,
    /^error: --target is not for --bundle$/,
  ],
  [
    ["echo", "-o", OUT, "--bundle", "--with-deno"],
    2,
    /^error: --bundle and --with-deno are two different files$/,
  ],
  [["echo", "-o", OUT, "--tpc", ":0"], 2, /^error: There is no flag --tpc; did you mean --tcp\?$/],
  [["echo", "-o", OUT, "--tcp", ":70000"], 2, /^error: .*70000$/],
  [["echo", "-o", OUT, "--max-connections", "0"], 2, /^error: --max-connections must be/],
  [["echo", "-o", OUT, "--whom", "Ada"], 2, /^error: There is no flag --whom$/],
  [["echo", "-o", OUT, "--allow-cake"], 2, /^error: there is no permission "cake": there are net, read/],
  [["-o", OUT, "--exec", "--", "cat"], 2, /^error: build takes a handler, no command/],
  [
    ["echo", "-o", OUT],
    1,
    /^error: Cannot compile without Deno's runtime for \S+: .*DENORT_BIN=FILE, or build with --bundle/,
  ],
];

for (const [args, code, complaint] of WRONG) {
  const shown = args.join(" ").replaceAll(folder, "…");
  Deno.test(`cli build ${shown} is refused with code ${code} and one line, and leaves nothing`, async () => {
    const before = await namesIn(folder);
    const ending = await build(...args);
    assertMatch(ending.errors.trimEnd(), complaint);
    assertEquals([ending.code, ending.output, ending.errors.trimEnd().split("\n").length], [code, "", 1]);
    assertEquals(await namesIn(folder), before);
  });
}

Deno.test("cli build leaves a file that is there as it is, and replaces it with --force", async () => {
  const file = `${await emptyFolder()}/out.js`;
  await Deno.writeTextFile(file, "precious");
  assertEquals((await build("echo", "--bundle", "-o", file)).code, 1);
  assertEquals(await Deno.readTextFile(file), "precious");
  assertEquals((await build("echo", "--bundle", "-o", file, "--force")).code, 0);
  assertStringIncludes(await Deno.readTextFile(file), "runProgram");
});

Deno.test("cli build --no-check makes a program of a handler that does not type-check", async () => {
  const file = `${await emptyFolder()}/out.js`;
  const { code } = await build(`${folder}/wrong.ts`, "--bundle", "--no-check", "-o", file);
  assertEquals(code, 0);
});

Deno.test("cli build ends with code 130 on SIGINT, and leaves nothing", async () => {
  const place = await emptyFolder();
  // What the handler's module prints tells that the build has come to it; it never ends.
  const handler = `${place}/handler.ts`;
  await Deno.writeTextFile(
    handler,
    `console.log("loading"); await new Promise((r) => setTimeout(r, 60_000));`,
  );
  await using program = new Program("cli.ts", {
    args: ["build", handler, "--bundle", "-o", `${place}/out.js`],
  });
  await program.until(/^loading$/);
  assertEquals((await namesIn(place)).length, 2); // the handler, and where the file is made
  program.kill("SIGINT");
  const { code, errors } = await ends(program);
  assertEquals([code, errors], [130, "error: SIGINT came first: nothing is written\n"]);
  assertEquals(await namesIn(place), ["handler.ts"]);
});

// --- A bundle -----------------------------------------------------------------------------------------------------------

Deno.test("cli build --bundle says how to run what it made", () => {
  assertEquals(made, {
    code: 0,
    output: `${BUNDLE} is made: deno run --allow-net=127.0.0.1 ${BUNDLE}\n`,
    errors: "",
  });
});

Deno.test("cli build --bundle makes a file that imports nothing but Node's built-ins", async () => {
  const code = await Deno.readTextFile(BUNDLE);
  const imported = [...code.matchAll(/^\s*(?:import|export)\b.*?\bfrom\s*"([^"]*)"/gm)].map(([, name]) =>
    name
  );
  assertEquals(imported.filter((name) => !name.startsWith("node:")), []);
  assertEquals([...code.matchAll(/\bimport\(["'`]/g)].length, 0);
});

Deno.test("cli build --bundle makes the same file of the same handler, wherever it is put", async () => {
  const place = await emptyFolder();
  for (const name of ["one.js", "two.js"]) await build("echo", "--bundle", "-o", `${place}/${name}`);
  assertEquals(await Deno.readTextFile(`${place}/one.js`), await Deno.readTextFile(`${place}/two.js`));
});

Deno.test("a bundle serves alone in an empty folder with the permissions that were named", async () => {
  await using program = await startAlone(BUNDLE);
  const addr = await program.address();
  assertEquals(await firstLine(addr), "good morning, Ada");
  await program.until(/^ {2}ncat 127\.0\.0\.1 \d+$/); // and not how to connect with a command that it does not have
  program.kill("SIGINT");
  const { code, errors } = await ends(program);
  assertEquals(code, 0);
  assertMatch(errors, /greet closed #1 .*: done\nSIGINT: draining/);
});

Deno.test("a bundle's own flags stand over those built in", async () => {
  await using program = await startAlone(BUNDLE, ["--whom", "Grace", "--log", "off"]);
  assertEquals(await firstLine(await program.address()), "good morning, Grace");
  program.kill("SIGINT");
  const { code, errors } = await ends(program);
  assertEquals([code, errors.includes("closed")], [0, false]);
});

Deno.test("a bundle's own endpoint stands in the place of those built in", async () => {
  await using program = await startAlone(BUNDLE, ["--tcp", "[::1]:0"], [...ALONE, "--allow-net=[::1]"]);
  await program.until(/^greet: listening on tcp:\/\/\[::1\]:\d+$/);
  program.kill("SIGINT");
  const { output } = await ends(program);
  assertEquals(output.filter((line) => line.includes("listening")), []);
});

Deno.test("a bundle says in its help what is built in, and names its handler's flags", async () => {
  const { code, output, errors } = await ends(await startAlone(BUNDLE, ["--help"]));
  assertEquals([code, errors], [0, ""]);
  const help = output.join("\n");
  assertStringIncludes(help, "Built in: --tcp=127.0.0.1:0 --drain=1 --whom=Ada");
  assertStringIncludes(help, "--whom NAME  whom to greet");
});

Deno.test("a bundle names its version", async () => {
  const { output } = await ends(await startAlone(BUNDLE, ["--version"]));
  assertEquals(output, [`greet (switchboard ${config.version})`]);
});

for (
  const [args, complaint] of [
    [["--tpc", ":0"], "There is no flag --tpc; did you mean --tcp?"],
    [["time"], "greet is built in: time cannot be served too"],
    [["--tcp", "nonsense"], 'Cannot read the address "tcp://nonsense"'],
  ] as const
) {
  Deno.test(`a bundle refuses ${args.join(" ")} with code 2 and one line`, async () => {
    const { code, output, errors } = await ends(await startAlone(BUNDLE, [...args]));
    assertEquals([code, output, errors.trimEnd().split("\n").length], [2, [], 1]);
    assertStringIncludes(errors, `error: ${complaint}`);
  });
}

/** Answers with its process and, on a worker thread, its name. */
const WHO = `
  interface Client { sendAll(text: string): Promise<void> }
  export default (client: Client): Promise<void> =>
    client.sendAll(\`\${Deno.pid} \${(globalThis as { name?: string }).name || "no"} thread\\n\`);
`;

for (const kind of ["workers", "processes"]) {
  Deno.test(`a bundle whose handler asks for ${kind} serves in them, alone in an empty folder`, async () => {
    const place = await emptyFolder();
    await Deno.writeTextFile(`${place}/who.ts`, `${WHO} export const options = { ${kind}: 2 };`);
    const { code, output, errors } = await build(`${place}/who.ts`, "--bundle", "-o", `${place}/who.js`);
    assertEquals([code, errors], [0, ""]);
    // What was named is enough, but for where it is: it is run elsewhere.
    const named = output.trim().split(" ").filter((word) => /^--(allow|unstable)/.test(word));
    const flags = named.map((flag) => flag.replace(`${place}/who.js`, "who.js"));
    const program = await startAlone(`${place}/who.js`, [], [...ALONE, ...flags]);
    await using _ended = program;
    const addr = await program.address();
    const answers = await Promise.all([1, 2, 3, 4].map(() => firstLine(addr)));
    for (const answer of answers) {
      const [pid, thread] = answer!.split(" ");
      assertEquals([Number(pid) === program.pid, thread !== "no"], [kind === "workers", kind === "workers"]);
    }
    program.kill("SIGINT");
    assertEquals((await ends(program)).code, 0);
    for (const pid of new Set(answers.map((answer) => parseInt(answer!)))) {
      assertThrows(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound); // none is left
    }
  });
}

Deno.test("a bundle has within what a Pool of its handler runs, the handler's own module and one that is included", async () => {
  const place = await emptyFolder();
  const kit = new URL("../mod.ts", import.meta.url).href;
  await Deno.writeTextFile(`${place}/tasks.ts`, "export const double = (n: number): number => 2 * n;\n");
  await Deno.writeTextFile(
    `${place}/pooled.ts`,
    `
    import { type Connection, Pool } from ${JSON.stringify(kit)};
    const pools = ["./tasks.ts", import.meta.url].map((module) => new Pool(new URL(module, import.meta.url), { size: 1 }));
    export const triple = (n: number): number => 3 * n;
    export default async function pooled(conn: Connection): Promise<void> {
      await conn.sendAll(\`\${await pools[0].apply("double", [21])} \${await pools[1].apply("triple", [5])}\\n\`);
    }
    `,
  );
  const file = `${place}/pooled.js`;
  const { code, errors } = await build(
    `${place}/pooled.ts`,
    "--bundle",
    "-o",
    file,
    "--include",
    `${place}/tasks.ts`,
  );
  assertEquals([code, errors], [0, ""]);
  await using program = await startAlone(file, [], [...ALONE, "--allow-read=pooled.js"]);
  assertEquals(await firstLine(await program.address()), "42 15");
});

// --- An executable ------------------------------------------------------------------------------------------------------

/** Any small executable: `deno compile` puts its data behind it and does not run it. */
const STAND_IN = ["/bin/true", "/usr/bin/true"].find((path) => isInstalled(path));

Deno.test({
  name:
    "cli build has compile embed the handler, its imports, the shipped handlers and only the permissions needed",
  ignore: Deno.build.os !== "linux" || STAND_IN === undefined, // elsewhere the stand-in is signed, or there is none
  fn: async () => {
    const file = `${await emptyFolder()}/server`;
    await Deno.copyFile(STAND_IN!, `${folder}/runtime`);
    const { code, errors, output } = await cli(
      ["build", HANDLER, "-o", file, "--tcp", "127.0.0.1:7000", "--whom=Ada", "--allow-read=data,more"],
      { env: { DENORT_BIN: `${folder}/runtime` } },
    );
    assertEquals([code, errors, output], [0, "", `${file} is made: ${file}\n`]);
    const text = new TextDecoder().decode(await Deno.readFile(file));
    const shipped = Object.keys(shippedHandlers).map((name) => `handlers/${name}.ts`);
    for (const part of ["good morning", '"--tcp=127.0.0.1:7000"', '"--whom=Ada"', ...shipped]) {
      assert(text.includes(part), `${part} is not within`);
    }
    const metadata = /\{"argv":\[.*?"permissions":(\{.*?\}),"location"/.exec(text)?.[1];
    const permissions: [string, unknown][] = Object.entries(JSON.parse(metadata ?? "{}"));
    assertEquals(
      Object.fromEntries(permissions.filter(([name, value]) => name !== "allow_import" && value !== null)),
      // Some hosts are allowed for imports unless all are denied, which is an empty list.
      { allow_net: ["127.0.0.1"], allow_read: ["data", "more"], deny_import: [], prompt: false },
    );
  },
});

/** Whether `deno compile` has its runtime: it was given, or fetched before. */
function hasRuntime(): boolean {
  if (Deno.env.get("DENORT_BIN")) return true;
  const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  const zip = `${cache}/dl/release/v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
  return existsSync(zip);
}

Deno.test({
  name: "an executable serves",
  ignore: !hasRuntime(), // not every network has deno compile's runtime
  fn: async () => {
    const cwd = await emptyFolder();
    const { code, errors } = await cli(["build", HANDLER, "-o", `${cwd}/server`, "--whom=Ada"]);
    assertEquals([code, errors], [0, ""]);
    await using program = new Program({ command: [`${cwd}/server`], cwd, env: {} });
    assertEquals(await firstLine(await program.address()), "good morning, Ada");
    program.kill("SIGINT");
    assertEquals((await ends(program)).code, 0);
  },
});

// --- A file with Deno inside --------------------------------------------------------------------------------------------

/** What a shell has at hand on every system; no Deno. */
const TOOLS = ["chmod", "cksum", "head", "mkdir", "mktemp", "mv", "rm", "tail"];

async function shellOnly(place: string): Promise<string> {
  await Deno.mkdir(`${place}/bin`);
  for (const tool of TOOLS) {
    const { output } = await run("sh", ["-c", `command -v ${tool}`]);
    await Deno.symlink(output.trim(), `${place}/bin/${tool}`);
  }
  return `${place}/bin`;
}

Deno.test({
  name: "a file with Deno inside runs without Deno, unpacks once, and tells a damaged file",
  ignore: Deno.build.os === "windows", // it starts with a script for sh
  fn: async (t) => {
    const place = await emptyFolder();
    const file = `${place}/server`;
    const PATH = await shellOnly(place);
    const start = (cache: string, ...args: string[]): Program =>
      new Program({
        command: [file, ...args],
        cwd: place,
        env: { PATH, XDG_CACHE_HOME: `${place}/${cache}` },
      });

    const { code, errors } = await build(HANDLER, "-o", file, "--with-deno", "--whom=Ada");
    assertEquals([code, errors], [0, ""]);

    await t.step("two first starts at once both serve, and unpack to the same two files", async () => {
      await using one = start("cache");
      await using two = start("cache");
      for (const program of [one, two]) {
        assertEquals(await firstLine(await program.address()), "good morning, Ada");
        program.kill("SIGINT"); // the shell has become Deno: nobody stands between
        assertEquals((await ends(program)).code, 0);
      }
      const [deno, program, ...others] = (await namesIn(`${place}/cache/switchboard`))
        .filter((name) => name !== "deno_dir"); // Deno's own
      assertMatch(deno, /^deno-[\da-f]{32}$/);
      assertMatch(program, /^greet-[\da-f]{32}\.js$/);
      assertEquals(others, []);
    });

    await t.step("it calls itself by its name, and passes its flags on", async () => {
      const { code, output } = await ends(start("cache", "--help"));
      assertEquals(code, 0);
      assertStringIncludes(output.join("\n"), `Usage: ${file} [FLAG …]`);
      const wrong = await ends(start("cache", "--tpc"));
      assertEquals([wrong.code, wrong.errors], [2, "error: There is no flag --tpc; did you mean --tcp?\n"]);
    });

    await t.step("it may do what was built in, and more if it is permitted", async () => {
      const narrow = await ends(start("cache", "--tcp", "[::1]:0"));
      assertEquals(narrow.code, 1);
      assertMatch(narrow.errors, /^error: Cannot listen on tcp:\/\/\[::1\]:0: .*--allow-net=\S*\n$/);
      await using wide = start("cache", "--tcp", "[::1]:0", "--allow-net=[::1]");
      await wide.until(/listening on tcp:\/\/\[::1\]/);
      wide.kill("SIGINT");
      assertEquals((await ends(wide)).code, 0);
    });

    await t.step("without a cache it says in one line what is missing", async () => {
      const none = new Program({ command: [file], cwd: place, env: { PATH } });
      const { code, errors } = await ends(none);
      assertEquals([code, errors], [
        1,
        "error: There is no cache to unpack into: set XDG_CACHE_HOME to a folder\n",
      ]);
    });

    await t.step("a damaged file is not unpacked", async () => {
      await Deno.truncate(file, (await Deno.stat(file)).size - 1);
      const { code, errors } = await ends(start("other"));
      assertEquals(code, 1);
      assertMatch(errors, /^error: Cannot unpack .*: the disk is full, or the file is damaged\n$/);
      assertEquals(
        (await namesIn(`${place}/other/switchboard`)).filter((name) => /^\.|greet/.test(name)),
        [],
      );
    });
    await Deno.remove(place, { recursive: true }); // a hundred megabytes, twice
  },
});
