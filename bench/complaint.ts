/** What is said, in one line, when something cannot be done. */

/** A command line that asks for what there is not, or what cannot be done; nothing was measured. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Why something failed, without the number of the system call and the path that Deno adds. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(" (os error")[0];
}
