import { assertEquals } from "@std/assert";
import { run } from "../_support/command.ts";

const WORKSHOP = new URL("../../bench/workshop.ts", import.meta.url).href;

/** What a workshop says to a demand, with nothing on the path but these programs; `null` if it can meet it. */
async function demand(
  what: string,
  programs: Record<string, string> = {},
  env: Record<string, string> = {},
): Promise<string | null> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, script] of Object.entries(programs)) {
      await Deno.writeTextFile(`${folder}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    const code = `import { Workshop } from "${WORKSHOP}";
      try { using workshop = await Workshop.open(); await workshop.${what}; }
      catch (error) { console.log(error.name + " " + error.message); }`;
    const variables = Object.entries({ PATH: folder, ...env }).map(([name, value]) => `${name}=${value}`);
    const { output, errors } = await run("/usr/bin/env", [...variables, Deno.execPath(), "eval", "-q", code]);
    assertEquals(errors, "");
    return output.trim() || null;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "a workshop without Node does not take Deno for it, which runs itself in place of a missing node",
  ignore,
  async fn() {
    assertEquals(await demand('node("x.mjs")'), "MissingToolError needs node: https://nodejs.org");
    assertEquals(await demand('node("x.mjs")', { node: "exit 0" }), null);
  },
});

Deno.test({
  name: "a compiler that is here and cannot compile is missing, with its reason in one line",
  ignore,
  async fn() {
    const cc =
      '[ "$1" = --version ] || { echo "In file a.c:" >&2; echo "a.c:1: fatal error: no x.h" >&2; exit 1; }';
    assertEquals(
      await demand('c("a.c")', { cc }),
      "MissingToolError needs a cc that can compile: a.c:1: fatal error: no x.h",
    );
    const go = '[ "$1" = version ] || { echo "GOCACHE is not defined" >&2; exit 1; }';
    assertEquals(
      await demand('go("a.go")', { go }),
      "MissingToolError needs a go that can compile: GOCACHE is not defined",
    );
  },
});

Deno.test({
  name: "a workshop says in one line that it has no folder for temporary files",
  ignore,
  async fn() {
    const said = await demand('node("x.mjs")', {}, { TMPDIR: "/nowhere/at/all" });
    assertEquals(
      said,
      "MissingToolError needs a folder for temporary files; TMPDIR names /nowhere/at/all: No such file or directory",
    );
  },
});
