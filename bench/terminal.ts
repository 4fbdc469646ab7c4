/** Where the benchmark speaks: results on standard output, progress and complaints on standard error. */

const encoder = new TextEncoder();
let place = "";

/** Prints one or several lines of the result. */
export function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(`${text}\n`));
}

/** Prints a complaint or a remark that is no part of the result. */
export function complain(text: string): void {
  clearProgress();
  Deno.stderr.writeSync(encoder.encode(`${text}\n`));
}

/** Says how far the whole run is; every progress line begins with it. */
export function showPlace(text: string): void {
  place = text;
}

/** Replaces the progress line; does nothing where standard error is no terminal. */
export function showProgress(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  const { columns } = Deno.consoleSize();
  Deno.stderr.writeSync(encoder.encode(`\r\x1b[K${`${place}  ${text}`.slice(0, columns - 1)}`));
}

/** Takes the progress line away, before something else is printed. */
export function clearProgress(): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(encoder.encode("\r\x1b[K"));
}
