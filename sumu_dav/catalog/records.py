"""A record file as the rest of the server sees it: records by id, in memory, changed durably by many threads at once.

A change is seen by every reader as soon as it has begun, and is promised once its `Pending` has been waited for.
Threads that wait together share one write and one sync.  Knows no field of any record: a `Codec` does.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sumu_dav.catalog.compaction import compact
from sumu_dav.catalog.disk import Disk, SyncFailed, domain_error
from sumu_dav.catalog.keeper import Keeper
from sumu_dav.catalog.layout import encode_line
from sumu_dav.catalog.log import Log, name_beside
from sumu_dav.catalog.recovery import CURE, Take, open_log
from sumu_dav.catalog.scan import Entry
from sumu_dav.commit import GroupCommit
from sumu_dav.errors import Damaged, SumuError, WritesSuspended

logger = logging.getLogger(__name__)

T = TypeVar("T")

_FREEZE_ABOVE = 10_000
"""Records more than at the last time, above which all there is is taken out of the garbage collector's sight: records
live as long as the server, and a search through 200,000 would hold up every thread for a tenth of a second and more."""


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How a record becomes the fields of a JSON object, in their order, and back.

    `decode` gets the id and the fields and raises `ValueError` with words on what is wrong.
    """

    encode: Callable[[T], dict[str, object]]
    decode: Callable[[int, dict[str, Any]], T]


Change = tuple[int, T | None, T | None]
"""An id, the record before, and the record after; None for none."""

Watcher = Callable[[list[Change[T]]], None]


@dataclass(eq=False, slots=True)
class Pending(Generic[T]):
    """A change that has begun: in memory, not yet promised."""

    _file: RecordFile[T]
    lines: dict[int, bytes | None]
    changes: list[Change[T]]
    done: bool = False
    failure: SumuError | None = field(default=None)

    def wait(self) -> None:
        """Return when the change is durable.

        Raises `NoSpace` (it and all that began after it are undone) and `WritesSuspended`.
        """
        self._file.finish(self)


class RecordFile(Generic[T]):
    """One TinyDB-shaped JSON file of records, its own log; see `open`. Thread-safe; one process may have it open."""

    def __init__(
        self,
        log: Log,
        codec: Codec[T],
        records: dict[int, T],
        highest: int,
        on_change: Watcher[T] | None,
        on_suspend: Callable[[str], None] | None,
        housekeeping: bool,
    ) -> None:
        self.path = log.path
        self.suspended: str | None = None
        self._log = log
        self._codec = codec
        self._records = records
        self._highest = highest
        self._on_change = on_change
        self._on_suspend = on_suspend
        self._housekeeping = housekeeping
        self._lock = threading.RLock()
        self._queue: list[Pending[T]] = []
        self._gate = threading.Lock()
        self._commit = GroupCommit()
        self._keeper = Keeper(f"keeper of {self.path}", self._keep_house)
        self._compact_above = 0
        self._frozen = 0
        if on_change is not None and records:
            on_change([(key, None, record) for key, record in records.items()])

    @classmethod
    def open(
        cls,
        path: str,
        table: str,
        codec: Codec[T],
        *,
        on_change: Watcher[T] | None = None,
        on_suspend: Callable[[str], None] | None = None,
        disk: Disk | None = None,
        housekeeping: bool = True,
    ) -> RecordFile[T]:
        """Open the file, or begin it, and read its records. `table` is TinyDB's name for them.

        `on_change` is told of every change of memory, while no reader of this file can look; `on_suspend` once, with
        the reason, when a sync failed and nothing can be written any more.  `housekeeping`: a thread of the file's own
        calls `tidy` and `compact` where they are due.  Raises `Damaged` with line and cure.
        """
        records: dict[int, T] = {}

        def begin() -> Take:
            records.clear()
            return take

        def take(entries: list[Entry]) -> None:
            for entry in entries:
                try:
                    records[entry.key] = codec.decode(entry.key, entry.fields)
                except ValueError as error:
                    raise Damaged(path, entry.line, f"record {entry.key}: {error}", CURE) from error

        with _collector_resting():
            try:
                opened = open_log(disk or Disk(), path, table, begin)
            except (OSError, SyncFailed) as error:
                raise domain_error(error) from error
            file = cls(opened.log, codec, records, opened.highest, on_change, on_suspend, housekeeping)
            file._freeze_grown()
            return file

    def get(self, key: int) -> T | None:
        """The record of this id."""
        with self._lock:
            return self._records.get(key)

    def items(self) -> list[tuple[int, T]]:
        """All ids and records as they are at one moment."""
        with self._lock:
            records = self._records.copy()
        return list(records.items())

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, key: object) -> bool:
        return key in self._records

    def new_id(self) -> int:
        """A positive id that was never given before, also not before a restart."""
        with self._lock:
            self._highest += 1
            return self._highest

    def change(self, put: Iterable[tuple[int, T]] = (), drop: Iterable[int] = ()) -> None:
        """Put and drop records, together and durably. Raises what `Pending.wait` does, and `ValueError`."""
        self.begin(put, drop).wait()

    def begin(self, put: Iterable[tuple[int, T]] = (), drop: Iterable[int] = ()) -> Pending[T]:
        """Put and drop records in memory, to be durable once the result was waited for.

        What nobody waits for is written soon, or at `close`; a power cut may lose it.  `ValueError` for a record that
        JSON can't hold; nothing has changed then.
        """
        put = list(put)
        lines: dict[int, bytes | None] = {key: encode_line(key, self._codec.encode(record)) for key, record in put}
        after: dict[int, T | None] = dict(put)
        for key in drop:
            lines[key] = after[key] = None
        with self._lock:
            if self.suspended is not None:
                raise WritesSuspended(self.suspended)
            changes = [(key, self._records.get(key), record) for key, record in after.items()]
            pending = Pending(self, lines, [change for change in changes if change[1:] != (None, None)])
            self._highest = max(self._highest, *lines, 0)
            self._set(pending.changes)
            self._queue.append(pending)
        if self._housekeeping:
            self._keeper.call()
        return pending

    def finish(self, pending: Pending[T]) -> None:
        """What `Pending.wait` does."""
        if not pending.done:
            self._commit.wait(self._round)
        if pending.failure is not None:
            raise pending.failure
        if not pending.done:
            raise WritesSuspended(f"a write to {self.path} was broken off")

    def flush(self) -> None:
        """Return when everything that has begun is durable. Raises `WritesSuspended` where that can't be."""
        self._commit.wait(self._round)
        if self.suspended is not None:
            raise WritesSuspended(self.suspended)

    def tidy(self) -> None:
        """Blank the lines that later ones have superseded."""
        with self._gate:
            self._guarded(lambda: self._log.blank_stale(self._highest))

    def compact(self) -> None:
        """Write the file without its blanks, while changes go on."""
        if self.suspended is not None:
            return
        try:
            if compact(self._log, self._gate, lambda: self._highest, lambda: self._keeper.is_stopping):
                self._compact_above = 0
        except (OSError, SyncFailed) as error:
            self._put_off(error)

    def close(self) -> None:
        """Write what is left, and leave a file with nothing to be done at the next start."""
        self._keeper.stop()
        self._commit.wait(self._round)
        self.tidy()
        with self._gate:
            self._guarded(lambda: self._log.settle(self._highest))
            self._log.close()
            self.suspended = self.suspended or f"{self.path} is closed"

    def _guarded(self, step: Callable[[], None]) -> None:
        """Touch the file, if it is still ours, though nobody waits for it."""
        if self.suspended is None and not self._log.changed_by_others():
            try:
                step()
            except (OSError, SyncFailed) as error:
                self._put_off(error)

    def _put_off(self, error: OSError | SyncFailed) -> None:
        logger.warning("%s: housekeeping was put off: %s", self.path, self._blame(error))

    def _set(self, changes: list[Change[T]]) -> None:
        for key, _before, after in changes:
            if after is None:
                self._records.pop(key, None)
            else:
                self._records[key] = after
        if self._on_change is not None and changes:
            self._on_change(changes)

    def _round(self) -> None:
        """Make everything that has begun durable, for all who wait."""
        with self._gate:
            with self._lock:
                pendings, self._queue = self._queue, []
            if not pendings:
                return
            if self.suspended is not None:
                self._undo(pendings, WritesSuspended(self.suspended))
                return
            try:
                if self._log.changed_by_others():
                    pendings += self._write_all_anew()
                else:
                    self._log.write(*_sum_up(pendings), self._highest)
            except (OSError, SyncFailed) as error:
                self._undo(pendings, self._blame(error))
                return
            for pending in pendings:
                pending.done = True

    def _write_all_anew(self) -> list[Pending[T]]:
        """Keep the file that others changed and write ours anew; gives the changes in it that came meanwhile."""
        log = self._log
        if log.disk.identity(self.path) is None:
            logger.warning("%s was removed while the server was running; it is written anew", self.path)
        else:
            kept = name_beside(log.disk, self.path, "changed")
            log.disk.link(self.path, kept)
            logger.warning(
                "%s was changed by another program while the server was running; that file is kept as %s and the"
                " server's own is written anew (stop the server before editing)",
                *(self.path, kept),
            )
        with self._lock:
            records = self._records.copy()
            begun, self._queue = self._queue, []
        lines = {key: encode_line(key, self._codec.encode(record)) for key, record in records.items()}
        try:
            log.lay_out(lines, self._highest)
        except (OSError, SyncFailed):
            with self._lock:
                self._queue = begun + self._queue
            raise
        return begun

    def _undo(self, pendings: list[Pending[T]], failure: SumuError) -> None:
        """Take changes back that could not be written, and those that were begun on top of them."""
        with self._lock:
            pendings = pendings + self._queue
            self._queue = []
            for pending in reversed(pendings):
                self._set([(key, after, before) for key, before, after in reversed(pending.changes)])
                pending.failure = failure
                pending.done = True

    def _blame(self, error: OSError | SyncFailed) -> SumuError:
        failure = domain_error(error)
        if isinstance(failure, WritesSuspended) and self.suspended is None:
            self.suspended = failure.reason
            logger.error("%s: %s", self.path, failure)
            if self._on_suspend is not None:
                self._on_suspend(failure.reason)
        return failure

    def _keep_house(self) -> None:
        """Write what nobody waits for, blank superseded lines, give dead bytes back."""
        self._commit.wait(self._round)
        self._freeze_grown()
        self.tidy()
        if self._log.worth_compacting and self._log.dead_bytes > self._compact_above:
            # where it fails it is not tried again before there is half as much again to gain
            self._compact_above = self._log.dead_bytes * 3 // 2
            self.compact()

    def _freeze_grown(self) -> None:
        count = len(self._records)
        if count - self._frozen > _FREEZE_ABOVE:
            gc.freeze()
            self._frozen = count


@contextmanager
def _collector_resting() -> Iterator[None]:
    """No search for cycles while millions of objects come that hold none: it takes a third of the time to open."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _sum_up(pendings: list[Pending[Any]]) -> tuple[dict[int, bytes], list[int]]:
    """What several changes come to: the lines to append, and the ids to drop."""
    net: dict[int, bytes | None] = {}
    for pending in pendings:
        for key, line in pending.lines.items():
            net.pop(key, None)
            net[key] = line
    puts = {key: line for key, line in net.items() if line is not None}
    return puts, [key for key, line in net.items() if line is None]
