"""Group commit: one sync to disk shared by all the threads that wait for it.

Knows nothing of files: what a sync does is the callers'.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sumu_dav.floor import given_up


class GroupCommit:
    """Each `wait` returns only after a whole sync that began after it was called.

    Whoever comes first runs its own for everyone; who comes while it runs shares the next one. An exception of a sync
    reaches every thread that shared it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Condition(self._lock)
        self._asked = 0
        self._done = 0
        self._running = False
        self._failures: dict[int, BaseException] = {}

    def wait(self, sync: Callable[[], None]) -> None:
        """Block until a sync that began after this call has ended, this one or another's. Raises what that one did."""
        with given_up():
            self._wait(sync)

    def _wait(self, sync: Callable[[], None]) -> None:
        with self._lock:
            self._asked += 1
            mine = self._asked
            while self._running and self._done < mine:
                self._turn.wait()
            if self._done >= mine:
                self._raise_shared(mine)
                return
            self._running = True
            covers = self._asked
        failure: BaseException | None = None
        try:
            sync()
        except BaseException as error:  # handed to every waiter below, and raised again here
            failure = error
            raise
        finally:
            with self._lock:
                are_others = self._asked - self._done > 1
                if failure is not None:
                    for ticket in range(self._done + 1, covers + 1):
                        if ticket != mine:
                            self._failures[ticket] = failure
                self._done = covers
                self._running = False
                if are_others:
                    self._turn.notify_all()

    def _raise_shared(self, ticket: int) -> None:
        failure = self._failures.pop(ticket, None)
        if failure is not None:
            raise failure
