"""Python selectors: one loop, non-blocking sockets, what could not be sent is kept."""

import selectors
import socket

selector = selectors.DefaultSelector()


def accept(listener, _):
    try:
        conn, _ = listener.accept()
    except OSError:
        return
    conn.setblocking(False)
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(conn, selectors.EVENT_READ, (serve, bytearray()))


def serve(conn, unsent):
    try:
        if unsent:
            data, unsent[:] = bytes(unsent), b""
        else:
            data = conn.recv(65536)
            if not data:
                raise ConnectionResetError
        sent = conn.send(data)
    except BlockingIOError:
        sent = 0
    except OSError:
        selector.unregister(conn)
        conn.close()
        return
    if sent < len(data):
        unsent += data[sent:]
    wanted = selectors.EVENT_WRITE if unsent else selectors.EVENT_READ
    if selector.get_key(conn).events != wanted:
        selector.modify(conn, wanted, (serve, unsent))


listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
listener.setblocking(False)
selector.register(listener, selectors.EVENT_READ, (accept, None))
print("listening", listener.getsockname()[1], flush=True)
while True:
    for key, _ in selector.select():
        callback, state = key.data
        callback(key.fileobj, state)
