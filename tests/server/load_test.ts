import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { connect, HandlerModuleError, loadHandler, serve } from "../../mod.ts";
import { configureHandler } from "../../server/load.ts";
import { handlerModule } from "../_support/cli.ts";

/** Loads what cannot be loaded, and gives the sentence that says why. */
async function complaintAbout(specifier: string, base?: string): Promise<string> {
  const { message } = await assertRejects(() => loadHandler(specifier, { base }), HandlerModuleError);
  assertEquals(message.split("\n").length, 1, message);
  // deno-lint-ignore no-control-regex -- the escape character begins a colour
  assertEquals(/\x1b/.test(message), false, message);
  return message;
}

/** The part of the sentence behind the name of a module with this code. */
async function complaintAboutCode(code: string): Promise<string> {
  return (await complaintAbout(handlerModule(code))).replace(/data:\S+?(?=:? )/, "MODULE");
}

async function withFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("loadHandler() gives the default export, the options and verifyRequest, as serve() takes them", async () => {
  const module = await loadHandler(handlerModule(`
    export const options = { maxConnections: 7 };
    export const verifyRequest = (conn) => conn.remoteAddr.hostname === "127.0.0.1";
    export default async function hello(conn) { await conn.sendAll("hello\\n"); }
  `));
  assertEquals(module.stream?.name, "hello");
  assertEquals(module.options, { maxConnections: 7 });
  await using group = await serve({ ...module.options, listen: "tcp://127.0.0.1:0" }, module);
  using conn = await connect(group.addr);
  assertEquals(await conn.readLine(), "hello");
});

Deno.test("loadHandler() names an option that there is none of", async () => {
  const complaint = await complaintAboutCode(`
    export const options = { idleTimout: 1_000 };
    export default () => {};
  `);
  assertEquals(complaint, 'Cannot use MODULE as a handler: There is no option "idleTimout"');
});

Deno.test("loadHandler() hands on a verifyRequest that turns clients away", async () => {
  const module = await loadHandler(handlerModule(`
    export const verifyRequest = () => false;
    export default (conn) => conn.sendAll("never");
  `));
  await using group = await serve({ listen: "tcp://127.0.0.1:0" }, module);
  using conn = await connect(group.addr);
  assertEquals(await conn.recv(), null);
  assertEquals(group.stats.refused.unverified, 1);
});

Deno.test("loadHandler() takes a request-handler class that uses another copy of the kit", async () => {
  const module = await loadHandler(handlerModule(`
    export default class {
      static [Symbol.for("switchboard.toStreamHandler")]() { return (conn) => conn.sendAll("class\\n"); }
    }
  `));
  await using group = await serve({ listen: "tcp://127.0.0.1:0" }, module);
  using conn = await connect(group.addr);
  assertEquals(await conn.readLine(), "class");
});

Deno.test("loadHandler() is content with a module for datagrams alone", async () => {
  const { stream, datagram } = await loadHandler(handlerModule("export function datagram() {}"));
  assertEquals(stream, undefined);
  assertEquals(typeof datagram, "function");
});

Deno.test("configureHandler() makes the handler of what it is told, and leaves a module alone that takes nothing", async () => {
  const module = await loadHandler(handlerModule(`
    export const settings = { word: { value: "WORD", help: "a word" } };
    export const configure = ({ word }) => (conn) => conn.sendAll(word + "\\n");
    export default () => {};
  `));
  assertEquals(module.settings, { word: { value: "WORD", help: "a word" } });
  await using group = await serve(
    { listen: "tcp://127.0.0.1:0" },
    configureHandler(module, { word: "told" }),
  );
  using conn = await connect(group.addr);
  assertEquals(await conn.readLine(), "told");
  const plain = await loadHandler(handlerModule("export default () => {}"));
  assertStrictEquals(configureHandler(plain, {}), plain);
});

Deno.test("configureHandler() knows the permissions of a handler that does as it is told", async () => {
  const module = await loadHandler(handlerModule(`
    export const permissions = ({ dir = "data" }) => ({ read: [dir] });
    export default () => {};
  `));
  assertEquals(configureHandler(module, {}).permissions?.({}), { read: ["data"] });
  assertEquals(configureHandler(module, { dir: "other" }).permissions?.({}), { read: ["other"] });
  const fixed = await loadHandler(handlerModule(`
    export const permissions = { net: true };
    export default () => {};
  `));
  assertEquals(fixed.permissions?.({}), { net: true });
});

Deno.test("loadHandler() resolves a relative path against the working directory, a folder or a module", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/mine.ts`, "export default function mine(): void {}");
    const { stream } = await loadHandler("mine.ts", { base: folder });
    assertEquals(stream?.name, "mine");
    const url = new URL(`file://${folder}/other.ts`);
    assertStrictEquals((await loadHandler("./mine.ts", { base: url })).stream, stream);
    assertStrictEquals((await loadHandler("./mine.ts", { base: url.href })).stream, stream);
    assertStrictEquals((await loadHandler(`${folder}/mine.ts`)).stream, stream);
    assertEquals((await loadHandler("./handlers/echo.ts")).stream?.name, "echo");
  }));

Deno.test("loadHandler() takes a path with characters that mean something in a URL", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/100% #1?.ts`, "export default function odd(): void {}");
    assertEquals((await loadHandler("100% #1?.ts", { base: folder })).stream?.name, "odd");
  }));

Deno.test("loadHandler() says that there is no such file", async () => {
  assertEquals(await complaintAbout("./nope.ts"), "Cannot load the handler ./nope.ts: there is no such file");
});

Deno.test("loadHandler() names the import that a module misses, and where it asks for it", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/dependent.ts`, `import "./missing.ts";\nexport default () => {};`);
    const message = await complaintAbout("./dependent.ts", folder);
    assertEquals(
      /Module not found "file:\S+\/missing\.ts", at file:\S+\/dependent\.ts:1:8$/.test(message),
      true,
      message,
    );
  }));

Deno.test("loadHandler() says where a module's syntax is wrong", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/wrong.ts`, "export default (");
    const message = await complaintAbout("./wrong.ts", folder);
    assertEquals(/SyntaxError: .*, at file:\S+\/wrong\.ts:1:\d+$/.test(message), true, message);
  }));

Deno.test("loadHandler() says what a module throws when it is imported", async () => {
  assertEquals(
    await complaintAboutCode(`throw new RangeError("first line\\nsecond line")`),
    "Cannot load the handler MODULE: it throws when it is imported: RangeError: first line",
  );
  assertEquals(
    await complaintAboutCode(`throw undefined`),
    "Cannot load the handler MODULE: it throws when it is imported: undefined",
  );
});

Deno.test("loadHandler() says why a URL cannot be had", async () => {
  const unserved = Deno.listen({ port: 0 });
  const { port } = unserved.addr as Deno.NetAddr;
  unserved.close();
  const message = await complaintAbout(`http://127.0.0.1:${port}/x.ts`);
  assertEquals(/^Cannot load the handler http:\S+: .*refused/i.test(message), true, message);
  await complaintAbout("gopher://example.com/x.ts");
});

Deno.test("loadHandler() says what is wrong with the exports of a module", async () => {
  const cases: [string, string][] = [
    ["export const x = 1", "it exports neither default nor datagram; one must be a function or a class"],
    ["export default 7", "its export default: Expected a handler function or class, got number 7"],
    ["export default null", "its export default: Expected a handler function or class, got null"],
    ["export default {}", "its export default: Expected a handler function or class, got an object"],
    [
      "export default class Plain {}",
      "its export default: The class Plain is no handler: extend BaseRequestHandler or StreamRequestHandler",
    ],
    ["export const datagram = 7", "its export datagram: Expected a handler function or class, got number 7"],
    [
      "export default () => {}; export const verifyRequest = true",
      "its export verifyRequest is a boolean, not a function",
    ],
    ["export default () => {}; export const options = null", "its export options is no object"],
    ["export default () => {}; export const settings = 7", "its export settings is no object"],
    [
      "export default () => {}; export const configure = 7",
      "its export configure is a number, not a function",
    ],
    [
      "export default () => {}; export const options = { maxConnections: 0 }",
      'Option "maxConnections" must be a whole number from 1, or Infinity: current value is 0',
    ],
  ];
  for (const [code, complaint] of cases) {
    assertEquals(await complaintAboutCode(code), `Cannot use MODULE as a handler: ${complaint}`);
  }
});

Deno.test("loadHandler() keeps what went wrong as the cause", async () => {
  const { cause } = await assertRejects(() => loadHandler("./nope.ts"), HandlerModuleError);
  assertInstanceOf(cause, TypeError);
});
