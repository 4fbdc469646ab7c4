/**
 * `connect`: the terminal, or what is piped in, to a server.
 *
 * @module
 */
import { type Endpoint, formatAddr, parseEndpoint } from "../server/address.ts";
import { connect } from "../server/connect.ts";
import { connectDatagram } from "../server/datagram_client.ts";
import { exchangeBytes, exchangePackets } from "./exchange.ts";
import {
  type Arguments,
  describeFlags,
  type Flags,
  readArguments,
  readNumber,
  readTime,
  UsageError,
} from "./flags.ts";
import { complain, self } from "./terminal.ts";

const FLAGS: Flags = {
  timeout: { value: "TIME", read: readTime, help: "how long one attempt to connect may take (10)" },
  retries: { value: "N", read: readNumber, help: "how often to try again while nobody listens (0)" },
  wait: {
    value: "TIME",
    read: readTime,
    help: "datagrams: how long to wait for an answer after the input's end (1)",
  },
  ca: { value: "FILE", help: "TLS: a certificate to trust besides the system's, as PEM" },
  "server-name": { value: "NAME", help: "TLS: the name to expect in the certificate (the host)" },
};

/** What `connect --help` prints. */
export function usage(): string {
  return `\
Talks to a server: sends what is typed, line by line, or piped in, and prints what comes back.

Examples:
  ${self()} connect tcp://127.0.0.1:7000
  ${self()} connect :7000
  ${self()} connect unix:/tmp/my.sock
  ${self()} connect tls://localhost:7443 --ca cert.pem
  echo hello | ${self()} connect udp://127.0.0.1:7000

Usage: connect ENDPOINT [FLAG …]

ENDPOINT is tcp://HOST:PORT (or HOST:PORT), tls://HOST:PORT, udp://HOST:PORT, unix:PATH or unixgram:PATH.

At the end of the input (Ctrl-D) it tells the server so, and goes on printing until the server ends too. Over datagrams
each line is one, and as nothing has an end there, it stops when no answer has come for a while.

${describeFlags(FLAGS)}

Exit codes: 0 the server has ended, 1 no connection or a broken one, 2 wrong usage.`;
}

/** Runs `connect`; resolves to its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const { positional, values } = readArguments(args, FLAGS);
  if (positional.length !== 1) throw new UsageError("connect takes one endpoint: connect tcp://HOST:PORT");
  const endpoint = parseEndpoint(
    /^[a-z]+:\D/i.test(positional[0]) ? positional[0] : `tcp://${positional[0]}`,
  );
  const isForDatagrams = endpoint.transport === "udp" || endpoint.transport === "unixgram";
  await (isForDatagrams ? overDatagrams : overConnection)(endpoint, values);
  return 0;
}

async function overConnection(endpoint: Endpoint, values: Arguments["values"]): Promise<void> {
  const { timeout, retries, ca, "server-name": serverName } = values;
  const caCerts = ca && [await Deno.readTextFile(ca)];
  using conn = await connect(endpoint, { timeout, retries, caCerts, serverName });
  greet(`Connected to ${formatAddr(endpoint)}. Ctrl-D ends your side.`);
  await exchangeBytes(conn);
}

async function overDatagrams(endpoint: Endpoint, { wait = 1_000 }: Arguments["values"]): Promise<void> {
  await using client = await connectDatagram(endpoint);
  greet(`Each line goes to ${formatAddr(endpoint)} as one datagram. Ctrl-D ends.`);
  await exchangePackets(client, wait);
}

/** A person wants to know that the silence is not a failure. */
function greet(line: string): void {
  if (Deno.stdin.isTerminal()) complain(line);
}
