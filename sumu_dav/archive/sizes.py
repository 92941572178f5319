"""How many bytes folders hold, counted from the disk: a folder is read again only when its stat says that it changed.

Knows folders and files, no user's quota and no record. Not safe for threads: whoever shares one holds a lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sumu_dav.errors import DiskFailure, Forbidden
from sumu_dav.library import Entry, FolderStat, Place, Tree

STAMP_STEP_NS = 100_000_000
"""Within this of a folder's change another one may bear the same time stamp: so fresh a folder is read again."""

GROWING_NS = 10_000_000_000
"""A file written so shortly ago may be growing still under another program, which no folder's stat tells."""


@dataclass(slots=True)
class _Folder:
    """What was found in a folder when its stat was `stat`; None where it is to be read again."""

    stat: FolderStat | None = None
    own_bytes: int = 0
    folders: dict[str, _Folder] = field(default_factory=dict)


class FolderSizes:
    """The sizes of one user's folders, remembered."""

    def __init__(self, tree: Tree, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._tree = tree
        self._clock_ns = clock_ns
        self._roots: dict[Place, _Folder] = {}

    def size_of(self, place: Place) -> int:
        """Bytes of all files in and below a folder; 0 where there is none.

        Costs a stat for each known folder, and a scan of those that changed.
        """
        folder = self._roots.setdefault(Place(place.side, place.user), _Folder())
        for part in place.parts:
            folder = folder.folders.setdefault(part, _Folder())
        return self._count(place, folder)

    def _count(self, place: Place, folder: _Folder) -> int:
        stat = self._tree.folder_stat(place)
        if stat is None:
            folder.stat, folder.own_bytes, folder.folders = None, 0, {}
            return 0
        if folder.stat != stat:
            self._read(place, folder, stat)
        return folder.own_bytes + sum(self._count(place.child(name), below) for name, below in folder.folders.items())

    def _read(self, place: Place, folder: _Folder, stat: FolderStat) -> None:
        now = self._clock_ns()
        settled = abs(now - stat.ctime_ns) > STAMP_STEP_NS
        own_bytes, folders = 0, {}
        for entry in self._entries(place):
            if entry.is_folder:
                folders[entry.name] = folder.folders.get(entry.name) or _Folder()
            else:
                own_bytes += entry.stat.size
                settled = settled and abs(now - entry.stat.mtime_ns) > GROWING_NS
        folder.stat, folder.own_bytes, folder.folders = stat if settled else None, own_bytes, folders

    def _entries(self, place: Place) -> list[Entry]:
        """What lies in a folder; nothing where it can't be read: that must not keep its user from the rest."""
        try:
            return self._tree.scan(place)
        except (Forbidden, DiskFailure):
            return []
