/**
 * The operator of a telephone company: the dialogue with which courses on sockets begin.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import { FrameTooLargeError } from "../server/framing/errors.ts";

const GREETING = "Welcome to call 10086, please enter 1xxx, 0 for manual service";
const RECORDED = "Your call may be recorded.";
const SPEECH = [
  "All our operators are busy at the moment, and every one of them is busy with somebody like you.",
  "We could tell you how many callers are before you, but we would rather not spoil your day.",
  "Did you know that most questions answer themselves while one waits? Yours may be among them.",
  "If you would like to hear this speech again, enter 0. If you have given up, enter exit.",
].join("\n");
const AGAIN = "There is no such number, please enter again.";
const TOO_LONG = "That was too long to be a number. Goodbye.";

/** Nothing that a caller may enter is longer. In bytes. */
const LONGEST_LINE = 256;

/**
 * Answers line by line: `exit` hangs up, `0` says that the call may be recorded and then makes a long speech, anything
 * else is to be entered again. A line of more than 256 bytes ends the call.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import operator from "@switchboard/kit/handlers/operator";
 * import { assertEquals, assertMatch } from "@std/assert";
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, operator);
 * using conn = await connect(group.addr);
 * assertMatch(await conn.readLine() ?? "", /^Welcome to call 10086/);
 * await conn.sendAll("0\n");
 * assertMatch(await conn.readLine() ?? "", /recorded/);
 * await conn.sendAll("exit\n");
 * assertEquals((await Array.fromAsync(conn.lines())).length, 4);
 * ```
 */
export default async function operator(conn: Connection): Promise<void> {
  await conn.sendAll(GREETING + "\n");
  try {
    for await (const line of conn.lines({ limit: LONGEST_LINE })) {
      const choice = line.trim();
      if (choice === "exit") return;
      await conn.sendAll(answer(choice));
    }
  } catch (error) {
    if (!(error instanceof FrameTooLargeError)) throw error;
    await conn.sendAll(TOO_LONG + "\n");
  }
}

function answer(choice: string): string {
  return choice === "0" ? `${RECORDED}\n${SPEECH}\n` : `${AGAIN}\n`;
}
