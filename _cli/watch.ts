/**
 * `serve --watch`: handlers whose code has changed are loaded anew.
 *
 * @module
 */
import type { HandlerModule } from "../server/load.ts";
import type { ServerGroup } from "../server/serve.ts";
import { type LogFormat, reloadLog } from "./connection_log.ts";
import { graphFlags, runDenoForOutput } from "./deno.ts";
import { UsageError } from "./flags.ts";

/** An editor writes a file in several steps, and several files at once: how long it has to be quiet, in milliseconds. */
const QUIET = 50;

/** A handler that is served, and watched. */
export interface Watched {
  /** What the command line calls it. */
  readonly name: string;
  /** Its module. */
  readonly module: HandlerModule;
  /** Who serves it, on workers. */
  readonly group: ServerGroup;
}

/** The file of a handler that can be watched. */
export function watchedFile(name: string, { specifier, url = specifier }: HandlerModule): URL {
  if (!url.startsWith("file:")) {
    throw new UsageError(`--watch watches files of this machine, and the handler ${name} is none`);
  }
  return new URL(url);
}

/**
 * Watches handlers and what they import, and reloads those of which something has changed. Disposing of it ends that.
 *
 * The new code serves the next connection; connections that are open keep the code that they began with. Code that does not
 * load is told, and the old goes on serving.
 */
export async function watchHandlers(all: readonly Watched[], log: LogFormat): Promise<Disposable> {
  const watches = await Promise.all(all.map((watched) => Watch.begin(watched, log)));
  return { [Symbol.dispose]: () => watches.forEach((watch) => watch.end()) };
}

class Watch {
  readonly #watched: Watched;
  readonly #log: ReturnType<typeof reloadLog>;
  #files: ReadonlySet<string> = new Set();
  #events: Deno.FsWatcher | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reloading: Promise<void> | undefined;
  #again = false;
  #over = false;

  constructor(watched: Watched, log: LogFormat) {
    this.#watched = watched;
    this.#log = reloadLog(watched.name, log);
  }

  static async begin(watched: Watched, log: LogFormat): Promise<Watch> {
    const watch = new Watch(watched, log);
    await watch.#look();
    return watch;
  }

  end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#events?.close();
  }

  /** Finds out which files there are, and watches their folders: an editor may put another file in the place of one. */
  async #look(): Promise<void> {
    const { name, module } = this.#watched;
    const files = await filesOf(watchedFile(name, module));
    if (this.#over || sameSet(files, this.#files)) return;
    this.#files = files;
    this.#events?.close();
    const { dirname } = process.getBuiltinModule("node:path");
    this.#events = Deno.watchFs([...new Set([...files].map(dirname))], { recursive: false });
    void this.#follow(this.#events);
  }

  async #follow(events: Deno.FsWatcher): Promise<void> {
    for await (const { kind, paths } of events) {
      if (kind === "access" || !paths.some((path) => this.#files.has(path))) continue;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#changed(), QUIET);
    }
  }

  /** One reload at a time; what changes meanwhile makes for another. */
  #changed(): void {
    this.#again = true;
    this.#reloading ??= this.#reload().finally(() => this.#reloading = undefined);
  }

  async #reload(): Promise<void> {
    while (this.#again && !this.#over) {
      this.#again = false;
      try {
        await this.#watched.group.reload();
        this.#log.reloaded();
      } catch (error) {
        this.#log.failed(error);
      }
      await this.#look(); // it may import others now
    }
  }
}

/** The local files of a module and of all that it imports; the module alone where that cannot be found out. */
async function filesOf(url: URL): Promise<Set<string>> {
  const { fileURLToPath } = process.getBuiltinModule("node:url");
  const own = fileURLToPath(url);
  const answer = await runDenoForOutput(["info", "--json", ...graphFlags(), url.href]);
  try {
    const { modules } = JSON.parse(answer) as { modules: { local?: string; specifier: string }[] };
    const local = modules.filter(({ specifier }) => specifier.startsWith("file:"));
    return new Set([own, ...local.map(({ specifier }) => fileURLToPath(specifier))]);
  } catch {
    return new Set([own]); // it cannot be read at the moment: it is being written, or gone
  }
}

function sameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
