import { assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { contest } from "../../bench/contest.ts";
import { findFallen, hasFailure } from "../../bench/gate.ts";
import type { Bench, Report } from "../../bench/workload.ts";
import { Server } from "../../bench/server.ts";
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

for (const { language, ignore } of LANGUAGES) {
  Deno.test({
    name: `a run with the generator in ${language} fails for every peer that sends a wrong reply or none`,
    ignore,
    fn: () =>
      withGenerator(language, async (generator, workshop) => {
        const contenders = [liar("honest", "bare"), ...Object.keys(LIES).map((lie) => liar(lie))];
        const bench: Bench = {
          seconds: LENGTHS.seconds,
          rounds: 1,
          check: false,
          wantsCase: () => true,
          probeCores: () => null,
          generator,
          workshop,
          contenders: () => contenders,
        };
        const report: Report = await echo.run(bench);
        const [honest, ...liars] = report.tables[0].rows;
        assertEquals(honest.failure, null);
        for (const { name, failure, ratio } of liars) {
          assertMatch(failure ?? "believed", LIES[name], name);
          assertEquals(ratio, null, name);
        }
        assertEquals(hasFailure(report), true);
        assertEquals(findFallen(report).length, liars.length);
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
