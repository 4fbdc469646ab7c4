/**
 * A client that resets its connection, which Deno's own cannot do: it has no `SO_LINGER`.
 *
 * @module
 */
import { python } from "./command.ts";

const CODE = `
import socket, struct, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(sys.argv[2].encode())
s.recv(1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
`;

/** Connects with python3, sends `message`, waits for the first byte of an answer, and resets. */
export async function readAndReset(port: number, message = ""): Promise<void> {
  await python(CODE, String(port), message);
}
