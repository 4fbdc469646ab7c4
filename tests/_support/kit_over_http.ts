/**
 * The kit as other people get it: over HTTP.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url);

const TYPES: Record<string, string> = { json: "application/json", ts: "text/typescript" };

/** Flags of `deno run` for the kit from elsewhere: the names of its imports, and no lock file. */
export const HTTP_FLAGS: readonly string[] = [
  `--config=${new URL("deno.json", ROOT).pathname}`,
  "--no-lock",
  "--allow-import",
];

/** Serves the files of the kit on loopback; `cli.ts` is the command line. */
export function kitOverHttp(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async ({ url }) => {
    const { pathname } = new URL(url);
    const body = await Deno.readTextFile(new URL(`.${pathname}`, ROOT)).catch(() => undefined);
    const type = TYPES[pathname.split(".").at(-1)!] ?? "text/plain";
    return new Response(body, {
      status: body === undefined ? 404 : 200,
      headers: { "content-type": type },
    });
  });
}
