/**
 * Makes a folder, or empties it: the memory of what an earlier server stored would make the next one slower.
 */
export async function emptyFolder(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch(() => {}); // there was none yet
  await Deno.mkdir(path, { recursive: true });
}
