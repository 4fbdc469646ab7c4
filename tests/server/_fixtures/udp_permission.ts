// Listens, and sends to an address that the permission may not cover.
// deno-lint-ignore-file no-console
import { UdpServer } from "../../../server/udp_server.ts";

const server = new UdpServer(() => {});
try {
  await server.listen();
  await server.send("x", server.addr);
} catch (error) {
  console.log((error as Error).message);
}
await server.close();
