"""Request bodies as the application reads them: `wsgi.input` over a connection (RFC 9112 §6.2, §7.1).

Knows no socket: bytes come from a `Source`, which also knows how long it may wait. A body that ends early, stalls or is
not framed as announced raises BodyCut at the read; what was read of it must not be kept.
"""

from __future__ import annotations

import io
import re
from typing import Protocol

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?").fullmatch

CHUNK_LINE_LIMIT = 4096
"""Bytes of a chunk's size with its extensions, which no known client sends at any length."""

TRAILER_LIMIT = 16 * 1024
"""Bytes of all trailers together. They are read and dropped."""

READ_AHEAD = 64 * 1024
"""Bytes that a small `read` asks the source for at once. Larger reads go straight into the caller's buffer."""


class BodyCut(ConnectionError):
    """The client went away, stalled, was cut at the server's stop, or broke the framing: the rest will never come."""


class Source(Protocol):
    """Where a body comes from: what was received already, and the means to wait for more."""

    buffer: bytearray

    def receive_into(self, view: memoryview) -> int:
        """Wait for bytes and put them into `view`; never 0. Raises BodyCut. Only while `buffer` is empty."""

    def fill(self) -> None:
        """Wait for bytes and add them to `buffer`. Raises BodyCut."""


class Body(io.RawIOBase):
    """A body in either framing."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source
        self.received = 0
        """Bytes of content that the application got so far."""
        self.finished = False
        """Whether the last byte, and with it the framing's end, has been taken from the connection."""

    def readable(self) -> bool:
        """True: it is here to be read."""
        return True

    def _take(self, view: memoryview) -> int:
        """Move bytes of the content into `view`: from what is there, or else straight from the source."""
        buffer = self.source.buffer
        if buffer:
            size = min(len(view), len(buffer))
            view[:size] = buffer[:size]
            del buffer[:size]
        else:
            size = self.source.receive_into(view)
        self.received += size
        return size


class KnownLengthBody(Body):
    """A body of `length` bytes (RFC 9112 §6.2)."""

    def __init__(self, source: Source, length: int) -> None:
        super().__init__(source)
        self._remaining = length
        self.finished = length == 0

    def readinto(self, target: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed wants any Buffer
        """Read some bytes, 0 at the end. Raises BodyCut."""
        if not self._remaining:
            return 0
        size = self._take(memoryview(target).cast("B")[: self._remaining])
        self._remaining -= size
        self.finished = not self._remaining
        return size


class ChunkedBody(Body):
    """A body in chunks, decoded in one pass: each byte is looked at once, however the client cut it."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._remaining = 0
        self._begun = False

    def readinto(self, target: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read some bytes of the content, 0 after the last chunk and its trailers. Raises BodyCut."""
        if self.finished:
            return 0
        if not self._remaining and not self._next_chunk():
            self.finished = True
            return 0
        size = self._take(memoryview(target).cast("B")[: self._remaining])
        self._remaining -= size
        return size

    def _next_chunk(self) -> bool:
        """Read a chunk's size; after the last one also the trailers, and False is returned."""
        if self._begun and self._line(CHUNK_LINE_LIMIT):
            raise BodyCut("a chunk is longer than its size says")
        self._begun = True
        match = _CHUNK(self._line(CHUNK_LINE_LIMIT))
        if match is None:
            raise BodyCut("a chunk has no size")
        self._remaining = int(match[1], 16)
        if self._remaining:
            return True
        budget = TRAILER_LIMIT
        while trailer := self._line(budget):
            budget -= len(trailer) + 2
        return False

    def _line(self, limit: int) -> bytes:
        """One line without its CRLF."""
        buffer = self.source.buffer
        searched = 0
        while (end := buffer.find(b"\n", searched)) < 0:
            searched = len(buffer)
            if searched > limit:
                raise BodyCut("a line of the chunked framing is too long")
            self.source.fill()
        line = bytes(buffer[: end + 1])
        del buffer[: end + 1]
        if len(line) > limit + 2 or not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise BodyCut("a line of the chunked framing is malformed")
        return line[:-2]
