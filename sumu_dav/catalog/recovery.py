"""Opening a record file after whatever happened to it: a clean stop, a power cut, a person with an editor.

What a power cut leaves is finished or cut back, and what is cut is kept beside the file.  What a person or another
program left is taken as it is, if it says the same kind of thing.  Everything else stops here, with the line.
Knows nothing of what a record means.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sumu_dav.catalog.disk import Disk
from sumu_dav.catalog.journal import Intent, Journal, read_intents
from sumu_dav.catalog.layout import CLOSING, encode_line, key_of
from sumu_dav.catalog.log import NEW, Log, name_beside, write_file
from sumu_dav.catalog.scan import Entry, Irregular, Scanned, parse, scan
from sumu_dav.errors import Damaged

logger = logging.getLogger(__name__)

JOURNAL = ".journal"
"""What the path of a record file's intent log ends in."""

_PIECE = 1 << 20

CURE = (
    "Mend that line with an editor, put a backup in the file's place, or let `check --repair` keep the damaged file "
    "beside and drop what can't be read"
)


Take = Callable[[list[Entry]], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened file, and the highest id that was ever given in it."""

    log: Log
    highest: int


def open_log(disk: Disk, path: str, table: str, begin: Callable[[], Take]) -> Opened:
    """Open the record file at `path`, make it whole, and hand over its records, the later ones of an id last.

    They go block by block to what `begin()` gives, which is called again where the file had to be mended and reading
    starts over.  A file that is missing or empty begins empty.  Raises `Damaged`; `OSError` and `SyncFailed` as the
    disk does.
    """
    with suppress(FileNotFoundError):
        disk.remove(path + NEW)
    found = disk.identity(path)
    if found is None or found.size == 0:
        _put_in_place(disk, path, table, ())
    intents = read_journal(disk, path)
    _finish(disk, path, intents)
    loaded = _Loaded(begin())
    scanned = loaded.read(disk, path, table)
    if scanned.irregular is not None:
        _mend(disk, path, table, scanned.irregular, intents, begin)
        loaded = _Loaded(begin())
        scanned = loaded.read(disk, path, table)
        if scanned.irregular is not None:
            raise damaged(path, scanned.irregular)
    highest = max([0, *(intent.highest for intent in intents), *loaded.places])
    number = intents[-1].number + 1 if intents else 1
    journal = Journal.start(disk, path + JOURNAL, Intent(number, highest, scanned.tail))
    fd = disk.open(path)
    log = Log(disk, path, table, fd, journal, loaded.places, loaded.stale, scanned.tail, scanned.last_place)
    return Opened(log, highest)


class _Loaded:
    """Where the records of a file stand, as they go by."""

    def __init__(self, take: Take) -> None:
        self.places: dict[int, int] = {}
        self.stale: list[int] = []
        self._take = take

    def read(self, disk: Disk, path: str, table: str) -> Scanned:
        with opened(disk, path) as fd:
            return scan(lines_of(disk, fd), table, self._note)

    def _note(self, entries: list[Entry]) -> None:
        for entry in entries:
            superseded = self.places.get(entry.key)
            if superseded is not None:
                self.stale.append(superseded)
            self.places[entry.key] = entry.place
        self._take(entries)


@contextmanager
def opened(disk: Disk, path: str) -> Iterator[int]:
    """The descriptor of an existing file, for the length of a block."""
    fd = disk.open(path)
    try:
        yield fd
    finally:
        disk.close(fd)


def lines_of(disk: Disk, fd: int) -> Iterator[bytes]:
    """The lines of a file, each with its line end, in memory for the longest of them."""
    offset = 0
    begun: list[bytes] = []
    while piece := disk.read(fd, _PIECE, offset):
        offset += len(piece)
        first, *others = piece.split(b"\n")
        begun.append(first)
        if others:
            yield b"".join(begun) + b"\n"
            begun = [others.pop()]
            for line in others:
                yield line + b"\n"
    rest = b"".join(begun)
    if rest:
        yield rest


def read_journal(disk: Disk, path: str) -> list[Intent]:
    """What the intent log beside the record file at `path` asks for."""
    found = disk.identity(path + JOURNAL)
    if found is None:
        return []
    with opened(disk, path + JOURNAL) as fd:
        return read_intents(disk.read(fd, found.size, 0))


def half_blanked(there: bytes, text: bytes) -> bool:
    """Whether `there` is `text` with some of its bytes blanked. It is not where another file took the place of ours."""
    return len(there) == len(text) and all(byte in (32, meant) for byte, meant in zip(there, text, strict=True))


def wanted_blanks(disk: Disk, fd: int, intents: list[Intent]) -> list[tuple[int, bytes]]:
    """The blanks (offset, text) that the journal asks for, as far as the file is still the one that it speaks of."""
    blanks = []
    for intent in intents:
        batch = disk.read(fd, intent.size, intent.tail)
        if batch[:1] == b" ":
            batch = b"," + batch[1:]  # the comma was the line's before, and went with it
        if intent is intents[-1] and zlib.crc32(batch) != intent.crc:
            continue  # the batch that it depends on was not written whole, so nobody was told that it was
        for offset, text in intent.blanks:
            if half_blanked(disk.read(fd, len(text), offset), text):
                blanks.append((offset, text))
    return blanks


def _finish(disk: Disk, path: str, intents: list[Intent]) -> None:
    with opened(disk, path) as fd:
        blanks = wanted_blanks(disk, fd, intents)
        for offset, text in blanks:
            disk.write(fd, b" " * len(text), offset)
        if blanks:
            disk.sync(fd)


def _mend(
    disk: Disk, path: str, table: str, irregular: Irregular, intents: list[Intent], begin: Callable[[], Take]
) -> None:
    with opened(disk, path) as fd:
        if is_torn(disk, fd, irregular, intents):
            _cut_back(disk, path, fd, irregular)
            return
        found = disk.identity(fd)
        text = disk.read(fd, found.size if found else 0, 0)
    entries = entries_of(path, table, text, irregular)
    begin()(entries)  # a record that can't be is found out before the file is touched
    _put_in_place(disk, path, table, ((entry.key, encode_line(entry.key, entry.fields)) for entry in entries))
    logger.info("%s: was written by another program; laid out again, one record a line", path)


def entries_of(path: str, table: str, text: bytes, irregular: Irregular) -> list[Entry]:
    """The records of a file that holds the right JSON in another layout. Raises `Damaged` where it does not."""
    try:
        tables = parse(text.decode("utf-8-sig"))
    except ValueError as error:
        raise damaged(path, irregular) from error
    if type(tables) is not dict or type(tables.get(table, {})) is not dict:
        raise Damaged(path, 1, f'the file should hold one object of the shape {{"{table}": {{…}}}}', CURE)
    for other, content in tables.items():
        if other != table and content:
            raise Damaged(path, 1, f"the file holds a table {other!r} beside {table!r}", f"Take it out. {CURE}")
    entries = []
    position, line = 0, 1
    for name, fields in tables.get(table, {}).items():
        found = max(position, text.find(b'"%s"' % name.encode(), position))
        line += text.count(b"\n", position, found)
        position = found
        key = key_of(b'"%s": ' % name.encode())
        if key is None or type(fields) is not dict:
            raise Damaged(path, line, f"{name!r} should be a record's number, with an object behind it", CURE)
        entries.append(Entry(key, fields, 0, line))
    return entries


def damaged(path: str, irregular: Irregular) -> Damaged:
    """The error for a line that nothing explains."""
    return Damaged(path, irregular.line, irregular.reason, CURE)


def _put_in_place(disk: Disk, path: str, table: str, lines: Iterable[tuple[int, bytes]]) -> None:
    disk.close(write_file(disk, path + NEW, table, lines)[0])
    disk.replace(path + NEW, path)
    disk.sync_folder(path)


def is_torn(disk: Disk, fd: int, irregular: Irregular, intents: list[Intent]) -> bool:
    """Whether a power cut explains what was found, so that it lies in the last batch, which nobody was promised.

    A torn batch is one of which whole sectors are missing: it has NULs where they should be, or the end of the file
    is missing, or the closing that the batch should have overwritten is still there.  No batch follows it, and none
    that the journal knows to be durable belongs to it.  The first line was there before any batch.
    """
    if irregular.line == 1 or (intents and irregular.batch_start < intents[-1].tail):
        return False
    found = disk.identity(fd)
    size = found.size if found else 0
    after = disk.read(fd, size - irregular.offset, irregular.offset)
    if b"},\n" in after:
        return False
    start = disk.read(fd, 2, irregular.batch_start)
    return b"\0" in after or not after.endswith(CLOSING) or start in (b"\n}", b"\n\n")


def _cut_back(disk: Disk, path: str, fd: int, irregular: Irregular) -> None:
    found = disk.identity(fd)
    torn = disk.read(fd, (found.size if found else 0) - irregular.batch_start, irregular.batch_start)
    kept = save_beside(disk, path, "torn", torn)
    disk.write(fd, CLOSING, irregular.batch_start)
    disk.truncate(fd, irregular.batch_start + len(CLOSING))
    disk.sync(fd)
    logger.warning(
        "%s: the last write was torn (line %d: %s); its %d bytes were cut off and are kept in %s",
        *(path, irregular.line, irregular.reason, len(torn), kept),
    )


def save_beside(disk: Disk, path: str, why: str, content: bytes) -> str:
    """Keep `content`, durably, under a name of its own beside the file; gives the name."""
    name = name_beside(disk, path, why)
    fd = disk.open(name, create=True)
    try:
        disk.write(fd, content, 0)
        disk.sync(fd)
    finally:
        disk.close(fd)
    disk.sync_folder(name)
    return name
