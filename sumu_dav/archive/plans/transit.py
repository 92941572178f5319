"""Whose files are on their way from one place to another: whoever adds up folders meanwhile may miss some of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sumu_dav.floor import given_up


class Transit:
    """Counts the moves in each user's folders. Safe for threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._begun: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()

    @contextmanager
    def under_way(self, users: Iterable[str]) -> Iterator[None]:
        """Files of these users move, or leave, for as long as the `with` block takes."""
        users = set(users)
        with self._changed:
            self._begun.update(users)
        try:
            yield
        finally:
            with self._changed:
                self._ended.update(users)
                self._changed.notify_all()

    def at_rest(self, user: str, patience: float = 0.0) -> int | None:
        """A number that is another one after each move of the user's files; None where one is under way, and did not
        end within `patience` seconds."""
        with self._changed:
            if self._is_at_rest(user):
                return self._begun[user]
        if not patience:
            return None
        with given_up(), self._changed:
            return self._begun[user] if self._changed.wait_for(lambda: self._is_at_rest(user), patience) else None

    def _is_at_rest(self, user: str) -> bool:
        return self._begun[user] == self._ended[user]
