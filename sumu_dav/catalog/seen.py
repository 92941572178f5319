"""What the files of the tree looked like when their records were made, so that an unchanged file is known at a glance.

Lies beside the catalogue.  All of it can be found out again by reading the files, so nobody waits for its disk, and a
damaged one is set aside.  Knows document ids and stats, nothing of paths.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable
from typing import Any

from sumu_dav.catalog.disk import Disk
from sumu_dav.catalog.log import name_beside
from sumu_dav.catalog.records import Codec, RecordFile
from sumu_dav.errors import Damaged, WritesSuspended
from sumu_dav.model import FileStat

logger = logging.getLogger(__name__)


def _encode(stat: FileStat) -> dict[str, object]:
    return {"size": stat.size, "mtimeNs": stat.mtime_ns, "ctimeNs": stat.ctime_ns, "inode": stat.inode}


def _decode(_doc_id: int, fields: dict[str, Any]) -> FileStat:
    try:
        stat = FileStat(fields["size"], fields["mtimeNs"], fields["ctimeNs"], fields["inode"])
    except KeyError as missing:
        raise ValueError(f"the field {missing} is missing") from missing
    if not all(type(value) is int for value in (stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode)):
        raise ValueError("a field is no whole number")
    return stat


class SeenFile:
    """Stats by document id, found by inode too. Thread-safe."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._by_inode: dict[int, tuple[int, ...]] = {}
        self._file = RecordFile.open(path, "seen", Codec(_encode, _decode), on_change=self._index)

    @classmethod
    def open(cls, path: str) -> SeenFile:
        """Open `<state>/seen.json` or begin it; a damaged one is kept beside and begun anew."""
        try:
            return cls(path)
        except Damaged as damage:
            kept = name_beside(Disk(), path, "damaged")
            os.rename(path, kept)
            logger.warning("%s Nothing is lost: it is kept as %s, and the files are read again", damage, kept)
            return cls(path)

    def get(self, doc_id: int) -> FileStat | None:
        """What the file of this record looked like."""
        return self._file.get(doc_id)

    def by_inode(self, inode: int) -> tuple[int, ...]:
        """The document ids of the records whose file had this inode."""
        with self._lock:
            return self._by_inode.get(inode, ())

    def put(self, doc_id: int, stat: FileStat) -> None:
        """Note what a record's file looks like, to be on the disk a little later."""
        self._begin([(doc_id, stat)], ())

    def forget(self, doc_id: int) -> None:
        """Take a record's note away, likewise."""
        self._begin((), (doc_id,))

    def close(self) -> None:
        """Write what has not been written."""
        self._file.close()

    def _begin(self, put: Iterable[tuple[int, FileStat]], drop: Iterable[int]) -> None:
        try:
            self._file.begin(put, drop)
        except WritesSuspended as suspended:
            # the catalogue beside it is what promises rest on; without this note a file is merely read again
            logger.debug("not noted: %s", suspended)

    def _index(self, changes: list[tuple[int, FileStat | None, FileStat | None]]) -> None:
        with self._lock:
            for doc_id, before, after in changes:
                if before is not None:
                    left = tuple(other for other in self._by_inode[before.inode] if other != doc_id)
                    if left:
                        self._by_inode[before.inode] = left
                    else:
                        del self._by_inode[before.inode]
                if after is not None:
                    self._by_inode[after.inode] = (*self._by_inode.get(after.inode, ()), doc_id)
