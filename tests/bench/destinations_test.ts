import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../bench/complaint.ts";
import { Destinations } from "../../bench/destinations.ts";
import { makeRecord, readRecord, writeRecord } from "../../bench/record.ts";
import { table } from "./_support.ts";

const REPORT = { workload: "echo", title: "Echo", tables: [table([])], missing: [] };

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Destinations.tryOut() refuses in one sentence what cannot be written", () =>
  withFolder(async (folder) => {
    const file = `${folder}/file`;
    await Deno.writeTextFile(file, "");
    const impossible = [{ json: `${folder}/none/run.json` }, { json: folder }, { plot: file }];
    if (Deno.build.os === "linux") impossible.push({ json: "/dev/full" });
    for (const options of impossible) {
      const { message } = await assertRejects(() => new Destinations(options).tryOut(), UsageError);
      const [[option, path]] = Object.entries(options);
      assertEquals(message.startsWith(`--${option} ${path} cannot be written: `), true, message);
      assertEquals(/\n|os error/.test(message), false, message);
    }
  }));

Deno.test("Destinations.tryOut() leaves an earlier run as it is, and nothing behind", () =>
  withFolder(async (folder) => {
    const [json, plot] = [`${folder}/run.json`, `${folder}/plots`];
    await new Destinations({ json, plot }).tryOut();
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["plots"]);
    assertEquals([...Deno.readDirSync(plot)], []);
    await Deno.writeTextFile(json, "earlier");
    await new Destinations({ json, plot }).tryOut();
    assertEquals(await Deno.readTextFile(json), "earlier");
  }));

Deno.test("Destinations.keep() goes on to the drawings when the record cannot be written", () =>
  withFolder(async (folder) => {
    const plot = `${folder}/plots`;
    const record = makeRecord([], { seconds: 1, rounds: 1 }, "c");
    assertEquals(await new Destinations({ json: folder, plot }).keep(record), false);
    assertEquals((await Deno.stat(plot)).isDirectory, true);
  }));

Deno.test("Destinations.keepUnfinished() keeps what was measured, and no empty run in place of an earlier one", () =>
  withFolder(async (folder) => {
    const json = `${folder}/run.json`;
    const destinations = new Destinations({ json });
    const keep = (reports: typeof REPORT[]): void =>
      destinations.keepUnfinished(makeRecord(reports, { seconds: 1, rounds: 1 }, "c"));
    keep([REPORT]);
    keep([]);
    assertEquals((await readRecord(json)).reports, [REPORT]);
  }));

Deno.test("readRecord() says in one sentence which file holds no record", () =>
  withFolder(async (folder) => {
    const good = `${folder}/good.json`;
    const record = makeRecord([REPORT], { seconds: 1, rounds: 1 }, "c");
    writeRecord(good, record);
    assertEquals(await readRecord(good), record);

    const bad: Record<string, string> = {
      "text.json": "not { json",
      "empty.json": "",
      "null.json": "null",
      "list.json": "[]",
      "other.json": '{"name": "a package"}',
      "shallow.json": JSON.stringify({ ...record, reports: [{ workload: "echo" }] }),
      "deep.json": JSON.stringify({
        ...record,
        reports: [{ ...REPORT, tables: [{ ...table([]), rows: [1] }] }],
      }),
    };
    for (const [name, text] of Object.entries(bad)) await Deno.writeTextFile(`${folder}/${name}`, text);
    for (const path of [...Object.keys(bad).map((name) => `${folder}/${name}`), `${folder}/none`, folder]) {
      const { message } = await assertRejects(() => readRecord(path), UsageError);
      assertEquals([message.includes(path), message.includes("\n")], [true, false], message);
    }
  }));
