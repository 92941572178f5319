"""Which names lie in the folders of the hidden tree, remembered: it is looked into before every file of an album, is
empty nearly always, and nobody else writes there.
"""

from __future__ import annotations

from functools import lru_cache

from sumu_dav.archive.nodes import Path
from sumu_dav.archive.versions import Versions
from sumu_dav.library import Place, Side, Tree

FOLDERS = 4_096
"""How many folders are remembered: more than a family's phones go through at a time."""


class HiddenNames:
    """Asks the disk again whenever a change was told of the collection since it was asked last."""

    def __init__(self, tree: Tree, versions: Versions) -> None:
        self._tree = tree
        self._versions = versions
        # The number of the collection's last change is part of the question, so an old answer is never given again.
        self._asked = lru_cache(maxsize=FOLDERS)(self._names)

    def may_hide(self, path: Path) -> bool:
        """Whether something may lie at the path in the hidden tree."""
        parts = path.parts[:-1]
        return path.parts[-1] in self._asked(path.user, parts, self._versions.of(path.user, parts))

    def _names(self, user: str, parts: tuple[str, ...], _number: int) -> frozenset[str]:
        return frozenset(self._tree.names(Place(Side.HIDDEN, user, parts)))
