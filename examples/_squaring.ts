// The task of process_pool.ts: what its workers run.

/** Takes a little longer for smaller numbers, so that the results come out of order. */
export async function square(n: number): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 50 - n * 10));
  const { name } = globalThis as { name?: string };
  return `${n} squared is ${n * n}, says worker ${name!.slice(-4)}`;
}
