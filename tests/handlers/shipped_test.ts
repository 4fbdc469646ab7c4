import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { HandlerModuleError, resolveHandler, shippedHandlers } from "../../mod.ts";
import config from "../../deno.json" with { type: "json" };
import { handlerModule } from "../_support/cli.ts";

const NAMES = Object.keys(shippedHandlers);

Deno.test("shippedHandlers are in the order of the alphabet, each with a line that describes it", () => {
  assertEquals(NAMES, NAMES.toSorted());
  for (const { description } of Object.values(shippedHandlers)) assertMatch(description, /^[^\n]{10,70}$/);
});

Deno.test("shippedHandlers can each be resolved, and imported as a subpath", async () => {
  const subpaths: Record<string, string> = config.exports;
  for (const name of NAMES) {
    const { specifier, stream } = await resolveHandler(name);
    assertEquals(specifier, name);
    const file = subpaths[`./handlers/${name}`];
    assert(file, `deno.json exports no ./handlers/${name}`);
    const { default: exported } = await import(new URL(`../../${file}`, import.meta.url).href);
    assertStrictEquals<unknown>(stream, exported);
  }
});

Deno.test("shippedHandlers are what deno.json has as subpaths, no more and no less", () => {
  const subpaths = Object.keys(config.exports).filter((path) => path.startsWith("./handlers/"));
  assertEquals(subpaths, NAMES.map((name) => `./handlers/${name}`));
});

Deno.test("resolveHandler() takes paths and URLs too", async () => {
  const { stream } = await resolveHandler(handlerModule("export default function mine() {}"));
  assertEquals(stream?.name, "mine");
  const { stream: echo } = await resolveHandler("../../handlers/echo.ts", { base: import.meta.url });
  assertEquals(echo?.name, "echo");
});

Deno.test("resolveHandler() names the shipped handlers when there is none of that name", async () => {
  for (const name of ["ecko", "constructor", "__proto__"]) {
    const error = await assertRejects(() => resolveHandler(name), HandlerModuleError, `"${name}"`);
    for (const shipped of NAMES) assertMatch(error.message, new RegExp(`\\b${shipped}\\b`));
  }
});
