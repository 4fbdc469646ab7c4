import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { connect } from "../mod.ts";
import { within } from "./_support/deadline.ts";
import { untilGone } from "./_support/process_end.ts";
import { Program } from "./_support/program.ts";
import { Registry } from "./_support/registry.ts";

/** The kit as its users get it: from a registry, into an empty folder. */
const ROOT = new URL("../", import.meta.url);
const KIT = `jsr:${config.name}`;
const CLI = `${KIT}/cli`;

/** Everything is in it, the cache of modules too: what is not in the package is not to be had. */
const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "switchboard-jsr-" }));
const env = { ...Deno.env.toObject(), DENO_DIR: `${folder}/cache`, NO_COLOR: "1", JSR_URL: "" };

/** Signals and shells are other ones there. */
const ignore = Deno.build.os === "windows";

let registry: Registry;

Deno.test.beforeAll(async () => {
  await shareNpmCache(env.DENO_DIR);
  registry = new Registry();
  env.JSR_URL = registry.url;
  const std = Array.fromAsync(Deno.readDir(new URL(".std/", ROOT)));
  for (const { name } of (await std).filter(({ isDirectory }) => isDirectory)) {
    await registry.publish(new URL(`.std/${name}/`, ROOT), env);
  }
  await registry.publish(ROOT, env);
});

Deno.test.afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

/** Packages of npm are those that these tests themselves run with: nothing is fetched. */
async function shareNpmCache(cache: string): Promise<void> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  await Deno.mkdir(cache);
  await Deno.symlink(npmCache, `${cache}/npm`, { type: "junction" });
}

function emptyFolder(): string {
  return Deno.makeTempDirSync({ dir: folder });
}

const OWN = `\
import { type Connection, parseEndpoint } from "${KIT}";
import { isMainThread } from "node:worker_threads";
import { line } from "./line.ts";

const thread = isMainThread ? "the main thread" : "a thread";

export default async function own(conn: Connection): Promise<void> {
  const { transport } = parseEndpoint("tcp://127.0.0.1:7");
  await conn.sendAll(line(\`\${await conn.readLine()} by \${transport} from \${thread} of \${Deno.pid}\`));
}
`;

const LINE = `\
export const line = (text: string): string => \`\${text}\\n\`;
`;

/** A folder with a handler of the user's own: it imports the kit, and a file beside it. */
function folderWithHandler(): string {
  const cwd = emptyFolder();
  Deno.writeTextFileSync(`${cwd}/own.ts`, OWN);
  Deno.writeTextFileSync(`${cwd}/line.ts`, LINE);
  return cwd;
}

function start(cwd: string, args: readonly string[]): Program {
  return new Program({ command: [Deno.execPath(), ...args], cwd, env });
}

/** Runs Deno to its end, which has to be a good one, and gives what it printed. */
async function run(cwd: string, ...args: string[]): Promise<string> {
  await using program = start(cwd, args);
  const { code, output, errors } = await within(program.end(), `the end of ${args.join(" ")}`, 60_000);
  assertEquals(code, 0, `${args.join(" ")}: ${output.join("\n")}\n${errors}`);
  return output.join("\n");
}

/** The command line, allowed everything. */
function cli(cwd: string, ...args: string[]): Promise<string> {
  return run(cwd, "run", "-A", "--quiet", CLI, ...args);
}

/** The arguments of Deno in a line that was printed to be pasted; it asks nobody. */
function pasted(line: string): string[] {
  const [, subcommand, rest] = /^\s*(?:deno|npx -y deno@\S+) (run|test) (.*)$/.exec(line)!;
  const args = rest.match(/'[^']*'|\S+/g)!.map((arg) => arg.replace(/^'(.*)'$/, "$1"));
  return [subcommand, "--quiet", "--no-prompt", ...args];
}

/** Says hello to a server until it has been answered often enough to have come round; it drains, and no process is left. */
async function assertServes(program: Program, answer: string): Promise<void> {
  const addr = await program.address();
  const pids = new Set<number>();
  for (let i = 0; i < 4; i++) {
    using conn = await connect(addr);
    await conn.sendAll("hello\n");
    const line = await within(conn.readLine(), "the answer");
    const [pid] = /\d+$/.exec(line!) ?? [];
    if (pid) pids.add(Number(pid));
    assertEquals(
      line!.replace(/\d+$/, Number(pid) === program.pid ? "this process" : "another process"),
      answer,
    );
  }
  program.kill("SIGTERM");
  const { code, errors } = await within(program.end(), "the end of the server", 30_000);
  assertEquals(code, 0, errors);
  await Promise.all(Array.from(pids, untilGone));
}

Deno.test("jsr: the package holds the kit and what is said about it, and nothing else", () => {
  const { files, exports } = registry.packages.get(config.name)!;
  const linked = "links" in config ? [".std"] : []; // must be in it, as long as they are there
  const names = new Set(Array.from(files.keys(), (path) => path.split("/")[1]));
  assertEquals(
    [...names].sort(),
    [
      ...linked,
      "CHANGELOG.md",
      "COMING_FROM.md",
      "LICENSE",
      "README.md",
      "_cli",
      "cli.ts",
      "deno.json",
      "handlers",
      "mod.ts",
      "multiplex",
      "server",
    ],
  );
  const odd = [...files.keys()].filter((path) => path.lastIndexOf("/") > 0 && !/\.(ts|md|json)$/.test(path));
  assertEquals(odd, []);
  assertEquals(exports, config.exports);
});

Deno.test("jsr: every entry point type-checks and loads in an empty folder", async () => {
  const cwd = emptyFolder();
  const names = Object.keys(config.exports).map((name) => `${KIT}${name.slice(1)}`);
  const imports = names.map((name, i) => `import * as module${i} from "${name}";`);
  const counts = names.map((_, i) => `Object.keys(module${i}).length`);
  Deno.writeTextFileSync(
    `${cwd}/all.ts`,
    `${imports.join("\n")}\nconsole.log(JSON.stringify([${counts.join()}]));`,
  );
  const printed: number[] = JSON.parse(
    await run(cwd, "run", "--quiet", "--no-prompt", "--check=all", "all.ts"),
  );
  assertEquals(printed.length, names.length);
  assert(printed.every((count) => count > 0), printed.join());
});

Deno.test("jsr: the command line says its version and names the shipped handlers", async () => {
  const cwd = emptyFolder();
  assertStringIncludes(await cli(cwd, "--version"), `switchboard ${config.version} `);
  assertMatch(await cli(cwd, "list"), /^ {2}echo /m);
});

/** Flags of the command line, and who answers then. */
const WORKERS: [string[], string][] = [
  [[], "the main thread of this process"],
  [["--workers", "2"], "a thread of this process"],
  [["--processes", "2"], "the main thread of another process"],
];

for (const [workers, who] of WORKERS) {
  const how = workers.join(" ") || "no workers";
  const handlers = [["echo", "hello"], [`${KIT}/handlers/echo`, "hello"], [
    "./own.ts",
    `hello by tcp from ${who}`,
  ]];
  for (const [handler, answer] of handlers) {
    Deno.test({
      name: `jsr: serve ${handler} with ${how} runs on the permissions that it prints`,
      ignore,
      fn: async () => {
        const cwd = folderWithHandler();
        const args = ["serve", handler, "--tcp", "127.0.0.1:0", ...workers];
        const asking = ["run", "--quiet", "--no-prompt", "--allow-read", CLI, ...args, "--print-permissions"];
        const line = await run(cwd, ...asking);
        assertStringIncludes(line, ` ${CLI} ${args.join(" ")}`);
        await using program = start(cwd, pasted(line));
        await assertServes(program, answer);
      },
    });
  }
}

Deno.test({
  name:
    "jsr: a project that has added the kit serves a handler that imports it by its name, in processes too",
  ignore,
  fn: async () => {
    const cwd = folderWithHandler();
    await run(cwd, "add", "--quiet", KIT);
    Deno.writeTextFileSync(`${cwd}/own.ts`, OWN.replace(KIT, config.name));
    const args = ["serve", "./own.ts", "--tcp", "127.0.0.1:0", "--processes", "2"];
    const line = await run(
      cwd,
      "run",
      "--quiet",
      "--allow-read",
      `${config.name}/cli`,
      ...args,
      "--print-permissions",
    );
    assertStringIncludes(line, ` '${KIT}@^${config.version}/cli' serve `);
    await using program = start(cwd, pasted(line));
    await assertServes(program, "hello by tcp from the main thread of another process");
  },
});

for (const unstable of [[], ["--unstable-net"]]) {
  Deno.test(`jsr: serve answers packets, and prints how to send one, with ${unstable[0] ?? "no unstable flag"}`, async () => {
    const cwd = emptyFolder();
    const flags = ["run", "--quiet", "--no-prompt", "--allow-net=127.0.0.1", ...unstable];
    await using server = start(cwd, [...flags, CLI, "serve", "echo", "--udp", "127.0.0.1:0"]);
    const [line] = await server.until(/deno(?:@\S+)? run -A .* connect udp:\S+$/);
    await using client = start(cwd, pasted(line));
    await client.type("hello");
    await client.until(/^hello$/);
  });
}

Deno.test({
  name: "jsr: serve --watch serves the next connection by the code that was written meanwhile",
  ignore,
  fn: async () => {
    const cwd = folderWithHandler();
    await using program = start(cwd, [
      "run",
      "--quiet",
      "-A",
      CLI,
      "serve",
      "./own.ts",
      "--tcp",
      "127.0.0.1:0",
      "--watch",
    ]);
    const addr = await program.address();
    Deno.writeTextFileSync(`${cwd}/line.ts`, LINE.replace("${text}", "new: ${text}"));
    await program.untilSaid(/own\.ts reloaded/);
    using conn = await connect(addr);
    await conn.sendAll("hello\n");
    assertMatch(String(await within(conn.readLine(), "the answer")), /^new: hello by tcp /);
  },
});

Deno.test("jsr: new writes a handler and a test that passes", async () => {
  const cwd = emptyFolder();
  const output = await run(cwd, "run", "--quiet", "--no-prompt", "--allow-write=.", CLI, "new", "greeter");
  const [serving, testing] = output.split("\n").filter((line) => line.startsWith("  "));
  assertStringIncludes(serving, ` ${CLI} serve ./greeter.ts`);
  assertMatch(await run(cwd, ...pasted(testing)), /ok \| \d+ passed \| 0 failed/);
});

Deno.test({
  name: "jsr: build --bundle makes a file that serves without the registry",
  ignore,
  fn: async () => {
    const cwd = folderWithHandler();
    await cli(cwd, "build", "./own.ts", "-o", "own.js", "--bundle", "--tcp", "127.0.0.1:0");
    const alone = emptyFolder();
    Deno.renameSync(`${cwd}/own.js`, `${alone}/own.js`);
    const offline = [
      "--quiet",
      "--no-prompt",
      "--no-remote",
      "--no-npm",
      "--allow-net=127.0.0.1",
      "--allow-read=own.js",
    ];
    const command = [Deno.execPath(), "run", ...offline, "own.js", "--workers", "2"];
    await using program = new Program({
      command,
      cwd: alone,
      env: { ...env, DENO_DIR: `${alone}/cache`, JSR_URL: "" },
    });
    await assertServes(program, "hello by tcp from a thread of this process");
  },
});

/** A program that uses the library; each line that it prints is a fact about one way of serving. */
const PROGRAM = `\
import {
  connect, connectDatagram, ForkingTcpServer, ForkingUdpServer, loadHandler, Pool, serve, ThreadingTcpServer, ThreadingUdpServer,
} from "${KIT}";
import { resolveHandler } from "${KIT}/handlers";
import echo from "${KIT}/handlers/echo";
import { lines } from "${KIT}/framing";

const own = new URL("./own.ts", import.meta.url);
const local = { hostname: "127.0.0.1", port: 0 };
const listen = "tcp://127.0.0.1:0";

async function talk(addr: Deno.Addr): Promise<string | undefined> {
  using conn = await connect(addr as Deno.NetAddr);
  await conn.sendAll("hello\\n");
  for await (const line of lines().decode(conn)) return line.replace(String(Deno.pid), "this process").replace(/\\d+$/, "another");
}

async function whileServed(
  server: ThreadingTcpServer | ForkingTcpServer | ThreadingUdpServer | ForkingUdpServer,
  use: (addr: Deno.Addr) => Promise<unknown>,
): Promise<unknown> {
  await server.listen();
  const loop = server.serveForever();
  try {
    return await use(server.addr);
  } finally {
    await server.shutdown();
    await loop;
  }
}

async function exchange(addr: Deno.Addr): Promise<string> {
  await using client = await connectDatagram(addr as Deno.NetAddr);
  await client.send("hello");
  return new TextDecoder().decode(await client.receive({ timeout: 10_000 }));
}

async function group(handler: Parameters<typeof serve>[1], how: { workers?: number; processes?: number }): Promise<unknown> {
  await using group = await serve({ listen, ...how }, handler);
  return await talk(group.addr);
}

async function pool(): Promise<unknown> {
  await using pool = new Pool(new URL("./tasks.ts", import.meta.url), { size: 2 });
  const broken = pool.apply("spin", [], { signal: AbortSignal.timeout(50) }).catch((error) => error.name);
  return [await pool.map("square", [1, 2, 3]), await broken];
}

const module = await resolveHandler("echo");
console.log(JSON.stringify({
  function: await group(echo, {}),
  threads: await group(module, { workers: 2 }),
  processes: await group(module, { processes: 2 }),
  loaded: await group(await loadHandler(own), { workers: 1 }),
  threading: await whileServed(new ThreadingTcpServer(own, { ...local, workers: 2 }), talk),
  forking: await whileServed(new ForkingTcpServer(own, { ...local, processes: 2 }), talk),
  datagramThreads: await whileServed(new ThreadingUdpServer(module, { ...local, workers: 2 }), exchange),
  datagramProcesses: await whileServed(new ForkingUdpServer(module, { ...local, processes: 2 }), exchange),
  pool: await pool(),
}));
`;

const TASKS = `\
export const square = (n: number): number => n * n;
export function spin(): void {
  for (;;);
}
`;

/** What a program takes that serves in threads and processes; its handlers and tasks are the files that it reads. */
const ENOUGH = [
  "--allow-net=127.0.0.1",
  "--allow-read=own.ts,line.ts,tasks.ts",
  "--allow-env",
  `--allow-run=${Deno.execPath()}`,
];

for (const unstable of [[], ["--unstable-net"]]) {
  Deno.test(`jsr: a program serves on threads and processes and has a pool with ${unstable[0] ?? "no unstable flag"}`, async () => {
    const cwd = folderWithHandler();
    Deno.writeTextFileSync(`${cwd}/program.ts`, PROGRAM);
    Deno.writeTextFileSync(`${cwd}/tasks.ts`, TASKS);
    const checked = unstable.length > 0 ? ["--no-check"] : ["--check"]; // once is enough
    const printed = await run(
      cwd,
      "run",
      "--quiet",
      "--no-prompt",
      ...checked,
      ...unstable,
      ...ENOUGH,
      "program.ts",
    );
    assertEquals(JSON.parse(printed), {
      function: "hello",
      threads: "hello",
      processes: "hello",
      loaded: "hello by tcp from a thread of this process",
      threading: "hello by tcp from a thread of this process",
      forking: "hello by tcp from the main thread of another",
      datagramThreads: "hello",
      datagramProcesses: "hello",
      pool: [[1, 4, 9], "TimeoutError"],
    });
  });
}

/** A handler that says from where its process may import, and a program that says the same of its own. */
const IMPORTS: Readonly<Record<string, string>> = {
  "states.ts": `\
const states = ["deno.land:443", "example.org:443"]
  .map((host) => Deno.permissions.querySync({ name: "import", host } as unknown as Deno.PermissionDescriptor).state);
export const text = states.join();
export default (conn: { sendAll(text: string): Promise<void> }): Promise<void> => conn.sendAll(\`\${text}\\n\`);
`,
  "program.ts": `\
import { connect, loadHandler, serve } from "${KIT}";
import { text } from "./states.ts";

await using group = await serve({ listen: "tcp://127.0.0.1:0", processes: 1 }, await loadHandler("./states.ts"));
using conn = await connect(group.addr);
console.log(\`\${text} / \${await conn.readLine()}\`);
`,
};

Deno.test("jsr: a child process may import from where its parent may, and from nowhere else", async () => {
  const cwd = emptyFolder();
  for (const [name, code] of Object.entries(IMPORTS)) Deno.writeTextFileSync(`${cwd}/${name}`, code);
  const { host } = new URL(registry.url);
  const expected: [string[], string][] = [
    [[], "granted,prompt / granted,prompt"],
    [[`--allow-import=${host},deno.land:443`], "granted,prompt / granted,prompt"],
    [[`--allow-import=${host}`], "prompt,prompt / prompt,prompt"],
    [["--allow-import"], "granted,granted / granted,granted"],
  ];
  for (const [flags, states] of expected) {
    const allowed = [
      "--allow-net=127.0.0.1",
      "--allow-read=states.ts",
      "--allow-env",
      `--allow-run=${Deno.execPath()}`,
    ];
    const printed = await run(cwd, "run", "--quiet", "--no-prompt", ...allowed, ...flags, "program.ts");
    assertEquals(printed, states, flags.join());
  }
});

/** What the kit's package is made from. */
const SOURCES = [
  "_cli",
  "handlers",
  "multiplex",
  "server",
  ".std",
  "cli.ts",
  "deno.json",
  "LICENSE",
  "mod.ts",
  "README.md",
];

async function copy(from: URL, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(new URL(`${from}/${name}`), `${to}/${name}`);
}

Deno.test("deno task unlink leaves a clone that runs and can be published with the packages of the registry", async () => {
  const clone = emptyFolder();
  for (const name of SOURCES) await copy(new URL(name, ROOT), `${clone}/${name}`);
  await run(clone, "task", "--quiet", "unlink");
  const { links, publish } = JSON.parse(Deno.readTextFileSync(`${clone}/deno.json`));
  assertEquals([links, publish.exclude.includes(".std")], [undefined, true]);
  assertMatch(await run(clone, "run", "--quiet", "-A", "cli.ts", "list"), /^ {2}echo /m);
  await run(clone, "publish", "--dry-run", "--quiet", "--allow-dirty");
  const lock = Deno.readTextFileSync(`${clone}/deno.lock`);
  assertStringIncludes(lock, `"jsr:@std/cli@`);
});
