"""The intent log beside a record file: which lines are about to be blanked.

A line in the middle of the file is overwritten with spaces only after its text, its place and the batch that it
depends on are durable here.  A power cut that leaves it half blanked is then told from damage, and finished.
Knows nothing of threads or of what a record means.

One entry a line: the CRC-32 of the JSON that follows, in hexadecimal.  Entries count upwards without a gap; the log
is rewound rather than cut short, so what stands behind the last entry is old, and counts differently.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from sumu_dav.catalog.disk import Disk

REWIND_AT = 64 * 1024
"""Bytes after which the log begins again at its start, once all that it asks for is durable in the record file."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One entry.

    All bytes of the record file before `tail` were durable when it was written.  Its `blanks` (offset, text) are to
    be done if the `size` bytes at `tail` have the CRC-32 `crc`, that is if the batch they depend on is whole (it is,
    when `size` is 0).  `highest` is the highest id ever given.
    """

    number: int
    highest: int
    tail: int
    size: int = 0
    crc: int = 0
    blanks: tuple[tuple[int, bytes], ...] = ()

    def to_line(self) -> bytes:
        """The entry as it stands in the log."""
        blanks = [[offset, text.decode()] for offset, text in self.blanks]
        content = json.dumps(
            [self.number, self.highest, self.tail, self.size, self.crc, blanks], ensure_ascii=False
        ).encode()
        return b"%08x %s\n" % (zlib.crc32(content), content)

    @classmethod
    def from_line(cls, line: bytes) -> Intent | None:
        """The entry that a line holds; None for a line that was not written whole."""
        content = line[9:-1]
        if line[-1:] != b"\n" or line[:9] != b"%08x " % zlib.crc32(content):
            return None
        number, highest, tail, size, crc, blanks = json.loads(content)
        return cls(number, highest, tail, size, crc, tuple((offset, text.encode()) for offset, text in blanks))


def read_intents(data: bytes) -> list[Intent]:
    """The entries of a log, in order. All but the last are known to have been carried out, though not durably."""
    intents: list[Intent] = []
    for line in data.splitlines(keepends=True):
        intent = Intent.from_line(line)
        if intent is None or (intents and intent.number != intents[-1].number + 1):
            break
        intents.append(intent)
    return intents


class Journal:
    """The log of one running record file. Not thread-safe: whoever writes the record file writes this."""

    def __init__(self, disk: Disk, fd: int, number: int) -> None:
        self._disk = disk
        self._fd = fd
        self._number = number
        self._end = 0
        self._last_start = 0

    @classmethod
    def start(cls, disk: Disk, path: str, mark: Intent) -> Journal:
        """Begin the log with `mark` alone, whose number goes behind those that the old log used."""
        fresh = disk.identity(path) is None
        fd = disk.open(path, create=fresh)
        journal = cls(disk, fd, mark.number)
        journal.rewind(mark.highest, mark.tail)
        disk.truncate(fd, journal._end)
        if fresh:
            disk.sync_folder(path)
        return journal

    @property
    def is_long(self) -> bool:
        """Whether the log should be rewound as soon as all that it asks for is durable in the record file."""
        return self._end > REWIND_AT

    def close(self) -> None:
        """Give the file back."""
        self._disk.close(self._fd)

    def announce(self, highest: int, tail: int, batch: bytes, blanks: Iterable[tuple[int, bytes]]) -> None:
        """Make an intent durable. On `OSError` nothing was announced."""
        self._put(Intent(self._number, highest, tail, len(batch), zlib.crc32(batch), tuple(blanks)), self._end)

    def withdraw(self, highest: int, tail: int) -> None:
        """Put a mark in the place of the last intent, durably: its batch could not be written."""
        self._number -= 1
        self._put(Intent(self._number, highest, tail), self._last_start)

    def rewind(self, highest: int, tail: int) -> None:
        """Begin again at the start of the log, with a mark. All that was announced must be durable by now."""
        self._put(Intent(self._number, highest, tail), 0)

    def _put(self, intent: Intent, offset: int) -> None:
        line = intent.to_line()
        self._disk.write(self._fd, line, offset)
        self._disk.sync(self._fd)
        self._last_start = offset
        self._end = offset + len(line)
        self._number += 1
