"""Changes of records alone, for files that lie where they are to lie: many share one wait for the disk.

Nobody was promised anything of them: after a crash the next start finds the files again.
"""

from __future__ import annotations

from sumu_dav.archive.draft import Desk
from sumu_dav.archive.lookup import album_parts
from sumu_dav.catalog import Promise
from sumu_dav.model import FAVORITES, FileStat, Photo


class Recorder:
    """Begins changes while a turn is held, and makes them durable after it, at `flush`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._last: Promise | None = None
        self._touched: set[tuple[str, tuple[str, ...]]] = set()

    def put(self, photo: Photo, stat: FileStat | None = None, *, copy: FileStat | None = None) -> None:
        """Write a record, with what its file and its favourite's copy look like, where that is known now."""
        self._last = self._desk.lookup.catalog.begin(put=[photo])
        self.note(photo, stat, copy=copy)
        self.touch(photo.user, album_parts(photo.album))
        if photo.is_favorite:
            self.touch(photo.user, (FAVORITES,))
        if photo.loose_names:
            self.touch(photo.user, ())

    def note(self, photo: Photo, stat: FileStat | None = None, *, copy: FileStat | None = None) -> None:
        """Remember what a file or a copy looks like: it is the recorded one."""
        seen = self._desk.lookup.seen
        if stat is not None:
            seen.originals.put(photo.doc_id, stat)
        if copy is not None:
            seen.copies.put(photo.doc_id, copy)

    def touch(self, user: str, parts: tuple[str, ...]) -> None:
        """The members of a collection changed; who listens is told at `flush`."""
        self._touched.add((user, parts))

    def flush(self) -> None:
        """Return when all of it is durable. Raises NoSpace (it is undone) and WritesSuspended."""
        last, self._last = self._last, None
        touched, self._touched = self._touched, set()
        try:
            if last is not None:
                last.wait()
        finally:
            for user, parts in touched:
                self._desk.performer.touched(user, parts)
