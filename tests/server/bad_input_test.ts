import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { AddressError, connect, parseEndpoint, serve, TcpServer, UnixServer } from "../../mod.ts";
import { Program } from "../_support/program.ts";
import { socketFolder, socketPath } from "../_support/socket_folder.ts";
import { echo } from "../_support/tiny_handlers.ts";

const ENDPOINTS = [
  "",
  "9999",
  "127.0.0.1:9999",
  "http://127.0.0.1:80",
  "tcp:127.0.0.1:80",
  "tcp://",
  "tcp://127.0.0.1",
  "tcp://127.0.0.1:",
  "tcp://127.0.0.1:http",
  "tcp://127.0.0.1:65536",
  "tcp://127.0.0.1:-1",
  "tcp://127.0.0.1:80/path",
  "tcp://::1:80",
  "tcp://[::1]",
  "tcp://[::1:80",
  "tcp://a b:80",
  "unix:",
  "unix://",
  "unix:a\0b",
  `unix:/${"x".repeat(108)}`,
];

Deno.test("parseEndpoint() refuses what nobody can parse in one line that quotes it", () => {
  for (const endpoint of ENDPOINTS) {
    const error = assertThrows(() => parseEndpoint(endpoint), AddressError);
    const quoted = endpoint.includes("\0")
      ? JSON.stringify(endpoint.slice(5))
      : endpoint.replace(/^unix:(?=\/x)/, "");
    assertStringIncludes(error.message, quoted);
    assert(!error.message.includes("\n"), error.message);
  }
});

Deno.test("parseEndpoint() refuses objects that are no endpoints", () => {
  const wrong = [null, undefined, 7, {}, { transport: "ip" }, { transport: "tcp", hostname: "h", port: 1.5 }];
  for (const endpoint of [...wrong, { transport: "unix" }, { transport: "tcp", hostname: "h" }]) {
    const error = assertThrows(() => parseEndpoint(endpoint as never), AddressError);
    assert(!error.message.includes("\n"), error.message);
  }
});

Deno.test("serve() and connect() refuse an endpoint that nobody can parse", async () => {
  for (const endpoint of ENDPOINTS) {
    await assertRejects(() => serve({ listen: ["tcp://127.0.0.1:0", endpoint] }, echo), AddressError);
    await assertRejects(() => connect(endpoint), AddressError);
  }
  await assertRejects(() => serve({ listen: [] }, echo), AddressError, "no endpoint");
});

Deno.test("TcpServer at a port in use says so in one line, and keeps the system's class", async () => {
  await using first = await new TcpServer(echo).listen();
  const { port } = first.addr;
  await using second = new TcpServer(echo, { port });
  const error = await assertRejects(() => second.listen(), Deno.errors.AddrInUse);
  assertEquals(error.message, `Cannot listen on tcp://127.0.0.1:${port}: the address is in use`);
  await first.close();
  await second.listen();
});

Deno.test("TcpServer at an address of another machine, and at a name that is none, says so in one line", async () => {
  await using elsewhere = new TcpServer(echo, { hostname: "192.0.2.1", port: 9 });
  const error = await assertRejects(() => elsewhere.listen(), Deno.errors.AddrNotAvailable);
  assertEquals(error.message, "Cannot listen on tcp://192.0.2.1:9: the address is not one of this machine");
  await using nowhere = new TcpServer(echo, { hostname: "no-such-host.invalid" });
  const { message } = await assertRejects(() => nowhere.listen(), Error, "tcp://no-such-host.invalid:0");
  assert(!message.includes("\n"), message);
});

Deno.test("serve() that cannot bind one endpoint leaves none bound", async () => {
  await using taken = await new TcpServer(echo).listen();
  const path = socketPath();
  const free = Deno.build.os === "windows" ? "tcp://127.0.0.1:0" : `unix:${path}`;
  const listen = [free, `tcp://127.0.0.1:${taken.addr.port}`];
  await assertRejects(() => serve({ listen }, echo), Deno.errors.AddrInUse);
  assertEquals(Array.from(Deno.readDirSync(socketFolder())), []);
});

Deno.test("Servers refuse a handler that is none, and name it", () => {
  for (const handler of [undefined, null, "echo", {}, class NotAHandler {}]) {
    const error = assertThrows(() => new TcpServer(handler as never), TypeError);
    assert(!error.message.includes("\n"), error.message);
  }
  assertThrows(() => new TcpServer(class NotAHandler {} as never), TypeError, "NotAHandler");
});

Deno.test("Servers refuse an option that is out of range by its name and value, before anything is bound", () => {
  const wrong: [string, unknown[]][] = [
    ["concurrency", [0, -1, 1.5, NaN, "2", null]],
    ["maxConnections", [0, -1, 1.5, NaN]],
    ["maxConnectionsPerPeer", [0, 0.5]],
    ["maxConnectionRate", [0, -1, NaN, "fast"]],
    ["maxConnectionRatePerPeer", [0]],
    ["whenFull", ["drop", true]],
    ["banner", [7]],
    ["allow", ["10.0.0.0/8", 7]],
    ["deny", [null]],
    ["observers", [{}]],
    ["backlog", [0, -1, 1.5]],
    ["timeout", [NaN, "1"]],
    ["pollInterval", [0, -1, Infinity, 2 ** 31]],
    ["readTimeout", [0, -1, NaN, Infinity, 2 ** 31]],
    ["writeTimeout", [0]],
    ["idleTimeout", [0]],
    ["maxLifetime", [0]],
    ["hostname", ["", 7]],
    ["port", [-1, 65_536, 1.5, "80"]],
    ["noDelay", ["yes"]],
    ["keepAlive", [1]],
    ["reusePort", ["no"]],
    ["mode", [-1, 0o1000, "600"]],
    ["reclaim", ["yes"]],
  ];
  for (const [name, values] of wrong) {
    for (const value of values) {
      const options = { [name]: value };
      for (
        const make of [
          () => new TcpServer(echo, options),
          () => new UnixServer(echo, { path: "x", ...options }),
        ]
      ) {
        const { message } = assertThrows(make, RangeError, `Option "${name}"`);
        assertStringIncludes(message, "current value is ");
        assert(!message.includes("\n"), message);
      }
    }
  }
});

Deno.test("Servers refuse a network that they cannot read, and name it", async () => {
  for (const name of ["allow", "deny"]) {
    assertThrows(() => new TcpServer(echo, { [name]: ["10.0.0.0/33"] }), RangeError, '"10.0.0.0/33"');
    const options = { listen: "tcp://127.0.0.1:0", [name]: ["localhost"] };
    await assertRejects(() => serve(options, echo), RangeError, '"localhost"');
  }
});

const path = socketPath();
for (
  const [verb, endpoint, flags] of [
    ["listen", "tcp://127.0.0.1:45678", ["--allow-net=127.0.0.1:45678"]],
    ["listen", "tcp://[::1]:45678", ["--allow-net=[::1]:45678"]],
    ["connect", "tcp://127.0.0.1:45678", ["--allow-net=127.0.0.1:45678"]],
    ["listen", `unix:${path}`, [`--allow-net=unix:${path}`, "--allow-read", "--allow-write"]],
    ["connect", `unix:${path}`, [`--allow-net=unix:${path}`, "--allow-read", "--allow-write"]],
  ] as const
) {
  Deno.test({
    name: `Without permission, to ${verb} on ${
      endpoint.replace(path, "a path")
    } fails in one line that names the flags`,
    ignore: Deno.build.os === "windows" && endpoint.startsWith("unix:"),
    fn: async () => {
      const file = "tests/server/_fixtures/without_permission.ts";
      await using program = new Program(file, { flags: ["--no-prompt"], args: [verb, endpoint] });
      const { output, errors, code } = await program.end();
      assertEquals([output.length, errors, code], [1, "", 0], output.join("\n"));
      assertStringIncludes(output[0], `NotCapable: Cannot ${verb}`);
      assertStringIncludes(output[0], endpoint);
      for (const flag of flags) assertStringIncludes(output[0], flag);
    },
  });
}

Deno.test({
  name: "With the flags that a message names, it works",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const file = "tests/server/_fixtures/without_permission.ts";
    const folder = socketFolder();
    const inFolder = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    for (const endpoint of ["tcp://127.0.0.1:0", `unix:${path}`]) {
      const attempt = async (flags: string[]): Promise<string> => {
        await using program = new Program(file, {
          flags: ["--no-prompt", ...flags],
          args: ["listen", endpoint],
        });
        return (await program.end()).output.join("\n");
      };
      const net = /--allow-net=\S+/.exec(await attempt([]))![0];
      assertEquals(await attempt([net, ...inFolder]), "it went well", net);
    }
  },
});
