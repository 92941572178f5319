"""Which names lie in the folders of the hidden tree, remembered: it is looked into before every file of an album, is
empty nearly always, and nobody else writes there.
"""

from __future__ import annotations

import threading

from sumu_dav.archive.nodes import Path
from sumu_dav.archive.versions import Change, Versions
from sumu_dav.library import Place, Side, Tree

FOLDERS = 4_096
"""How many folders are remembered: more than a family's phones go through at a time."""


class HiddenNames:
    """Asks the disk again after a change in the hidden tree was told of the collection, or of one below or above it."""

    def __init__(self, tree: Tree, versions: Versions) -> None:
        self._tree = tree
        self._lock = threading.Lock()
        self._names: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
        self._changes = 0
        versions.listen(self._changed)

    def may_hide(self, path: Path) -> bool:
        """Whether something may lie at the path in the hidden tree."""
        names = self._names.get((path.user, path.parts[:-1]))
        if names is None:
            names = self._ask(path.user, path.parts[:-1])
        return path.parts[-1] in names

    def _ask(self, user: str, parts: tuple[str, ...]) -> frozenset[str]:
        before = self._changes
        names = frozenset(self._tree.names(Place(Side.HIDDEN, user, parts)))
        with self._lock:
            if self._changes == before:  # else it may be the answer of before the change
                if len(self._names) >= FOLDERS:
                    self._names.clear()
                self._names[user, parts] = names
        return names

    def _changed(self, change: Change) -> None:
        if not change.hidden:
            return
        with self._lock:
            self._changes += 1
            if change.user is None or change.below:
                self._names.clear()
                return
            # folders that were missing above the one that changed have come with it
            for depth in range(len(change.parts) + 1):
                self._names.pop((change.user, change.parts[:depth]), None)
