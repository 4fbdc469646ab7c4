/** What all drawings have in common: the sheet, its colours by day and by night, and the few shapes that are used. */

/** What stands around a drawing. */
export interface Heading {
  readonly title: string;
  readonly subtitle: string;
  /** The machine and the date. */
  readonly origin: string;
}

/** Space around everything. */
export const MARGIN = 24;
/** Where a drawing may start, below its heading. */
export const TOP = 84;
/** What a drawing has to leave free for the origin. */
export const BOTTOM = 40;
/** About the width of a letter of the size that names have. */
export const LETTER = 7.7;

/** How many lines a chart can tell apart. */
export const LINE_COLOURS = 9;

const DAY = [
  "#1d5fd1",
  "#0891b2",
  "#7c3aed",
  "#c2410c",
  "#15803d",
  "#be185d",
  "#a16207",
  "#7c4a1e",
  "#0f766e",
];
const NIGHT = [
  "#6ea8fe",
  "#4dd4ec",
  "#b794f6",
  "#fb923c",
  "#5fd38a",
  "#f472b6",
  "#e3b341",
  "#d3a982",
  "#5eead4",
];

function lines(colours: readonly string[]): string {
  return colours.map((colour, n) => `.l${n}{--c:${colour}}`).join("");
}

const STYLE =
  "svg{--bg:#fff;--fg:#1b2330;--dim:#5d6878;--grid:#e3e7ed;--kit:#1d5fd1;--bare:#6b7686;--peer:#bcc6d4;" +
  "--bad:#b42318;font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}" +
  `${lines(DAY)}.bareline{--c:#5d6878}` +
  "@media(prefers-color-scheme:dark){svg{--bg:#10151d;--fg:#e8ecf2;--dim:#97a3b4;--grid:#28313f;--kit:#5c9bff;" +
  `--bare:#93a0b2;--peer:#5b6b82;--bad:#ff8a7a}${lines(NIGHT)}.bareline{--c:#97a3b4}}` +
  "text{fill:var(--fg)}.dim{fill:var(--dim)}.small{font-size:11.5px}.title{font-size:17px;font-weight:600}" +
  ".kit{fill:var(--kit)}.bare{fill:var(--bare)}.peer{fill:var(--peer)}.bold{font-weight:600}.bad{fill:var(--bad)}" +
  ".pale{fill-opacity:.22;stroke-width:1.25}.kit.pale{stroke:var(--kit)}.peer.pale{stroke:var(--peer)}" +
  ".bare.pale{stroke:var(--bare)}.halo{stroke:var(--bg);stroke-width:7;paint-order:stroke;stroke-linejoin:round}" +
  ".grid{stroke:var(--grid);fill:none}.mark{stroke:var(--dim);fill:none;stroke-dasharray:3 4}" +
  ".whisker{stroke:var(--fg);stroke-width:1.25;fill:none;opacity:.75}" +
  ".line{stroke:var(--c);fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}" +
  ".line.bareline{stroke-dasharray:7 5}.dot{fill:var(--c)}.leader{stroke:var(--c);fill:none;opacity:.5}.name{fill:var(--c)}";

/** A whole drawing, with its heading; nothing outside `width` and `height` is seen. */
export function sheet(width: number, height: number, heading: Heading, parts: readonly string[]): string {
  const { title, subtitle, origin } = heading;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="var(--bg)"/>`,
    text(MARGIN, 34, title, "title"),
    text(MARGIN, 56, subtitle, "dim"),
    ...parts,
    text(MARGIN, height - 14, origin, "dim small"),
    "</svg>",
    "",
  ].join("\n");
}

/** Words that begin, or end, or have their middle at a place. */
export function text(
  x: number,
  y: number,
  words: string,
  classes = "",
  anchor: "start" | "middle" | "end" = "start",
): string {
  const anchored = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
  const classed = classes === "" ? "" : ` class="${classes}"`;
  return `<text x="${round(x)}" y="${round(y)}"${anchored}${classed}>${escape(words)}</text>`;
}

/** A path, in SVG's own words. */
export function path(d: string, classes: string): string {
  return `<path d="${d}" class="${classes}"/>`;
}

/** A place, short enough to be read by people who compare drawings. */
export function round(place: number): number {
  return Math.round(place * 10) / 10;
}

/** A measured number as people write it: three digits that say something, thousands apart. */
export function number(value: number): string {
  return grouped(value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2));
}

/** A round number as people write it. */
export function mark(value: number): string {
  return grouped(String(value));
}

function grouped(digits: string): string {
  const [whole, fraction] = digits.split(".");
  const apart = whole.replaceAll(/\B(?=(\d{3})+$)/g, "\u202f");
  return fraction ? `${apart}.${fraction}` : apart;
}

function escape(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
