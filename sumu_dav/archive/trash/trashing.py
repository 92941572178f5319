"""What lies in the trash, and how it leaves for good: emptied, expired, or to make room (DESIGN §1, "Quota").

Restoring is elsewhere. Entries go before their bytes, by a plan that a crash can't leave half done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sumu_dav.archive.plans.performing import Performer
from sumu_dav.archive.plans.plan import Plan
from sumu_dav.archive.progress import Progress, nobody_looks
from sumu_dav.archive.stores import TrashEntry
from sumu_dav.errors import NoSpace, NotFound
from sumu_dav.library import Place, Side

_log = logging.getLogger("sumu_dav.archive")

BATCH = 100
"""Entries that leave by one plan: few syncs each, and soon done, so that an upload that waits for room goes on."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What left the trash for good: entries, and the bytes that they held."""

    count: int = 0
    bytes: int = 0


class Trashing:
    """The trash of every user. Safe for threads; takes no turn in a user's tree, so that it may be asked within one."""

    def __init__(self, performer: Performer, days: float, max_bytes: int | None) -> None:
        """`days` is how long an entry stays, `max_bytes` how much of one user's stays (None: all)."""
        self._performer = performer
        self._trash = performer.trash
        self._days = timedelta(days=days)
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._claimed: set[str] = set()

    def entries(self, user: str | None = None, since: datetime | None = None) -> list[TrashEntry]:
        """What was trashed, of one user or of all, at `since` (with a time zone) or later; oldest first."""
        return [
            entry for entry in self._trash.all(user) if since is None or datetime.fromisoformat(entry.when) >= since
        ]

    def pick(self, ids: Iterable[str], user: str | None = None, since: datetime | None = None) -> list[TrashEntry]:
        """The entries of these ids, of which none may be missing; every entry where no id is given. Raises NotFound."""
        wanted = set(ids)
        found = [entry for entry in self.entries(user, since) if not wanted or entry.id in wanted]
        for missing in sorted(wanted - {entry.id for entry in found}):
            raise NotFound(f"{missing} in the trash")
        return found

    def bytes_of(self, user: str) -> int:
        """What the user's trash holds, in bytes."""
        return self._trash.bytes_of(user)

    @contextmanager
    def claim(self, entries: Iterable[TrashEntry]) -> Iterator[list[TrashEntry]]:
        """Keep others away from those of the entries that are still there and not claimed yet; gives these."""
        with self._lock:
            mine = [e for e in entries if e.id not in self._claimed and self._trash.get(e.id) is not None]
            self._claimed.update(entry.id for entry in mine)
        try:
            yield mine
        finally:
            with self._lock:
                self._claimed.difference_update(entry.id for entry in mine)

    def empty(self, user: str | None = None, progress: Progress = nobody_looks) -> Dropped:
        """Drop everything, of one user or of all."""
        return self._drop(self.entries(user), progress)

    def expire(self, now: datetime) -> Dropped:
        """Drop what has been there for longer than the settings say."""
        return self._drop([e for e in self.entries() if datetime.fromisoformat(e.when) < now - self._days])

    def limit(self) -> Dropped:
        """Drop the oldest entries of every user whose trash is larger than the settings allow."""
        if self._max_bytes is None:
            return Dropped()
        over: list[TrashEntry] = []
        for user in {entry.user for entry in self.entries()}:
            over += self._oldest(user, self.bytes_of(user) - self._max_bytes)
        return self._drop(over)

    def shrink(self, user: str, wanted: int) -> int:
        """Drop the user's oldest entries until `wanted` bytes or more are free; returns how many became free."""
        freed = 0
        while freed < wanted:
            dropped = self._drop(self._oldest(user, wanted - freed))
            if not dropped.count:
                break
            freed += dropped.bytes
        if freed:
            _log.info("dropped %d bytes of the oldest trash of %s to make room", freed, user)
        return freed

    def sweep(self, now: datetime) -> int:
        """Remove files in the trash that no entry speaks of; returns how many.

        Only what is older than an entry could be: after an old copy of the state was put back, they are photos that
        its catalogue still wants.
        """
        tree, removed = self._performer.tree, 0
        oldest_ns = int((now - self._days).timestamp()) * 1_000_000_000
        for owner in tree.scan(Place(Side.TRASH, "")):
            folder = Place(Side.TRASH, owner.name)
            for file in tree.scan(folder):
                if self._trash.get(file.name) is None and file.stat.ctime_ns < oldest_ns:
                    removed += tree.remove_tree(folder.child(file.name))
        return removed

    def _oldest(self, user: str, wanted: int) -> list[TrashEntry]:
        """The oldest entries that hold `wanted` bytes together and that nobody is at work on."""
        chosen = []
        for entry in self._trash.all(user):
            if wanted <= 0:
                break
            if entry.has_bytes and entry.id not in self._claimed:
                chosen.append(entry)
                wanted -= entry.size
        return chosen

    def _drop(self, entries: Sequence[TrashEntry], progress: Progress = nobody_looks) -> Dropped:
        count = size = 0
        for start in range(0, len(entries), BATCH):
            progress("emptying the trash", start, len(entries))
            with self.claim(entries[start : start + BATCH]) as batch:
                self._drop_batch(batch)
                count += len(batch)
                size += sum(entry.size for entry in batch if entry.has_bytes)
        progress("emptying the trash", len(entries), len(entries))
        return Dropped(count, size)

    def _drop_batch(self, entries: Sequence[TrashEntry]) -> None:
        plan = Plan()
        plan.records(trash_drop=[entry.doc_id for entry in entries])
        for entry in entries:
            if entry.has_bytes:
                plan.unlink(entry.place)
        try:
            self._performer.perform(plan)
        except NoSpace:
            # On a disk without a free block not even the plan can be written: the bytes go first, and make room for it.
            for entry in entries:
                if entry.has_bytes:
                    self._performer.tree.remove(entry.place)
            self._performer.trash.change(drop=[entry.doc_id for entry in entries])
