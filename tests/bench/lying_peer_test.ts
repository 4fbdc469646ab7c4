import { assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import type { Contender, Service } from "../../bench/contender.ts";
import { contest } from "../../bench/contest.ts";
import { findFallen, hasFailure } from "../../bench/gate.ts";
import type { Generator } from "../../bench/generator.ts";
import type { Row, Workload } from "../../bench/workload.ts";
import { Server } from "../../bench/server.ts";
import poolLife from "../../bench/workloads/pool_life.ts";
import redis from "../../bench/workloads/redis.ts";
import sendFile from "../../bench/workloads/send_file.ts";
import udpEcho from "../../bench/workloads/udp_echo.ts";
import upload from "../../bench/workloads/upload.ts";
import type { Workshop } from "../../bench/workshop.ts";
import { isInstalled } from "../_support/command.ts";
import { LANGUAGES, liar, withGenerator } from "./_support.ts";

const [CONNECTIONS, DEPTH, SIZE, CLOSED] = [4, 1, 64, 0];
const LENGTHS = { warmup: 0.1, seconds: 0.1 };

/** What has to be said about each of them. */
const LIES: Record<string, RegExp> = {
  changes: /the reply is not the one that was due/,
  adds: /more bytes came back than were due/,
  loses: /replies never came/,
  repeats: /the reply is not the one that was due/,
  "hangs-up": /closed before the reply was complete/,
};

const echo = contest({
  name: "liars",
  title: "Liars",
  service: "lines",
  cases: [{
    title: "64 bytes",
    columns: [{ key: "rate", title: "requests/s", digits: 0 }],
    leading: "rate",
    measure: ({ generator, server, ...lengths }) =>
      generator.load("exchange", server, [CONNECTIONS, DEPTH, SIZE, CLOSED], lengths),
  }],
});

/** What has to be said of a file that is not sent as it is. */
const FILE_LIES: Record<string, RegExp> = {
  zeros: /^byte 0 is not the one/,
  flips: /^byte 1073741823 is not the one/,
  repeats: /^byte 10485\d\d is not the one/,
  shortens: /^1073741823 of the file's 1073741824 bytes came/,
  adds: /^more than the 1073741824 bytes/,
};

/** And of one that is not stored as it was sent. */
const UPLOAD_LIES: Record<string, RegExp> = {
  busy: /^"busy: come back later\\n" came in place of "ready"/,
  mumbles: /^"raedy\\n" came in place of "ready"/,
  complains: /^"failed: the disk is full\\n" came after the content/,
  forgets: /^what was sent was not stored: No such file/,
  zeros: /^what was sent was not stored: byte 0 /,
  flips: /^what was sent was not stored: byte \d+ is not the one/,
  shortens: /^what was sent was not stored: 1073741823 of/,
};

const REDIS_LIES: Record<string, RegExp> = {
  pang: /"PING" was answered with "\+PANG/,
  "pang-late": /"PING" was answered with "\+PANG/,
  no: /"SET [^"]+" was answered with "\+NO/,
  changes: /"GET [^"]+" was answered with "\$3\\r\\n##/,
  mixes: /"PING" was answered with "\+OK/,
  adds: /more than the replies came/,
  silent: /"PING" was answered with ""/,
  forgets: /"GET key:__rand_int__" was answered with "\$3\\r\\n###/,
};

const DATAGRAM_LIES: Record<string, RegExp> = {
  drops: /replies never came/,
  "drops-one": /1 replies never came/,
  doubles: /a reply that was not due/,
  "doubles-one": /a reply that was not due/,
  "flips-slot-low": /a reply that was not due/,
  "flips-slot-high": /a reply that was not due/,
  "flips-serial-low": /a reply that was not due/,
  "flips-serial-high": /a reply that was not due/,
  changes: /the reply differs from what was sent/,
  adds: /the reply differs from what was sent/,
  shortens: /the reply differs from what was sent/,
};

/** A server of a fixture that lies in some way, with a folder for uploads; the last argument is a number of workers. */
function liarOf(service: Service, fixture: string, lie: string): Contender {
  const path = new URL(`_fixtures/${fixture}.ts`, import.meta.url).href;
  const args = ["run", "--quiet", "--allow-all", "--unstable-net", path, lie];
  const command: Contender["command"] = (workshop) =>
    Promise.resolve({ program: Deno.execPath(), args: [...args, workshop.folder("uploads"), "1"] });
  return { name: lie, title: lie, service, group: "peer", command };
}

/** One round of the first case of a workload, or of the one that is named; gives the contenders' rows. */
async function rowsOf(
  workload: Workload,
  contenders: readonly Contender[],
  { generator, workshop, wanted = "" }: { generator: Generator; workshop: Workshop; wanted?: string },
): Promise<readonly Row[]> {
  const report = await workload.run({
    seconds: LENGTHS.seconds,
    rounds: 1,
    check: false,
    wantsCase: (title) => title.startsWith(wanted),
    probeCores: () => null,
    generator,
    workshop,
    contenders: () => contenders,
  });
  const { rows } = report.tables[0];
  const failed = rows.filter(({ failure }) => failure !== null);
  assertEquals(hasFailure(report), failed.length > 0);
  assertEquals(findFallen(report).length, failed.length);
  return rows;
}

/** Asserts that each failed with the words that it deserves, and that it has no ratio. */
function assertDisbelieved(rows: readonly Row[], lies: Record<string, RegExp>): void {
  assertEquals(rows.map(({ name }) => name), Object.keys(lies));
  for (const { name, failure, ratio } of rows) {
    assertMatch(failure ?? "believed", lies[name], name);
    assertEquals(ratio, null, name);
  }
}

/** Asserts that a workload believes nobody but the honest one. */
async function assertNoLieBelieved(
  workload: Workload,
  lies: Record<string, RegExp>,
  make: (lie: string) => Contender,
  bench: { generator: Generator; workshop: Workshop; wanted?: string },
): Promise<void> {
  const contenders = ["honest", ...Object.keys(lies)].map(make);
  const [honest, ...liars] = await rowsOf(workload, contenders, bench);
  assertEquals(honest.failure, null);
  assertDisbelieved(liars, lies);
}

Deno.test("a file is not believed to be sent when other bytes come, too few, or too many", () =>
  withGenerator(
    "typescript",
    (generator, workshop) =>
      assertNoLieBelieved(sendFile, FILE_LIES, (lie) => liarOf("send_file", "send_file_liar", lie), {
        generator,
        workshop,
      }),
  ));

Deno.test("an upload is not believed when it was refused, or something else is stored", () =>
  withGenerator(
    "typescript",
    async (generator, workshop) => {
      await assertNoLieBelieved(upload, UPLOAD_LIES, (lie) => liarOf("upload", "upload_liar", lie), {
        generator,
        workshop,
      });
      assertEquals([...Deno.readDirSync(workshop.folder("uploads"))], []);
    },
  ));

Deno.test({
  name:
    "what redis-benchmark does not notice fails the turn: wrong, missing and further replies, forgotten values",
  ignore: !isInstalled("redis-benchmark"),
  fn: () =>
    withGenerator(
      "typescript",
      (generator, workshop) =>
        assertNoLieBelieved(redis, REDIS_LIES, (lie) => liarOf("redis", "redis_liar", lie), {
          generator,
          workshop,
          wanted: "16 ",
        }),
    ),
});

Deno.test("the time without a worker is the server's, whatever becomes of a client that nobody answers", () =>
  withGenerator("typescript", async (generator, workshop) => {
    const pools = ["hangs", "changes"].map((lie) => liarOf("pool", "pool_liar", lie));
    const [hangs, changes] = await rowsOf(poolLife, pools, { generator, workshop });
    assertEquals(hangs.failure, null);
    assertGreater(hangs.figures.replaced!, 49);
    assertLess(hangs.figures.replaced!, 500);
    assertMatch(changes.failure ?? "believed", /^"HELLO" came back/);
  }));

for (const { language, ignore } of LANGUAGES) {
  Deno.test({
    name: `a run with the generator in ${language} fails for every peer that sends a wrong reply or none`,
    ignore,
    fn: () =>
      withGenerator(
        language,
        (generator, workshop) => assertNoLieBelieved(echo, LIES, (lie) => liar(lie), { generator, workshop }),
      ),
  });

  Deno.test({
    name: `datagrams that are lost, changed or not due fail a run with the generator in ${language}`,
    ignore,
    fn: () =>
      withGenerator(
        language,
        (generator, workshop) =>
          assertNoLieBelieved(udpEcho, DATAGRAM_LIES, (lie) => liarOf("datagram_echo", "udp_liar", lie), {
            generator,
            workshop,
          }),
      ),
  });

  Deno.test({
    name:
      `datagrams that are late are waited for by the generator in ${language}, and count from when they were sent`,
    ignore,
    fn: () =>
      withGenerator(language, async (generator, workshop) => {
        const slow = liarOf("datagram_echo", "udp_liar", "stalls");
        await using server = await Server.start(await slow.command(workshop));
        const { figures } = await generator.load("udp", server, [64, SIZE], { warmup: 0.1, seconds: 1 });
        assertEquals(figures.lost, 0);
        assertGreater(figures.slowest!, 500); // of the 600 ms that it stood still, in which another was sent for each
      }),
  });

  Deno.test({
    name: `the open loop in ${language} charges a server that stood still with all who were due meanwhile`,
    ignore,
    fn: () =>
      withGenerator(language, async (generator, workshop) => {
        await using server = await Server.start(await liar("stalls").command(workshop));
        const rate = 200;
        const args = [CONNECTIONS, DEPTH, SIZE, rate];
        const { figures, curve } = await generator.load("exchange", server, args, {
          warmup: 0.3,
          seconds: 0.8,
        });
        assertGreater(figures.rate!, rate * 0.8);
        assertLess(figures.rate!, rate * 1.2);
        assertGreater(curve![2], 100_000); // one in ten was due in the first 200 of the 300 ms, and waited for the rest
      }),
  });
}
