"""Reading bytes that nobody vouches for: positions are checked, and a file can only cost so much.

This is the one place of the package that touches a file descriptor. It must not know what any byte means.
"""

from __future__ import annotations

import os
from typing import Protocol

MAX_TOTAL = 24 * 1024 * 1024
"""Bytes read from one file at most: several times what the largest real tables need, and half of the 50 MB allowed."""

MAX_READS = 40_000
"""Reads from one file at most: with what is done between them they take some 0.1 s, and a real file needs hundreds."""

_AHEAD = 1024
"""Bytes read at least, since headers lie close together and a system call costs more than a page."""


class MalformedError(Exception):
    """What was read can't be what it claims to be. The text is the reason, fit for a person."""


class Source(Protocol):
    """Bytes of a known size that can be read at any position."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`; raise MalformedError where they are not all there."""


class FileSource:
    """An open file, read by position (the descriptor's own position neither counts nor changes)."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._size = os.fstat(fd).st_size
        self._bytes_left = MAX_TOTAL
        self._reads_left = MAX_READS
        self._window = b""
        self._window_at = 0

    @property
    def size(self) -> int:
        """How many bytes the file has."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`; raise MalformedError past the end or past the limits above."""
        self._reads_left -= 1
        if self._reads_left < 0:
            raise MalformedError("the file takes more reading than a real one")
        start = offset - self._window_at
        if start >= 0 and length >= 0 and start + length <= len(self._window):
            return self._window[start : start + length]
        _check(self._size, offset, length)
        wanted = min(max(length, _AHEAD), self._size - offset)
        self._bytes_left -= wanted
        if self._bytes_left < 0:
            raise MalformedError("the file takes more reading than a real one")
        data = os.pread(self._fd, wanted, offset)
        if len(data) < length:
            raise MalformedError("the file became shorter while it was read")
        self._window, self._window_at = data, offset
        return data[:length]


class BytesSource:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`; raise MalformedError where they are not all there."""
        _check(len(self._data), offset, length)
        return self._data[offset : offset + length]


class Part:
    """A stretch of another source, with positions of its own (maker notes count from their own first byte)."""

    def __init__(self, whole: Source, offset: int, length: int) -> None:
        _check(whole.size, offset, length)
        self._whole = whole
        self._offset = offset
        self._length = length

    @property
    def size(self) -> int:
        """How many bytes the stretch has."""
        return self._length

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`; raise MalformedError where they are not all there."""
        _check(self._length, offset, length)
        return self._whole.read(self._offset + offset, length)


def _check(size: int, offset: int, length: int) -> None:
    if offset < 0 or length < 0 or offset + length > size:
        raise MalformedError(f"{length} bytes at {offset} are not there: it ends at {size}")
