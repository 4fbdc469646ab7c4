/**
 * What it takes to load a handler.
 *
 * @module
 */
import { isHandlerName } from "../handlers/shipped.ts";
import { locate } from "../server/_module.ts";
import type { Permissions } from "../server/permissions.ts";
import { shortened } from "./terminal.ts";

/** What it takes to load a handler. */
export interface HandlerSource {
  /** The URL of its module; none for a shipped handler. */
  url?: string;
  /** What loading it takes. */
  permissions: Permissions;
  /** Whether it can be loaded now, without asking anybody. */
  loadable: boolean;
}

/** Where the kit itself is. */
const KIT = new URL("../", import.meta.url).href;

/**
 * Where a handler comes from, and what it takes to load it.
 *
 * Shipped ones need nothing. Deno asks for the permission to read every file that a local one imports: they are looked
 * for in its text. Who may not be looked at takes the permission to read everything.
 */
export async function handlerSource(handler: string): Promise<HandlerSource> {
  if (isHandlerName(handler)) return { permissions: {}, loadable: true };
  const url = locate(handler, undefined);
  switch (new URL(url).protocol) {
    case "file:":
      return { url, ...await localSource(url) };
    case "http:":
    case "https:":
      return { url, ...remoteSource(url) };
    default:
      return { url, permissions: {}, loadable: true };
  }
}

async function localSource(url: string): Promise<Omit<HandlerSource, "url">> {
  try {
    const files = isGranted({ name: "read", path: new URL(url) }) && await importedFiles(url);
    if (files !== false) return { permissions: { read: files?.map(shortened) ?? true }, loadable: true };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
  return { permissions: { read: true }, loadable: false };
}

/**
 * Deno allows some hosts to everybody, and a list of hosts takes their place: as nobody knows what a module imports from
 * elsewhere, it is all hosts or those.
 */
function remoteSource(url: string): Omit<HandlerSource, "url"> {
  const { protocol, hostname, port } = new URL(url);
  const host = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  const loadable = isGranted({ name: "import", host } as unknown as Deno.PermissionDescriptor);
  const isEverybodys = loadable && !isGranted({ name: "import" } as unknown as Deno.PermissionDescriptor);
  return { permissions: isEverybodys ? {} : { import: true }, loadable };
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/**
 * The local files of a module and all that it imports; `undefined` if one of them imports what cannot be found out. The
 * kit's own are not told apart.
 */
async function importedFiles(url: string): Promise<string[] | undefined> {
  const files = new Set([url]);
  for (const file of files) { // grows meanwhile
    if (file === KIT) continue;
    const text = await readIfThere(file);
    if (text === undefined && file !== url) files.delete(file); // it was no import, only written like one
    for (const specifier of importsOf(text ?? "")) {
      const imported = resolve(specifier, file);
      if (imported === undefined) return undefined;
      if (imported.startsWith(KIT)) files.add(KIT);
      else if (imported.startsWith("file:")) files.add(imported);
    }
  }
  const others = [...files].filter((file) => file === KIT || !file.startsWith(KIT));
  return files.has(KIT) ? others : [...files];
}

async function readIfThere(url: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(new URL(url));
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined; // who imports it will say so
  }
}

/** `import … from "…"`, `export … from "…"`, `import "…"`, `import("…")`; what is imported as a type is not loaded. */
const IMPORT =
  /\b(?:import|export)\b(?!\s+type\b)[\w\s{},*$]*?\bfrom\s*(["'])(.+?)\1|\bimport\s*\(?\s*(["'])(.+?)\3/g;

function importsOf(text: string): string[] {
  const code = text.replace(/\/\*.*?\*\/|^\s*\/\/[^\n]*$/gms, "");
  return Array.from(code.matchAll(IMPORT), (match) => match[2] ?? match[4]);
}

function resolve(specifier: string, from: string): string | undefined {
  try {
    return /^\.{0,2}\//.test(specifier) ? new URL(specifier, from).href : import.meta.resolve(specifier);
  } catch {
    return undefined; // a name of another project's
  }
}
