"""A thread that does what nobody waits for, soon after it was called for.

Knows nothing of what there is to do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

_GATHER = 0.25
"""Seconds between a call and the work, so that a burst of calls costs it once."""


class Keeper:
    """Runs `work` in a thread of its own, which begins with the first call."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._name = name
        self._work = work
        self._called = threading.Event()
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether long work should be given up."""
        return self._stopping.is_set()

    def call(self) -> None:
        """Have the work done soon."""
        if self._called.is_set():
            return
        self._called.set()
        with self._starting:
            if self._thread is None and not self.is_stopping:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Return when no work is going on, and none will."""
        self._stopping.set()
        self._called.set()
        with self._starting:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            self._called.wait()
            self._stopping.wait(_GATHER)
            # A stop is also a call: looked at before this, it would be forgotten with the call.
            self._called.clear()
            if self.is_stopping:
                return
            self._work()
