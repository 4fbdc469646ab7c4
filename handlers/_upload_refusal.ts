/**
 * What a client is told that cannot upload.
 *
 * @module
 */

/** Thrown for an upload that is not taken. The message is for the client, in one line. */
export class Refusal extends Error {
  /** `"Refusal"`. */
  override readonly name = "Refusal";
  /** Whether the dialogue cannot go on, as nobody knows what the next bytes mean. */
  readonly final: boolean;

  /** A refusal for a reason. */
  constructor(reason: string, final = false, options?: ErrorOptions) {
    super(reason, options);
    this.final = final;
  }
}

/**
 * Somebody else is writing the same file: it may be the client's own last connection, which has not ended
 * here yet.
 */
export class BusyRefusal extends Refusal {}

/** What the client is told when this side cannot store a file; the operator is told the cause. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const reason = REASONS[(error as { code?: string } | null)?.code ?? ""] ?? "the server cannot store it";
  return new Refusal(reason, true, { cause: error });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk is full",
};
