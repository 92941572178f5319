"""Where the time of one request goes, above the sockets: milliseconds a request, and the functions that take them.

.venv/bin/python benchmarks/profile_request.py [put] [put3] [stat] [get] [list]
"""

from __future__ import annotations

import base64
import cProfile
import io
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sumu_dav.dav.wiring import open_context
from sumu_dav.server.wiring import application
from sumu_dav.settings import load

PASSWORD = "for a benchmark"
AUTH = "Basic " + base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
PROPERTIES = (
    b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:getcontentlength/>'
    b"<D:getlastmodified/><D:getetag/><D:getcontenttype/></D:prop></D:propfind>"
)
MEMBERS = 2_000
SHOWN = 25


class Bench:
    """Our application without sockets."""

    def __init__(self, folder: str) -> None:
        self.context = open_context(load(None, {"sumu.plex": f"{folder}/plex", "sumu.state": f"{folder}/state"}))
        self.context.accounts.add("alice", PASSWORD)
        self._application = application(self.context)
        self._count = 0

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> str:
        """One request; the status line."""
        answered: list[str] = []
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "REQUEST_URI": path,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "HTTP_AUTHORIZATION": AUTH,
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "CONTENT_LENGTH": str(len(body)),
            **headers,
        }
        result = self._application(environ, lambda status, _headers, _info=None: answered.append(status))
        for _block in result:
            pass
        close = getattr(result, "close", None)
        if close is not None:
            close()
        return answered[0]

    def put(self, size: int) -> None:
        """Upload a photo that was not there."""
        self._count += 1
        body = b"\xff\xd8\xff\xe0" + os.urandom(16) + bytes(size - 20)
        assert self.call("PUT", f"/alice/album/new{self._count}.jpg", body).startswith("201")


def measure(name: str, once: Callable[[], object], count: int) -> None:
    """Time it, then profile it."""
    once()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        once()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"\n== {name}: {wall / count * 1000:.3f} ms, of which {cpu / count * 1000:.3f} ms of CPU")
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(count):
        once()
    profile.disable()
    out = io.StringIO()
    pstats.Stats(profile, stream=out).strip_dirs().sort_stats("tottime").print_stats(SHOWN)
    print("\n".join(line for line in out.getvalue().splitlines()[6:] if line.strip()))


def main() -> None:
    """Measure what is named, or everything."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        for album in ("album", "full"):
            bench.call("MKCOL", f"/alice/{album}/")
        body = b"\xff\xd8\xff\xe0" + bytes(2000)
        for number in range(MEMBERS):
            bench.call("PUT", f"/alice/full/{number}.jpg", body + number.to_bytes(8, "big"))
        file, full = "/alice/full/7.jpg", "/alice/full/"
        loads: dict[str, tuple[Callable[[], object], int]] = {
            "put": (lambda: bench.put(100 << 10), 150),
            "put3": (lambda: bench.put(3 << 20), 15),
            "stat": (lambda: bench.call("PROPFIND", file, PROPERTIES, HTTP_DEPTH="0"), 1000),
            "get": (lambda: bench.call("GET", file), 1000),
            "list": (lambda: bench.call("PROPFIND", full, PROPERTIES, HTTP_DEPTH="1"), 50),
        }
        for name in sys.argv[1:] or loads:
            measure(name, *loads[name])
        bench.context.close()


if __name__ == "__main__":
    main()
