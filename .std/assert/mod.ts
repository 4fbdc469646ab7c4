// deno-lint-ignore-file no-import-prefix -- the one place that names the package behind the links
/**
 * Stands for `jsr:@std/assert` on networks that do not reach JSR: the same code, republished on npm, with the
 * types of what the tests use. See ../README.md.
 *
 * @module
 */
import { assert as assert_ } from "npm:deno-std@1.4.0/assert/assert.js";
import { AssertionError as AssertionError_ } from "npm:deno-std@1.4.0/assert/assertion_error.js";
import { assertEquals as assertEquals_ } from "npm:deno-std@1.4.0/assert/equals.js";
import { assertExists as assertExists_ } from "npm:deno-std@1.4.0/assert/exists.js";
import { fail as fail_ } from "npm:deno-std@1.4.0/assert/fail.js";
import { assertFalse as assertFalse_ } from "npm:deno-std@1.4.0/assert/false.js";
import { assertGreater as assertGreater_ } from "npm:deno-std@1.4.0/assert/greater.js";
import { assertGreaterOrEqual as assertGreaterOrEqual_ } from "npm:deno-std@1.4.0/assert/greater_or_equal.js";
import { assertInstanceOf as assertInstanceOf_ } from "npm:deno-std@1.4.0/assert/instance_of.js";
import { assertLess as assertLess_ } from "npm:deno-std@1.4.0/assert/less.js";
import { assertLessOrEqual as assertLessOrEqual_ } from "npm:deno-std@1.4.0/assert/less_or_equal.js";
import { assertMatch as assertMatch_ } from "npm:deno-std@1.4.0/assert/match.js";
import { assertNotEquals as assertNotEquals_ } from "npm:deno-std@1.4.0/assert/not_equals.js";
import { assertNotMatch as assertNotMatch_ } from "npm:deno-std@1.4.0/assert/not_match.js";
import { assertNotStrictEquals as assertNotStrictEquals_ } from "npm:deno-std@1.4.0/assert/not_strict_equals.js";
import { assertObjectMatch as assertObjectMatch_ } from "npm:deno-std@1.4.0/assert/object_match.js";
import { assertRejects as assertRejects_ } from "npm:deno-std@1.4.0/assert/rejects.js";
import { assertStrictEquals as assertStrictEquals_ } from "npm:deno-std@1.4.0/assert/strict_equals.js";
import { assertStringIncludes as assertStringIncludes_ } from "npm:deno-std@1.4.0/assert/string_includes.js";
import { assertThrows as assertThrows_ } from "npm:deno-std@1.4.0/assert/throws.js";

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** The type of what {@linkcode assertThrows} and {@linkcode assertRejects} need to know about falsy values. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/** Error thrown when an assertion fails. */
export const AssertionError: new (message: string, options?: ErrorOptions) => Error = AssertionError_;
/** Asserts that `expr` is truthy. */
export const assert: (expr: unknown, msg?: string) => asserts expr = assert_;
/** Asserts that `actual` and `expected` are deeply equal. */
export const assertEquals: <T>(actual: T, expected: T, msg?: string) => void = assertEquals_;
/** Asserts that `actual` is neither `null` nor `undefined`. */
export const assertExists: <T>(actual: T, msg?: string) => asserts actual is NonNullable<T> = assertExists_;
/** Fails. */
export const fail: (msg?: string) => never = fail_;
/** Asserts that `expr` is falsy. */
export const assertFalse: (expr: unknown, msg?: string) => asserts expr is Falsy = assertFalse_;
/** Asserts that `actual` is greater than `expected`. */
export const assertGreater: <T>(actual: T, expected: T, msg?: string) => void = assertGreater_;
/** Asserts that `actual` is greater than `expected` or equal to it. */
export const assertGreaterOrEqual: <T>(actual: T, expected: T, msg?: string) => void = assertGreaterOrEqual_;
/** Asserts that `actual` is an instance of `expectedType`. */
export const assertInstanceOf: <
  // deno-lint-ignore no-explicit-any
  T extends abstract new (...args: any[]) => any,
>(actual: unknown, expectedType: T, msg?: string) => asserts actual is InstanceType<T> = assertInstanceOf_;
/** Asserts that `actual` is less than `expected`. */
export const assertLess: <T>(actual: T, expected: T, msg?: string) => void = assertLess_;
/** Asserts that `actual` is less than `expected` or equal to it. */
export const assertLessOrEqual: <T>(actual: T, expected: T, msg?: string) => void = assertLessOrEqual_;
/** Asserts that `actual` matches `expected`. */
export const assertMatch: (actual: string, expected: RegExp, msg?: string) => void = assertMatch_;
/** Asserts that `actual` and `expected` are not deeply equal. */
export const assertNotEquals: <T>(actual: T, expected: T, msg?: string) => void = assertNotEquals_;
/** Asserts that `actual` does not match `expected`. */
export const assertNotMatch: (actual: string, expected: RegExp, msg?: string) => void = assertNotMatch_;
/** Asserts that `actual` and `expected` are not the same value. */
export const assertNotStrictEquals: <T>(actual: T, expected: T, msg?: string) => void =
  assertNotStrictEquals_;
/** Asserts that `actual` holds everything that `expected` holds. */
export const assertObjectMatch: (
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
) => void = assertObjectMatch_;
/** Asserts that `actual` and `expected` are the same value. */
export const assertStrictEquals: <T>(actual: unknown, expected: T, msg?: string) => asserts actual is T =
  assertStrictEquals_;
/** Asserts that `actual` contains `expected`. */
export const assertStringIncludes: (actual: string, expected: string, msg?: string) => void =
  assertStringIncludes_;

/** Asserts that `fn` throws. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that `fn` throws an `ErrorClass` whose message includes `msgIncludes`. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(...args: unknown[]): unknown {
  return assertThrows_(...args);
}

/** Asserts that `fn` rejects. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Asserts that `fn` rejects with an `ErrorClass` whose message includes `msgIncludes`. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export function assertRejects(...args: unknown[]): Promise<unknown> {
  return assertRejects_(...args);
}
