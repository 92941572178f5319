"""Who may change a user's tree at the same time: common uploads run beside each other, everything else alone.

Belongs to one process. Several nodes over one file system would bring their own `Turns` with the same two verbs.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


class Turns:
    """A shared and exclusive lock a user; who waits for the exclusive one is not overtaken by newcomers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._beside: defaultdict[str, int] = defaultdict(int)
        self._alone: dict[str, int] = {}
        self._waiting: defaultdict[str, int] = defaultdict(int)

    @contextmanager
    def beside(self, user: str) -> Iterator[None]:
        """Hold a turn that others of the same kind may share. Not re-entrant."""
        with self._changed:
            self._changed.wait_for(lambda: user not in self._alone and not self._waiting[user])
            self._beside[user] += 1
        try:
            yield
        finally:
            with self._changed:
                self._beside[user] -= 1
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
        if self._alone.get(user) == me:
            yield
            return
        with self._changed:
            self._waiting[user] += 1
            try:
                self._changed.wait_for(lambda: user not in self._alone and not self._beside[user])
                self._alone[user] = me
            finally:
                self._waiting[user] -= 1
        try:
            yield
        finally:
            with self._changed:
                del self._alone[user]
                self._changed.notify_all()
