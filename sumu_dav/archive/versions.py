"""How often each collection changed: what their entity tags hang on; and who wants to hear of every change.

Knows collections and names, nothing of what lies there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """Members of one collection came, went or changed. `names` are theirs; None: it is not known which ones.

    `below`: everything under the collection may be another, too. `user` None: everything of everybody may be. `hidden`:
    names in the hidden tree may be among them.
    """

    user: str | None
    parts: tuple[str, ...] = ()
    names: frozenset[str] | None = None
    below: bool = False
    hidden: bool = True


Listener = Callable[[Change], None]
"""Told of each change before the entity tags show it. Must be quick, and must not ask for a tag."""


class Versions:
    """A counter a collection, raised by every change in it or below it. The first part of a tag is this process's own,
    so that no tag repeats over a restart.

    Whoever reads a tag and then the members may find them newer than the tag says, and never older.
    """

    def __init__(self) -> None:
        self._boot = os.urandom(6).hex()
        # Listeners hear and the count rises under it: a tag read in between would be kept beside what it does not tell.
        self._lock = threading.Lock()
        self._count = 0
        self._all = 0
        self._at: dict[tuple[str, tuple[str, ...]], int] = {}
        self._swept: dict[tuple[str, tuple[str, ...]], int] = {}
        self._listeners: list[Listener] = []
        self._hears_others = False

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every change from now on."""
        self._listeners.append(listener)

    @property
    def hears_others(self) -> bool:
        """Whether changes by other programs are told here too, within two seconds. When it is set, every
        collection gets another tag: what changed while nobody listened is told by nobody."""
        return self._hears_others

    @hears_others.setter
    def hears_others(self, hears: bool) -> None:
        with self._lock:
            self._hears_others = hears
            self._tell(Change(None, below=True))
            if hears:
                self._count += 1
                self._all = self._count

    def bump(
        self, user: str, parts: tuple[str, ...], names: Collection[str] | None = None, *, hidden: bool = True
    ) -> None:
        """The members `names` of a collection, or what is said of them, changed; None where it is not known which."""
        with self._lock:
            self._tell(Change(user, parts, None if names is None else frozenset(names), hidden=hidden))
            self._raise(user, parts)

    def sweep(self, user: str, parts: tuple[str, ...]) -> None:
        """Everything in and below a collection may be another: it was moved, or nobody watched."""
        with self._lock:
            self._tell(Change(user, parts, below=True))
            self._raise(user, parts)
            self._swept[user, parts] = self._count

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)

    def _raise(self, user: str, parts: tuple[str, ...]) -> None:
        self._count += 1
        for depth in range(len(parts) + 1):
            self._at[user, parts[:depth]] = self._count

    def of(self, user: str, parts: tuple[str, ...]) -> int:
        """The number of the last change in or below a collection."""
        with self._lock:
            last = max(self._all, self._at.get((user, parts), 0))
            if self._swept:
                last = max(last, *(self._swept.get((user, parts[:depth]), 0) for depth in range(len(parts) + 1)))
            return last

    def etag(self, user: str, parts: tuple[str, ...]) -> str:
        """The strong entity tag of a collection, quoted."""
        return f'"{self._boot}-{self.of(user, parts):x}"'
