// A proxy between any two endpoints that counts what goes through. The command line serves one too:
// cli.ts serve proxy --tcp :8011 --to unix:/run/x.sock
//
//   deno run --allow-net=127.0.0.1 examples/proxy.ts --to tcp://127.0.0.1:8003
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8011
import { formatAddr, TcpServer } from "@switchboard/kit";
import { proxy } from "@switchboard/kit/handlers/proxy";
import { parseArgs } from "@std/cli/parse-args";
import { portFromArgs } from "./_port.ts";

const { to } = parseArgs(Deno.args, { string: ["to", "port"], default: { to: "tcp://127.0.0.1:8003" } });

const server = new TcpServer(proxy({ to, timeout: 5_000 }), {
  port: portFromArgs(8011),
  idleTimeout: 600_000,
  observers: [{
    closed: ({ connection, reason }) =>
      console.log(`${connection.bytesIn} bytes there, ${connection.bytesOut} back (${reason})`),
    error: ({ error }) => console.log(`${error instanceof Error ? error.message : error}`),
  }],
});
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}, forwarding to ${to}`);
await server.serveForever();
