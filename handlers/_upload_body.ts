/**
 * The bytes of an upload, from the connection into the file.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import { FrameError } from "../server/framing/errors.ts";
import type { UploadFile } from "./_upload_file.ts";

/**
 * Receives until the file has `size` bytes. What came before a failure is in the file, so that a later
 * attempt can go on behind it.
 *
 * @throws {FrameError} if the client's end comes first
 */
export async function receiveBody(conn: Connection, file: UploadFile, size: number): Promise<void> {
  await conn.copyTo((chunk) => file.write(chunk), { count: size - file.length });
  if (file.length < size) throw new FrameError(`an upload ended after ${file.length} of ${size} bytes`);
}
