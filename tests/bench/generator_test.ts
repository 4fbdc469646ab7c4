import { assertEquals } from "@std/assert";
import { type LoadReport, toSample } from "../../bench/generator.ts";

const REPORT: LoadReport = {
  operations: 10_000,
  seconds: 1,
  cpuSeconds: 0.5,
  p50: 1,
  p99: 2,
  p999: 3,
  slowest: 4,
  late: 0,
  curve: [],
  lost: 0,
  errors: 0,
  firstError: "",
};

/** A reading at a moment, in milliseconds, with the CPU time of the server until then, in seconds. */
function reading(at: number, cpu: number): Parameters<typeof toSample>[2] {
  return { at, server: { cpu, waited: 0 }, own: { cpu, waited: 0 } };
}

Deno.test("the CPU time of an operation is of the time between the readings", () => {
  const { figures, shares } = toSample(REPORT, 1, reading(5_000, 7), reading(6_020, 7.51));
  assertEquals(shares!.server!.toFixed(3), "0.500");
  assertEquals(figures.cpu!.toFixed(3), "50.000");
  assertEquals(figures.rate, 10_000);
});

Deno.test("readings that are not of the window give no CPU time of an operation", () => {
  for (const late of [400, 1_200]) {
    const { figures, shares } = toSample(REPORT, 1, reading(0, 0), reading(late, late / 2_000));
    assertEquals([figures.cpu, figures.rate], [null, 10_000]);
    assertEquals(shares!.server!.toFixed(3), "0.500");
  }
});

Deno.test("there is no CPU time of an operation where the system does not tell", () => {
  const nothing = { at: 0, server: null, own: null };
  const { figures, shares } = toSample(REPORT, 1, nothing, { ...nothing, at: 1_000 });
  assertEquals([figures.cpu, shares!.server], [null, null]);
});
