/**
 * A stand-in for JSR on loopback: `deno publish` puts packages there, and `JSR_URL` points Deno at it.
 *
 * @module
 */
import { within } from "./deadline.ts";
import { unpack } from "./tar.ts";

/** Nothing is published for longer, in milliseconds. */
const PATIENCE = 60_000;

/** One version of a package, as the registry describes it and keeps it. */
export interface PublishedPackage {
  /** Its version. */
  version: string;
  /** Its entry points: `.` or `./name`, and the path of the module. */
  exports: Record<string, string>;
  /** Its files by their paths, which begin with a slash. */
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** A registry, empty at first. */
export class Registry {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #packages = new Map<string, PublishedPackage>();

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => this.#answer(request),
    );
  }

  /** What `JSR_URL` has to say. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** The packages by their names. */
  get packages(): ReadonlyMap<string, PublishedPackage> {
    return this.#packages;
  }

  /** Publishes the package in a folder by `deno publish`: with the files and the imports that JSR would get. */
  async publish(folder: URL, env: Record<string, string>): Promise<void> {
    const flags = ["--quiet", "--no-lock", "--no-check", "--allow-dirty", "--no-provenance"];
    const command = new Deno.Command(Deno.execPath(), {
      args: ["publish", ...flags, "--token=of-the-test"],
      cwd: folder,
      env: { ...env, JSR_URL: this.url, NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    });
    const publishing = within(command.output(), `the end of deno publish in ${folder}`, PATIENCE);
    const { success, stderr } = await publishing;
    if (!success) throw new Error(`deno publish in ${folder} failed: ${new TextDecoder().decode(stderr)}`);
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const publishing = /^\/api\/scopes\/(.+)\/packages\/(.+?)(?:\/versions\/(.+))?$/.exec(pathname);
    if (!publishing) return await this.#give(pathname);
    const [, scope, name, version] = publishing;
    if (version === undefined) return Response.json({ scope, name });
    if (request.method !== "POST") return notFound("packageVersionNotFound"); // it may be published
    await this.#take(`@${scope}/${name}`, version, searchParams.get("config")!, request.body!);
    return Response.json({ id: crypto.randomUUID(), status: "success", error: null });
  }

  async #take(
    name: string,
    version: string,
    config: string,
    archive: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    const unzipped = new Response(archive.pipeThrough(new DecompressionStream("gzip")));
    const archived = unpack(new Uint8Array(await unzipped.arrayBuffer()));
    const files = new Map(archived.map(({ path, bytes }) => [`/${path}`, bytes]));
    const { exports } = JSON.parse(new TextDecoder().decode(files.get(config)));
    this.#packages.set(name, { version, exports: exportsOf(exports), files });
  }

  async #give(pathname: string): Promise<Response> {
    const [, name, path] = /^\/(@[^/]+\/[^/]+)(\/.+)$/.exec(pathname) ?? [];
    const found = this.#packages.get(name);
    if (!found) return notFound("packageNotFound");
    if (path === "/meta.json") {
      return Response.json({ name, latest: found.version, versions: { [found.version]: {} } });
    }
    if (path === `/${found.version}_meta.json`) return Response.json(await describe(found));
    const body = path.startsWith(`/${found.version}/`)
      ? found.files.get(path.slice(found.version.length + 1))
      : undefined;
    return body ? new Response(body) : notFound("fileNotFound");
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function exportsOf(written: string | Record<string, string>): Record<string, string> {
  return typeof written === "string" ? { ".": written } : written;
}

/** `VERSION_meta.json`: Deno takes no file that is not named there with its checksum. */
async function describe(
  { exports, files }: PublishedPackage,
): Promise<{ exports: unknown; manifest: unknown }> {
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, bytes] of files) {
    const checksum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    manifest[path] = { size: bytes.length, checksum: `sha256-${checksum}` };
  }
  return { exports, manifest };
}

function notFound(code: string): Response {
  return Response.json({ code, message: "not found" }, { status: 404 });
}
