"""Group commit: one sync to disk shared by all the threads that wait for it.

Knows nothing of files: what "sync" means is the caller's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sumu_dav.floor import given_up


class GroupCommit:
    """Runs `sync` so that each `wait()` returns only after a whole run that began after the call of `wait()`.

    Whoever comes first runs it for everyone; who comes while it runs shares the next run. An exception that `sync`
    raises reaches every thread that shared the run.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._turn = threading.Condition()
        self._asked = 0
        self._done = 0
        self._running = False
        self._failures: dict[int, BaseException] = {}

    @given_up()
    def wait(self) -> None:
        """Block until a sync that began after this call has ended. Raises what that sync raised."""
        with self._turn:
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
            self._sync()
        except BaseException as error:  # handed to every waiter below, and raised again here
            failure = error
            raise
        finally:
            with self._turn:
                if failure is not None:
                    for ticket in range(self._done + 1, covers + 1):
                        if ticket != mine:
                            self._failures[ticket] = failure
                self._done = covers
                self._running = False
                self._turn.notify_all()

    def _raise_shared(self, ticket: int) -> None:
        failure = self._failures.pop(ticket, None)
        if failure is not None:
            raise failure
