"""Records that were set aside because their file vanished, found by the bytes or by the path that come back."""

from __future__ import annotations

from sumu_dav.archive.lookup import photo_path
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.stores import Trash, TrashEntry


class SetAside:
    """The set-aside records of one user, as they were when this was made."""

    def __init__(self, trash: Trash, user: str) -> None:
        self._trash = trash
        self._by_hash: dict[str, list[TrashEntry]] = {}
        self._by_path: dict[tuple[str, ...], TrashEntry] = {}
        for entry in trash.set_aside(user):
            if entry.photo is not None:
                self._by_hash.setdefault(entry.photo.sha256, []).append(entry)
                self._by_path[photo_path(entry.photo).parts] = entry

    def find(self, path: Path, sha256: str) -> TrashEntry | None:
        """The record that a file of this path and these bytes brings back: its bytes count first, then its path."""
        same_bytes = [entry for entry in self._by_hash.get(sha256, ()) if self._waits(entry)]
        for entry in same_bytes:
            if entry.photo is not None and photo_path(entry.photo).parts == path.parts:
                return entry
        if same_bytes:
            return same_bytes[0]
        here = self._by_path.get(path.parts)
        return here if here is not None and self._waits(here) else None

    def _waits(self, entry: TrashEntry) -> bool:
        return self._trash.get(entry.id) is not None
