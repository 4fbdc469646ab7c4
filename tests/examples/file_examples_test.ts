import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect, TcpServer } from "../../mod.ts";
import { isInstalled, run } from "../_support/command.ts";
import { Program } from "../_support/program.ts";
import { randomBytes } from "../_support/random_bytes.ts";
import { serving } from "../_support/serving.ts";

/** A folder that goes at the end of a `using` block. */
class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "example" });

  file(name: string, content: Uint8Array | string): string {
    const path = `${this.path}/${name}`;
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

Deno.test("examples/upload_client.ts (S16) uploads several files and tells their progress in plain lines", async () => {
  using folder = new Folder();
  const large = randomBytes(1, 3_000_000);
  const paths = [
    folder.file("large.bin", large),
    folder.file("empty", ""),
    folder.file("größe.txt", "Grüße"),
  ];
  const dir = `${folder.path}/uploads`;
  await using server = new Program("examples/upload_server.ts", { args: ["--port", "0", "--dir", dir] });
  const { port } = await server.address();
  await using client = new Program("examples/upload_client.ts", { args: ["--port", String(port), ...paths] });
  const { code, output, errors } = await client.end();
  assertEquals({ code, errors }, { code: 0, errors: "" });
  assert(output.includes("large.bin: 100 %"));
  assertEquals(output.filter((line) => line.includes("stored")), [
    "large.bin: stored, 3000000 bytes",
    "empty: stored, 0 bytes",
    "größe.txt: stored, 7 bytes",
  ]);
  assert(sameBytes(Deno.readFileSync(`${dir}/large.bin`), large));
});

Deno.test({
  name: "examples/upload_client.ts (S16) draws a bar on a terminal",
  ignore: !isInstalled("script") || Deno.build.os !== "linux",
  async fn() {
    using folder = new Folder();
    const path = folder.file("a.txt", "hello");
    await using server = new Program("examples/upload_server.ts", {
      args: ["--port", "0", "--dir", `${folder.path}/uploads`],
    });
    const { port } = await server.address();
    const client = `${Deno.execPath()} run -A examples/upload_client.ts --port ${port} ${path}`;
    const { code, output } = await run("script", ["-qec", client, "/dev/null"]);
    assertEquals(code, 0);
    assertMatch(output, /\ra?.*a\.txt █{30} 100 %/);
  },
});

Deno.test("examples/upload_client.ts (S16) goes on where it was when its connection breaks", async () => {
  using folder = new Folder();
  const content = randomBytes(2, 5_000_000);
  const path = folder.file("large.bin", content);
  const dir = `${folder.path}/uploads`;
  await using server = new Program("examples/upload_server.ts", { args: ["--port", "0", "--dir", dir] });
  const target = await server.address();
  const { server: proxy, carried } = cutFirst(target, 2_000_000);
  await using running = await serving(proxy);
  const args = ["--port", String(running.server.addr.port), path];
  await using client = new Program("examples/upload_client.ts", { args });
  const { code, errors } = await client.end();
  assertEquals(code, 0);
  assertStringIncludes(errors, "trying again");
  assert(carried[1] < 4_500_000, "the second connection carried the whole file again");
  assert(sameBytes(Deno.readFileSync(`${dir}/large.bin`), content));
});

/**
 * A proxy that cuts its first connection after so many bytes of the client's; says what each connection
 * carried.
 */
function cutFirst(target: Deno.NetAddr, bytes: number): { server: TcpServer; carried: number[] } {
  const carried: number[] = [];
  const server = new TcpServer(async (near) => {
    using far = await connect(target);
    const back = far.copyTo((chunk) => near.sendAll(chunk)).catch(() => {}); // ends with the connection
    const count = carried.push(0) === 1 ? bytes : Infinity;
    const number = carried.length - 1;
    carried[number] = await near.copyTo((chunk) => far.sendAll(chunk), { count });
    if (number === 0) return near.close();
    await far.closeWrite();
    await back;
  }, { observers: [{ error: () => {} }] });
  return { server, carried };
}

Deno.test("examples/upload_client.ts (S16) names a file that is refused, and ends with 1", async () => {
  using folder = new Folder();
  const path = folder.file(".hidden", "x");
  await using server = new Program("examples/upload_server.ts", {
    args: ["--port", "0", "--dir", folder.path],
  });
  const { port } = await server.address();
  await using client = new Program("examples/upload_client.ts", {
    args: ["--port", String(port), path, "/no/such"],
  });
  const { code, errors } = await client.end();
  assertEquals(code, 1);
  assertMatch(errors, /\.hidden: refused: a name does not begin with a dot/);
  assertMatch(errors, /\/no\/such: No such file/);
});

Deno.test("examples/send_file.ts (S17) sends its file behind a line with the size", async () => {
  using folder = new Folder();
  const content = randomBytes(3, 2_000_000);
  await using server = new Program("examples/send_file.ts", {
    args: ["--port", "0", folder.file("large.bin", content)],
  });
  using conn = await connect(await server.address());
  assertEquals(await conn.readLine(), "2000000");
  assert(sameBytes(await conn.readExactly(2_000_000), content));
  assertEquals(await conn.recv(), null);
  await server.until(/^sent 2000000 bytes to tcp:/);
});

Deno.test("examples/proxy.ts forwards, and counts what went through", async () => {
  await using echo = new Program("examples/echo_server.ts", { args: ["--port", "0"] });
  const { port } = await echo.address();
  await using server = new Program("examples/proxy.ts", {
    args: ["--port", "0", "--to", `tcp://127.0.0.1:${port}`],
  });
  using conn = await connect(await server.address());
  await conn.sendAll("hello\n");
  assertEquals(await conn.readLine(), "hello");
  await conn.closeWrite();
  await server.until(/^6 bytes there, 6 back \(done\)$/);
});

Deno.test({
  name: "examples/redis_server.ts serves redis-cli",
  ignore: !isInstalled("redis-cli"),
  async fn() {
    await using server = new Program("examples/redis_server.ts", { args: ["--port", "0"] });
    const { port } = await server.address();
    const commands =
      'SET greeting "hello world"\nGET greeting\nINCR n\nINCR n\nEXPIRE n 100\nDEL greeting n\nGET n\n';
    const { code, output } = await run("redis-cli", ["-p", String(port)], commands);
    assertEquals(code, 0);
    assertEquals(output.split("\n").slice(0, 7), ["OK", "hello world", "1", "2", "1", "2", ""]);
  },
});

for (const depth of [1, 16, 64]) {
  Deno.test({
    name: `examples/redis_server.ts serves redis-benchmark at a depth of ${depth}`,
    ignore: !isInstalled("redis-benchmark"),
    async fn() {
      await using server = new Program("examples/redis_server.ts", { args: ["--port", "0"] });
      const { port } = await server.address();
      const args = [
        "-p",
        String(port),
        "-t",
        "ping,set,get",
        "-n",
        "5000",
        "-c",
        "10",
        "-P",
        String(depth),
        "--csv",
      ];
      const { code, output, errors } = await run("redis-benchmark", args);
      assertEquals({ code, errors }, { code: 0, errors: "" });
      for (const test of ["PING_INLINE", "PING_MBULK", "SET", "GET"]) {
        assertStringIncludes(output, `"${test}"`);
      }
    },
  });
}

Deno.test("examples/redis_server.ts hangs up on a client that does not speak the protocol", async () => {
  await using server = new Program("examples/redis_server.ts", { args: ["--port", "0"] });
  using conn = await connect(await server.address());
  await conn.sendAll("*1\r\n$x\r\n");
  assertMatch((await conn.readLine())!, /^-ERR Protocol error/);
  assertEquals(await conn.recv(), null);
});
