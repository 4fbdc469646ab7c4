/**
 * Uploads: files come in over a connection, as many as the client likes.
 *
 * **The dialogue.** The client announces a file, waits for an acknowledgement so that header and content do
 * not stick together, and sends exactly as many bytes as it announced; then comes the next file, or the end.
 * Nothing is answered to the content. The command is `put` by custom.
 *
 * ```text
 * client  put|NAME|SIZE     with a newline or without: then the header is over when nothing follows for 50 ms
 * server  ready\n
 * client  SIZE bytes
 * ```
 *
 * **With a check.** A client that adds the SHA-256 of the content (64 hexadecimal digits) and a newline gets
 * more: the server says from which byte on it wants the content, as an earlier attempt may have left the
 * bytes before, and tells what became of it.
 *
 * ```text
 * client  put|NAME|SIZE|SHA256\n
 * server  resume OFFSET\n
 * client  SIZE - OFFSET bytes
 * server  stored SHA256\n
 * ```
 *
 * Whatever is not taken is answered with one line: `refused: REASON\n` instead of an acknowledgement,
 * `failed: REASON\n` behind the content. A client that sent a hash may then go on with its next file; all
 * others are hung up on, as they may be sending the content already. `busy: REASON\n` instead of `resume`
 * asks it to try again in a while: somebody is uploading this very file, perhaps its own last connection,
 * whose end has not been noticed yet.
 *
 * **What it promises.** A name stands for a file in the folder itself: whatever could lead out of it, or is
 * reserved on some system, is refused. There is never a part of a file under its name: it has a temporary one
 * until it is whole, also when the server is killed meanwhile. Size and number of files are bounded. Of two
 * clients that upload the same name at once, the one that ends last prevails, with a whole file.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import { FrameError } from "../server/framing/errors.ts";
import type { StreamHandler } from "../server/handler.ts";
import type { HandlerModuleOptions } from "../server/load.ts";
import type { Permissions } from "../server/permissions.ts";
import type { HandlerSettings, SettingValues } from "../server/settings.ts";
import { receiveBody } from "./_upload_body.ts";
import type { UploadFile } from "./_upload_file.ts";
import { UploadFolder } from "./_upload_folder.ts";
import { readHeader, type UploadHeader } from "./_upload_header.ts";
import { BusyRefusal, Refusal } from "./_upload_refusal.ts";
import { readSize, readWholeNumber } from "./_setting_values.ts";

/** What uploads may be. */
export interface UploadOptions {
  /**
   * The folder that the files go into; made when the first one comes.
   *
   * @default {"uploads"} in the working directory
   */
  dir?: string;
  /**
   * How many bytes a file may have.
   *
   * @default {1_073_741_824} 1 GiB
   */
  maxSize?: number;
  /**
   * How many files the folder may hold, unfinished ones included.
   *
   * @default {1_000}
   */
  maxFiles?: number;
  /**
   * Whether a file replaces an older one of the same name; otherwise it is refused.
   *
   * @default {true}
   */
  overwrite?: boolean;
}

/**
 * A client that sends nothing for a minute is hung up on; an upload takes half a MiB of memory.
 *
 * @example
 * ```ts
 * import { TcpServer } from "@switchboard/kit";
 * import { options, upload } from "@switchboard/kit/handlers/upload";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new TcpServer(upload({ dir: "inbox" }), { ...options, port: 0 });
 * assertEquals(options.readTimeout, 60_000);
 * ```
 */
export const options: HandlerModuleOptions = { readTimeout: 60_000, maxConnections: 100 };

/**
 * What the command line may tell: `serve upload --dir DIR`.
 *
 * @example
 * ```ts
 * import { configure, settings } from "@switchboard/kit/handlers/upload";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(Object.keys(settings), ["dir", "max-size", "max-files", "keep"]);
 * assertThrows(() => configure({ "max-size": "much" }), RangeError, "much");
 * ```
 */
export const settings: HandlerSettings = {
  "dir": { value: "DIR", help: "the folder that the files go into (uploads)" },
  "max-size": { value: "BYTES", help: "how large a file may be; 500M and 2G are understood (1G)" },
  "max-files": { value: "N", help: "how many files the folder may hold (1000)" },
  "keep": { help: "refuses a file whose name is taken instead of replacing the older one" },
};

/**
 * The handler for what the command line tells.
 *
 * @throws {RangeError} naming a setting whose value cannot be
 *
 * @example What `serve upload --dir DIR --max-size 1K` serves
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import { configure } from "@switchboard/kit/handlers/upload";
 * import { assertMatch } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * await using group = await serve(
 *   { listen: "tcp://127.0.0.1:0" },
 *   configure({ dir, "max-size": "1K" }),
 * );
 * using conn = await connect(group.addr);
 * await conn.sendAll("put|large.bin|2000\n");
 * assertMatch(await conn.readLine() ?? "", /^refused: /);
 * ```
 */
export function configure({ dir, keep, ...values }: SettingValues): StreamHandler {
  return upload({
    dir: dir as string | undefined,
    maxSize: readSize("max-size", values["max-size"]),
    maxFiles: readWholeNumber("max-files", values["max-files"]),
    overwrite: !keep,
  });
}

/**
 * Reading and writing in the folder.
 *
 * @example
 * ```ts
 * import { permissions } from "@switchboard/kit/handlers/upload";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(permissions({ dir: "data" }), { read: ["data"], write: ["data"] });
 * ```
 */
export function permissions({ dir = "uploads" }: SettingValues): Permissions {
  return { read: [String(dir)], write: [String(dir)] };
}

/**
 * A handler that stores files in a folder.
 *
 * @param options which folder, and what it may hold
 * @returns the handler; serve it together with {@linkcode options} of this module
 *
 * @example Served, and talked to in the plain dialogue
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import { upload } from "@switchboard/kit/handlers/upload";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, upload({ dir }));
 *
 * using conn = await connect(group.addr);
 * await conn.sendAll("put|greeting.txt|5\n");
 * assertEquals(await conn.readLine(), "ready");
 * await conn.sendAll("hello");
 * await conn.closeWrite();
 * assertEquals(await conn.recv(), null); // the server has seen the end, and so the whole file
 * assertEquals(await Deno.readTextFile(`${dir}/greeting.txt`), "hello");
 * ```
 */
export function upload(options: UploadOptions = {}): StreamHandler {
  const { dir = "uploads", maxSize = 2 ** 30, maxFiles = 1_000, overwrite = true } = options;
  checkLimit("maxSize", maxSize);
  checkLimit("maxFiles", maxFiles);
  const folder = new UploadFolder(dir, { maxSize, maxFiles, overwrite });
  return async (conn) => {
    while (await receiveFile(conn, folder));
  };
}

function checkLimit(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`Option "${name}" must be a whole number from 0: received ${value}`);
}

/**
 * The handler with the defaults: into `uploads` in the working directory.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import upload from "@switchboard/kit/handlers/upload";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, upload);
 * using conn = await connect(group.addr);
 * await conn.sendAll("put|../secret|5\n"); // a name that leads elsewhere
 * assertEquals((await conn.readLine())?.split(":")[0], "refused");
 * ```
 */
const withDefaults: StreamHandler = upload();
export default withDefaults;

/** Takes one file; says whether there may be another. */
async function receiveFile(conn: Connection, folder: UploadFolder): Promise<boolean> {
  let header: UploadHeader | null = null;
  let file: UploadFile;
  try {
    header = await nextHeader(conn);
    if (!header) return false;
    file = await folder.open(header);
  } catch (error) {
    return await refuse(conn, error, "refused", header?.sha256 !== undefined);
  }
  return await receiveInto(file, header, conn);
}

/** A draining server waits for files, and not for the next announcement. */
async function nextHeader(conn: Connection): Promise<UploadHeader | null> {
  try {
    return await readHeader(conn, conn.signal);
  } catch (error) {
    if (conn.signal.aborted && !conn.closed && error === conn.signal.reason) return null;
    throw error;
  }
}

async function receiveInto(
  file: UploadFile,
  { size, sha256 }: UploadHeader,
  conn: Connection,
): Promise<boolean> {
  try {
    await conn.sendAll(sha256 ? `resume ${file.length}\n` : "ready\n");
    await receiveBody(conn, file, size);
  } catch (error) {
    if (error instanceof Refusal) await file.remove(); // on a full disk it would be in the way
    else await file.breakOff();
    return await refuse(conn, error, "failed", false);
  }
  try {
    await file.finish();
  } catch (error) {
    return await refuse(conn, error, "failed", sha256 !== undefined);
  }
  if (sha256) await conn.sendAll(`stored ${sha256}\n`);
  return true;
}

/**
 * Tells the client, in one line, why not; says whether the dialogue can go on.
 *
 * @throws what went wrong on this side, for the operator to see; and every other error, as it is none of the
 * upload's
 */
async function refuse(
  conn: Connection,
  error: unknown,
  word: "refused" | "failed",
  goesOn: boolean,
): Promise<boolean> {
  if (!(error instanceof Refusal)) throw error;
  await conn.sendAll(`${error instanceof BusyRefusal ? "busy" : word}: ${error.message}\n`);
  if (error.cause) throw error.cause;
  if (error.final) throw new FrameError(`no upload: ${error.message}`);
  return goesOn;
}
