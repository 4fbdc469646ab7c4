"""Redis itself, on a free port and without persistence. This process becomes it, so that its usage is Redis's."""

import os
import shutil
import socket
import sys
import time

with socket.socket() as taken:
    taken.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]

if os.fork() == 0:  # the child says when Redis answers
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            print("listening", port, flush=True)
            break
        except OSError:
            time.sleep(0.02)
    os._exit(0)

null = os.open(os.devnull, os.O_WRONLY)
os.dup2(null, 1)
options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", "/tmp"]
program = shutil.which("redis-server") or sys.exit("redis-server is not installed")
os.execv(program, [program, *options])
