/**
 * What the package's entry points export, as `deno doc` sees it. Run as a program it writes the list of public names:
 * `deno task names`.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url);
/** The list of public names that a change is compared with. */
export const NAMES_FILE: URL = new URL("tests/public_names.txt", ROOT);

/** A name that an entry point exports. */
export interface PublicName {
  /** The entry point: `.`, `./server`, … */
  entry: string;
  /** The name; `default` for a default export. */
  name: string;
  /** What it is: `class`, `function`, `variable`, `interface`, `typeAlias`. */
  kind: string;
  /** Its examples, as they stand in the docstring. */
  examples: string[];
  /** The names of types that its declaration mentions. */
  mentions: Set<string>;
}

interface DocDeclaration {
  kind: string;
  jsDoc?: { tags?: { kind: string; doc?: string }[] };
}

interface Documentation {
  nodes: Record<string, { symbols: { name: string; declarations: DocDeclaration[] }[] }>;
}

/** Every name of every entry point in `deno.json`, sorted. */
export async function publicNames(): Promise<PublicName[]> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const names = await Promise.all(Object.entries<string>(config.exports).map(namesOf));
  return names.flat().sort((a, b) => compare(a.entry, b.entry) || compare(a.name, b.name));
}

/** One entry point at a time: where several are documented together, one only refers to what another has, too. */
async function namesOf([entry, path]: [string, string]): Promise<PublicName[]> {
  const url = new URL(path, ROOT).href;
  const { nodes } = await documentation(url);
  return (nodes[url]?.symbols ?? []).map(({ name, declarations }) => describe(entry, name, declarations));
}

/** The names as text: a heading for each entry point, below it a line for each name. */
export function listNames(names: readonly PublicName[]): string {
  const parts = Map.groupBy(names, ({ entry }) => entry);
  return [...parts].map(([entry, names]) =>
    [entry, ...names.map(({ name, kind }) => `  ${name} ${kind}`)].join("\n") + "\n"
  ).join("\n");
}

async function documentation(url: string): Promise<Documentation> {
  const command = new Deno.Command(Deno.execPath(), { args: ["doc", "--json", url], stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`deno doc failed: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function describe(entry: string, name: string, declarations: DocDeclaration[]): PublicName {
  const tags = declarations.flatMap(({ jsDoc }) => jsDoc?.tags ?? []);
  return {
    entry,
    name,
    kind: [...new Set(declarations.map(({ kind }) => kind))].sort().join("+"),
    examples: tags.filter(({ kind }) => kind === "example").map(({ doc }) => doc ?? ""),
    mentions: new Set(mentioned(declarations)),
  };
}

/** The names of types anywhere in a declaration. A class names the one that it extends as a string. */
function* mentioned(value: unknown): Iterable<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    if ((key === "typeName" || key === "extends") && typeof part === "string") yield part;
    else yield* mentioned(part);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

if (import.meta.main) await Deno.writeTextFile(NAMES_FILE, listNames(await publicNames()));
