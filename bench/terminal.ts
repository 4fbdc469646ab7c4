/** Where the benchmark speaks: results on standard output, progress and complaints on standard error. */

const encoder = new TextEncoder();
let place = "";
let heard = true;

/** Prints one or several lines of the result. */
export function print(text: string): void {
  clearProgress();
  write(Deno.stdout, `${text}\n`);
}

/** Whether somebody still reads the result: `head`, for one, leaves when it has its lines. */
export function isHeard(): boolean {
  return heard;
}

/** Prints a complaint or a remark that is no part of the result. */
export function complain(text: string): void {
  clearProgress();
  write(Deno.stderr, `${text}\n`);
}

/** Says how far the whole run is; every progress line begins with it. */
export function showPlace(text: string): void {
  place = text;
}

/** Replaces the progress line; does nothing where standard error is no terminal. */
export function showProgress(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  const { columns } = Deno.consoleSize();
  write(Deno.stderr, `\r\x1b[K${`${place}  ${text}`.slice(0, columns - 1)}`);
}

/** Takes the progress line away, before something else is printed. */
export function clearProgress(): void {
  if (Deno.stderr.isTerminal()) write(Deno.stderr, "\r\x1b[K");
}

/** Writes all of it; a reader that has gone is no error, but nobody's business any more. */
function write(to: typeof Deno.stdout | typeof Deno.stderr, text: string): void {
  try {
    for (let rest = encoder.encode(text); rest.length > 0;) rest = rest.subarray(to.writeSync(rest));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    if (to === Deno.stdout) heard = false;
  }
}
