import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { connect, type Connection, TcpServer, type TcpServerOptions } from "../../mod.ts";
import { configure, upload, type UploadOptions } from "../../handlers/upload.ts";
import { isInstalled, python, run } from "../_support/command.ts";
import { within } from "../_support/deadline.ts";
import { Program } from "../_support/program.ts";
import { randomBytes } from "../_support/random_bytes.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";

const encoder = new TextEncoder();
const WINDOWS = Deno.build.os === "windows";

/** A served upload folder that goes at the end of an `await using` block. */
class Fixture implements AsyncDisposable {
  /** Beside the upload folder there is room for what must not be touched. */
  readonly root = Deno.makeTempDirSync({ prefix: "upload" });
  readonly dir = `${this.root}/uploads`;
  readonly recorder = new Recorder();
  addr!: Deno.NetAddr;
  #serving!: AsyncDisposable;

  static async start(options: UploadOptions = {}, server: TcpServerOptions = {}): Promise<Fixture> {
    const fixture = new Fixture();
    const { dir, recorder } = fixture;
    const running = await serving(
      new TcpServer(upload({ dir, ...options }), { observers: [recorder], readTimeout: 20_000, ...server }),
    );
    fixture.addr = running.server.addr;
    fixture.#serving = running;
    return fixture;
  }

  /** The whole files, sorted; unfinished ones are not among them. */
  get files(): string[] {
    return this.#entries.filter((name) => !name.startsWith("."));
  }

  /** The unfinished files. */
  get unfinished(): string[] {
    return this.#entries.filter((name) => name.startsWith("."));
  }

  get #entries(): string[] {
    try {
      return Array.from(Deno.readDirSync(this.dir), ({ name }) => name).sort();
    } catch {
      return []; // it is made when the first file comes
    }
  }

  read(name: string): Uint8Array {
    return Deno.readFileSync(`${this.dir}/${name}`);
  }

  text(name: string): string {
    return Deno.readTextFileSync(`${this.dir}/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#serving[Symbol.asyncDispose]();
    await Deno.remove(this.root, { recursive: true });
  }
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Uploads in the plain dialogue. */
async function put(conn: Connection, name: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  await conn.sendAll(`put|${name}|${bytes.length}\n`);
  assertEquals(await conn.readLine(), "ready");
  await conn.sendAll(bytes);
}

/** Announces a checked upload and says from where on the server wants it. */
async function announce(conn: Connection, name: string, content: Uint8Array): Promise<number> {
  await conn.sendAll(`put|${name}|${content.length}|${sha256(content)}\n`);
  const [, offset] = /^resume (\d+)$/.exec((await conn.readLine())!) ?? [];
  return Number(offset);
}

/** Uploads with a check; gives the server's last word. */
async function putChecked(conn: Connection, name: string, content: Uint8Array): Promise<string> {
  const offset = await announce(conn, name, content);
  await conn.sendAll(content.subarray(offset));
  return (await conn.readLine())!;
}

/** Ends a connection and waits until the server has seen it. */
async function hangUp(conn: Connection): Promise<void> {
  await conn.closeWrite();
  assertEquals(await within(conn.recv(), "the server's end"), null);
}

Deno.test("upload stores what is put", async () => {
  await using fixture = await Fixture.start();
  using conn = await connect(fixture.addr);
  await put(conn, "a.txt", "hello");
  await hangUp(conn);
  assertEquals(fixture.text("a.txt"), "hello");
  assertEquals(fixture.unfinished, []);
});

Deno.test("upload takes several files on one connection, an empty one and one of many pieces among them", async () => {
  await using fixture = await Fixture.start();
  using conn = await connect(fixture.addr);
  const large = randomBytes(1, 1_234_567);
  await put(conn, "empty", "");
  await put(conn, "large", large);
  await put(conn, "größe.txt", "Grüße");
  await hangUp(conn);
  assertEquals(fixture.files, ["empty", "größe.txt", "large"]);
  assertEquals(fixture.text("größe.txt"), "Grüße");
  assert(sameBytes(fixture.read("large"), large));
});

Deno.test({
  name: "upload serves a client of ten lines, written from the description of the original dialogue",
  ignore: !isInstalled("python3"),
  async fn() {
    await using fixture = await Fixture.start();
    const printed = await python(
      `
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    for name, content in [("one.bin", b"1" * 100000), ("two.txt", b"second")]:
        s.sendall(f"put|{name}|{len(content)}".encode())
        print(s.recv(1024).decode().strip())
        for start in range(0, len(content), 1024):
            s.sendall(content[start:start + 1024])
    s.shutdown(socket.SHUT_WR)
    s.recv(1)
`,
      String(fixture.addr.port),
    );
    assertEquals(printed, "ready\nready\n");
    assertEquals([fixture.read("one.bin").length, fixture.text("two.txt")], [100_000, "second"]);
  },
});

Deno.test("upload takes a header without a newline, in two packets", async () => {
  await using fixture = await Fixture.start();
  using conn = await connect(fixture.addr);
  await conn.sendAll("put|a.t");
  await conn.sendAll("xt|5");
  assertEquals(await conn.readLine(), "ready");
  await conn.sendAll("hello");
  await hangUp(conn);
  assertEquals(fixture.text("a.txt"), "hello");
});

Deno.test("upload takes header and content that come stuck together, if a newline parts them", async () => {
  await using fixture = await Fixture.start();
  using conn = await connect(fixture.addr);
  await conn.sendAll("put|a|5\nhelloput|b|2\r\nhi");
  await hangUpAfter(conn, ["ready", "ready"]);
  assertEquals([fixture.text("a"), fixture.text("b")], ["hello", "hi"]);
});

async function hangUpAfter(conn: Connection, lines: string[]): Promise<void> {
  await conn.closeWrite();
  assertEquals(await within(Array.fromAsync(conn.lines()), "the server's end"), lines);
}

Deno.test("upload answers a checked upload with the hash, and goes on with the next", async () => {
  await using fixture = await Fixture.start();
  using conn = await connect(fixture.addr);
  for (const name of ["a", "b"]) {
    const content = randomBytes(name.charCodeAt(0), 300_000);
    assertEquals(await putChecked(conn, name, content), `stored ${sha256(content)}`);
    assert(sameBytes(fixture.read(name), content));
  }
});

Deno.test("upload refuses content that does not have the announced hash, keeps nothing of it, and goes on", async () => {
  await using fixture = await Fixture.start();
  using conn = await connect(fixture.addr);
  const content = encoder.encode("hello");
  assertEquals(await announce(conn, "a", content), 0);
  await conn.sendAll("jello");
  assertEquals(await conn.readLine(), "failed: the SHA-256 differs");
  assertEquals([fixture.files, fixture.unfinished], [[], []]);
  assertEquals(await putChecked(conn, "a", content), `stored ${sha256(content)}`);
});

Deno.test("upload goes on where it was cut, at every tenth of a file", async () => {
  await using fixture = await Fixture.start();
  const content = randomBytes(7, 1_000_003);
  let at = 0;
  for (let tenth = 1; tenth <= 10; tenth++) {
    using conn = await connect(fixture.addr);
    const offset = await announce(conn, "whole", content);
    assertEquals(offset, at);
    at = Math.floor(content.length * tenth / 10);
    await conn.sendAll(content.subarray(offset, at));
    if (tenth < 10) {
      assertEquals(fixture.files, []);
      await hangUp(conn);
    } else assertEquals(await conn.readLine(), `stored ${sha256(content)}`);
  }
  assert(sameBytes(fixture.read("whole"), content));
  assertEquals(fixture.unfinished, []);
});

Deno.test("upload goes on after a connection that was reset", async () => {
  await using fixture = await Fixture.start();
  const content = randomBytes(8, 500_000);
  const broken = await connect(fixture.addr);
  await announce(broken, "whole", content);
  await broken.sendAll(content.subarray(0, 200_000));
  broken.close();
  await fixture.recorder.until("closed");
  using conn = await connect(fixture.addr);
  assertMatch(await putChecked(conn, "whole", content), /^stored/);
  assert(sameBytes(fixture.read("whole"), content));
});

Deno.test("upload keeps nothing of a plain upload that was cut", async () => {
  await using fixture = await Fixture.start();
  using conn = await connect(fixture.addr);
  await conn.sendAll("put|a|10\n");
  await conn.readLine();
  await conn.sendAll("only");
  await hangUp(conn);
  await fixture.recorder.until("closed");
  assertEquals([fixture.files, fixture.unfinished], [[], []]);
});

Deno.test("upload does not go on with other content of the same name and size", async () => {
  await using fixture = await Fixture.start();
  const first = await connect(fixture.addr);
  await announce(first, "a", randomBytes(1, 1_000));
  await first.sendAll(new Uint8Array(500));
  await hangUp(first);
  first.close();
  using second = await connect(fixture.addr);
  assertEquals(await announce(second, "a", randomBytes(2, 1_000)), 0);
});

const BAD_NAMES: Record<string, string> = {
  "..": "dot",
  ".": "dot",
  "../outside": "path",
  "/etc/outside": "path",
  "a/../../outside": "path",
  "..\\outside": "path",
  "C:\\outside": "path",
  "C:outside": "none of",
  "a\0b": "control",
  "a\tb": "control",
  "a\x7fb": "control",
  ".hidden": "dot",
  ".upload-00.part": "dot",
  "": "missing",
  " ": "space",
  "a ": "space",
  "a.": "dot",
  "a*": "none of",
  "stream.txt:hidden": "none of",
  CON: "reserved",
  "nul.txt": "reserved",
  "Com1": "reserved",
  "lpt9.tar.gz": "reserved",
  "aux .txt": "reserved",
  ["x".repeat(256)]: "255 bytes",
  ["ß".repeat(128)]: "255 bytes",
};

for (const [name, reason] of Object.entries(BAD_NAMES)) {
  for (const checked of [false, true]) {
    const kind = checked ? "a checked upload" : "an upload";
    Deno.test(`upload refuses ${kind} with the name ${JSON.stringify(name).slice(0, 40)} in one line`, async () => {
      await using fixture = await Fixture.start();
      using conn = await connect(fixture.addr);
      await conn.sendAll(`put|${name}|5${checked ? `|${"0".repeat(64)}` : ""}\n`);
      const answer = await conn.readLine();
      assertMatch(answer!, /^refused: /);
      assertStringIncludes(answer!, reason);
      if (checked) assertMatch(await putChecked(conn, "fine", new Uint8Array(3)), /^stored/);
      else assertEquals(await conn.recv(), null);
      assertEquals(fixture.files, checked ? ["fine"] : []);
      assertEquals(
        Array.from(Deno.readDirSync(fixture.root), (entry) => entry.name),
        checked ? ["uploads"] : [],
      );
    });
  }
}

const BAD_HEADERS = [
  "hello\n",
  "put|a\n",
  "put|a|five\n",
  "put|a|-5\n",
  "put|a|-5",
  "put|a|1e3\n",
  "put|a|99999999999999999999\n",
  "put|a|5|nohash\n",
  `put|a|5|${"0".repeat(64)}|more\n`,
  "put|a|b|5\n",
  "get|a|5\n",
  "|a|5\n",
  "\n",
  `put|${"x".repeat(2_000)}`,
];

for (const header of BAD_HEADERS) {
  Deno.test(`upload refuses the header ${JSON.stringify(header).slice(0, 40)} in one line and hangs up`, async () => {
    await using fixture = await Fixture.start();
    using conn = await connect(fixture.addr);
    await conn.sendAll(header);
    const answer = await within(Array.fromAsync(conn.lines()), "the server's end");
    assertEquals(answer.length, 1);
    assertMatch(answer[0], /^refused: /);
    assertEquals((await fixture.recorder.until("closed")).reason, "protocol");
    assertEquals(fixture.recorder.all("error"), []);
  });
}

Deno.test("upload refuses a header that is no UTF-8", async () => {
  await using fixture = await Fixture.start();
  using conn = await connect(fixture.addr);
  await conn.sendAll(new Uint8Array([...encoder.encode("put|"), 0xff, 0xfe, ...encoder.encode("|5\n")]));
  assertEquals(await conn.readLine(), "refused: a header is UTF-8");
});

Deno.test({
  name: "upload refuses a name that is a link, or a folder, and leaves what it leads to alone",
  ignore: WINDOWS,
  async fn() {
    await using fixture = await Fixture.start();
    await Deno.mkdir(`${fixture.dir}/folder`, { recursive: true });
    await Deno.writeTextFile(`${fixture.root}/outside`, "untouched");
    await Deno.symlink(`${fixture.root}/outside`, `${fixture.dir}/link`);
    await Deno.symlink(`${fixture.root}/new`, `${fixture.dir}/dangling`);
    for (const name of ["link", "dangling", "folder"]) {
      using conn = await connect(fixture.addr);
      await conn.sendAll(`put|${name}|5\n`);
      assertEquals(await conn.readLine(), "refused: the name is taken by something that is no file");
    }
    assertEquals(Deno.readTextFileSync(`${fixture.root}/outside`), "untouched");
    assertEquals(Array.from(Deno.readDirSync(fixture.root)).length, 2);
  },
});

Deno.test({
  name: "upload refuses to go on with an unfinished file that somebody has replaced by a link",
  ignore: WINDOWS,
  async fn() {
    await using fixture = await Fixture.start();
    const content = randomBytes(3, 1_000);
    const first = await connect(fixture.addr);
    await announce(first, "a", content);
    await first.sendAll(content.subarray(0, 500));
    await hangUp(first);
    first.close();
    const [part] = fixture.unfinished;
    await Deno.rename(`${fixture.dir}/${part}`, `${fixture.root}/outside`);
    await Deno.symlink(`${fixture.root}/outside`, `${fixture.dir}/${part}`);
    using conn = await connect(fixture.addr);
    await conn.sendAll(`put|a|${content.length}|${sha256(content)}\n`);
    assertMatch((await conn.readLine())!, /^refused: /);
    assertEquals(Deno.statSync(`${fixture.root}/outside`).size, 500);
    // Nor does it make a file where a link leads to.
    await Deno.remove(`${fixture.root}/outside`);
    await conn.sendAll(`put|a|${content.length}|${sha256(content)}\n`);
    assertEquals(await conn.readLine(), "refused: its temporary name is taken");
    assertEquals(Array.from(Deno.readDirSync(fixture.root), ({ name }) => name), ["uploads"]);
  },
});

Deno.test("upload refuses a file that is larger than maxSize before its content comes", async () => {
  await using fixture = await Fixture.start({ maxSize: 10 });
  using conn = await connect(fixture.addr);
  await put(conn, "fits", "0123456789");
  await conn.sendAll("put|a|11\n");
  assertEquals(await conn.readLine(), "refused: a file has at most 10 bytes");
});

Deno.test("upload refuses a file beyond maxFiles, but replaces one that is there", async () => {
  await using fixture = await Fixture.start({ maxFiles: 2 });
  using conn = await connect(fixture.addr);
  await put(conn, "a", "1");
  await put(conn, "b", "2");
  await put(conn, "b", "3");
  await conn.sendAll("put|c|1\n");
  assertEquals(await conn.readLine(), "refused: there are too many files");
  assertEquals([fixture.files, fixture.unfinished, fixture.text("b")], [["a", "b"], [], "3"]);
});

Deno.test("upload counts the unfinished files of others against maxFiles", async () => {
  await using fixture = await Fixture.start({ maxFiles: 1 });
  using first = await connect(fixture.addr);
  await announcePlain(first, "a");
  using second = await connect(fixture.addr);
  await second.sendAll("put|b|1\n");
  assertEquals(await second.readLine(), "refused: there are too many files");
});

async function announcePlain(conn: Connection, name: string): Promise<void> {
  await conn.sendAll(`put|${name}|10\n`);
  assertEquals(await conn.readLine(), "ready");
}

Deno.test("upload removes an unfinished file that nobody has gone on with for a day, and no younger one", async () => {
  await using fixture = await Fixture.start();
  await Deno.mkdir(fixture.dir);
  const [old, young] = [`${fixture.dir}/.upload-0a.part`, `${fixture.dir}/.upload-0b.part`];
  for (const path of [old, young]) await Deno.writeTextFile(path, "part");
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  await Deno.utime(old, yesterday, yesterday);
  using conn = await connect(fixture.addr);
  await put(conn, "a", "1");
  await hangUp(conn);
  assertEquals(fixture.unfinished, [".upload-0b.part"]);
});

Deno.test("upload of one name by two at once ends with one whole file", async () => {
  await using fixture = await Fixture.start();
  const contents = [randomBytes(1, 700_000), randomBytes(2, 900_000)];
  await Promise.all(contents.map(async (content) => {
    using conn = await connect(fixture.addr);
    await put(conn, "same", content);
    await hangUp(conn);
  }));
  const stored = fixture.read("same");
  assert(contents.some((content) => sameBytes(content, stored)));
  assertEquals([fixture.files, fixture.unfinished], [["same"], []]);
});

Deno.test("upload asks the second of two that put the same content under the same name at once to wait", async () => {
  await using fixture = await Fixture.start();
  const content = randomBytes(1, 100_000);
  using first = await connect(fixture.addr);
  await announce(first, "same", content);
  using second = await connect(fixture.addr);
  await second.sendAll(`put|same|${content.length}|${sha256(content)}\n`);
  assertEquals(await second.readLine(), "busy: somebody is uploading this file");
  await first.sendAll(content);
  assertMatch((await first.readLine())!, /^stored/);
  assertMatch(await putChecked(second, "same", content), /^stored/);
});

Deno.test("upload without overwrite refuses a name that is taken, also when it was taken meanwhile", async () => {
  await using fixture = await Fixture.start({ overwrite: false });
  using conn = await connect(fixture.addr);
  const content = encoder.encode("late");
  await announce(conn, "a", content);
  using other = await connect(fixture.addr);
  await put(other, "a", "first");
  await hangUp(other);
  await conn.sendAll(content);
  assertEquals(await conn.readLine(), "failed: there is a file of this name");
  await conn.sendAll(`put|a|4|${sha256(content)}\n`);
  assertEquals(await conn.readLine(), "refused: there is a file of this name");
  assertEquals([fixture.text("a"), fixture.unfinished], ["first", []]);
});

Deno.test("upload of more bytes than announced stores as many as announced, and takes the rest for a header", async () => {
  await using fixture = await Fixture.start();
  using conn = await connect(fixture.addr);
  await put(conn, "a", "hello");
  await conn.sendAll(" and more\n");
  assertMatch((await conn.readLine())!, /^refused: /);
  assertEquals(fixture.text("a"), "hello");
});

Deno.test("upload of fewer bytes than announced leaves no file, and is no error of the server", async () => {
  await using fixture = await Fixture.start();
  using conn = await connect(fixture.addr);
  await announce(conn, "a", new Uint8Array(1_000));
  await conn.sendAll(new Uint8Array(999));
  await hangUp(conn);
  assertEquals((await fixture.recorder.until("closed")).reason, "protocol");
  assertEquals([fixture.files, fixture.unfinished.length], [[], 1]);
  assertEquals(fixture.recorder.all("error"), []);
});

Deno.test("upload that takes too long between two bytes is hung up on and can be gone on with", async () => {
  await using fixture = await Fixture.start({}, { readTimeout: 50 });
  const content = randomBytes(4, 1_000);
  const slow = await connect(fixture.addr);
  await announce(slow, "a", content);
  await slow.sendAll(content.subarray(0, 500));
  assertEquals(await slow.recv(), null);
  slow.close();
  using conn = await connect(fixture.addr);
  assertEquals(await announce(conn, "a", content), 500);
});

Deno.test("upload tells client and operator when the folder cannot be written", async () => {
  await using fixture = await Fixture.start();
  await Deno.writeTextFile(fixture.dir, "a file where the folder should be");
  using conn = await connect(fixture.addr);
  await conn.sendAll("put|a|1\n");
  assertEquals(await conn.readLine(), "refused: the server cannot store it");
  assert((await fixture.recorder.until("error")).error instanceof Error);
});

Deno.test("upload ends an idle client when the server drains, and lets a file come in whole", async () => {
  const dir = Deno.makeTempDirSync();
  const server = await new TcpServer(upload({ dir })).listen();
  const loop = server.serveForever();
  using idle = await connect(server.addr);
  using busy = await connect(server.addr);
  await put(idle, "done", "1");
  await busy.sendAll("put|a|5\n");
  await busy.readLine();
  const drained = server.shutdown();
  assertEquals(await within(idle.recv(), "the idle client's end"), null);
  await busy.sendAll("hello");
  await within(Promise.all([drained, loop]), "the end of the drain");
  assertEquals(Deno.readTextFileSync(`${dir}/a`), "hello");
  await Deno.remove(dir, { recursive: true });
});

Deno.test("upload's configure() reads what the command line tells", async () => {
  await using fixture = await Fixture.start();
  const handler = configure({ "dir": fixture.dir, "max-size": "1K", "max-files": "1", "keep": true });
  await using running = await serving(new TcpServer(handler));
  using conn = await connect(running.server.addr);
  await conn.sendAll("put|a|1025\n");
  assertEquals(await conn.readLine(), "refused: a file has at most 1024 bytes");
});

for (const [name, value] of [["max-size", "much"], ["max-files", "-1"], ["max-files", "1.5"]]) {
  Deno.test(`upload's configure() refuses --${name} ${value}`, () => {
    let message = "";
    try {
      configure({ [name]: value });
    } catch (error) {
      assert(error instanceof RangeError);
      message = error.message;
    }
    assertStringIncludes(message, `--${name}`);
    assertStringIncludes(message, value);
  });
}

const SERVER = "tests/_support/upload_program.ts";

Deno.test("upload has no part of a file under its name when the server is killed, and goes on after a restart", async () => {
  const dir = Deno.makeTempDirSync();
  const content = randomBytes(5, 2_000_000);
  {
    await using server = new Program(SERVER, { args: [dir] });
    using conn = await connect(await server.address());
    await announce(conn, "a", content);
    await conn.sendAll(content.subarray(0, 1_500_000));
    while (
      Array.from(Deno.readDirSync(dir), ({ name }) => Deno.statSync(`${dir}/${name}`).size)[0] < 500_000
    ) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    server.kill("SIGKILL");
    await server.end();
  }
  assert(Array.from(Deno.readDirSync(dir)).every(({ name }) => name.startsWith(".")));
  await using server = new Program(SERVER, { args: [dir] });
  using conn = await connect(await server.address());
  const offset = await announce(conn, "a", content);
  assert(offset >= 500_000);
  await conn.sendAll(content.subarray(offset));
  assertMatch((await conn.readLine())!, /^stored/);
  assert(sameBytes(Deno.readFileSync(`${dir}/a`), content));
  await Deno.remove(dir, { recursive: true });
});

/** Fails in the middle of a file: how the server's process is started, and what the client is told. */
const LIMITS: Record<string, { starter: string[]; reason: string }> = {
  "the disk is full": {
    starter: [
      "unshare",
      "-rm",
      "sh",
      "-c",
      'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"',
      "sh",
    ],
    reason: "the disk is full",
  },
  "no file may be so large": {
    starter: ["sh", "-c", 'trap "" XFSZ; ulimit -f 2048; shift; exec "$@"', "sh"],
    reason: "the server cannot store it",
  },
};

/** Whether this user may start processes that way. */
async function canStart([program, ...args]: string[], dir: string): Promise<boolean> {
  return isInstalled(program) && (await run(program, [...args, dir, "true"])).code === 0;
}

for (const [what, { starter, reason }] of Object.entries(LIMITS)) {
  const probe = Deno.makeTempDirSync();
  const ignore = WINDOWS || !await canStart(starter, probe);
  Deno.removeSync(probe);
  Deno.test({
    name: `upload tells the client when ${what}, keeps nothing of the file, and serves the next`,
    ignore,
    async fn() {
      const dir = Deno.makeTempDirSync();
      await using server = new Program(SERVER, { args: [dir], starter: [...starter, dir] });
      const addr = await server.address();
      using conn = await connect(addr);
      await conn.sendAll("put|large|3000000\n");
      assertEquals(await conn.readLine(), "ready");
      conn.sendAll(new Uint8Array(3_000_000)).catch(() => {}); // the server hangs up in the middle
      assertEquals(await conn.readLine(), `failed: ${reason}`);
      using next = await connect(addr);
      assertMatch(await putChecked(next, "next", new Uint8Array(900_000)), /^stored/); // the space is free again
      await Deno.remove(dir, { recursive: true });
    },
  });
}
