/** A file that tells a generator what to ask, and what the answers must be. */

/** Writes requests and replies, a line each in turn. */
export async function writeDialogue(
  path: string,
  requests: readonly string[],
  replyTo: (request: string) => string,
): Promise<void> {
  const lines = requests.flatMap((request) => [request, replyTo(request)]);
  await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
}
