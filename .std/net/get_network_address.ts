/**
 * Stands for `jsr:@std/net/get-network-address`; see ../README.md.
 *
 * @module
 */

/** This machine's address on its network, or `undefined` where it has none. */
export function getNetworkAddress(family: "IPv4" | "IPv6" = "IPv4"): string | undefined {
  return Deno.networkInterfaces().find((face) =>
    face.family === family &&
    (family === "IPv4" ? !face.address.startsWith("127") : !/^(::1|fe80:)/.test(face.address))
  )?.address;
}
