// All cores at work: numbers are taken apart into their prime factors, which is nothing but computing. Each client's work
// is done on one of as many threads as there are cores; a client with a hard number delays those few that share its thread.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. examples/factor_server.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8016
//
// 9007199254740881 takes a moment. Without `import.meta.main` this could be two files: the handler, and the server.
import { type Connection, formatAddr, ThreadingTcpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

/** What of this program runs on the threads. */
export default async function factor(conn: Connection): Promise<void> {
  for await (const line of conn.lines({ limit: 64 })) {
    const number = Number(line);
    const isOne = Number.isSafeInteger(number) && number > 1;
    await conn.sendAll(
      isOne ? `${line} = ${factors(number).join(" * ")}\n` : "a whole number from 2, please\n",
    );
  }
}

/** The prime factors, the smallest first, found by trying. */
function factors(number: number): number[] {
  const found: number[] = [];
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    for (; number % divisor === 0; number /= divisor) found.push(divisor);
  }
  return number > 1 ? [...found, number] : found;
}

if (import.meta.main) {
  const server = new ThreadingTcpServer(import.meta.url, { port: portFromArgs(8016) });
  await server.listen();
  console.log(`listening on ${formatAddr(server.addr)}, with ${navigator.hardwareConcurrency} threads`);
  await server.serveForever();
}
