"""A lock store without a disk, for tests of what locks forbid."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable

from sumu_dav.dav.locks import Lock


class MemoryLockStore:
    """Locks that end with the process."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._locks: dict[int, Lock] = {}

    def new_id(self) -> int:
        """See LockStore."""
        return next(self._numbers)

    def put(self, lock: Lock) -> None:
        """See LockStore."""
        self._locks[lock.id] = lock

    def drop(self, ids: Collection[int]) -> None:
        """See LockStore."""
        for number in ids:
            self._locks.pop(number, None)

    def load(self) -> Iterable[Lock]:
        """See LockStore."""
        return list(self._locks.values())
