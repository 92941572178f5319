"""Writing a record file anew without its blanks, beside the appends that go on meanwhile.

The old file is read in file order, up to its growing end; only the last stretch, the names and the hand-over happen
while writes are held up.  Knows lines, not records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress

from sumu_dav.catalog.layout import CLOSING, header, key_of, pack, unpack
from sumu_dav.catalog.log import NEW, Log

_PIECE = 1 << 18
"""Bytes that are read at once."""

_SYNC_EVERY = 1 << 22
"""Bytes after which the new file is synced: one sync of it all at the end would hold up everyone else's."""


class _Stopping(Exception):
    """The server stops: it will not wait for the end."""


def compact(
    log: Log, gate: AbstractContextManager[object], highest: Callable[[], int], stop: Callable[[], bool]
) -> bool:
    """Give back the dead bytes of `log`. Holds `gate`, which every write takes, for no more than a few syncs.

    False where it was given up: since `stop()` said so, or others changed the file (the next write sees to that).
    `OSError` where the disk is full: nothing has changed.
    """
    copy = _Copy(log, stop)
    old_places = log.places
    handed_over = False
    try:
        with gate:
            log.dropped = set()
        while log.tail - copy.read_to > _PIECE:
            copy.go_on(log.tail)
        with gate:
            if log.changed_by_others():
                return False
            copy.go_on(log.tail)
            copy.finish()
            log.take_over(copy.fd, copy.places, copy.tail, copy.last_place, highest())
            handed_over = True
    except _Stopping:
        return False
    finally:
        log.dropped = None
        if not handed_over:
            log.disk.close(copy.fd)
            with suppress(FileNotFoundError):
                log.disk.remove(log.path + NEW)
    while old_places:  # one by one: to free a million integers at a stroke would hold up every thread
        old_places.popitem()
    return True


class _Copy:
    """The new file as it grows."""

    def __init__(self, log: Log, stop: Callable[[], bool]) -> None:
        self._log = log
        self._stop = stop
        self._disk = log.disk
        self.fd = log.disk.open(log.path + NEW, create=True)
        self.places: dict[int, int] = {}
        self.last_place: int | None = None
        self.read_to = len(header(log.table)) + 1
        self._dead: list[int] = []
        self._unwritten = bytearray(header(log.table))
        self._written = 0
        self._synced = 0

    @property
    def tail(self) -> int:
        """Where the closing belongs, in bytes."""
        return self._written + len(self._unwritten)

    def go_on(self, end: int) -> None:
        """Copy what is live between the last call's end and `end`."""
        for place, line in self._lines(end):
            key = key_of(line)
            # read first, then asked: a line that is live now was not being blanked when it was read
            if key is not None and self._log.places.get(key) == place:
                self.add(key, line)

    def add(self, key: int, line: bytes) -> None:
        """Append one line."""
        superseded = self.places.get(key)
        if superseded is not None:
            self._dead.append(superseded)
        self._unwritten += b"\n" if self.last_place is None else b",\n"
        self.last_place = self.places[key] = pack(self.tail, len(line))
        self._unwritten += line
        if len(self._unwritten) >= _PIECE:
            self._write()
        if self._written - self._synced >= _SYNC_EVERY:
            self._disk.sync(self.fd)
            self._synced = self._written

    def finish(self) -> None:
        """Take out what died while it was copied, and make the file whole and durable."""
        for key in self._log.dropped or ():
            place = self.places.pop(key, None) if key not in self._log.places else None
            if place is not None:
                self._dead.append(place)
        if not self.places:
            self._begin_again()
        elif self.last_place in self._dead:
            key = next(iter(self.places))
            self.add(key, self._log.line(self._log.places[key]))
        self._write()
        for place in self._dead:
            offset, length = unpack(place)
            self._disk.write(self.fd, b" " * (length + 1), offset)
        self._disk.write(self.fd, CLOSING, self.tail)
        self._disk.sync(self.fd)

    def _begin_again(self) -> None:
        self._dead.clear()
        self._disk.truncate(self.fd, 0)
        self._unwritten = bytearray(header(self._log.table))
        self._written = self._synced = 0
        self.last_place = None

    def _write(self) -> None:
        self._disk.write(self.fd, bytes(self._unwritten), self._written)
        self._written += len(self._unwritten)
        self._unwritten.clear()

    def _lines(self, end: int) -> Iterator[tuple[int, bytes]]:
        """The lines up to `end`, which ends one, with the places that they would have."""
        rest = b""
        offset = self.read_to
        while self.read_to < end:
            if self._stop():
                raise _Stopping
            piece = self._disk.read(self._log.fd, min(_PIECE, end - self.read_to), self.read_to)
            self.read_to += len(piece)
            *whole, rest = (rest + piece).split(b"\n")
            for raw in whole:
                line = raw.rstrip(b", ")
                yield pack(offset, len(line)), line
                offset += len(raw) + 1
        line = rest.rstrip(b", ")
        yield pack(offset, len(line)), line
        self.read_to = end
