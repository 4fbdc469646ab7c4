import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { AddressError, connect, UnixDatagramServer, UnixServer, type UnixServerOptions } from "../../mod.ts";
import { makeSocketFile } from "../../server/_socket_file.ts";
import { isInstalled } from "../_support/command.ts";
import { within } from "../_support/deadline.ts";
import { Program } from "../_support/program.ts";
import { serving } from "../_support/serving.ts";
import { greet } from "../_support/tiny_handlers.ts";

const FIXTURE = "tests/server/_fixtures/socket_file_server.ts";
const ignore = Deno.build.os === "windows";

/** A folder of its own, and what is in it. */
class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "kit" });

  /** The path of a name in it. */
  at(name: string): string {
    return `${this.path}/${name}`;
  }

  /** The names in it, sorted. */
  get names(): string[] {
    return Array.from(Deno.readDirSync(this.path), ({ name }) => name).toSorted();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

function server(path: string, options: Omit<UnixServerOptions, "path"> = {}): UnixServer {
  return new UnixServer(greet, { path, ...options });
}

/** Leaves the file of a socket behind whose process was killed. */
async function leaveStale(path: string): Promise<void> {
  await using program = new Program(FIXTURE, { args: [path] });
  await program.type("go");
  await program.until(/listening/);
  program.kill("SIGKILL");
  await program.end();
  assert(Deno.lstatSync(path).isSocket);
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

test("UnixServer makes its file for this user only, or with the mode that it is given", async () => {
  using folder = new Folder();
  for (const mode of [undefined, 0o600, 0o660, 0o666, 0o777, 0o000]) {
    const path = folder.at("x.sock");
    await using _server = await server(path, { mode }).listen();
    assertEquals(Deno.lstatSync(path).mode! & 0o777, mode ?? 0o600);
  }
});

const WATCH_MODE = `
import os, sys
path, seen = sys.argv[1], set()
os.set_blocking(0, False)
while sys.stdin.buffer.raw.read(1) != b"":
    for _ in range(100):
        try: mode = oct(os.lstat(path).st_mode & 0o777)
        except FileNotFoundError: continue
        if mode not in seen: print(mode, end=" ", flush=True)
        seen.add(mode)
`;

Deno.test({
  name: "UnixServer's file never has another mode than its own, not even for a moment",
  ignore: ignore || !isInstalled("python3"),
  fn: async () => {
    using folder = new Folder();
    const path = folder.at("x.sock");
    const watcher = new Deno.Command("python3", {
      args: ["-c", WATCH_MODE, path],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const output = watcher.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const first = await server(path, { mode: 0o640 }).listen();
    let seen = (await output.read()).value; // it watches
    await first.close();
    for (let n = 0; n < 200; n++) await (await server(path, { mode: 0o640 }).listen()).close();
    await watcher.stdin.close();
    for (let next; !(next = await output.read()).done;) seen += next.value;
    await watcher.status;
    assertEquals(seen, "0o640 ");
  },
});

test("UnixServer leaves nothing in the folder after close, shutdown and a bind that failed", async () => {
  using folder = new Folder();
  const path = folder.at("x.sock");
  const first = await server(path).listen();
  assertEquals(folder.names, ["x.sock"]);
  await assertRejects(() => server(path).listen(), Deno.errors.AddrInUse);
  await assertRejects(() => server(path, { reclaim: true }).listen(), Deno.errors.AddrInUse);
  assertEquals(folder.names, ["x.sock"]);
  await first.shutdown();
  assertEquals(folder.names, []);
  await first.listen();
  await first.close();
  assertEquals(folder.names, []);
});

test("UnixServer does not take a stale file without reclaim, and says how to", async () => {
  using folder = new Folder();
  const path = folder.at("x.sock");
  await leaveStale(path);
  assertEquals(folder.names, ["x.sock"], "kill -9 leaves the socket alone");
  const error = await assertRejects(() => server(path).listen(), Deno.errors.AddrInUse);
  assertStringIncludes(error.message, path);
  assertStringIncludes((error.cause as Error)?.message ?? error.message, "reclaim");
  assertEquals(folder.names, ["x.sock"]);
});

test("UnixServer takes a stale file with reclaim, and leaves nothing", async () => {
  using folder = new Folder();
  const path = folder.at("x.sock");
  await leaveStale(path);
  {
    await using running = await serving(server(path, { reclaim: true }));
    using client = await connect(running.server.addr);
    assertEquals(await client.readLine(), "hello");
  }
  assertEquals(folder.names, []);
});

test("UnixServer never takes a socket that answers, and leaves the one who answers unharmed", async () => {
  using folder = new Folder();
  const path = folder.at("x.sock");
  await using running = await serving(server(path));
  for (const reclaim of [false, true]) {
    const error = await assertRejects(() => server(path, { reclaim }).listen(), Deno.errors.AddrInUse);
    assertStringIncludes(error.message, path);
  }
  using client = await connect(running.server.addr);
  assertEquals(await client.readLine(), "hello");
});

const FULL_BACKLOG = `
import socket, sys
server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]); server.listen(0)
clients = []
while True:
    client = socket.socket(socket.AF_UNIX); client.setblocking(False)
    try: client.connect(sys.argv[1])
    except BlockingIOError: break
    clients.append(client)
print("full", flush=True)
sys.stdin.read()
`;

Deno.test({
  name: "UnixServer never takes a socket whose server is too busy to answer",
  ignore: Deno.build.os !== "linux" || !isInstalled("python3"),
  fn: async () => {
    using folder = new Folder();
    const path = folder.at("x.sock");
    const busy = new Deno.Command("python3", {
      args: ["-c", FULL_BACKLOG, path],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const output = busy.stdout.getReader();
    assertStringIncludes(new TextDecoder().decode((await output.read()).value), "full");
    const { ino } = Deno.lstatSync(path);
    const error = await assertRejects(() => server(path, { reclaim: true }).listen(), Deno.errors.AddrInUse);
    assertStringIncludes(error.message, path);
    assertEquals(Deno.lstatSync(path).ino, ino);
    await busy.stdin.close();
    await output.cancel();
    await busy.status;
    assertEquals(folder.names, ["x.sock"]);
  },
});

test("UnixServer never takes the place of what is no socket", async () => {
  using folder = new Folder();
  await Deno.writeTextFile(folder.at("file"), "precious");
  await Deno.mkdir(folder.at("folder"));
  await Deno.symlink(folder.at("file"), folder.at("link"));
  await Deno.symlink(folder.at("nowhere"), folder.at("dangling"));
  for (const name of ["file", "folder", "link", "dangling"]) {
    for (const reclaim of [false, true]) {
      const error = await assertRejects(
        () => server(folder.at(name), { reclaim }).listen(),
        Deno.errors.AddrInUse,
      );
      assertStringIncludes(error.message, folder.at(name));
    }
  }
  assertEquals(folder.names, ["dangling", "file", "folder", "link"]);
  assertEquals(await Deno.readTextFile(folder.at("file")), "precious");
});

test("UnixServer removes its file although the process has changed its folder", async () => {
  using folder = new Folder();
  const before = Deno.cwd();
  try {
    Deno.chdir(folder.path);
    await using _server = await server("x.sock").listen();
    assertEquals(folder.names, ["x.sock"]);
    Deno.chdir("/");
  } finally {
    Deno.chdir(before);
  }
  assertEquals(folder.names, []);
});

test("UnixServer removes its file only if it is still its own", async () => {
  using folder = new Folder();
  const path = folder.at("x.sock");
  const first = await server(path).listen();
  await Deno.remove(path);
  await Deno.writeTextFile(path, "another's");
  await first.close();
  assertEquals(await Deno.readTextFile(path), "another's");
  await Deno.remove(path);

  const second = await server(path).listen();
  await Deno.remove(path);
  const third = await server(path).listen();
  await second.close();
  assertEquals(folder.names, ["x.sock"]);
  await third.close();
  assertEquals(folder.names, []);
});

test("UnixServer touches no other file, whatever it is called", async () => {
  using folder = new Folder();
  const neighbours = ["x.sock.lock", "~.sock", "x.sock~", ".x.sock", "x.sock.tmp", "~x.sock"];
  for (const name of neighbours) await Deno.writeTextFile(folder.at(name), name);
  const names = folder.names;
  await using _server = await server(folder.at("x.sock")).listen();
  assertEquals(folder.names, [...names, "x.sock"].toSorted());
  await _server.close();
  assertEquals(folder.names, names);
  for (const name of neighbours) assertEquals(await Deno.readTextFile(folder.at(name)), name);
});

test("UnixServer closes although its file cannot be removed any more", async () => {
  const folder = new Folder();
  const path = folder.at("x.sock");
  const first = await server(path).listen();
  folder[Symbol.dispose]();
  await first.close();
  await first.finished;
});

test("UnixServers with similar names in one folder do not get into each other's way", async () => {
  using folder = new Folder();
  const names = ["a.sock", "b.sock", "~.sock", "~a.sock", "a", "b", "~", "ä.sock"];
  const bound: string[] = [];
  const answers = (): Promise<boolean> => Promise.resolve(false);
  for (const name of names) {
    const bind = (path: string): Deno.UnixListener => {
      bound.push(path);
      return Deno.listen({ transport: "unix", path });
    };
    const file = await makeSocketFile(folder.at(name), { mode: 0o600, reclaim: false, answers }, bind);
    file.remove();
    file.listener.close();
  }
  assertEquals(new Set(bound).size, names.length, bound.join(" "));
  assertEquals(bound.filter((path) => names.includes(path.slice(folder.path.length + 1))), []);

  const servers = await Promise.all(names.map((name) => server(folder.at(name)).listen()));
  assertEquals(folder.names, names.toSorted());
  for (const one of servers) await one.close();
  assertEquals(folder.names, []);
});

test("UnixServer works at the longest path that there is, and says so of one that is longer", async () => {
  using folder = new Folder();
  const most = Deno.build.os === "linux" ? 107 : 103;
  for (const nameLength of [1, 2, 3, 20]) {
    const room = most - folder.path.length - 2 - nameLength;
    const inner = folder.at("d".repeat(room));
    await Deno.mkdir(inner);
    const path = `${inner}/${"n".repeat(nameLength)}`;
    assertEquals(path.length, most);
    await using running = await serving(server(path));
    using client = await connect(running.server.addr);
    assertEquals(await client.readLine(), "hello");
    const error = assertThrows(() => server(`${path}n`), AddressError);
    assertStringIncludes(error.message, `at most ${most} bytes`);
    assertStringIncludes(error.message, `${path}n`);
  }
});

test("UnixServer in a folder that is not there says so in one line", async () => {
  using folder = new Folder();
  const path = folder.at("none/x.sock");
  const error = await assertRejects(() => server(path).listen(), Deno.errors.NotFound);
  assertEquals(error.message, `Cannot listen on unix:${path}: there is no such file or directory`);
});

test("UnixServers that start at once in one process: exactly one wins", async () => {
  for (const isStale of [false, true]) {
    using folder = new Folder();
    const path = folder.at("x.sock");
    if (isStale) await leaveStale(path);
    const servers = Array.from({ length: 10 }, () => server(path, { reclaim: true }));
    const outcomes = await Promise.allSettled(servers.map((one) => one.listen()));
    const failures = outcomes.filter((outcome) => outcome.status === "rejected");
    assertEquals(failures.length, 9);
    for (const { reason } of failures) assert(reason instanceof Deno.errors.AddrInUse, String(reason));
    for (const one of servers) await one.close();
    assertEquals(folder.names, []);
  }
});

test("UnixServers that start at once in several processes: exactly one wins", async () => {
  for (const isStale of [false, true]) {
    using folder = new Folder();
    const path = folder.at("x.sock");
    if (isStale) await leaveStale(path);
    await using programs = new AsyncDisposableStack();
    const starting = [1, 2, 3, 4].map(() => programs.use(new Program(FIXTURE, { args: [path] })));
    for (const program of starting) await program.until(/ready/);
    await Promise.all(starting.map((program) => program.type("go")));
    const [...outcomes] = await Promise.all(
      starting.map((program) => program.until(/listening (\d+)|failed (.*)/)),
    );
    const winners = outcomes.filter(([, pid]) => pid !== undefined);
    assertEquals(winners.length, 1, outcomes.map(([line]) => line).join("\n"));
    for (const [, pid, failure] of outcomes) {
      if (pid === undefined) assertStringIncludes(failure, `AddrInUse Cannot listen on unix:${path}`);
    }
    using client = await connect({ transport: "unix", path });
    assertEquals(await client.readLine(), winners[0][1]);
    assertEquals(folder.names, ["x.sock"]);
  }
});

test("UnixServer that was killed while it made its file leaves nothing that the next one minds or keeps", async () => {
  using folder = new Folder();
  const path = folder.at("x.sock");
  await using program = new Program(FIXTURE, { args: [path, "crash"] });
  await program.type("go");
  await program.end();
  assert(folder.names.length > 0, "it died in the middle");
  await using _server = await server(path).listen();
  assertEquals(folder.names, ["x.sock"]);
});

test("UnixServer tries again when a predecessor that closes unlinks what it has just bound", async () => {
  using folder = new Folder();
  const path = folder.at("x.sock");
  let times = 0;
  const answers = (): Promise<boolean> => Promise.resolve(false);
  const file = await makeSocketFile(path, { mode: 0o600, reclaim: false, answers }, (name) => {
    const listener = Deno.listen({ transport: "unix", path: name });
    if (times++ === 0) Deno.removeSync(name);
    return listener;
  });
  assertEquals([times, folder.names], [2, ["x.sock"]]);
  file.remove();
  file.listener.close();
});

test("UnixServer that takes over while its predecessor closes either serves or finds it still answering", async () => {
  using folder = new Folder();
  const path = folder.at("x.sock");
  let old = await server(path).listen();
  for (let n = 0; n < 100; n++) {
    const next = server(path, { reclaim: true });
    const [listening] = await Promise.all([
      next.listen().then(() => true, (error) => {
        assert(error instanceof Deno.errors.AddrInUse, String(error));
        return false;
      }),
      old.close(),
    ]);
    if (!listening) await within(next.listen(), "the second try");
    assert(Deno.lstatSync(path).isSocket);
    old = next;
  }
  await old.close();
  assertEquals(folder.names, []);
});

test("UnixServer never takes over a datagram socket that somebody serves", async () => {
  using folder = new Folder();
  const path = folder.at("x.sock");
  await using _running = await serving(new UnixDatagramServer(() => {}, { path }));
  const error = await assertRejects(() => server(path, { reclaim: true }).listen(), Deno.errors.AddrInUse);
  assertStringIncludes(error.message, "answers");
});

Deno.test({
  name: "UnixServer serves at an abstract name, which leaves no file and cannot be taken twice",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const path = `\0kit-test-${crypto.randomUUID()}`;
    await using running = await serving(server(path));
    using client = await connect(`unix:@${path.slice(1)}`);
    assertEquals(await client.readLine(), "hello");
    const error = await assertRejects(() => server(path, { reclaim: true }).listen(), Deno.errors.AddrInUse);
    assertEquals(error.message, `Cannot listen on unix:@${path.slice(1)}: the address is in use`);
    await running.server.close();
    await using _again = await server(path).listen();
  },
});
