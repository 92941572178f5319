"""What a listing costs: prepared, after one change, and where it is too long to be kept.

    python benchmarks/listing.py [--names 20000] [--rounds 15] [--long 100000]

CPU time of this process, without sockets: an album of `--names` files is asked for again and again, then one PUT and
one PROPFIND take turns. A folder of `--long` files is drawn block by block, as the server sends it; its memory is what
the process has more meanwhile. Files are empty of pictures: what they are plays no part.
"""

from __future__ import annotations

import argparse
import base64
import io
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sumu_dav.dav.context import Context
from sumu_dav.dav.wiring import open_context
from sumu_dav.server.wiring import application
from sumu_dav.settings import from_document

FIVE = (
    b'<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:getcontentlength/><D:getlastmodified/><D:getetag/>'
    b"<D:getcontenttype/></D:prop></D:propfind>"
)
ALL = b'<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'
LOGIN = "Basic " + base64.b64encode(b"alice:secret").decode()


class Client:
    """Requests to the application of one server, in this process."""

    def __init__(self, context: Context) -> None:
        self._application = application(context)

    def request(self, method: str, path: str, body: bytes = b"") -> Iterator[bytes]:
        """The body of the answer, drawn as the server would draw it."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "REQUEST_URI": path,
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_AUTHORIZATION": LOGIN,
            "HTTP_DEPTH": "1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
        }
        statuses: list[str] = []

        def start_response(status: str, headers: object, exc_info: object = None) -> None:
            del headers, exc_info
            statuses.append(status)

        yield from self._application(environ, start_response)
        if statuses[-1][:3] not in ("201", "207"):
            raise RuntimeError(f"{method} {path}: {statuses[-1]}")

    def listing(self, path: str, body: bytes) -> int:
        """The size of a listing, drawn to its end, in bytes."""
        return sum(len(block) for block in self.request("PROPFIND", path, body))

    def put(self, path: str) -> None:
        """A small file."""
        for _ in self.request("PUT", path, b"x" * 100):
            pass


def resident() -> int:
    """The memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def cpu(work: Callable[[], object], rounds: int, before: Callable[[int], object] | None = None) -> list[float]:
    """CPU milliseconds of each round of `work`, without what `before` takes."""
    took = []
    for number in range(rounds):
        if before is not None:
            before(number)
        start = time.process_time()
        work()
        took.append((time.process_time() - start) * 1000)
    return took


def told(what: str, took: list[float]) -> None:
    """One line of the report."""
    print(f"{what:58} median {statistics.median(took):8.2f} ms   most {max(took):8.2f} ms")


def fill(folder: Path, names: int) -> None:
    """So many small files."""
    folder.mkdir(parents=True)
    for number in range(names):
        (folder / f"IMG_{number:06d}.jpg").write_bytes(b"x")


def main() -> None:
    """Measure, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--long", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "plex" / "alice" / "album", options.names)
        fill(folder / "plex" / "alice" / "long", options.long)
        settings = from_document({"sumu": {"plex": str(folder / "plex"), "state": str(folder / "state")}}, None)
        context = open_context(settings)
        context.accounts.add("alice", "secret")
        client = Client(context)
        try:
            measure(context, client, options)
        finally:
            context.close()


def measure(context: Context, client: Client, options: argparse.Namespace) -> None:
    """All of it, over one archive."""
    before, peak = resident(), 0
    start = time.process_time()
    for number, _block in enumerate(client.request("PROPFIND", "/alice/long/", FIVE)):
        if not number % 50:
            peak = max(peak, resident())
    took = (time.process_time() - start) * 1000
    told(f"{options.long} names, sent while written (+{max(0, peak - before) >> 20} MB)", [took])
    for form, body in (("five properties", FIVE), ("all properties", ALL)):
        measure_album(context, client, f"{options.names} names, {form}", body, options.rounds)


def measure_album(context: Context, client: Client, shown: str, body: bytes, rounds: int) -> None:
    """One form of listing: looked at member by member, prepared, and after one PUT each."""

    def listing() -> int:
        return client.listing("/alice/album/", body)

    told(f"{shown}, each member looked at", cpu(listing, 3))
    # No watcher runs here, and no other program writes.
    context.archive.versions.hears_others = True
    listing()
    told(f"{shown}, nothing changed", cpu(listing, rounds))
    told(f"{shown}, after one PUT", cpu(listing, rounds, lambda i: client.put(f"/alice/album/{len(body)}-{i}.jpg")))
    context.archive.versions.hears_others = False


if __name__ == "__main__":
    main()
