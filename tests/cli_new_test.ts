import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { connect, connectDatagram } from "../mod.ts";
import { run } from "./_support/command.ts";
import { within } from "./_support/deadline.ts";
import { HTTP_FLAGS, kitOverHttp } from "./_support/kit_over_http.ts";
import { Program } from "./_support/program.ts";
import { socketPath } from "./_support/socket_folder.ts";

const ROOT = new URL("../", import.meta.url);
const CLI = new URL("cli.ts", ROOT).href;
const DENO = `"${Deno.execPath()}"`;

/** The tests run a shell. */
const ignore = Deno.build.os === "windows";

/** A new folder, outside the kit's own. */
function newFolder(): string {
  const folder = `${socketPath()}.new`;
  Deno.mkdirSync(folder);
  return folder;
}

/** Runs a line in a folder, as a shell does. */
async function inFolder(folder: string, line: string): ReturnType<typeof run> {
  const running = run("sh", ["-c", `cd "${folder}" && NO_COLOR=1 exec ${line}`]);
  return await within(running, `the end of ${line}`, 60_000);
}

/** The lines to paste of what `new` has printed, run by this Deno and asking nobody. */
function pasted(output: string): string[] {
  const lines = output.split("\n").filter((line) => line.startsWith("  ")).map((line) => line.trim());
  assertEquals(lines.length, 2, output);
  return lines.map((line) =>
    line.replace(/^(?:deno|npx -y deno@\S+) (run|test)/, `${DENO} $1 --quiet --no-prompt`)
  );
}

async function create(
  folder: string,
  args: string,
  { flags = "--allow-write", cli = CLI } = {},
): ReturnType<typeof run> {
  return await inFolder(folder, `${DENO} run --quiet --no-prompt ${flags} ${cli} new ${args}`);
}

/** Pastes the second line: the test passes. Lint is content but for `jsr:` in imports, which work where nothing is set up. */
async function assertPasses(folder: string, line: string, tests: number): Promise<void> {
  const { code, output, errors } = await inFolder(folder, line);
  assertEquals(code, 0, output + errors);
  assertStringIncludes(output, `ok | ${tests} passed | 0 failed`);
  const lint = await inFolder(folder, `${DENO} lint --quiet --rules-exclude=no-import-prefix .`);
  assertEquals(lint.code, 0, lint.errors);
}

/** Pastes the first line, and hands on where it serves. */
async function whileServed(
  folder: string,
  line: string,
  use: (endpoint: string) => Promise<void>,
): Promise<void> {
  await using server = new Program("cli.ts", { starter: ["sh", "-c", `cd "${folder}" && exec ${line}`] });
  await use((await server.until(/: listening on (\S+)$/))[1]);
  server.kill();
  const { code, errors } = await within(server.end(), "the end of the server");
  assertEquals(code, 0, errors);
}

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

Deno.test({
  name: "cli new writes a handler and its test, and prints lines that serve it and pass",
  ignore,
  fn: async () => {
    const folder = newFolder();
    const { code, output, errors } = await create(folder, "greeter");
    assertEquals([code, errors], [0, ""]);
    assertEquals(names(folder), ["greeter.ts", "greeter_test.ts"]);
    const [serving, testing] = pasted(output);
    await whileServed(folder, serving, async (endpoint) => {
      using conn = await connect(endpoint, { readTimeout: 10_000 });
      await conn.sendAll("Ada\n");
      assertEquals(await conn.readLine(), "Hello, Ada!");
    });
    await whileServed(folder, `${serving} --greeting "Good day"`, async (endpoint) => {
      using conn = await connect(endpoint, { readTimeout: 10_000 });
      await conn.sendAll("Ada\n");
      assertEquals(await conn.readLine(), "Good day, Ada!");
    });
    await assertPasses(folder, testing, 3);
  },
});

Deno.test({
  name: "cli new --datagram writes a handler for packets and its test, into another folder",
  ignore,
  fn: async () => {
    const folder = newFolder();
    await Deno.mkdir(`${folder}/my handlers`);
    const { code, output, errors } = await create(folder, '"my handlers/clock_2" --datagram');
    assertEquals([code, errors], [0, ""]);
    assertEquals(names(`${folder}/my handlers`), ["clock_2.ts", "clock_2_test.ts"]);
    const [serving, testing] = pasted(output);
    await whileServed(folder, serving, async (endpoint) => {
      await using client = await connectDatagram(endpoint);
      await client.send("Ada");
      const reply = await client.receive({ timeout: 10_000 });
      assertEquals(new TextDecoder().decode(reply), "Hello, Ada!\n");
    });
    await assertPasses(folder, testing, 2);
  },
});

Deno.test({
  name: "cli new prints the least: without one of the permissions, its lines fail and name the flag",
  ignore,
  fn: async () => {
    const folder = newFolder();
    const [serving, testing] = pasted((await create(folder, "greeter")).output);
    for (const line of [serving, testing]) {
      for (const [flag] of line.matchAll(/ --allow-\w+(?==)/g)) {
        const { code, output, errors } = await inFolder(
          folder,
          line.replace(/ --allow-\w+=\S+/g, (given) => {
            return given.startsWith(flag) ? "" : given;
          }),
        );
        assertEquals(code, 1);
        assertStringIncludes(output + errors, flag.trim());
      }
    }
  },
});

/** A clone: links to the kit's files, so that nothing is written among them. */
async function clone(): Promise<string> {
  const folder = newFolder();
  const { output } = await run("ls", ["-A", ROOT.pathname]);
  const parts = output.split("\n").filter((name) =>
    /^(\.std|\w+\.(json|lock|ts)|_cli|server|handlers|multiplex)$/.test(name)
  );
  for (const part of parts) await Deno.symlink(new URL(part, ROOT).pathname, `${folder}/${part}`);
  return folder;
}

Deno.test({
  name: "cli new in a clone imports by the names of the clone's configuration",
  ignore,
  fn: async () => {
    const folder = await clone();
    const { code, output, errors } = await create(folder, "greeter", { cli: "cli.ts" });
    assertEquals([code, errors], [0, ""]);
    assertStringIncludes(await Deno.readTextFile(`${folder}/greeter.ts`), '} from "@switchboard/kit";\n');
    const [serving, testing] = pasted(output);
    await whileServed(folder, serving, async (endpoint) => {
      using conn = await connect(endpoint, { readTimeout: 10_000 });
      await conn.sendAll("Ada\n");
      assertEquals(await conn.readLine(), "Hello, Ada!");
    });
    const tested = await inFolder(folder, testing);
    assertStringIncludes(tested.output, "ok | 3 passed | 0 failed", tested.errors);
  },
});

Deno.test({
  name: "cli new, when it comes from elsewhere, imports the kit from JSR, in the version that it is itself",
  ignore,
  fn: async () => {
    await using server = kitOverHttp();
    const folder = newFolder();
    const cli = `http://127.0.0.1:${server.addr.port}/cli.ts`;
    const flags = `--allow-write "${HTTP_FLAGS.join('" "')}"`;
    for (const args of ["greeter", "clock --datagram"]) {
      const { code, output, errors } = await create(folder, args, { cli, flags });
      assertEquals([code, errors], [0, ""]);
      assertStringIncludes(output, `${cli} serve ./`);
    }
    const [kit, assertion] = [`jsr:@switchboard/kit@^${config.version}`, config.imports["@std/assert"]];
    const text = await Deno.readTextFile(`${folder}/clock_test.ts`);
    assertStringIncludes(text, `from "${kit}";\nimport { assertEquals } from "${assertion}";\n`);

    // JSR cannot be had everywhere: here it is the files beside this test.
    const linked = "links" in config ? { [assertion]: import.meta.resolve("@std/assert") } : {};
    const imports = { [kit]: new URL("mod.ts", ROOT).href, ...linked };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports }, null, 2) + "\n");
    await assertPasses(folder, `${DENO} test --quiet --no-prompt --allow-net=127.0.0.1`, 5);
    const fmt = await inFolder(folder, `${DENO} fmt --check --quiet`);
    assertEquals(fmt.code, 0, fmt.errors);
  },
});

Deno.test({
  name: "cli new writes over nothing: if one of its files is there, neither is written",
  ignore,
  fn: async () => {
    for (const there of ["greeter.ts", "greeter_test.ts"]) {
      const folder = newFolder();
      await Deno.writeTextFile(`${folder}/${there}`, "precious");
      const { code, output, errors } = await create(folder, "greeter");
      assertEquals([code, output], [1, ""]);
      assertEquals(errors, `error: Cannot write ${there}: it is there already\n`);
      assertEquals(names(folder), [there]);
      assertEquals(await Deno.readTextFile(`${folder}/${there}`), "precious");
    }
  },
});

Deno.test({
  name: "cli new says in one line what it cannot do, and writes nothing",
  ignore,
  fn: async () => {
    const folder = newFolder();
    for (
      const [args, code, said] of [
        ["", 2, /takes one name/],
        ["one two", 2, /takes one name/],
        ["Greeter", 2, /"Greeter" is no name in small letters/],
        ["my-greeter", 2, /"my-greeter" is no name/],
        ["7up", 2, /"7up" is no name/],
        ["greeter.ts", 2, /leave \.ts out/],
        ["greeter_test", 2, /leave _test out/],
        ["folder/", 2, /"" is no name/],
        ["'a\nb'", 2, /is no name/],
        ["../x/../É", 2, /is no name/],
        ["greeter --stream", 2, /There is no flag --stream/],
        ["nowhere/greeter", 1, /Cannot write nowhere\/greeter\.ts: there is no such folder/],
      ] as const
    ) {
      const ending = await create(folder, args);
      assertEquals([ending.code, ending.output], [code, ""], args);
      assertMatch(ending.errors, /^error: [^\n]*\n$/);
      assertMatch(ending.errors, said);
    }
    const denied = await create(folder, "greeter", { flags: "--allow-write=greeter.ts" });
    assertEquals([denied.code, denied.output], [1, ""]);
    assertMatch(
      denied.errors,
      /^error: [^\n]*permission is missing, run with --allow-write=greeter_test\.ts\n$/,
    );
    assertEquals(names(folder), []);
  },
});

Deno.test({
  name: "cli new leaves nothing behind where the second file cannot be written",
  ignore,
  fn: async () => {
    const folder = newFolder();
    const name = "x".repeat(250); // its file has a name of 253 bytes, and that of its test is too long
    const { code, output, errors } = await create(folder, name);
    assertEquals([code, output], [1, ""]);
    assertMatch(errors, /^error: Cannot write x+_test\.ts: [^\n]*\n$/);
    assertEquals(names(folder), []);
  },
});

Deno.test("cli new --help shows examples first, and the commands are listed with it", async () => {
  const { code, output } = await run(Deno.execPath(), [
    "run",
    "--quiet",
    "--no-prompt",
    CLI,
    "new",
    "--help",
  ]);
  assertEquals(code, 0);
  assert(output.indexOf("Examples:") < output.indexOf("Usage:"));
  const whole = await run(Deno.execPath(), ["run", "--quiet", "--no-prompt", CLI, "--help"]);
  assertMatch(whole.output, /^ {2}new NAME {2,}\S/m);
});
