/**
 * A handler that tries what it is told, `KIND ARGUMENT`, and says what came of it: "ok", or the error's name.
 *
 * @module
 */
import type { Connection } from "../../../../mod.ts";

const TRIES: Record<string, (what: string) => unknown> = {
  read: (path) => Deno.statSync(path),
  write: (path) => Deno.writeTextFileSync(path, "written"),
  net: (port) => Deno.connect({ hostname: "127.0.0.1", port: Number(port) }).then((conn) => conn.close()),
  listen: (port) => Deno.listen({ hostname: "127.0.0.1", port: Number(port) }).close(),
  env: (name) => Deno.env.get(name),
  sys: () => Deno.hostname(),
  run: (program) => new Deno.Command(program).outputSync(),
  ffi: (path) => Deno.dlopen(path, {}).close(),
  import: (url) => import(url),
  kill: (pid) => Deno.kill(Number(pid), "SIGCONT"),
};

async function attempt(kind: string, what: string): Promise<string> {
  try {
    await TRIES[kind](what);
    return "ok";
  } catch (error) {
    const { name, message } = error as Error;
    return /requires import access/i.test(message) ? "NotCapable" : name; // from a module that is imported it is a TypeError
  }
}

/** Serves a connection. */
export default async function probe(conn: Connection): Promise<void> {
  for await (const line of conn.lines()) {
    const [kind, what = ""] = line.split(" ");
    await conn.sendAll(`${await attempt(kind, what)}\n`);
  }
}
