import { assertEquals, assertMatch } from "@std/assert";
import { connect, type Permissions } from "../../../mod.ts";
import { handlerModule } from "../../_support/cli.ts";
import { within } from "../../_support/deadline.ts";
import { Program } from "../../_support/program.ts";
import { socketFolder } from "../../_support/socket_folder.ts";

const ROOT = new URL("../../../", import.meta.url);
const PROBER = new URL("./_fixtures/prober.ts", import.meta.url).href;
const SUPERVISED = "tests/server/workers/_fixtures/supervised.ts";
const ignore = Deno.build.os === "windows";

/** What starting child processes takes, and nothing else. */
const LEAST = [`--allow-run=${Deno.execPath()}`, "--allow-env=DENO_DIR,HOME,NODE_V8_COVERAGE"];
const LISTENING = "--allow-net=127.0.0.1";

function supervised(
  options: object,
  flags: string[],
  specifier: string = PROBER,
  starter: string[] = [],
): Program {
  const args = [specifier, JSON.stringify(options)];
  return new Program(SUPERVISED, { args, starter, flags: ["--no-prompt", "--unstable-net", ...flags] });
}

/** What came of each try in a child process of a parent with these flags. */
async function tried(
  tries: string[],
  flags: string[],
  permissions?: Permissions,
  starter?: string[],
): Promise<Record<string, string>> {
  await using program = supervised({ processes: 1, permissions }, flags, PROBER, starter);
  using client = await connect(await program.address(), { readTimeout: 10_000 });
  const outcome: Record<string, string> = {};
  for (const line of tries) {
    await client.sendAll(`${line}\n`);
    outcome[line] = (await client.readLine())!;
  }
  program.kill();
  client.close();
  await within(program.end(), "the end of the program");
  return outcome;
}

/** The line with which the program ends that cannot start its workers. */
async function refusal(program: Program): Promise<string> {
  const { code, output, errors } = await within(program.end(), "the end of the program");
  assertEquals([code, output.length], [1, 1], errors);
  assertEquals(errors, "");
  return output[0];
}

const EVERYTHING = [
  "read /etc/hostname",
  `read ${Deno.execPath()}`,
  "write /tmp/never_written",
  "net 1",
  "env PATH",
  "env HOME",
  "sys hostname",
  "run /bin/sh",
  `run ${Deno.execPath()}`,
  "ffi /lib/libc.so.6",
  "import https://127.0.0.1:1/module.js",
  "kill 1",
];

function all(outcome: string): Record<string, string> {
  return Object.fromEntries(EVERYTHING.map((line) => [line, outcome]));
}

Deno.test({
  name: "a child process of a parent with few permissions may do nothing, whatever it tries",
  ignore,
  async fn() {
    assertEquals(await tried(EVERYTHING, [...LEAST, LISTENING]), all("NotCapable"));
  },
});

Deno.test({
  name: "a child process inherits the kinds that its parent has in full, but neither run nor ffi",
  ignore,
  async fn() {
    const flags = [...LEAST, "--allow-ffi", "--allow-net", "--allow-read", "--allow-sys"];
    assertEquals(await tried(EVERYTHING, flags), {
      ...all("NotCapable"),
      "read /etc/hostname": "ok",
      [`read ${Deno.execPath()}`]: "ok",
      "net 1": "ConnectionRefused",
      "sys hostname": "ok",
    });
  },
});

Deno.test({
  name: "a child process does not inherit a kind of which its parent is denied a part",
  ignore,
  async fn() {
    const flags = [...LEAST, LISTENING, "--allow-read", "--deny-read=/etc/passwd"];
    assertEquals(await tried(["read /etc/passwd", "read /etc/hostname"], flags), {
      "read /etc/passwd": "NotCapable",
      "read /etc/hostname": "NotCapable",
    });
    const program = supervised({ processes: 1, permissions: { read: true } }, flags);
    await using _program = program;
    assertEquals(
      await refusal(program),
      "failed: NotCapable: Cannot give child processes what this one may not do itself: --allow-read",
    );
  },
});

Deno.test({
  name: "a child process gets the permissions that are named, and no others",
  ignore,
  async fn() {
    const folder = socketFolder();
    await Deno.writeTextFile(`${folder}/secret`, "");
    const permissions: Permissions = { read: [`${folder}/open`], write: [`${folder}/open`], env: ["HOME"] };
    const tries = [
      `write ${folder}/open`,
      `read ${folder}/open`,
      `read ${folder}/secret`,
      "env HOME",
      "env PATH",
      "sys x",
    ];
    assertEquals(Object.values(await tried(tries, ["-A"], permissions)), [
      ...["ok", "ok", "NotCapable", "ok", "NotCapable", "NotCapable"],
    ]);
    assertEquals(await tried(["run true", "env HOME"], ["-A"], { run: ["true"] }), {
      "run true": "ok",
      "env HOME": "NotCapable",
    });
  },
});

Deno.test({
  name: "a child process that accepts itself may listen at the server's address, and nowhere else",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using program = supervised({ processes: 2, mechanism: "reuse-port" }, [...LEAST, LISTENING]);
    using client = await connect(await program.address(), { readTimeout: 10_000 });
    await client.sendAll("listen 0\n");
    assertEquals(await client.readLine(), "NotCapable");
  },
});

/** Permissions that the parent has not got, and what is said of them. */
const BEYOND: [Permissions, string][] = [
  [{ write: ["/etc"] }, "--allow-write=/etc"],
  [{ net: true }, "--allow-net"],
  [{ net: ["127.0.0.1:1", "10.0.0.1:80"] }, "--allow-net=10.0.0.1:80"],
  [{ env: ["PATH", "HOME"], sys: true }, "--allow-env=PATH --allow-sys"],
  [{ run: true }, "--allow-run"],
];

for (const [permissions, flags] of BEYOND) {
  Deno.test({
    name: `ForkingTcpServer with permissions that its parent lacks says so: ${flags}`,
    ignore,
    async fn() {
      await using program = supervised({ processes: 1, permissions }, [...LEAST, LISTENING]);
      assertEquals(
        await refusal(program),
        `failed: NotCapable: Cannot give child processes what this one may not do itself: ${flags}`,
      );
    },
  });
}

Deno.test({
  name: "a server that may not start child processes names the flags that are missing, in one line",
  ignore,
  async fn() {
    for (const missing of [LEAST, [LEAST[0]], [LEAST[1]]]) {
      await using program = supervised({ processes: 1 }, [
        LISTENING,
        ...LEAST.filter((flag) => !missing.includes(flag)),
      ]);
      assertEquals(
        await refusal(program),
        `failed: NotCapable: Cannot start child processes: permission is missing, run with ${
          missing.toSorted().toReversed().join(" ").replace(/(--allow-run\S+) (--allow-env\S+)/, "$2 $1")
        }`,
      );
    }
  },
});

Deno.test({
  name: "a server that may not start threads names the flag that is missing, in one line",
  ignore,
  async fn() {
    await using program = supervised({ workers: 1 }, [LISTENING]);
    assertMatch(
      await refusal(program),
      /^failed: NotCapable: Cannot start worker threads: permission is missing, run with --allow-read=\S+$/,
    );
  },
});

Deno.test({
  name:
    "a child process gets variables that it may read, and none that the loader would obey where it may not run everything",
  ignore,
  async fn() {
    const starter = ["env", "SWITCHBOARD_OPEN=1", "SWITCHBOARD_SECRET=2", "LD_PRELOAD_NOT=/x"];
    const flags = ["--allow-env", `--allow-run=${Deno.execPath()}`, LISTENING];
    const permissions = { env: ["SWITCHBOARD_OPEN"] };
    assertEquals(
      await tried(["env SWITCHBOARD_OPEN", "env SWITCHBOARD_SECRET"], flags, permissions, starter),
      {
        "env SWITCHBOARD_OPEN": "ok",
        "env SWITCHBOARD_SECRET": "NotCapable",
      },
    );
  },
});

Deno.test({
  name: "a child process knows the imports of the program's configuration",
  ignore,
  async fn() {
    const folder = `${socketFolder()}/configured`;
    await Deno.mkdir(folder);
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({ imports: { "greeting": "./greeting.ts" } }),
    );
    await Deno.writeTextFile(`${folder}/greeting.ts`, `export const greeting = "hello";`);
    await Deno.writeTextFile(
      `${folder}/handler.ts`,
      `import { greeting } from "greeting"; export default (conn) => conn.sendAll(greeting + "\\n");`,
    );
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import ${JSON.stringify(new URL(SUPERVISED, ROOT).href)};`,
    );
    for (const kind of ["workers", "processes"]) {
      const command = [Deno.execPath(), "run", "--quiet", "--no-check", "-A", `${folder}/main.ts`];
      await using program = new Program({
        command: [...command, `${folder}/handler.ts`, JSON.stringify({ [kind]: 1 })],
        cwd: "/",
        env: Deno.env.toObject(),
      });
      using client = await connect(await program.address(), { readTimeout: 10_000 });
      assertEquals(await client.readLine(), "hello");
      program.kill();
      await within(program.end(), "the end of the program");
    }
  },
});

Deno.test({
  name: "a handler module's own permissions are what its child processes get",
  ignore,
  async fn() {
    const module = handlerModule(`
      export const permissions = { read: ["/etc/hostname"] };
      export default async function read(conn) {
        for (const path of ["/etc/hostname", "/etc/passwd"]) {
          const outcome = await Deno.stat(path).then(() => "ok", (error) => error.name);
          await conn.sendAll(outcome + "\\n");
        }
      }
    `);
    const { loadHandler, serve } = await import("../../../mod.ts");
    await using group = await serve({ listen: "tcp://127.0.0.1:0", processes: 1 }, await loadHandler(module));
    using client = await connect(group.addr, { readTimeout: 10_000 });
    assertEquals([await client.readLine(), await client.readLine()], ["ok", "NotCapable"]);
  },
});
