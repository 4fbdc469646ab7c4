/**
 * Stands for `jsr:@std/net` on networks that do not reach JSR; see ../README.md.
 *
 * @module
 */
export * from "./get_available_port.ts";
export * from "./get_network_address.ts";
