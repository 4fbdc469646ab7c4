"""Python asyncio: the commands that the benchmark uses, in one pass over what has come and with one write."""

import asyncio
import socket

STORE = {}


def run(arguments):
    name = arguments[0].upper()
    if name == b"PING":
        return b"+PONG\r\n"
    if name == b"SET":
        STORE[arguments[1]] = arguments[2]
        return b"+OK\r\n"
    if name == b"GET":
        value = STORE.get(arguments[1])
        return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)
    if name == b"CONFIG":
        return b"*2\r\n$%d\r\n%s\r\n$0\r\n\r\n" % (len(arguments[2]), arguments[2])
    return b"-ERR unknown command\r\n"


class Redis(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""

    def data_received(self, data):
        data = self.rest + data if self.rest else data
        replies = []
        at = 0
        while at < len(data):
            end = self.run_one(data, at, replies)
            if end < 0:
                break
            at = end
        self.rest = data[at:]
        if replies:
            self.transport.write(b"".join(replies))

    def run_one(self, data, at, replies):
        end = data.find(b"\r\n", at)
        if end < 0:
            return -1
        if data[at] != 42:  # inline
            replies.append(run(data[at:end].split()))
            return end + 2
        arguments = []
        for _ in range(int(data[at + 1 : end])):
            start = end + 2
            end = data.find(b"\r\n", start)
            if end < 0:
                return -1
            start, end = end + 2, end + 2 + int(data[start + 1 : end])
            if end + 2 > len(data):
                return -1
            arguments.append(data[start:end])
        replies.append(run(arguments))
        return end + 2


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Redis, "127.0.0.1", 0, backlog=4096, family=socket.AF_INET)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
