import { assert, assertEquals } from "@std/assert";
import { listNames, NAMES_FILE, type PublicName, publicNames } from "./_support/public_surface.ts";

const names = await publicNames();

/** A public name is one thing, however many entry points export it. */
const distinct: Map<string, PublicName[]> = Map.groupBy(names, ({ name, entry }) => {
  return name === "default" || entry.startsWith("./handlers/") ? `${entry} ${name}` : name;
});

function isType({ kind }: PublicName): boolean {
  return kind === "interface" || kind === "typeAlias";
}

function isShown({ examples }: PublicName): boolean {
  return examples.length > 0;
}

Deno.test("the public names are those of tests/public_names.txt", async () => {
  const listed = asLines(await Deno.readTextFile(NAMES_FILE));
  const actual = asLines(listNames(names));
  const changes = [
    ...[...actual.difference(listed)].map((line) => `  new:  ${line}`),
    ...[...listed.difference(actual)].map((line) => `  gone: ${line}`),
  ];
  assert(
    changes.length === 0,
    `The public names have changed:\n${changes.join("\n")}\nIf they should have: deno task names`,
  );
});

/** "./server TcpServer class" for every name of a list. */
function asLines(list: string): Set<string> {
  const lines = new Set<string>();
  let entry = "";
  for (const line of list.split(/\r?\n/)) {
    if (line.startsWith("  ")) lines.add(entry + " " + line.trim());
    else if (line) entry = line;
  }
  return lines;
}

Deno.test("mod.ts exports every name of ./server, ./framing, ./handlers, ./multiplex and ./workers", () => {
  const root = new Set(names.filter(({ entry }) => entry === ".").map(({ name }) => name));
  const folders = new Set(["./server", "./framing", "./handlers", "./multiplex", "./workers"]);
  const missing = names.filter(({ entry, name }) => folders.has(entry) && !root.has(name));
  assertEquals(missing.map(({ entry, name }) => `${entry} ${name}`), []);
});

Deno.test("every public function, class and constant has an example", () => {
  const bare = [...distinct].filter(([, [name]]) => !isType(name) && !isShown(name));
  assertEquals(bare.map(([key]) => key), []);
});

Deno.test("every public type has an example, or belongs to something that has one", () => {
  const shown = names.filter(isShown);
  const reached = new Set(shown.map(({ name }) => name));
  // An option's type is shown by the options, and those by the class that takes them.
  for (const { mentions } of shown) for (const name of mentions) reach(name, reached);
  const bare = [...distinct].filter(([, [symbol]]) => isType(symbol) && !reached.has(symbol.name));
  assertEquals(bare.map(([key]) => key), []);
});

function reach(name: string, reached: Set<string>): void {
  if (reached.has(name)) return;
  reached.add(name);
  for (const symbol of names) {
    if (symbol.name === name) { for (const next of symbol.mentions) reach(next, reached); }
  }
}

Deno.test("every example is one that deno test runs", () => {
  const idle = [...distinct].flatMap(([key, [{ examples }]]) =>
    examples.filter((example) => !/^```ts$/m.test(example) || /^```\w+ .*(ignore|no-run)/m.test(example))
      .map(() => key)
  );
  assertEquals(idle, []);
});

Deno.test("the gate checks the documentation of every entry point", async () => {
  const config = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  const checked = new Set(config.tasks.lint.split("deno doc --lint ")[1].split(" "));
  const missing = Object.values<string>(config.exports).filter((path) => !checked.has(path.slice(2)));
  assertEquals(missing, []);
});
