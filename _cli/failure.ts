/**
 * How a command line fails: in one line.
 *
 * @module
 */
import { AddressError } from "../server/errors.ts";
import { UsageError } from "./flags.ts";
import { complain, oneLine } from "./terminal.ts";

/** Runs what a command line asks for. An error is one line on standard error, and a code: 1 failed, 2 wrong usage. */
export async function orFail(run: () => number | Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    complain(`error: ${oneLine(error)}`);
    return isWrongUsage(error) ? 2 : 1;
  }
}

/** An address or an option that cannot be is wrong usage; what the system refuses is a failure. */
function isWrongUsage(error: unknown): boolean {
  return error instanceof UsageError || error instanceof AddressError || error instanceof RangeError;
}
