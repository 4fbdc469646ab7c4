/**
 * What the command line says, and how it says it.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the command line is the part of the kit that prints

/** Prints a line on standard output. */
export function print(line: string): void {
  console.log(line);
}

/** Prints a line on standard error. */
export function complain(line: string): void {
  console.error(line);
}

/** An error in one line: its message, without stack, colours and line breaks. */
export function oneLine(error: unknown): string {
  return flat(error instanceof Error ? error.message || error.name : String(error));
}

/** The same with what a developer needs to find it: the error's class, and the line of code that threw it. */
export function oneLineWithPlace(error: unknown): string {
  if (!(error instanceof Error)) return `${flat(String(error))} was thrown`;
  const place = /^\s+at (?:.*? \()?(\S+:\d+:\d+)\)?$/m.exec(error.stack ?? "")?.[1];
  return `${error.name}: ${oneLine(error)}${place ? ` (${place})` : ""}`;
}

/** What a peer or a handler wrote must not be able to forge a line or to steer the terminal. */
function flat(text: string): string {
  // deno-lint-ignore no-control-regex -- the escape character begins a colour
  return text.replace(/\x1b\[[\d;]*m/g, "").replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim();
}

/** How this command line was called: what a person can paste to call it again. */
export function self(): string {
  if (Deno.build.standalone) return Deno.execPath();
  // npx keeps what it fetched out of PATH.
  const deno = Deno.execPath().includes("_npx") ? `npx -y deno@${Deno.version.deno}` : "deno";
  return `${deno} run -A ${shortened(Deno.mainModule)}`;
}

function shortened(url: string): string {
  if (!url.startsWith("file:")) return url;
  const { fileURLToPath } = process.getBuiltinModule("node:url");
  const path = fileURLToPath(url);
  const relative = process.getBuiltinModule("node:path").relative(Deno.cwd(), path);
  return relative.length < path.length ? relative : path;
}

/** Rows of two columns, indented by two. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd()).join("\n");
}
