"""Records whose file vanished, found by the bytes or by the path that turn up.

Made for one reconciliation, which may go through thousands of equal files: none of these looks at all of them again.
"""

from __future__ import annotations

from sumu_dav.archive.lookup import Lookup, photo_path, photo_place
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.stores import Trash, TrashEntry
from sumu_dav.model import Photo


class Lost:
    """The photos of one user that have a record and no file, as far as each content was asked for."""

    def __init__(self, lookup: Lookup, user: str) -> None:
        self._lookup = lookup
        self._user = user
        self._by_hash: dict[str, list[Photo]] = {}

    def find(self, sha256: str) -> Photo | None:
        """A photo of these bytes whose file was gone when they were first asked for, and still is."""
        waiting = self._by_hash.get(sha256)
        if waiting is None:
            same_bytes = self._lookup.catalog.with_hash(self._user, sha256)
            waiting = self._by_hash[sha256] = [photo for photo in reversed(same_bytes) if self._is_lost(photo)]
        while waiting:
            if self._is_lost(waiting[-1]):
                return waiting[-1]
            waiting.pop()
        return None

    def _is_lost(self, photo: Photo) -> bool:
        return self._lookup.catalog.by_doc(photo.doc_id) == photo and self._lookup.tree.stat(photo_place(photo)) is None


class SetAside:
    """The set-aside records of one user, as they were when this was made."""

    def __init__(self, trash: Trash, user: str) -> None:
        self._trash = trash
        self._by_hash: dict[str, dict[tuple[str, ...], TrashEntry]] = {}
        self._by_path: dict[tuple[str, ...], TrashEntry] = {}
        for entry in trash.set_aside(user):
            if entry.photo is not None:
                parts = photo_path(entry.photo).parts
                self._by_hash.setdefault(entry.photo.sha256, {})[parts] = entry
                self._by_path[parts] = entry

    def find(self, path: Path, sha256: str) -> TrashEntry | None:
        """The record that a file of this path and these bytes brings back: its bytes count first, then its path."""
        same_bytes = self._by_hash.get(sha256, {})
        exact = self._waiting(same_bytes, path.parts)
        if exact is not None:
            return exact
        while same_bytes:
            other = self._waiting(same_bytes, next(iter(same_bytes)))
            if other is not None:
                return other
        return self._waiting(self._by_path, path.parts)

    def _waiting(self, entries: dict[tuple[str, ...], TrashEntry], parts: tuple[str, ...]) -> TrashEntry | None:
        """The entry of this path, or None, and then it is none that will be asked for again."""
        entry = entries.get(parts)
        if entry is None or self._trash.get(entry.id) is not None:
            return entry
        del entries[parts]
        return None
