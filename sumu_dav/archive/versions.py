"""How often each collection changed: what their entity tags and the prepared listings hang on."""

from __future__ import annotations

import os
import threading


class Versions:
    """A counter a collection, raised by every change in it or below it. The first part of a tag is this process's own,
    so that no tag repeats over a restart."""

    def __init__(self) -> None:
        self._boot = os.urandom(6).hex()
        self._lock = threading.Lock()
        self._count = 0
        self._at: dict[tuple[str, tuple[str, ...]], int] = {}
        self._members: dict[tuple[str, tuple[str, ...]], int] = {}

    def bump(self, user: str, parts: tuple[str, ...]) -> None:
        """The members of a collection, or what is said of them, changed."""
        with self._lock:
            self._count += 1
            for depth in range(len(parts) + 1):
                self._at[user, parts[:depth]] = self._count
            self._members[user, parts] = self._count

    def of(self, user: str, parts: tuple[str, ...]) -> int:
        """The number of the last change in or below a collection."""
        return self._at.get((user, parts), 0)

    def of_members(self, user: str, parts: tuple[str, ...]) -> int:
        """The number of the last change of a collection's own members."""
        return self._members.get((user, parts), 0)

    def etag(self, user: str, parts: tuple[str, ...]) -> str:
        """The strong entity tag of a collection, quoted."""
        return f'"{self._boot}-{self.of(user, parts):x}"'
