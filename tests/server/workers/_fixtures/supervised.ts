/**
 * A program that serves a handler module on workers: `MODULE OPTIONS`, the latter as JSON, and says what becomes of it. At the line
 * "exit" it ends at once.
 *
 * @module
 */
import { formatAddr, serve, type ServeOptions, WorkerError } from "../../../../mod.ts";
import { locate } from "../../../../server/_module.ts";
import type { HandlerModule } from "../../../../server/load.ts";

const [path, json] = Deno.args;
const specifier = locate(path, undefined);
const options: ServeOptions = {
  listen: "tcp://127.0.0.1:0",
  ...JSON.parse(json),
  observers: [{ error: ({ error }) => console.log(`worker failed: ${(error as Error).message}`) }],
};

/** As `loadHandler` gives it, but only the workers load it. */
const module: HandlerModule = { specifier, stream: () => {}, options: {}, settings: {} };

try {
  const group = await serve(options, module);
  console.log(`listening on ${formatAddr(group.addr)}`);
  Deno.addSignalListener("SIGTERM", () => group.shutdown());
  Deno.addSignalListener("SIGINT", () => group.shutdown());
  listenToInput();
  await group.finished;
  console.log("finished");
  Deno.exit(0);
} catch (error) {
  console.log(`failed: ${(error as Error).name}: ${(error as Error).message}`);
  Deno.exit(error instanceof WorkerError ? 3 : 1);
}

async function listenToInput(): Promise<void> {
  const { value } = await Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader().read();
  if (value?.startsWith("exit")) Deno.exit(0);
}
