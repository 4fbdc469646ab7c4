/**
 * Listens on the Unix socket PATH when it is told to on its standard input, and says how that went.
 *
 * Arguments: PATH, and `crash` to die by SIGKILL when the socket is bound and has not got its name yet.
 */
import { UnixServer } from "../../../mod.ts";
import { makeSocketFile } from "../../../server/_socket_file.ts";

const [path, crash] = Deno.args;
console.log("ready");
await Deno.stdin.read(new Uint8Array(16));
try {
  if (crash) {
    const dontAsk = (): Promise<boolean> => Promise.resolve(false);
    await makeSocketFile(path, { mode: 0o600, reclaim: true, answers: dontAsk }, (name) => {
      Deno.listen({ transport: "unix", path: name });
      Deno.kill(Deno.pid, "SIGKILL");
      for (;;); // until the signal is there
    });
  }
  const server = await new UnixServer((conn) => conn.sendAll(`${Deno.pid}\n`), { path, reclaim: true })
    .listen();
  console.log(`listening ${Deno.pid}`);
  await server.serveForever();
} catch (error) {
  console.log(`failed ${(error as Error).name} ${(error as Error).message}`);
}
