/**
 * Real clients: programs that may or may not be installed.
 *
 * @module
 */

/** Whether a program is on the path. */
export function isInstalled(program: string): boolean {
  const [finder, ...args] = Deno.build.os === "windows"
    ? ["where", program]
    : ["sh", "-c", `command -v ${program}`];
  try {
    return new Deno.Command(finder, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Runs a program to its end, feeding it `input`; what it printed, and how it ended. */
export async function run(
  program: string,
  args: string[],
  input = "",
): Promise<{ code: number; output: string; errors: string }> {
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  const typing = writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {}); // it left early
  const { code, stdout, stderr } = await child.output();
  await typing;
  return { code, output: new TextDecoder().decode(stdout), errors: new TextDecoder().decode(stderr) };
}

/** Runs Python code, and gives what it printed. */
export async function python(code: string, ...args: string[]): Promise<string> {
  const { code: status, output, errors } = await run("python3", ["-c", code, ...args]);
  if (status !== 0) throw new Error(`python3 ended with ${status}: ${errors}`);
  return output;
}
