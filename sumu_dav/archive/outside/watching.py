"""Has what other programs do in the Plex folder reconciled while the server runs, once it has settled.

One thread listens (`listening.py`), one works off what was heard. A request waits for neither. Decides nothing of what
a change means: that is `reconcile.py`.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sumu_dav.archive.desk import Desk
from sumu_dav.archive.outside.folder_events import Where
from sumu_dav.archive.outside.listening import Listener, Watch
from sumu_dav.archive.outside.reconcile import SETTLED, Outcome, Reconciler
from sumu_dav.errors import Interrupted, SumuError, WritesSuspended

_log = logging.getLogger("sumu_dav.archive")

TOGETHER = 0.25
"""Seconds: what is to be looked at falls due at multiples of this, so that a thousand files are a few rounds."""

RETRY = 60.0
"""Seconds until everything is looked at again after the disk was full, or failed."""

BETWEEN_LINES = 5.0
"""Seconds between two lines of progress in the log."""


@dataclass(frozen=True, slots=True)
class WatchState:
    """How the watching goes: `mode` is events, poll or off; `waiting` counts paths that are to be looked at.

    `done` of `total` files are read in the work at hand; both are 0 while there is none.
    """

    mode: str
    alive: bool
    waiting: int
    done: int
    total: int


@dataclass(slots=True)
class _Work:
    """What is to be looked at: whole users, or paths of theirs."""

    users: set[str] = field(default_factory=set)
    paths: dict[str, set[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(set))


class Watcher:
    """Watches the folders of the accounts."""

    def __init__(self, desk: Desk, reconciler: Reconciler, how: Watch) -> None:
        self._desk = desk
        self._reconciler = reconciler
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._listener: Listener | None = None
        if how.mode != "off":
            self._listener = Listener(desk, how, self._stopping, self._look_when_settled, self.look_at_all)
        self._due: dict[Where, float] = {}
        self._rescan: dict[str, float] = {}
        self._progress = (0, 0)
        self._next_line = 0.0
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin, with a look at everything: what changed while nobody watched."""
        self._threads = [threading.Thread(target=self._work, name="reconcile")]
        if self._listener is None:
            self.look_at_all(self._desk.users())
        else:
            self._threads.append(threading.Thread(target=self._listener.run, name="watch"))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, after the batch in hand."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def state(self) -> WatchState:
        """How it goes now."""
        mode = "off" if self._listener is None else self._listener.mode
        alive = bool(self._threads) and all(thread.is_alive() for thread in self._threads)
        done, total = self._progress
        return WatchState(mode, alive, len(self._due) + len(self._rescan), done, total)

    @property
    def has_died(self) -> bool:
        """Whether it was started, was not stopped, and does not work any more."""
        return bool(self._threads) and not self._stopping.is_set() and not self.state().alive

    def look_at_all(self, users: Iterable[str], seconds: float = 0.0) -> None:
        """Have everything of some users looked at, in so many seconds."""
        with self._changed:
            at = time.monotonic() + seconds
            for user in users:
                self._rescan[user] = min(at, self._rescan.get(user, at))
            self._changed.notify_all()

    def _look_when_settled(self, paths: Iterable[Where]) -> None:
        self._look_later(dict.fromkeys(paths, SETTLED))

    def _look_later(self, paths: dict[Where, float]) -> None:
        with self._changed:
            now = time.monotonic()
            for where, seconds in paths.items():
                self._due.setdefault(where, math.ceil((now + seconds) / TOGETHER) * TOGETHER)
            self._changed.notify_all()

    # Working

    def _work(self) -> None:
        while True:
            work = self._next_work()
            if work is None:
                return
            self._next_line = time.monotonic() + BETWEEN_LINES
            try:
                if work.users:
                    self._finish(self._reconciler.users(sorted(work.users), self._tell))
                else:
                    self._finish(self._reconciler.paths(work.paths, self._tell))
            except Interrupted:
                return
            except WritesSuspended as error:
                _log.error("changes by other programs are followed no more: %s", error)
                return
            except SumuError as error:
                _log.warning("changes by other programs could not be followed: %s", error)
                self.look_at_all(work.users | work.paths.keys(), RETRY)
            self._progress = (0, 0)

    def _next_work(self) -> _Work | None:
        """Wait for what is due; None when it is time to end."""
        with self._changed:
            while not self._stopping.is_set():
                now = time.monotonic()
                work = _Work({user for user, at in self._rescan.items() if at <= now})
                for user in work.users:
                    del self._rescan[user]
                if work.users:
                    return work
                for user, parts in [where for where, at in self._due.items() if at <= now]:
                    del self._due[user, parts]
                    work.paths[user].add(parts)
                if work.paths:
                    return work
                moments = [*self._due.values(), *self._rescan.values()]
                self._changed.wait(min(moments) - now if moments else None)
        return None

    def _finish(self, outcome: Outcome) -> None:
        self._look_later(outcome.unsettled)
        if outcome.changes:
            _log.info(
                "other programs' changes: %d photos recorded, %d followed, %d read again, %d favorites, %d set aside",
                *(outcome.recorded, outcome.followed, outcome.updated, outcome.favorites, outcome.set_aside),
            )

    def _tell(self, stage: str, done: int, total: int | None) -> None:
        if self._stopping.is_set():
            raise Interrupted
        if total is not None:
            self._progress = (done, total)
        now = time.monotonic()
        if now >= self._next_line:
            self._next_line = now + BETWEEN_LINES
            _log.info("%s: %d%s", stage, done, f" of {total}" if total is not None else "")
