"""Python asyncio, a protocol class: answers each line with the same in capitals, a chunk of lines with one write."""

import asyncio
import socket


class Capitals(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""

    def data_received(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        if lines:
            self.transport.write(b"".join(line.upper() + b"\n" for line in lines))


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Capitals, "127.0.0.1", 0, backlog=4096, family=socket.AF_INET)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
