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

/** A line as it came, its indentation too, without colours and other control characters. */
export function visible(line: string): string {
  // deno-lint-ignore no-control-regex -- the escape character begins a colour
  return line.replace(/\x1b\[[\d;]*m/g, "").replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]+/g, " ").trimEnd();
}

/** What a peer or a handler wrote must not be able to forge a line or to steer the terminal. */
function flat(text: string): string {
  // deno-lint-ignore no-control-regex -- the escape character begins a colour
  return text.replace(/\x1b\[[\d;]*m/g, "").replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim();
}

let startedAs: string | undefined;

/** Says how this command line was called, where Deno cannot tell. */
export function callSelf(name: string): void {
  startedAs = name;
}

/** How this command line was called: what a person can paste to call it again, with these flags of Deno's. */
export function self(flags: readonly string[] = ["-A"]): string {
  if (startedAs !== undefined) return startedAs;
  if (Deno.build.standalone) return Deno.execPath();
  return [deno(), "run", ...[...flags, shortened(Deno.mainModule)].map(quoted)].join(" ");
}

/** How Deno is called. */
export function deno(): string {
  // npx keeps what it fetched out of PATH.
  return Deno.execPath().includes("_npx") ? `npx -y deno@${Deno.version.deno}` : "deno";
}

/** An argument as a shell takes it for one. */
export function quoted(arg: string): string {
  if (/^[\w./:=,@%+-][\w./:=,@%+~-]*$/.test(arg)) return arg;
  return Deno.build.os === "windows"
    ? `"${arg.replaceAll('"', '\\"')}"`
    : `'${arg.replaceAll("'", `'\\''`)}'`;
}

/** A URL as a person writes it: the path of a file, from the working directory where it lies within; `jsr:@scope/name`. */
export function shortened(url: string): string {
  if (!url.startsWith("file:")) return url.replace(/^jsr:\/(?=@)/, "jsr:");
  const { fileURLToPath } = process.getBuiltinModule("node:url");
  const path = fileURLToPath(url);
  const { relative, isAbsolute } = process.getBuiltinModule("node:path");
  const within = relative(Deno.cwd(), path);
  const outside = isAbsolute(within) || /^\.\.(?:$|[/\\])/.test(within); // absolute: on another drive
  return outside ? path : within || ".";
}

/** Rows of two columns, indented by two. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd()).join("\n");
}
