"""gevent: a greenlet for every connection."""

import socket

from gevent.server import StreamServer


def echo(conn, _):
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while data := conn.recv(65536):
            conn.sendall(data)
    except OSError:
        pass  # the peer has reset the connection: it wants no answer


server = StreamServer(("127.0.0.1", 0), echo, backlog=4096)
server.start()
print("listening", server.server_port, flush=True)
server.serve_forever()
