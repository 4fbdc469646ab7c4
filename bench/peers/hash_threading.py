"""Python's ThreadingTCPServer with work for a processor; hashlib lets go of the interpreter while it works."""

import hashlib
import socketserver

PADDING = bytes(2_000_000)


class Hash(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            for line in self.rfile:
                digest = hashlib.sha256(line.rstrip(b"\n"))
                digest.update(PADDING)
                self.wfile.write(digest.hexdigest().encode() + b"\n")
        except OSError:
            pass  # the peer has reset the connection: it wants no answer


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 4096
    daemon_threads = True
    block_on_close = False


with Server(("127.0.0.1", 0), Hash) as server:
    print("listening", server.server_address[1], flush=True)
    server.serve_forever()
