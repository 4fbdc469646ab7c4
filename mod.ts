/**
 * Switchboard: a network server kit for Deno.
 *
 * @module
 */
export * from "./server/mod.ts";
