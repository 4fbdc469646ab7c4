/** Curves as SVG, both axes logarithmic. */

/** A line of a drawing. */
export interface Curve {
  readonly title: string;
  readonly points: readonly (readonly [number, number])[];
}

const [WIDTH, HEIGHT, MARGIN] = [640, 400, 60];
const COLOURS = ["#c0392b", "#2980b9", "#27ae60", "#8e44ad"];

/** Draws curves with their names; all numbers must be greater than 0. */
export function drawCurves(title: string, curves: readonly Curve[]): string {
  const x = scale(curves.flatMap(({ points }) => points.map(([at]) => at)), MARGIN, WIDTH - MARGIN);
  const y = scale(
    curves.flatMap(({ points }) => points.map(([, value]) => value)),
    HEIGHT - MARGIN,
    MARGIN,
  );
  const parts = [
    text(WIDTH / 2, 24, title, "middle"),
    ...x.ticks.map((tick) => text(x.place(tick), HEIGHT - MARGIN + 20, String(tick), "middle")),
    ...y.ticks.map((tick) =>
      `<path d="M${MARGIN} ${y.place(tick)}H${WIDTH - MARGIN}" stroke="#ddd"/>` +
      text(MARGIN - 8, y.place(tick) + 4, String(tick), "end")
    ),
    ...curves.map(({ title, points }, index) => {
      const colour = COLOURS[index % COLOURS.length];
      const line = points.map(([at, value]) => `${x.place(at).toFixed(1)},${y.place(value).toFixed(1)}`);
      return `<polyline points="${line.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>` +
        text(MARGIN + 12, MARGIN + 20 * index, title, "start", colour);
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" ` +
    `font-size="12"><rect width="100%" height="100%" fill="#fff"/>\n${parts.join("\n")}\n</svg>\n`;
}

/** Powers of ten that hold all values, and where a value stands between `from` and `to`. */
function scale(
  values: number[],
  from: number,
  to: number,
): { ticks: number[]; place(value: number): number } {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, n) => Number((10 ** (low + n)).toPrecision(1))),
    place: (value) => from + (to - from) * (Math.log10(value) - low) / (high - low),
  };
}

function text(x: number, y: number, content: string, anchor: string, colour = "#333"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colour}">${escaped}</text>`;
}
