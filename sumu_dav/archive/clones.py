"""Independent copies of files, parked until a change brings them into place; and those made before its turn.

Where the file system knows no reflinks a long video takes its time to copy, and every upload of its user would wait.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from sumu_dav.archive.desk import Desk
from sumu_dav.errors import NotFound, SumuError
from sumu_dav.library import Place
from sumu_dav.model import FileStat


@dataclass(frozen=True, slots=True)
class Clone:
    """A durable, parked copy. `source` is the stat of what was copied, from before the copying; `settle` gives back the
    bytes that are held for it, once it lies in place or is gone."""

    place: Place
    source: FileStat
    settle: Callable[[], None]


def clone_of(desk: Desk, source: Place, user: str) -> Clone:
    """Copy a file for a place in the user's tree. Raises QuotaExceeded, NotFound, NoSpace."""
    tree = desk.lookup.tree
    stat = tree.stat(source)
    if stat is None:
        raise NotFound(source.shown)
    settle = desk.copying(user, stat.size)
    try:
        with tree.clone(source) as upload:
            upload.seal()
            upload.release_cache()
            return Clone(upload.park(), stat, settle)
    except BaseException:
        settle()
        raise


class Ahead:
    """Copies that a change is going to want. What it did not take by the end of the `with` block is removed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._made: dict[tuple[Place, str], Clone] = {}

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for clone in self._made.values():
            self._drop(clone)

    def _drop(self, clone: Clone) -> None:
        with contextlib.suppress(SumuError):  # swept at the next start, then
            self._desk.lookup.tree.remove(clone.place)
        clone.settle()

    def make(self, source: Place, user: str) -> bool:
        """Copy a file for the user's tree, unless that is done; False where there is none any more.

        Raises QuotaExceeded, NoSpace, and what is wrong with the file.
        """
        made = self._made.get((source, user))
        if made is not None:
            if self._desk.lookup.tree.stat(source) == made.source:
                return True
            self._drop(self._made.pop((source, user)))
        try:
            self._made[source, user] = clone_of(self._desk, source, user)
        except NotFound:
            return False
        return True

    def take(self, source: Place, user: str) -> Clone | None:
        """The copy that was made of a file, unless the file is another one by now."""
        made = self._made.get((source, user))
        if made is None or self._desk.lookup.tree.stat(source) != made.source:
            return None
        return self._made.pop((source, user))
