/**
 * One process for each connection: any program that reads its standard input and writes its standard output is a
 * server.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import type { StreamHandler } from "../server/handler.ts";
import type { ConnectionInfo } from "../server/observer.ts";
import { Bridge } from "./_exec_bridge.ts";
import { Child } from "./_exec_child.ts";
import { connectionVariables } from "./_exec_environment.ts";
import { Places } from "./_exec_places.ts";

/** What {@linkcode execHandler} can be told. */
export interface ExecOptions {
  /**
   * The arguments. They go to the program as they are: no shell reads them.
   *
   * @default {[]}
   */
  args?: readonly string[];
  /**
   * The environment of the program, beside the variables that tell of the connection. Nothing else of this
   * process's own environment gets there: what serves strangers should not hold its secrets.
   *
   * @default {{}}
   */
  env?: Readonly<Record<string, string>>;
  /**
   * The program's working directory.
   *
   * @default this process's
   */
  cwd?: string | URL;
  /**
   * The most processes at once. A connection beyond that is open and waits for one of them to end. With
   * `maxConnections` of the same size it waits with the kernel: then this counts only for processes that outlive
   * their connection, being asked to end.
   *
   * @default {Infinity}
   */
  maxChildren?: number;
  /**
   * What a draining server does. `"end"`: as soon as the client is silent, the program's input ends, and it comes to
   * its end. `"wait"`: nothing before the deadline; for programs that would take a part for the whole.
   *
   * @default {"end"}
   */
  whenDraining?: "end" | "wait";
  /**
   * The signal that asks a program to end whose connection is gone.
   *
   * @default {"SIGTERM"}
   */
  killSignal?: Deno.Signal;
  /**
   * How long the program may then take, in milliseconds, before `SIGKILL` ends it.
   *
   * @default {5000}
   */
  killTimeout?: number;
  /**
   * Takes the program's standard error, line by line; of a line longer than 4096 bytes only so many, and `…`. It is
   * called synchronously, and nothing is read meanwhile: a program that writes faster has to wait.
   *
   * @default the program writes to this process's standard error
   */
  stderr?: (line: string, connection: ConnectionInfo) => void;
  /** Is told once for every process how it has ended. */
  exited?: (status: ExecStatus, connection: ConnectionInfo) => void;
}

/** How a process of {@linkcode execHandler} has ended. */
export interface ExecStatus {
  /** The number that the system gave to the process. */
  readonly pid: number;
  /** The exit code; 128 and the signal's number where a signal has ended it. */
  readonly code: number;
  /** The signal that has ended it, if one did. */
  readonly signal: Deno.Signal | null;
  /** Whether it was asked to end, as its connection was gone. */
  readonly asked: boolean;
}

/**
 * A handler that starts a program for every connection and joins them: what the client sends is the program's standard
 * input, and its standard output goes to the client. The `nowait` service of inetd, and tcpserver of D. J. Bernstein's
 * ucspi-tcp.
 *
 * The **variables** of ucspi-tcp tell the program who calls: `PROTO` is `TCP`, with `TCPLOCALIP`, `TCPLOCALPORT`,
 * `TCPREMOTEIP` and `TCPREMOTEPORT` (which may hold an IPv6 address); `SSL` over TLS, with the same, `SSLLOCALIP` and so
 * on, and `SSL_PROTOCOL`, `SSL_CIPHER`, `SSL_TLS_SNI` as far as they are known; `UNIX` with `UNIXLOCALPATH`, and
 * `UNIXREMOTEPATH` if the peer has a name. Names of hosts are not looked up.
 *
 * How one ends, and what the other learns of it:
 *
 * - The client's end is the end of the program's input. The program may go on writing.
 * - The end of the program's output is sent on. The client may go on sending.
 * - When the program exits, the rest of what it has written is sent, and the connection is closed. What a process in its
 *   background writes is sent until it is silent for a quarter of a second; that process is left alone.
 * - A program that has closed its input, or ends before it has read everything, is no failure. What it does not take is
 *   thrown away.
 * - When the client resets, or a limit of the server's closes the connection, the program's input and output end, it
 *   gets `killSignal`, and after `killTimeout` `SIGKILL`. With `--allow-run` for all commands the processes that it has
 *   started get them too: each program is in a process group, and a session, of its own.
 * - A draining server ends the input (see `whenDraining`). Its deadline, `close()` and the end of this process end the
 *   program by `SIGKILL` at once. Only a `SIGKILL` of this very process it may outlive: its input ends then, and writing
 *   fails.
 *
 * Neither is read faster than the other takes it: a block of 64 KiB, and one of 128 KiB at most, is on its way in each
 * direction. A failed start closes the connection without a byte and is the handler's failure; an exit code is not, see
 * `exited`.
 *
 * It needs `--allow-run=COMMAND`. The program has the rights of this process, and its user. On Windows every signal ends
 * the program at once, it alone, and scripts need their interpreter named.
 *
 * @param command the program: a path, or a name that `PATH` leads to
 * @param options its arguments and environment, limits, whom to tell
 * @returns the handler
 * @throws {RangeError} naming an option whose value cannot be
 *
 * @example
 * ```ts
 * import { connect, execHandler, serve } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * const shout = execHandler(Deno.execPath(), {
 *   args: ["eval", "console.log((await new Response(Deno.stdin.readable).text()).toUpperCase())"],
 *   env: { NO_COLOR: "1" },
 *   maxChildren: 40,
 *   stderr: (line, { id }) => console.error(`#${id}: ${line}`),
 * });
 * await using group = await serve({ listen: "tcp://127.0.0.1:0", maxConnections: 40 }, shout);
 * using conn = await connect(group.addr);
 * await conn.sendAll("hello");
 * await conn.closeWrite();
 * assertEquals(await conn.readLine(), "HELLO");
 * await group.shutdown();
 * ```
 */
export function execHandler(command: string | URL, options: ExecOptions = {}): StreamHandler {
  check(options);
  const { maxChildren = Infinity, killSignal = "SIGTERM", killTimeout = 5_000, exited } = options;
  const places = new Places(maxChildren);
  return async (conn: Connection, { addr }) => {
    using _place = places.take() ?? await places.wait(conn.signal);
    const child = new Child(processOf(command, options, connectionVariables(conn, addr)), {
      killSignal,
      killTimeout,
    });
    try {
      await new Bridge(conn, child, options).run();
    } finally {
      const { code, signal } = await child.status;
      exited?.({ pid: child.pid, code, signal, asked: child.asked }, conn);
    }
  };
}

function processOf(
  command: string | URL,
  { args = [], env = {}, cwd, stderr }: ExecOptions,
  variables: Record<string, string>,
): Deno.Command {
  return new Deno.Command(command, {
    args: [...args],
    cwd,
    clearEnv: true,
    env: { ...env, ...variables },
    stdin: "piped",
    stdout: "piped",
    stderr: stderr ? "piped" : "inherit",
    // Away from the terminal's process group, whose Ctrl-C is for the server: its programs are to come to their end.
    detached: true,
  });
}

/** The longest time that a timer can wait, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

function check({ maxChildren = 1, killTimeout = 0, whenDraining = "end" }: ExecOptions): void {
  if (!(maxChildren === Infinity || Number.isInteger(maxChildren)) || maxChildren < 1) {
    throw new RangeError(
      `Option "maxChildren" must be a whole number from 1, or Infinity: received ${maxChildren}`,
    );
  }
  if (!(killTimeout >= 0 && killTimeout <= LONGEST)) {
    throw new RangeError(
      `Option "killTimeout" must be 0 to ${LONGEST} milliseconds: received ${killTimeout}`,
    );
  }
  if (whenDraining !== "end" && whenDraining !== "wait") {
    throw new RangeError(`Option "whenDraining" must be "end" or "wait": received ${whenDraining}`);
  }
}
