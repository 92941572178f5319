"""What serving costs before WebDAV: requests a second, and bytes a second by how a file is sent.

    python benchmarks/serving.py [--seconds S]

Requests: a constant answer to a small PROPFIND, behind this project's server and behind stock cheroot, by `wrk` (which
must be installed). Files: whole transfers over one loopback connection, by each way of sending; they decide
`BLOCK` in sumu_dav/server/answer.py. Compare figures of one run alone: the machine's own speed varies.
"""

from __future__ import annotations

import argparse
import io
import mmap
import multiprocessing
import os
import re
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import cheroot.wsgi

from sumu_dav.server import answer
from sumu_dav.server.launcher import Server
from sumu_dav.server.options import ServerOptions

PROPFIND = """
wrk.method = "PROPFIND"
wrk.headers["Depth"] = "0"
wrk.headers["Authorization"] = "Basic YWxpY2U6c2VjcmV0"
wrk.body = string.rep("x", 300)
"""


def constant(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Reads the body and answers with 600 bytes, as a `stat` does."""
    environ["wsgi.input"].read()
    start_response("207 Multi-Status", [("Content-Type", "application/xml"), ("Content-Length", "600")])
    return [b"x" * 600]


def serve_ours(ready: Connection) -> None:
    server = Server(constant, ServerOptions(port=0), request_log=io.StringIO())
    server.prepare()
    ready.send(server.bind_addr[1])
    server.serve()


def serve_cheroot(ready: Connection) -> None:
    server = cheroot.wsgi.Server(("127.0.0.1", 0), constant, numthreads=10)
    server.prepare()
    ready.send(server.bind_addr[1])
    server.serve()


def requests_per_second(serve: Callable[[Connection], None], connections: int, seconds: int) -> tuple[float, str]:
    """Requests a second, and the 99th percentile of their latency as wrk prints it."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=serve, args=(sender,), daemon=True)
    process.start()
    try:
        port = receiver.recv()
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(PROPFIND)
            script.flush()
            url = f"http://127.0.0.1:{port}/alice/album/IMG_0001.jpg"
            threads = min(2, connections)
            command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script.name, url]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    finally:
        process.terminate()
        process.join()
    [rate] = re.findall(r"Requests/sec:\s+([\d.]+)", out)
    [slowest] = re.findall(r"99%\s+(\S+)", out)
    return float(rate), slowest


def by_sendfile(sock: socket.socket, descriptor: int, size: int) -> None:
    offset = 0
    while offset < size:
        offset += os.sendfile(sock.fileno(), descriptor, offset, size - offset)


def by_mapping(sock: socket.socket, descriptor: int, size: int) -> None:
    with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as mapping, memoryview(mapping) as view:
        sock.sendall(view)


def by_reading(sock: socket.socket, descriptor: int, size: int, block: memoryview) -> None:
    offset = 0
    while offset < size:
        read = os.preadv(descriptor, [block], offset)
        sock.sendall(block[:read])
        offset += read


def reading(block_size: int) -> Callable[[socket.socket, int, int], None]:
    block = memoryview(bytearray(block_size))
    return lambda sock, descriptor, size: by_reading(sock, descriptor, size, block)


WAYS: dict[str, Callable[[socket.socket, int, int], None]] = {
    "sendfile": by_sendfile,
    "mmap+send": by_mapping,
    "read 64K": reading(64 * 1024),
    "read 256K": reading(256 * 1024),
    "read 512K": reading(answer.BLOCK),
    "read 1M": reading(1024 * 1024),
}


def swallow(port: int, total: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        target = bytearray(1 << 20)
        while total > 0 and (size := sock.recv_into(target)):
            total -= size


def bytes_per_second(send: Callable[[socket.socket, int, int], None], size: int, times: int) -> float:
    with tempfile.TemporaryFile() as file, socket.create_server(("127.0.0.1", 0)) as listening:
        file.write(os.urandom(size))
        file.flush()
        reader = multiprocessing.Process(target=swallow, args=(listening.getsockname()[1], size * times))
        reader.start()
        sock, _ = listening.accept()
        with sock:
            begun = time.perf_counter()
            for _ in range(times):
                send(sock, file.fileno(), size)
            reader.join()
            return size * times / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=4, help="for each load of requests")
    seconds = parser.parse_args().seconds
    print(f"{'requests/s':24}{'1 connection':>22}{'4 connections':>22}{'64 connections':>22}")
    for name, serve in {"sumu_dav": serve_ours, "cheroot": serve_cheroot}.items():
        rates = [requests_per_second(serve, connections, seconds) for connections in (1, 4, 64)]
        print(f"{name:24}" + "".join(f"{f'{rate:,.0f} (p99 {slowest})':>22}" for rate, slowest in rates))
    sizes = {"2 KB": (2048, 5000), "64 KB": (65536, 3000), "3 MB": (3 << 20, 150), "64 MB": (64 << 20, 8)}
    print(f"\n{'MB/s':24}" + "".join(f"{size:>10}" for size in sizes))
    for name, send in WAYS.items():
        cells = [statistics.median(bytes_per_second(send, *load) for _ in range(3)) for load in sizes.values()]
        print(f"{name:24}" + "".join(f"{cell / 1e6:>10,.0f}" for cell in cells))


if __name__ == "__main__":
    main()
