/**
 * Modules that are named at run time: where they are, and why they do not load.
 *
 * @module
 */

/** A scheme has two letters or more: `C:` is a drive. */
const SCHEME = /^[a-z][a-z\d+.-]+:/i;

/** The URL of a module that is named by a path or a URL; a relative path is relative to `base`, or to the working directory. */
export function locate(specifier: string | URL, base: string | URL | undefined): string {
  if (specifier instanceof URL || SCHEME.test(specifier)) return String(specifier);
  if (base instanceof URL || (base !== undefined && SCHEME.test(base))) return new URL(specifier, base).href;
  const path = process.getBuiltinModule("node:path").resolve(base ?? "", specifier);
  return process.getBuiltinModule("node:url").pathToFileURL(path).href;
}

/** A `data:` URL is a whole module. */
export function abridged(specifier: string): string {
  return specifier.length > 100 ? `${specifier.slice(0, 99)}…` : specifier;
}

/** Deno's reason, in one line; or what the module itself has thrown. */
export function whyNotLoaded(cause: unknown, url: string): string {
  const isDenos = (cause as { code?: unknown } | null)?.code === "ERR_MODULE_NOT_FOUND";
  const message = messageOf(cause);
  if (!isDenos) return `it throws when it is imported: ${firstLine(describe(cause))}`;
  if (message.startsWith(`Module not found "${url}"`)) return "there is no such file";
  const reason = firstLine(message).replace(/\.$|\. Supported schemes:$/, "");
  const detail = /\bat (\S+:\d+:\d+)\s*$/.exec(message)?.[0] ?? /^\s+0: (.*)$/m.exec(message)?.[1];
  return detail && !reason.includes(detail) ? `${reason}, ${detail}` : reason;
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${messageOf(thrown)}` : String(thrown);
}

/** The message without the colours that Deno puts into some. */
export function messageOf(error: unknown): string {
  // deno-lint-ignore no-control-regex -- the escape character begins a colour
  return (error instanceof Error ? error.message : String(error)).replace(/\x1b\[[\d;]*m/g, "");
}

/** The text up to its first line break. */
export function firstLine(text: string): string {
  return text.split("\n", 1)[0].trim();
}
