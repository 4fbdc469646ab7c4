"""Python socketserver with a process for every connection."""

import socketserver


class Echo(socketserver.BaseRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data)
        except OSError:
            pass  # the peer has reset the connection: it wants no answer


class Server(socketserver.ForkingTCPServer):
    request_queue_size = 4096
    block_on_close = False
    max_children = 100


with Server(("127.0.0.1", 0), Echo) as server:
    print("listening", server.server_address[1], flush=True)
    server.serve_forever()
