/**
 * The type check before a build.
 *
 * @module
 */
import { graphFlags, runDeno } from "./deno.ts";
import { deno, oneLine, quoted, shortened } from "./terminal.ts";

/**
 * Checks the types of a handler's module, and of what it imports.
 *
 * @throws {Error} with the first thing that is wrong, and how to see all
 */
export async function checkTypes(url: string, signal: AbortSignal): Promise<void> {
  const { success, said } = await runDeno(["check", "--quiet", ...graphFlags(), url], signal);
  if (success) return;
  const file = shortened(url);
  const [first, place] = firstDiagnostic(said);
  const count = Number(/^Found (\d+) errors/m.exec(said)?.[1] ?? 1);
  throw new Error(
    `${file} does not type-check: ${first}${place ? ` (${shortened(place)})` : ""}; ` +
      `${deno()} check ${quoted(file)} shows ${count > 1 ? `all ${count}` : "more"}, ` +
      "--no-check leaves it out",
  );
}

/** `TS2322 [ERROR]: Type 'string' is …`, and below it `    at file:///…/handler.ts:1:7`; what does not load has no number. */
function firstDiagnostic(said: string): [string, string?] {
  const found = /^(?:error: )?(TS\d+) \[ERROR\]: (.*)$/m.exec(said);
  const place = /^\s+at (\S+:\d+:\d+)$/m.exec(said)?.[1];
  return [
    found ? `${found[1]}: ${oneLine(found[2]).replace(/\.$/, "")}` : /^error: (.*)$/m.exec(said)?.[1] ?? "",
    place,
  ];
}
