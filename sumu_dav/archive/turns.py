"""Who may change a user's tree at the same time: common uploads run beside each other, everything else alone.

Belongs to one process. Several nodes over one file system would bring their own `Turns` with the same two verbs.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sumu_dav.floor import given_up


@dataclass(slots=True)
class _User:
    """The turns in one user's tree."""

    beside: int = 0
    """Threads that have a shared turn."""
    alone: int | None = None
    """The thread that has the only turn."""
    for_beside: int = 0
    for_alone: int = 0
    """Threads that wait for one."""
    admitted: int = 0
    """Of those that wait for a shared turn, how many come before whoever waits for the only one."""


class Turns:
    """A shared and exclusive lock a user. Neither kind overtakes the other without end: whoever waits for the only turn
    is not overtaken by newcomers, and when it ends, those who waited for a shared one meanwhile go first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._users: defaultdict[str, _User] = defaultdict(_User)

    def beside(self, user: str) -> _Beside:
        """Hold a turn that others of the same kind may share, while the block runs. Not re-entrant."""
        return _Beside(self, user)

    def _enter_beside(self, user: str) -> None:
        with self._lock:
            turns = self._users[user]
            if turns.alone is None and not turns.for_alone:
                turns.beside += 1
                return
            turns.for_beside += 1
        with given_up(), self._changed:
            self._changed.wait_for(lambda: turns.alone is None and (turns.admitted or not turns.for_alone))
            turns.admitted = max(0, turns.admitted - 1)
            turns.for_beside -= 1
            turns.beside += 1

    def _leave_beside(self, user: str) -> None:
        with self._lock:
            turns = self._users[user]
            turns.beside -= 1
            if turns.for_beside or turns.for_alone:
                self._changed.notify_all()

    @contextmanager
    def alone(self, *users: str) -> Iterator[None]:
        """Hold the only turn in each of the users' trees. Re-entrant within one thread."""
        with ExitStack() as held:
            for user in sorted(set(users)):
                held.enter_context(self._alone_one(user))
            yield

    @contextmanager
    def _alone_one(self, user: str) -> Iterator[None]:
        me = threading.get_ident()
        with self._changed:
            turns = self._users[user]
            is_mine = turns.alone == me
            if not is_mine:
                turns.for_alone += 1
        if is_mine:
            yield
            return
        with given_up(), self._changed:
            self._changed.wait_for(lambda: turns.alone is None and not turns.beside and not turns.admitted)
            turns.for_alone -= 1
            turns.alone = me
        try:
            yield
        finally:
            with self._changed:
                turns.alone = None
                turns.admitted = turns.for_beside
                self._changed.notify_all()


class _Beside:
    """A shared turn; every upload takes one, and a generator's context takes three times as long."""

    __slots__ = ("_turns", "_user")

    def __init__(self, turns: Turns, user: str) -> None:
        self._turns = turns
        self._user = user

    def __enter__(self) -> None:
        self._turns._enter_beside(self._user)

    def __exit__(self, *_error: object) -> None:
        self._turns._leave_beside(self._user)
