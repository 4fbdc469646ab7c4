// Bare Deno: the plain dialogue of handlers/upload.ts without any of its care, with a buffer of 1 MiB, as
// fast as a loop gets. The folder is an argument.
// deno-lint-ignore-file no-console

import { emptyFolder } from "./_empty_folder.ts";

const buffer = new Uint8Array(1_048_576);

async function serve(conn: Deno.TcpConn): Promise<void> {
  const n = await conn.read(buffer);
  const [, name, size] = new TextDecoder().decode(buffer.subarray(0, n!)).split("|");
  await conn.write(new TextEncoder().encode("ready\n"));
  using file = await Deno.open(`${Deno.args[0]}/${name}`, { write: true, create: true, truncate: true });
  for (let left = Number(size), n; left > 0 && (n = await conn.read(buffer)) !== null; left -= n) {
    for (let written = 0; written < n;) written += await file.write(buffer.subarray(written, n));
  }
  conn.close();
}

await emptyFolder(Deno.args[0]);
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(`listening ${listener.addr.port}`);
for (;;) await serve(await listener.accept());
