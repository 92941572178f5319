"""Changes of records alone, for files that lie where they are to lie: many share one wait for the disk.

Nobody was promised anything of them: after a crash the next start finds the files again.
"""

from __future__ import annotations

from collections import defaultdict

from sumu_dav.archive.desk import Desk
from sumu_dav.archive.lookup import photo_path
from sumu_dav.archive.nodes import Path
from sumu_dav.catalog import Promise
from sumu_dav.model import FileStat, Photo


class Recorder:
    """Begins changes while a turn is held, and makes them durable after it, at `flush`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._last: Promise | None = None
        self._touched: defaultdict[tuple[str, tuple[str, ...]], set[str]] = defaultdict(set)

    def put(self, photo: Photo, stat: FileStat | None = None, *, copy: FileStat | None = None) -> None:
        """Write a record, with what its file and its favourite's copy look like, where that is known now."""
        self._last = self._desk.lookup.catalog.begin(put=[photo])
        self.note(photo, stat, copy=copy)

    def note(self, photo: Photo, stat: FileStat | None = None, *, copy: FileStat | None = None) -> None:
        """Remember what a file or a copy looks like: it is the recorded one."""
        seen = self._desk.lookup.seen
        if stat is not None:
            seen.originals.put(photo.doc_id, stat)
        if copy is not None:
            seen.copies.put(photo.doc_id, copy)
        self.touch(photo_path(photo))

    def touch(self, path: Path) -> None:
        """What lies at a path came, went or changed; who listens is told at `flush`."""
        self._touched[path.user, path.parts[:-1]].add(path.name)

    def flush(self) -> None:
        """Return when all of it is durable. Raises NoSpace (it is undone) and WritesSuspended."""
        last, self._last = self._last, None
        try:
            if last is not None:
                last.wait()
        finally:
            for (user, parts), names in self._touched.items():
                self._desk.performer.touched(user, parts, names)
            self._touched.clear()
