"""Uploads that come in chunks, and the whole file that they are joined to. Knows nothing of photos or records.

The chunks of an upload lie in a folder of the hidden tree. Joining them appends a batch to one file, which is then
named in a journal, and only then are the chunks of the batch removed: so the file never lies on the disk twice, and
after a crash at any point journal and chunks still tell which bytes of the file count and what is to be appended next.
The last batch needs no journal, since its chunks stay until the file has left the folder.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise

from sumu_dav.archive.plans.transit import Transit
from sumu_dav.errors import Busy, Conflict, LengthMismatch, NameRefused, NotFound, ParentMissing, SumuError
from sumu_dav.library import Place, Side, Tree, Upload
from sumu_dav.library.digests import Digests
from sumu_dav.model import FileStat

BATCH_BYTES = 64 << 20
"""What lies on the disk twice while chunks are joined: little, and yet so much that its syncs cost a few per cent."""

_BLOCK = 1 << 20
"""Bytes a read when hashing what was joined, which the page cache still holds."""

_WHOLE = ".whole"
_JOURNAL = ".joined"
_MAX_JOURNAL_BYTES = 16 << 20

_NAME = re.compile(r"[0-9]{1,20}(?:-[0-9]{1,20})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: its size in bytes, when it came (nanoseconds since 1970), and an entity tag."""

    name: str
    size: int
    mtime_ns: int
    etag: str


@dataclass(frozen=True, slots=True)
class Whole:
    """All chunks of an upload in one file. `digests` maps algorithm to hexadecimal digits, with "sha256" among them."""

    place: Place
    size: int
    digests: dict[str, str]


def check_chunk_name(name: str) -> None:
    """Refuse a name that tells no place in the order: a number, or first and last byte. Raises NameRefused."""
    if not _NAME.fullmatch(name):
        raise NameRefused(name, "a chunk is named by its number (00001), or by its bytes (0-10485759)")


class Chunks:
    """The chunked uploads of all users. Safe for threads; one process has them."""

    def __init__(self, tree: Tree, transit: Transit) -> None:
        self._tree = tree
        self._transit = transit
        self._joining: set[Place] = set()
        self._lock = threading.Lock()

    def make(self, user: str, upload: str) -> None:
        """Begin an upload. Raises AlreadyExists."""
        folder = _folder(user, upload)
        self._tree.make_folders(folder.parent)
        self._tree.make_folder(folder)

    def uploads(self, user: str) -> list[str]:
        """The names of a user's uploads in progress."""
        return sorted(entry.name for entry in self._tree.scan(Place(Side.CHUNKS, user)) if entry.is_folder)

    def check_target(self, user: str, upload: str, name: str) -> None:
        """Raise, before its body is read, where a chunk can't be stored: ParentMissing, NameRefused, Busy, Conflict."""
        check_chunk_name(name)
        folder = _folder(user, upload)
        if not self._tree.is_folder(folder):
            raise ParentMissing(folder.child(name).shown)
        if folder in self._joining:
            raise Busy(folder.shown)
        if any(chunk.name == name for chunk in self._journal(folder)):
            raise Conflict(folder.child(name).shown, "it is part of a file already; begin a new upload")

    def store(self, user: str, upload: str, name: str, received: Upload) -> tuple[Chunk, bool]:
        """Keep a sealed chunk, over an older one of its name; and whether the name is new. Raises as `check_target`."""
        self.check_target(user, upload, name)
        place = _folder(user, upload).child(name)
        created = self._tree.stat(place) is None
        return _chunk(name, self._put(received, place)), created

    def listed(self, user: str, upload: str) -> list[Chunk]:
        """The chunks of an upload, in their order; those that a joining cut short has used up as well.

        Raises NotFound.
        """
        folder = _folder(user, upload)
        if not self._tree.is_folder(folder):
            raise NotFound(folder.shown)
        joined = self._journal(folder)
        return sorted([*joined, *self._waiting(folder, joined)], key=_order)

    def remove(self, user: str, upload: str) -> None:
        """Drop an upload with its chunks. Raises NotFound, Busy."""
        folder = _folder(user, upload)
        with self._alone(folder):
            if not self._tree.remove_tree(folder):
                raise NotFound(folder.shown)

    def remove_chunk(self, user: str, upload: str, name: str) -> None:
        """Drop one chunk, to be sent again. Raises NotFound, NameRefused, Busy, Conflict (it is part of a file)."""
        check_chunk_name(name)
        folder = _folder(user, upload)
        with self._alone(folder):
            if any(chunk.name == name for chunk in self._journal(folder)):
                raise Conflict(folder.child(name).shown, "it is part of a file already; begin a new upload")
            if not self._tree.remove(folder.child(name)):
                raise NotFound(folder.child(name).shown)

    @contextmanager
    def joined(
        self, user: str, upload: str, *, expected: int | None = None, also: Collection[str] = ()
    ) -> Iterator[Whole]:
        """The whole file of an upload, for a block that gives it a name elsewhere; the upload is gone after it.

        Where the block raises, the upload stays, and can be tried again. `expected` is its length in bytes; `also`
        names checksums beside SHA-256. Raises NotFound, Busy, LengthMismatch, Conflict (no chunks, a gap between them,
        or two for one place).
        """
        folder = _folder(user, upload)
        with self._alone(folder):
            chunks = self.listed(user, upload)
            _check_sequence(folder, chunks)
            size = sum(chunk.size for chunk in chunks)
            if expected is not None and size != expected:
                raise LengthMismatch(expected, size)
            with self._transit.under_way([user]):
                digests = self._join(folder, Digests(also))
            yield Whole(folder.child(_WHOLE), size, digests)
            with suppress(SumuError):  # the file has its name: what stays of the chunks is removed when they expire
                self._tree.remove_tree(folder)

    @contextmanager
    def _alone(self, folder: Place) -> Iterator[None]:
        with self._lock:
            if folder in self._joining:
                raise Busy(folder.shown)
            self._joining.add(folder)
        try:
            yield
        finally:
            self._joining.discard(folder)

    def _join(self, folder: Place, digests: Digests) -> dict[str, str]:
        whole = folder.child(_WHOLE)
        done = self._journal(folder)
        for chunk in done:
            self._tree.remove(folder.child(chunk.name))
        waiting = sorted(self._waiting(folder, done), key=_order)
        size = sum(chunk.size for chunk in done)
        if done:
            self._tree.extend(whole, size, ())
            self._hash(whole, digests, 0, size)
        batches = list(_batches(waiting))
        for number, batch in enumerate(batches, start=1):
            before = size
            size = self._tree.extend(whole, before, [folder.child(chunk.name) for chunk in batch]).size
            self._hash(whole, digests, before, size)
            self._tree.release_cache(whole)
            if number == len(batches):
                break
            done = [*done, *batch]
            self._write_journal(folder, done)
            for chunk in batch:
                self._tree.remove(folder.child(chunk.name))
        return digests.hexdigests()

    def _hash(self, whole: Place, digests: Digests, start: int, end: int) -> None:
        with open(self._tree.open_file(whole), "rb", buffering=0) as file:
            file.seek(start)
            while start < end and (block := file.read(min(_BLOCK, end - start))):
                digests.update(block)
                start += len(block)
        if start < end:
            raise Conflict(whole.shown, "it ends before its size")

    def _waiting(self, folder: Place, joined: Iterable[Chunk]) -> list[Chunk]:
        used = {chunk.name for chunk in joined}
        return [
            _chunk(entry.name, entry.stat)
            for entry in self._tree.scan(folder)
            if not entry.is_folder and _NAME.fullmatch(entry.name) and entry.name not in used
        ]

    def _journal(self, folder: Place) -> list[Chunk]:
        try:
            descriptor = self._tree.open_file(folder.child(_JOURNAL))
        except NotFound:
            return []
        with open(descriptor, "rb") as file:
            return [Chunk(*fields) for fields in json.loads(file.read(_MAX_JOURNAL_BYTES))]

    def _write_journal(self, folder: Place, chunks: Iterable[Chunk]) -> None:
        fields = [(chunk.name, chunk.size, chunk.mtime_ns, chunk.etag) for chunk in chunks]
        with self._tree.receive() as journal:
            journal.write(json.dumps(fields).encode())
            journal.seal()
            self._put(journal, folder.child(_JOURNAL))

    def _put(self, sealed: Upload, place: Place) -> FileStat:
        try:
            stat = self._tree.rename(sealed.park(), place, replace=True)
        except BaseException:
            sealed.discard()
            raise
        assert stat is not None
        return stat


def _folder(user: str, upload: str) -> Place:
    return Place(Side.CHUNKS, user, (upload,))


def _chunk(name: str, stat: FileStat) -> Chunk:
    return Chunk(name, stat.size, stat.mtime_ns, f'"{stat.inode:x}-{stat.mtime_ns:x}"')


def _order(chunk: Chunk) -> tuple[int, ...]:
    """By number, not by letter: 9 comes before 10, whatever the zeros before them."""
    return tuple(int(number) for number in chunk.name.split("-"))


def _check_sequence(folder: Place, chunks: list[Chunk]) -> None:
    if not chunks:
        raise Conflict(folder.shown, "no chunk of it has come")
    for one, next_one in pairwise(chunks):
        if _order(one)[0] == _order(next_one)[0]:
            raise Conflict(folder.shown, f"the chunks {one.name} and {next_one.name} are for one place")
    if all("-" in chunk.name for chunk in chunks):
        start = 0
        for chunk in chunks:
            if _order(chunk)[0] != start:
                raise Conflict(folder.shown, f"the chunk at byte {start} is missing")
            start += chunk.size


def _batches(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    batch: list[Chunk] = []
    size = 0
    for chunk in chunks:
        batch.append(chunk)
        size += chunk.size
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
