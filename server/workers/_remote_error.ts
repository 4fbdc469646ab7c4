/**
 * Errors that travel between threads.
 *
 * @module
 */

import { SharedClosedError } from "./errors.ts";

/** An error as a message: structured cloning alone keeps neither its class nor its own properties. */
export interface PackedError {
  /** What was thrown, where it was no error. */
  value?: unknown;
  name?: string;
  message?: string;
  stack?: string;
  cause?: PackedError;
  errors?: PackedError[];
  properties?: Record<string, unknown>;
}

/** A cause of a cause, and so on: a chain may be a ring. */
const DEEPEST = 8;

/** Packs what was thrown. */
export function packError(thrown: unknown, depth = 0): PackedError {
  if (!(thrown instanceof Error)) return { value: cloneable(thrown) ? thrown : String(thrown) };
  const deeper = depth < DEEPEST;
  return {
    name: String(thrown.name),
    message: String(thrown.message),
    stack: thrown.stack,
    properties: ownProperties(thrown),
    ...deeper && thrown.cause !== undefined && { cause: packError(thrown.cause, depth + 1) },
    ...deeper && thrown instanceof AggregateError &&
      { errors: thrown.errors.map((one) => packError(one, depth + 1)) },
  };
}

/** Makes what was thrown again: of the class of its name, if that is built in or one of `Deno.errors`; else an `Error` of that name. */
export function unpackError(packed: PackedError): unknown {
  if (packed.name === undefined) return packed.value;
  const error = blank(packed);
  define(error, "stack", packed.stack);
  if (packed.cause) define(error, "cause", unpackError(packed.cause));
  if (error.name !== packed.name) define(error, "name", packed.name);
  return Object.assign(error, packed.properties);
}

function blank({ name = "Error", message, errors }: PackedError): Error {
  if (errors) return new AggregateError(errors.map(unpackError), message);
  if (DOM_NAMES.has(name)) return new DOMException(message, name);
  const known = KNOWN[name] ?? (Object.hasOwn(Deno.errors, name) ? denoErrors()[name] : Error);
  return new known(message);
}

const KNOWN: Record<string, ErrorConstructor | undefined> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  SharedClosedError: SharedClosedError as unknown as ErrorConstructor,
  URIError,
};

const DOM_NAMES = new Set(["AbortError", "DataCloneError", "TimeoutError"]);

function denoErrors(): Record<string, ErrorConstructor> {
  return Deno.errors as unknown as Record<string, ErrorConstructor>;
}

/** As the engine does it: not enumerable. */
function define(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true, enumerable: false });
}

function ownProperties(error: Error): Record<string, unknown> {
  const { name: _, message: _1, stack: _2, cause: _3, errors: _4, ...own } = error as unknown as Record<
    string,
    unknown
  >;
  return Object.fromEntries(Object.entries(own).filter(([, value]) => cloneable(value)));
}

function cloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
