// Sends a file that a client names, but not as it is. The first argument says what is wrong with it.
// deno-lint-ignore-file no-console

const BLOCK = 2 ** 20;

/** What a liar sends in place of a block of the file. */
type Lie = (block: Uint8Array<ArrayBuffer>, at: number, size: number) => Uint8Array;

let kept = new Uint8Array(0);

const LIES: Record<string, Lie> = {
  honest: (block) => block,
  zeros: (block) => new Uint8Array(block.length),
  flips: (block, at, size) => at + BLOCK < size ? block : block.with(BLOCK - 1, block[BLOCK - 1] ^ 1),
  repeats: (block, at) => {
    if (at === 0) kept = block.slice();
    return at === BLOCK ? kept : block;
  },
  shortens: (block, at, size) => at + BLOCK < size ? block : block.subarray(0, -1),
  adds: (block, at, size) => at + BLOCK < size ? block : new Uint8Array([...block, 0]),
};

async function readBlock(file: Deno.FsFile): Promise<Uint8Array<ArrayBuffer>> {
  const block = new Uint8Array(BLOCK);
  let length = 0;
  for (let n; length < BLOCK && (n = await file.read(block.subarray(length))) !== null;) length += n;
  return block.subarray(0, length);
}

async function serve(conn: Deno.TcpConn, lie: Lie): Promise<void> {
  const name = new Uint8Array(1024);
  const n = await conn.read(name);
  using file = await Deno.open(new TextDecoder().decode(name.subarray(0, n!)).trim());
  const { size } = await file.stat();
  try {
    for (let at = 0; at < size; at += BLOCK) {
      const bytes = lie(await readBlock(file), at, size);
      for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
    }
  } catch {
    // The client has seen enough.
  }
  conn.close();
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(`listening ${listener.addr.port}`);
for await (const conn of listener) serve(conn, LIES[Deno.args[0]]);
