import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type Connection, TcpServer } from "../../mod.ts";
import { isInstalled, python } from "../_support/command.ts";
import { isSettled, within } from "../_support/deadline.ts";
import { Program } from "../_support/program.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";
import { answerOnce } from "../_support/tiny_handlers.ts";

const noPython = !isInstalled("python3");
const isLinux = Deno.build.os === "linux";

const CONNECT_AND_RESET = `
import socket, struct, sys
for _ in range(int(sys.argv[2])):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.connect(("127.0.0.1", int(sys.argv[1])))
    s.close()
`;

Deno.test({
  name: "TcpServer serves on, in the same loop, after 5 000 clients that connect and reset",
  ignore: noPython,
  fn: async () => {
    const observer = new Recorder();
    await using running = await serving(new TcpServer(answerOnce, { observers: [observer] }));
    const { server, loop } = running;
    const port = String(server.addr.port);
    server.pause(); // these are gone before they are accepted
    await python(CONNECT_AND_RESET, port, "1000");
    server.resume();
    await python(CONNECT_AND_RESET, port, "4000");
    using client = await connect(server.addr);
    await client.sendAll("alive?\n");
    assertEquals(await within(client.readLine(), "the answer"), "alive?");
    assert(!(await isSettled(loop)));
    assertEquals(server.stats.accepted + server.stats.acceptFailures, 5_001);
    assert(observer.all("acceptFailed").length > 0);
    assert(observer.all("acceptFailed").every(({ kind, delay }) => kind === "peer" && delay === 0));
    assertEquals(observer.all("error"), []);
  },
});

/** CPU time that a process has used so far, in milliseconds (of a clock that ticks 100 times a second). */
async function cpuTime(pid: number): Promise<number> {
  const fields = (await Deno.readTextFile(`/proc/${pid}/stat`)).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

Deno.test({
  name:
    "TcpServer that runs out of descriptors neither crashes nor spins, and serves again when clients leave",
  ignore: !isLinux,
  fn: async () => {
    const limited = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"];
    await using program = new Program("tests/server/_fixtures/holding_server.ts", { starter: limited });
    const addr = await program.address();
    {
      using first = await connect(addr);
      assertEquals(await first.readLine(), "hello");
    }
    const clients = await Promise.all(Array.from({ length: 400 }, () => connect(addr)));
    await program.until(/accept failed: resources, again in 80 ms/);
    const [before, since] = [await cpuTime(program.pid), performance.now()];
    await program.until(/accept failed: resources, again in 640 ms/);
    const share = (await cpuTime(program.pid) - before) / (performance.now() - since);
    assert(share < 0.3, `${Math.round(share * 100)} % of a processor`);
    for (const client of clients) client.close();
    using last = await connect(addr);
    assertEquals(await within(last.readLine(), "the greeting"), "hello");
    program.kill("SIGKILL");
    const { output, errors } = await program.end();
    assertEquals([errors, output.filter((line) => line.startsWith("error"))], ["", []]);
  },
});

Deno.test({
  name:
    "TcpServer that sends 100 MB to a client that never reads keeps its memory bounded and cuts the client",
  ignore: !isLinux,
  fn: async () => {
    await using program = new Program("tests/server/_fixtures/flooding_server.ts");
    using _client = await connect(await program.address());
    const [, reason, sent, memory] = await program.until(
      /closed: (.*), (\d+) bytes out, (\d+) bytes of memory/,
    );
    assertEquals(reason, "write-timeout");
    assert(Number(sent) < 50_000_000, `${sent} bytes went into the kernel`);
    assert(Number(memory) < 50_000_000, `${memory} bytes`);
  },
});

/** Early: before it reads anything. Late: when the server has answered, and has had the time to close. */
const SEND_AND_READ_ALL = `
import socket, sys, time
port, to_send, late = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "late"
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384) # most of the answer waits on the server's side
s.connect(("127.0.0.1", port))
got = len(s.recv(1)) if late else 0
if late: time.sleep(0.1)
try:
    s.sendall(b"x" * to_send)
    while True:
        chunk = s.recv(65536)
        if not chunk: break
        got += len(chunk)
except OSError as error:
    print(error)
print(got)
`;

for (
  const [when, sent, read] of [
    ["early", 1, 0],
    ["early", 100_000, 0],
    ["early", 100_000, 1_000],
    ["early", 1_000_000, 1_000],
    ["late", 100_000, 0],
  ] as const
) {
  Deno.test({
    name:
      `TcpServer's answer arrives whole at a client that sends ${sent} bytes ${when}, of which the handler reads ${read}`,
    ignore: noPython,
    fn: async () => {
      const answer = new Uint8Array(60_000);
      const handler = async (conn: Connection): Promise<void> => {
        if (read > 0) await conn.readExactly(read);
        await conn.sendAll(answer);
      };
      await using running = await serving(new TcpServer(handler));
      for (let n = 0; n < 3; n++) {
        const port = String(running.server.addr.port);
        assertEquals((await python(SEND_AND_READ_ALL, port, String(sent), when)).trim(), "60000");
      }
    },
  });
}

Deno.test({
  name: "TcpServer goes on when a client's process is killed in the middle of its request",
  ignore: noPython,
  fn: async () => {
    const observer = new Recorder();
    const running = await serving(
      new TcpServer(async (conn) => void await conn.readExactly(100), { observers: [observer] }),
    );
    await using _running = running;
    const { port } = running.server.addr;
    const code = `import socket, os, signal
s = socket.create_connection(("127.0.0.1", ${port})); s.sendall(b"half"); os.kill(os.getpid(), signal.SIGKILL)`;
    await new Deno.Command("python3", { args: ["-c", code] }).output();
    const { reason, error } = await observer.until("closed");
    assertEquals(reason, "peer");
    assertMatch((error as Error).message, /after 4 of 100 bytes/);
    assertEquals(observer.all("error"), []);
  },
});
