// S16, the client: uploads files, with a progress bar on a terminal and plain lines elsewhere. When the
// connection breaks it connects again and goes on where it was.
//
//   deno run --allow-net=127.0.0.1 --allow-read examples/upload_client.ts [--port N] [--retries N] FILE …
import { AddressError, connect, type Connection } from "@switchboard/kit";
import { parseArgs } from "@std/cli/parse-args";
import { portFromArgs } from "./_port.ts";
import { Progress } from "./_progress.ts";
import { describe, type LocalFile, RefusedError, uploadFile } from "./_upload_dialogue.ts";

const { _: paths, ...flags } = parseArgs(Deno.args, {
  string: ["_", "port", "retries"],
  default: { retries: "5" },
});
const server = { transport: "tcp", hostname: "127.0.0.1", port: portFromArgs(8009) } as const;

let connection: Connection | undefined;

/** The connection to the server: all files go over one, as long as it holds. */
async function connected(): Promise<Connection> {
  return connection ??= await connect(server, { retries: 5, readTimeout: 60_000, writeTimeout: 60_000 });
}

async function upload(file: LocalFile): Promise<void> {
  for (let left = Number(flags.retries);; left--) {
    const progress = new Progress(file.name, file.size);
    try {
      return await uploadFile(await connected(), file, (done) => progress.show(done));
    } catch (error) {
      connection?.close();
      connection = undefined;
      if (error instanceof RefusedError || error instanceof AddressError || left <= 0) throw error;
      console.error(`${file.name}: ${(error as Error).message}; trying again`);
    } finally {
      progress.end();
    }
  }
}

if (paths.length === 0) console.error("no file is named: upload_client.ts FILE …");
let failed = paths.length === 0;
for (const path of paths) {
  try {
    const file = await describe(String(path));
    await upload(file);
    console.log(`${file.name}: stored, ${file.size} bytes`);
  } catch (error) {
    failed = true;
    console.error(`${path}: ${(error as Error).message}`);
  }
}
connection?.close();
Deno.exitCode = failed ? 1 : 0;
