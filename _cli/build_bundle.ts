/**
 * The bundle: a handler, and the kit that serves it, in one JavaScript file.
 *
 * @module
 */
import type { Workshop } from "./build_output.ts";
import { graphFlags, reasonOf, runDeno } from "./deno.ts";

/** What is within a bundle. */
export interface Contents {
  /** What the program calls its handler. */
  readonly name: string;
  /** The URL of the handler's module. */
  readonly url: string;
  /** The URLs of other modules that it names at run time. */
  readonly include: readonly string[];
  /** The command line that the program's own is laid over. */
  readonly args: readonly string[];
}

/**
 * Makes the bundle in the workshop.
 *
 * @returns its path; the logs will show its name
 * @throws {Error} if it cannot be made
 */
export async function bundle(contents: Contents, { folder, signal }: Workshop): Promise<string> {
  const [entry, file] = [`${folder}/entry.ts`, `${folder}/${contents.name}.js`];
  await Deno.writeTextFile(entry, entryModule(contents));
  const { success, said } = await runDeno(
    ["bundle", "--quiet", "--platform=deno", ...graphFlags(), `--output=${file}`, entry],
    signal,
  );
  if (!success) throw new Error(whyNotBundled(said));
  await Deno.writeTextFile(file, withoutPlace(await Deno.readTextFile(file), folder));
  return file;
}

/**
 * The program: started once more, as a worker or as a process, it is that. The URL of the kit is this module's own, so a
 * clone and a registry serve alike.
 */
export function entryModule({ name, url, include, args }: Contents): string {
  const kit = new URL("./program.ts", import.meta.url).href;
  const modules = include.map((module) => `${JSON.stringify(pathFrom(url, module))}: ${importOf(module)},`);
  return `\
import { runProgram } from ${JSON.stringify(kit)};

await runProgram({
  name: ${JSON.stringify(name)},
  load: ${importOf(url)},
  include: { ${modules.join(" ")} },
  args: ${JSON.stringify(args)},
  url: import.meta.url,
});
`;
}

function importOf(url: string): string {
  return `() => import(${JSON.stringify(url)})`;
}

/** What the code at one URL writes to name the module at another. */
function pathFrom(from: string, to: string): string {
  const [{ protocol, host, pathname }, target] = [new URL(from), new URL(to)];
  if (protocol !== target.protocol || host !== target.host) return to;
  const { dirname, relative } = process.getBuiltinModule("node:path").posix;
  return relative(dirname(pathname), target.pathname);
}

/** The bundler notes where each module was; that of the entry differs from one build to the next. */
function withoutPlace(code: string, folder: string): string {
  const { basename } = process.getBuiltinModule("node:path");
  return code.split("\n").map((line) =>
    line.startsWith("// ") && line.includes(`${basename(folder)}/`) ? "// entry.ts" : line
  ).join("\n");
}

function whyNotBundled(said: string): string {
  return said.includes("esbuild")
    ? `Cannot bundle: deno fetches its bundler (esbuild) from npm once, and could not: ${reasonOf(said)}`
    : `Cannot bundle: ${reasonOf(said)}`;
}
