import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

/** The pages for people, from the project's root. */
const pages = await Array.fromAsync(markdown(ROOT, ""));

/** Every markdown file, but those of hidden folders and of what was installed. */
async function* markdown(folder: URL, path: string): AsyncIterable<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (name.startsWith(".") || name === "node_modules") continue;
    if (isDirectory) yield* markdown(new URL(`${name}/`, folder), `${path}${name}/`);
    else if (name.endsWith(".md")) yield path + name;
  }
}

async function read(path: string): Promise<string> {
  return (await Deno.readTextFile(new URL(path, ROOT))).replaceAll("\r\n", "\n");
}

function exists(url: URL): boolean {
  try {
    Deno.statSync(url);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("every block of code on a page is run by the tests, or is no TypeScript", async () => {
  const others = new Set(["sh", "python", "text", "ini", ""]);
  const idle: string[] = [];
  for (const page of pages) {
    const fences = [...(await read(page)).matchAll(/^ *```(.*)$/gm)].map(([, language]) => language);
    assertEquals(fences.length % 2, 0, `${page} has a block that does not end`);
    const opening = fences.filter((_, index) => index % 2 === 0);
    idle.push(
      ...opening.filter((language) => language !== "ts" && !others.has(language)).map((l) => `${page}: ${l}`),
    );
  }
  assertEquals(idle, []); // "ts ignore" is not "ts"
  const { tasks } = JSON.parse(await read("deno.json"));
  assert(/^deno test .*--doc\b/.test(tasks.test), "deno task test does not run the pages");
});

Deno.test("every link on a page leads to a file of the project", async () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const [, target] of (await read(page)).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (!/^[a-z]+:/.test(target) && !exists(new URL(target, new URL(page, ROOT)))) {
        broken.push(`${page}: ${target}`);
      }
    }
  }
  assertEquals(broken, []);
});

Deno.test("every link to a heading leads to one", async () => {
  const broken: string[] = [];
  for (const page of pages) {
    const text = await read(page);
    const headings = new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading)));
    for (const [, target] of text.matchAll(/\]\(#([^)]+)\)/g)) {
      if (!headings.has(target)) broken.push(`${page}: #${target}`);
    }
  }
  assertEquals(broken, []);
});

/** What GitHub makes of a heading. */
function anchor(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

Deno.test("every program that a page's command starts is there", async () => {
  const missing: string[] = [];
  for (const page of pages) {
    for (const [, file] of (await read(page)).matchAll(/deno run (?:-\S+ )*((?:\w+\/)*\w+\.ts)/g)) {
      if (!exists(new URL(file, ROOT))) missing.push(`${page}: ${file}`);
    }
  }
  assertEquals(missing, []);
});

Deno.test("examples/README.md has a row for every example", async () => {
  const rows = await exampleRows();
  const files = [...Deno.readDirSync(new URL("examples/", ROOT))].map(({ name }) => name)
    .filter((name) => name.endsWith(".ts") && !name.startsWith("_"));
  // A client is named in the row of its server.
  const missing = files.filter((file) =>
    !rows.some(({ text }) => text.includes(`/${file}`) || text.includes(`](${file})`))
  );
  assertEquals(missing, []);
});

Deno.test("examples/README.md gives the commands that stand in the examples' first lines", async () => {
  const strangers: string[] = [];
  for (const { file, commands } of await exampleRows()) {
    const head = (await read(`examples/${file}`)).split("\nimport ")[0];
    assert(commands.length > 0, `${file} has no command`);
    strangers.push(...commands.filter((command) => !head.includes(command)).map((c) => `${file}: ${c}`));
  }
  assertEquals(strangers, []);
});

/** The examples of the table: the file, and the commands that start it and talk to it. */
async function exampleRows(): Promise<{ file: string; commands: string[]; text: string }[]> {
  const rows = (await read("examples/README.md")).split("\n").filter((line) =>
    /^\|.*\]\(\w+\.ts\)/.test(line)
  );
  assert(rows.length > 0, "there is no table");
  return rows.map((text) => {
    const [, , example, , start, talk] = text.split(/(?<!\\)\|/);
    const commands = [start, talk].flatMap((cell) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, command]) => command)
    );
    return {
      file: example.match(/\]\((\w+\.ts)\)/)![1],
      commands: commands.filter((c) => c.includes(" ")),
      text,
    };
  });
}

Deno.test("server/README.md and multiplex/README.md name files that are there", async () => {
  const missing: string[] = [];
  for (const folder of ["server/", "multiplex/"]) {
    const text = await read(`${folder}README.md`);
    for (const [name] of text.matchAll(/(?<![\w./])(?:\w+\/)*\w+\.ts\b/g)) {
      if (!exists(new URL(folder + name, ROOT)) && !exists(new URL(name, ROOT))) {
        missing.push(`${folder}: ${name}`);
      }
    }
  }
  assertEquals(missing, []);
});
