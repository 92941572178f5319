"""No header, however long or odd, keeps a thread busy: every reader is linear in what it reads."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest

from sumu_dav.dav import announced, conditions, headers, if_header, ranges, target
from sumu_dav.dav.faults import BadRequest, RangeNotSatisfiable
from sumu_dav.errors import NameRefused

HEAD_BYTES = 65_536
FRAGMENTS = [
    "a",
    " ",
    "a ",
    '"',
    '" ',
    ",",
    ", ",
    ";a=b  ",
    ";a",
    "(",
    "<",
    "<a>",
    "(<a>)",
    "[",
    "0-",
    "=",
    "%",
    "%41",
    "/",
    "/a",
    "A:b ",
    "9",
]

READERS: dict[str, tuple[str, Callable[[Mapping[str, str]], object]]] = {
    "Depth": ("HTTP_DEPTH", lambda environ: headers.depth(environ, headers.Depth.ONE)),
    "Timeout": ("HTTP_TIMEOUT", headers.lock_timeout),
    "Prefer": ("HTTP_PREFER", headers.prefer),
    "Lock-Token": ("HTTP_LOCK_TOKEN", headers.lock_token),
    "X-OC-Mtime": ("HTTP_X_OC_MTIME", headers.modified_ns),
    "OC-Checksum": ("HTTP_OC_CHECKSUM", announced.announced_file),
    "Repr-Digest": ("HTTP_REPR_DIGEST", announced.announced_file),
    "Content-MD5": ("HTTP_CONTENT_MD5", announced.announced_file),
    "If": ("HTTP_IF", if_header.parse_if),
    "If-Match": ("HTTP_IF_MATCH", lambda e: conditions.precondition("PUT", e, conditions.State(True, '"x"', 0.0))),
    "If-Modified-Since": (
        "HTTP_IF_MODIFIED_SINCE",
        lambda e: conditions.precondition("GET", e, conditions.State(True, '"x"', 0.0)),
    ),
    "Range": ("HTTP_RANGE", lambda environ: ranges.plan("bytes=" + environ["HTTP_RANGE"], 1_000_000)),
    "Destination": ("HTTP_DESTINATION", target.parse_destination),
    "the target": ("REQUEST_URI", target.parse_request),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_long_header_is_read_quickly(reader: str) -> None:
    key, read = READERS[reader]
    for start in ("", "sha-256=:AAAA:", "/", "<"):
        for fragment in FRAGMENTS:
            begun = time.monotonic()
            with suppress(BadRequest, NameRefused, RangeNotSatisfiable):
                read({key: start + fragment * (HEAD_BYTES // len(fragment)) + "!"})
            assert time.monotonic() - begun < 2, (start, fragment)
