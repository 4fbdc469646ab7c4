// Takes uploads in the plain dialogue, and does not store what was sent. The first argument says what is wrong, the
// second is the folder.
// deno-lint-ignore-file no-console

const [lie, folder] = Deno.args;

const ACKNOWLEDGEMENTS: Record<string, string> = { busy: "busy: come back later\n", mumbles: "raedy\n" };
const LAST_WORDS: Record<string, string> = { complains: "failed: the disk is full\n" };

/** What each liar stores in place of what came; without an entry it is stored as it is. */
const LIES: Record<string, (bytes: Uint8Array<ArrayBuffer>, left: number) => Uint8Array<ArrayBuffer>> = {
  busy: () => new Uint8Array(0),
  forgets: () => new Uint8Array(0),
  zeros: (bytes) => new Uint8Array(bytes.length),
  flips: (bytes, left) => left > 0 ? bytes : bytes.with(0, bytes[0] ^ 1),
  shortens: (bytes, left) => left > 0 ? bytes : bytes.subarray(0, -1),
};

async function serve(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(2 ** 20);
  const n = await conn.read(buffer);
  const [, name, size] = new TextDecoder().decode(buffer.subarray(0, n!)).split("|");
  await conn.write(new TextEncoder().encode(ACKNOWLEDGEMENTS[lie] ?? "ready\n"));
  using file = await openFor(lie, name);
  let left = Number(size);
  for (let n; left > 0 && (n = await conn.read(buffer)) !== null;) {
    left -= n;
    const bytes = buffer.subarray(0, n);
    const stored = LIES[lie]?.(bytes, left) ?? bytes;
    for (let written = 0; written < stored.length;) written += await file!.write(stored.subarray(written));
  }
  if (LAST_WORDS[lie]) await conn.write(new TextEncoder().encode(LAST_WORDS[lie]));
  conn.close();
}

/** No file at all for one that only forgets. */
async function openFor(lie: string, name: string): Promise<Deno.FsFile | null> {
  return lie === "forgets" ? null : await Deno.create(`${folder}/${name}`);
}

await Deno.mkdir(folder, { recursive: true });
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(`listening ${listener.addr.port}`);
for await (const conn of listener) serve(conn).catch(() => conn.close()); // the client has seen enough
