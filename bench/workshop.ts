/** Finds the interpreters and compilers of this machine, and compiles into a directory that goes away with it. */

import { stripTypeScriptTypes } from "node:module";
import type { Command } from "./child.ts";
import { reasonOf } from "./complaint.ts";

/** Something that is not installed; the message says what needs it and how to get it. */
export class MissingToolError extends Error {
  override readonly name = "MissingToolError";
}

const PYTHONS = ["python3", "/usr/bin/python3", "/usr/local/bin/python3", "python"];
const PACKAGED = ["twisted", "gevent"];
/** Deno runs itself where a program asks for a `node` that is not on the path; Bun can be installed under that name. */
const IS_NODE = 'process.exit("deno" in process.versions || "bun" in process.versions ? 1 : 0)';

/** Turns a source file of the benchmark into a command that runs it. */
export class Workshop implements Disposable {
  readonly #directory: string;
  readonly #compiled = new Map<string, Promise<string>>();
  readonly #tried = new Map<string, Promise<boolean>>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Opens a workshop over a new temporary directory. */
  static async open(): Promise<Workshop> {
    const workshop = new Workshop(await makeFolder());
    addEventListener("unload", () => workshop[Symbol.dispose]()); // a signal ends the benchmark through Deno.exit
    return workshop;
  }

  /** Runs a script on the Deno that runs the benchmark. */
  deno(source: string, ...args: string[]): Promise<Command> {
    const flags = ["run", "--quiet", "--no-lock", "--allow-all", "--unstable-net"];
    return Promise.resolve({ program: Deno.execPath(), args: [...flags, pathOf(source), ...args] });
  }

  /** Runs a script on Node, not on another that answers to its name. */
  async node(source: string, ...args: string[]): Promise<Command> {
    if (!await this.#succeeds("node", "-e", IS_NODE)) {
      throw new MissingToolError("needs node: https://nodejs.org");
    }
    return { program: "node", args: [pathOf(source), ...args] };
  }

  /**
   * Runs TypeScript on Node, which may be too old to read it: its types are taken away, and those of the files that it
   * imports.
   */
  async nodeTypeScript(source: string, ...imported: string[]): Promise<Command> {
    await this.node(source);
    for (const file of [source, ...imported]) {
      const text = stripTypeScriptTypes(await Deno.readTextFile(pathOf(file))).replaceAll('.ts"', '.mjs"');
      const path = this.#withoutTypes(file);
      await Deno.mkdir(path.replace(/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    return { program: "node", args: [this.#withoutTypes(source)] };
  }

  /** Where a file of the benchmark, or of its neighbours, goes without its types: in the same place to the others. */
  #withoutTypes(file: string): string {
    return `${this.#directory}/bench/${file}`.replace("/bench/../", "/").replace(/\.ts$/, ".mjs");
  }

  /** Runs a Python script that becomes Redis. */
  async redis(source: string): Promise<Command> {
    if (!await this.#succeeds("redis-server", "--version")) {
      throw new MissingToolError("needs redis-server: apt install redis-server");
    }
    return await this.python(source, "socket");
  }

  /** The path of a folder that goes away with the workshop. */
  folder(name: string): string {
    return `${this.#directory}/${name}`;
  }

  /** Throws unless redis-benchmark is here. */
  async needsRedisBenchmark(): Promise<void> {
    if (await this.#succeeds("redis-benchmark", "--version")) return;
    throw new MissingToolError("needs redis-benchmark: apt install redis-tools");
  }

  /** Runs a script on the first Python that can import a module: the system's may have what another lacks. */
  async python(source: string, module: string): Promise<Command> {
    for (const program of PYTHONS) {
      if (await this.#succeeds(program, "-c", `import ${module}`)) return { program, args: [pathOf(source)] };
    }
    const known = PACKAGED.includes(module);
    throw new MissingToolError(
      known
        ? `needs ${module}: apt install python3-${module}, or pip install ${module}`
        : "needs Python 3: https://www.python.org",
    );
  }

  /** Compiles a C file. */
  async c(source: string): Promise<Command> {
    if (!await this.#succeeds("cc", "--version")) {
      throw new MissingToolError("needs a C compiler named cc: apt install gcc libc6-dev");
    }
    return { program: await this.#compile(source, "cc", ["-O2", "-Wall", "-o"]), args: [] };
  }

  /** Compiles a Go file. */
  async go(source: string): Promise<Command> {
    if (!await this.#succeeds("go", "version")) throw new MissingToolError("needs go: https://go.dev/dl");
    return { program: await this.#compile(source, "go", ["build", "-o"]), args: [] };
  }

  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.#directory, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // gone already
    }
  }

  #succeeds(program: string, ...args: string[]): Promise<boolean> {
    const key = [program, ...args].join(" ");
    const known = this.#tried.get(key) ?? succeeds(program, args);
    this.#tried.set(key, known);
    return known;
  }

  #compile(source: string, compiler: string, flags: readonly string[]): Promise<string> {
    const known = this.#compiled.get(source);
    if (known) return known;
    const program = `${this.#directory}/${source.replaceAll(/\W/g, "_")}`;
    const compiled = compile(compiler, [...flags, program, pathOf(source)]).then(() => program);
    this.#compiled.set(source, compiled);
    return compiled;
  }
}

/** The path of a file of the benchmark, named from this folder. */
function pathOf(source: string): string {
  const { pathname } = new URL(source, import.meta.url);
  return decodeURIComponent(Deno.build.os === "windows" ? pathname.slice(1) : pathname);
}

async function succeeds(program: string, args: string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args, stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch {
    return false; // no such program
  }
}

/** A compiler that is here may lack what it compiles with: C its headers, Go a folder to build in. */
async function compile(compiler: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(compiler, { args, stdout: "null" }).output();
  if (success) return;
  const reason = firstComplaint(new TextDecoder().decode(stderr));
  throw new MissingToolError(
    `needs a ${compiler} that can compile: ${reason || "it does not say why it cannot"}`,
  );
}

/** The line that says what is wrong, or else the first one. */
function firstComplaint(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return lines.find((line) => /\berror\b/i.test(line)) ?? lines[0] ?? "";
}

async function makeFolder(): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix: "switchboard_bench_" });
  } catch (error) {
    const folder = Deno.env.get("TMPDIR");
    const named = folder ? `TMPDIR names ${folder}` : "TMPDIR can name one";
    throw new MissingToolError(`needs a folder for temporary files; ${named}: ${reasonOf(error)}`);
  }
}
