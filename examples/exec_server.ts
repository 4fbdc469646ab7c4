// One process for each connection, as inetd and tcpserver have it: a shell script that knows nothing of networks is a
// server. It keeps a count of its own for every caller, and its complaints are printed with the caller's number.
//
//   deno run --allow-net=127.0.0.1 --allow-run=sh examples/exec_server.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8036
import { execHandler, formatAddr, TcpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

const SCRIPT = `
  echo "Welcome, $TCPREMOTEIP. Numbers are added up, an empty line is the end."
  sum=0
  while read -r number && [ -n "$number" ]; do
    case $number in
      *[!0-9]*) echo "no number: $number" >&2; echo "What?" ;;
      *) sum=$((sum + number)); echo "$sum" ;;
    esac
  done
`;

const adder = execHandler("sh", {
  args: ["-c", SCRIPT],
  maxChildren: 40,
  stderr: (line, { id }) => console.log(`#${id}: ${line}`),
  exited: ({ code, signal }, { id }) => console.log(`#${id} has ended: ${signal ?? code}`),
});

const server = new TcpServer(adder, { port: portFromArgs(8036), maxConnections: 40 });
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
