import { assertEquals, assertMatch } from "@std/assert";
import { connect, type Connection } from "../mod.ts";
import { cli, startCli } from "./_support/cli.ts";
import { within } from "./_support/deadline.ts";

/** No change of a file takes longer to be served, in milliseconds. */
const PATIENCE = 15_000;

class Project {
  readonly folder = Deno.makeTempDirSync({ prefix: "watch" });

  write(file: string, code: string): void {
    Deno.writeTextFileSync(`${this.folder}/${file}`, code);
  }

  get handler(): string {
    return `${this.folder}/handler.ts`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** A handler that puts a word of another module in front of each line. */
function project(): Project {
  const project = new Project();
  project.write("word.ts", `export const word = "one";\n`);
  project.write(
    "handler.ts",
    `import { word } from "./word.ts";
export default async (conn) => {
  for await (const line of conn.lines()) await conn.sendAll(word + " " + line + "\\n");
};
`,
  );
  return project;
}

async function ask(conn: Connection): Promise<string | null> {
  await conn.sendAll("x\n");
  return await conn.readLine();
}

async function askAnew(addr: Deno.NetAddr): Promise<string | null> {
  using conn = await connect(addr);
  return await ask(conn);
}

/** Asks on one new connection after the other until the answer is this one; none of them goes unanswered. */
async function untilAnswer(addr: Deno.NetAddr, answer: string): Promise<void> {
  const asking = async () => {
    for (let got; (got = await askAnew(addr)) !== answer;) assertMatch(String(got), /^\w+ x$/);
  };
  await within(asking(), `the answer "${answer}"`, PATIENCE);
}

for (const how of [[], ["--workers", "2"], ["--processes", "2"]]) {
  const name = how.length === 0 ? "" : ` with ${how.join(" ")}`;

  Deno.test(`serve --watch${name} serves the next connection with changed code, and open ones with the old`, async () => {
    using files = project();
    await using program = startCli(["serve", files.handler, "--tcp", "127.0.0.1:0", "--watch", ...how]);
    const addr = await program.address();
    using old = await connect(addr);
    assertEquals(await ask(old), "one x");

    files.write("word.ts", `export const word = "two";\n`); // not the handler itself
    await untilAnswer(addr, "two x");
    assertEquals(await ask(old), "one x");

    program.kill("SIGINT");
    const { code, errors } = await program.end();
    assertEquals(code, 0);
    assertMatch(errors, /handler\.ts reloaded: the next connection gets the new code/);
  });
}

Deno.test("serve --watch tells in one line of code that does not load, and goes on with the old until some does", async () => {
  using files = project();
  await using program = startCli(["serve", files.handler, "--tcp", "127.0.0.1:0", "--watch", "--log", "off"]);
  const addr = await program.address();
  assertEquals(await askAnew(addr), "one x");

  files.write("word.ts", `export const word = (() => { throw new Error("not yet"); })();\n`);
  await program.untilSaid(/ not reloaded: the old code goes on serving, .*not yet.*\n/);
  assertEquals(await askAnew(addr), "one x");

  files.write("word.ts", `export const word = "three";\n`);
  await untilAnswer(addr, "three x");
  program.kill("SIGINT");
  const { code, errors } = await program.end();
  assertEquals(code, 0);
  assertEquals(errors.match(/not reloaded/g)?.length, 1);
});

Deno.test("serve --watch works with what --print-permissions prints, and says what is missing", async () => {
  using files = project();
  const args = ["serve", files.handler, "--tcp", "127.0.0.1:0", "--watch"];
  const { output } = await cli([...args, "--print-permissions"], { flags: ["--allow-read"] });
  const flags = output.split(" ").filter((word) => word.startsWith("--allow-"));

  await using program = startCli(args, flags);
  const addr = await program.address();
  files.write("word.ts", `export const word = "two";\n`);
  await untilAnswer(addr, "two x");

  const others = flags.filter((flag) => !flag.startsWith("--allow-run"));
  const { code, errors } = await cli(args, { flags: others });
  assertEquals(code, 1);
  assertMatch(errors, /^error: .*--allow-run=.*\n$/);
});

Deno.test("serve --watch refuses a handler that is no file of this machine, in one line", async () => {
  const { code, errors } = await cli(["serve", "data:text/javascript,export default () => {}", "--watch"]);
  assertEquals(code, 2);
  assertMatch(errors, /^error: --watch watches files of this machine, and the handler .* is none\n$/);
});
