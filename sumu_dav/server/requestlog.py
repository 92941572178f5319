"""One line a request, for people, for fail2ban and for machines.

Knows no socket and no application. A query, a password or a token never gets here: the path is the target's without
its query, and no header is logged.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TextIO

from sumu_dav.server.clock import Clock

FLUSH_AT = 512
"""Lines kept before they are written, beside the server's flush twice a second: a write a request would cost as much
as reading the request does."""

# What could end a line, a quoted field or a terminal's sanity.
_UNSAFE = re.compile(r"[^\x21\x23-\x5b\x5d-\x7e]")


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What is known of a request once its answer is out. Sizes are bytes of content, without heads; time in seconds.

    `status` is 0 where the client left before there was an answer; `method` and `path` are "-" for a head that could
    not be read.
    """

    client: str
    user: str
    method: str
    path: str
    status: int
    bytes_in: int
    bytes_out: int
    seconds: float


def escaped(text: str) -> str:
    """Text that stays one word: anything but visible ASCII, quotes and backslashes becomes `\\xHH`, of its UTF-8 bytes
    (Latin-1 ones where it is a request's text)."""
    return _UNSAFE.sub(_hex, text)


def _hex(match: re.Match[str]) -> str:
    character = match[0]
    encoded = character.encode("latin-1" if ord(character) < 256 else "utf-8", "backslashreplace")
    return "".join(f"\\x{byte:02x}" for byte in encoded)


def text_line(record: RequestRecord, time: str) -> str:
    """`TIME CLIENT USER METHOD PATH STATUS in=BYTES out=BYTES SECONDS`; a user that is not known is `-`."""
    return (
        f"{time} {record.client} {escaped(record.user) or '-'} {record.method} {escaped(record.path)} "
        f"{record.status} in={record.bytes_in} out={record.bytes_out} {record.seconds:.4f}"
    )


def json_line(record: RequestRecord, time: str) -> str:
    """The same as a JSON object."""
    return json.dumps(
        {
            "time": time,
            "client": record.client,
            "user": record.user or None,
            "method": record.method,
            "path": record.path,
            "status": record.status,
            "bytesIn": record.bytes_in,
            "bytesOut": record.bytes_out,
            "seconds": round(record.seconds, 6),
        }
    )


class RequestLog:
    """Lines on their way into a stream. Safe between threads."""

    def __init__(self, stream: TextIO, style: Literal["text", "json"], clock: Clock) -> None:
        self._stream = stream
        self._line: Callable[[RequestRecord, str], str] = json_line if style == "json" else text_line
        self._clock = clock
        self._lines: deque[str] = deque()
        self._writing = threading.Lock()

    def add(self, record: RequestRecord) -> None:
        """Keep a line for the next flush."""
        self._lines.append(self._line(record, self._clock.log_time()))
        if len(self._lines) >= FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Write what is kept. Where the stream can't take it (a full disk, a closed pipe) it is lost."""
        with self._writing, suppress(OSError):
            # Taken off one by one: another thread may add to them meanwhile.
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if lines:
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()
