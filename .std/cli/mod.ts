/**
 * Stands for `jsr:@std/cli` on networks that do not reach JSR; see ../README.md.
 *
 * @module
 */
export * from "./parse_args.ts";
