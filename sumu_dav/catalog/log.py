"""The lines of one record file: appended in batches, blanked when they are dead, durable when a call returns.

Knows ids and lines, not what a record means.  Not thread-safe: its owner sees to it that one thread at a time is in
here.  `layout` has the bytes, `recovery` opens a file, `compaction` writes it anew beside the appends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sumu_dav.catalog.disk import Disk
from sumu_dav.catalog.journal import Journal
from sumu_dav.catalog.layout import CLOSING, batch, header, line_starts, pack, unpack

WORTH_COMPACTING = 1 << 20
"""Bytes of blanks below which a file is left as it is, whatever it holds."""

NEW = ".new"
"""What the path of the file that is to take a record file's place ends in; worth nothing until it is renamed."""

_PIECE = 1 << 20
"""Bytes that are written at once when the whole file is."""


def name_beside(disk: Disk, path: str, why: str) -> str:
    """A name beside the file that nothing has yet: `path.why-<time>`."""
    name = stamped = f"{path}.{why}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    attempt = 1
    while disk.identity(name) is not None:
        attempt += 1
        name = f"{stamped}-{attempt}"
    return name


class Log:
    """An open record file. `places` says where the live line of each id stands (packed)."""

    def __init__(
        self,
        disk: Disk,
        path: str,
        table: str,
        fd: int,
        journal: Journal,
        places: dict[int, int],
        stale: list[int],
        tail: int,
        last_place: int | None,
    ) -> None:
        self.disk = disk
        self.path = path
        self.table = table
        self.fd = fd
        self.journal = journal
        self.places = places
        self.tail = tail
        self.last_place = last_place
        self.live_bytes = sum(unpack(place)[1] for place in places.values())
        self.dropped: set[int] | None = None
        """Ids dropped since a compaction began; None while there is none."""
        self._stale = stale
        self._identity = disk.identity(fd)

    @property
    def dead_bytes(self) -> int:
        """What a compaction would give back."""
        return self.tail - self.live_bytes

    @property
    def worth_compacting(self) -> bool:
        """Whether dead bytes outweigh the live."""
        return self.dead_bytes > max(self.live_bytes, WORTH_COMPACTING)

    def close(self) -> None:
        """Give the files back."""
        self.disk.close(self.fd)
        self.journal.close()

    def line(self, place: int) -> bytes:
        """The text at `place`, without comma and line end."""
        offset, length = unpack(place)
        return self.disk.read(self.fd, length, offset)

    def changed_by_others(self) -> bool:
        """Whether the path still names our file, as our last write left it."""
        return self.disk.identity(self.path) != self._identity

    def write(self, puts: Mapping[int, bytes], drops: Iterable[int], highest: int) -> None:
        """Append the lines of `puts` and take away those of `drops`: all of it or nothing, also in a power cut.

        `OSError` (a full disk, as a rule): nothing has changed.  `SyncFailed`: nobody can say.
        """
        dropped = {key: self.places[key] for key in drops if key in self.places}
        doomed = [*self._stale, *dropped.values()] if dropped else []
        if doomed and not puts and self.last_place in doomed and len(dropped) < len(self.places):
            puts = self._survivor(dropped)
        text = batch(puts.values(), after_a_line=self.last_place is not None) if puts else b""
        try:
            blanks = self._blanks(doomed, nothing_follows=not puts)
            if blanks:
                self.journal.announce(highest, self.tail, text, blanks)
            if text:
                self._append(text, highest, announced=bool(blanks))
            self._forget(dropped)
            if blanks:
                self._stale.clear()
            if text:
                self._take_in(puts, len(text))
            elif not self.places:
                self.last_place = None
            self._blank(blanks, highest)
        finally:
            self._identity = self.disk.identity(self.fd)

    def blank_stale(self, highest: int) -> None:
        """Blank the lines whose successors are durable."""
        blanks = self._blanks(self._stale, nothing_follows=False)
        if not blanks:
            return
        try:
            self.journal.announce(highest, self.tail, b"", blanks)
            self._stale.clear()
            self._blank(blanks, highest)
        finally:
            self._identity = self.disk.identity(self.fd)

    def settle(self, highest: int) -> None:
        """Make the blanks durable too, and say so in the journal: nothing is left to be done at the next start."""
        self.disk.sync(self.fd)
        self.journal.rewind(highest, self.tail)

    def lay_out(self, lines: Mapping[int, bytes], highest: int) -> None:
        """Write the file anew with these lines and no other."""
        fd, places, tail, last_place = write_file(self.disk, self.path + NEW, self.table, lines.items())
        self.live_bytes = sum(len(line) for line in lines.values())
        self.take_over(fd, places, tail, last_place, highest)

    def take_over(self, fd: int, places: dict[int, int], tail: int, last_place: int | None, highest: int) -> None:
        """Let `path.new`, open as `fd`, durable and with the same live lines, be the record file from now on."""
        self.disk.replace(self.path + NEW, self.path)
        self.disk.sync_folder(self.path)
        self.disk.close(self.fd)
        self.fd, self.places, self.tail, self.last_place = fd, places, tail, last_place
        self._stale.clear()
        self.journal.rewind(highest, tail)
        self._identity = self.disk.identity(fd)

    def _survivor(self, dropped: Mapping[int, int]) -> dict[int, bytes]:
        # the last line of all has no comma behind it: were it blanked, the line before it would end in one
        # that nothing follows.  So some other record takes the last place first.
        key, place = next(item for item in self.places.items() if item[0] not in dropped)
        return {key: self.line(place)}

    def _append(self, text: bytes, highest: int, *, announced: bool) -> None:
        try:
            self.disk.write(self.fd, text + CLOSING, self.tail)
        except OSError:
            self.disk.write(self.fd, CLOSING, self.tail)
            self.disk.truncate(self.fd, self.tail + len(CLOSING))
            if announced:
                self.journal.withdraw(highest, self.tail)
            raise
        self.disk.sync(self.fd)

    def _forget(self, dropped: Mapping[int, int]) -> None:
        for key, place in dropped.items():
            del self.places[key]
            self.live_bytes -= unpack(place)[1]
        if self.dropped is not None:
            self.dropped.update(dropped)

    def _take_in(self, puts: Mapping[int, bytes], size: int) -> None:
        starts = line_starts(list(puts.values()), after_a_line=self.last_place is not None)
        for (key, line), start in zip(puts.items(), starts, strict=True):
            old = self.places.get(key)
            if old is not None:
                self._stale.append(old)
                self.live_bytes -= unpack(old)[1]
            self.last_place = self.places[key] = pack(self.tail + start, len(line))
            self.live_bytes += len(line)
        self.tail += size

    def _blanks(self, places: Iterable[int], *, nothing_follows: bool) -> list[tuple[int, bytes]]:
        # in file order: a stale line must never outlive the one that superseded it
        return [
            (unpack(place)[0], self.line(place) + (b"" if nothing_follows and place == self.last_place else b","))
            for place in sorted(places)
        ]

    def _blank(self, blanks: Iterable[tuple[int, bytes]], highest: int) -> None:
        for offset, text in blanks:
            self.disk.write(self.fd, b" " * len(text), offset)
        if self.journal.is_long:
            self.settle(highest)


def write_file(
    disk: Disk, path: str, table: str, lines: Iterable[tuple[int, bytes]]
) -> tuple[int, dict[int, int], int, int | None]:
    """A new durable record file: its descriptor, places, tail and last place."""
    fd = disk.open(path, create=True)
    try:
        places: dict[int, int] = {}
        position = written = 0
        piece = bytearray(header(table))
        place: int | None = None
        for key, line in lines:
            piece += b"\n" if place is None else b",\n"
            position = written + len(piece)
            place = places[key] = pack(position, len(line))
            piece += line
            if len(piece) >= _PIECE:
                disk.write(fd, bytes(piece), written)
                written += len(piece)
                piece.clear()
        tail = written + len(piece)
        disk.write(fd, bytes(piece) + CLOSING, written)
        disk.sync(fd)
    except BaseException:
        disk.close(fd)
        disk.remove(path)
        raise
    return fd, places, tail, place
