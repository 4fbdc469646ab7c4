"""Python socketserver with a thread for every connection, which reads its lines from a buffered file."""

import socketserver


class Capitals(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            for line in self.rfile:
                self.wfile.write(line.upper())
        except OSError:
            pass  # the peer has reset the connection: it wants no answer


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 4096
    daemon_threads = True
    block_on_close = False


with Server(("127.0.0.1", 0), Capitals) as server:
    print("listening", server.server_address[1], flush=True)
    server.serve_forever()
