"""The work that nobody asks for: what was never finished goes after its time, and so does the trash.

One thread, one round a minute. Knows no locks: whether a path is locked is for `is_locked` to say.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sumu_dav.archive.changes.chunks import Chunks
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import hidden_place, visible_place
from sumu_dav.archive.nodes import Binding, FileNode, Path
from sumu_dav.archive.trash.trashing import Trashing
from sumu_dav.errors import Busy, NotFound, SumuError
from sumu_dav.library import Place, Side, is_junk

_log = logging.getLogger("sumu_dav.archive")

ROUND_SECONDS = 60.0
"""Between two rounds: nothing that is done here has a shorter time to wait for."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long (seconds) placeholders wait for their bytes, and chunks for the next one."""

    placeholders: float
    chunks: float


class Housekeeping:
    """Goes through the trees in the background, from `start` to `stop`."""

    def __init__(self, desk: Desk, trashing: Trashing, chunks: Chunks, patience: Patience) -> None:
        self.is_locked: Callable[[Path], bool] = lambda _path: False
        self._desk = desk
        self._tree = desk.lookup.tree
        self._trashing = trashing
        self._chunks = chunks
        self._patience = patience
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, with a first round at once."""
        self._thread = threading.Thread(target=self._work, name="housekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the step in hand."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self.run_once(self._desk.records.now())
            self._stopping.wait(ROUND_SECONDS)

    def run_once(self, now: datetime) -> None:
        """One round at the time `now`. What fails is logged, and tried again in the next round."""
        if not self._tree.marker_present():
            return  # the disk is not mounted: nothing is known to be gone or old
        for step in (
            self.drop_placeholders,
            self.drop_chunks,
            self._trashing.expire,
            self._limit,
            self._trashing.sweep,
        ):
            if self._stopping.is_set():
                return
            try:
                step(now)
            except SumuError as error:
                _log.warning("housekeeping: %s", error)

    def _limit(self, _now: datetime) -> None:
        self._trashing.limit()

    def drop_placeholders(self, now: datetime) -> int:
        """Drop media names that were announced and never got their bytes, unless they are locked; returns how many."""
        latest_ns = _nanoseconds(now, self._patience.placeholders)
        dropped = 0
        for user in self._desk.users():
            for path in list(self._old_empty_files(Path(user), latest_ns)):
                dropped += self._drop_placeholder(path, latest_ns)
        return dropped

    def _old_empty_files(self, folder: Path, latest_ns: int) -> Iterator[Path]:
        for entry in self._tree.scan(hidden_place(folder)):
            path = folder.child(entry.name)
            if is_junk(entry.name):
                continue
            if entry.is_folder:
                yield from self._old_empty_files(path, latest_ns)
            elif self._is_abandoned(entry.name, entry.stat.size, entry.stat.ctime_ns, latest_ns):
                yield path

    def _is_abandoned(self, name: str, size: int, ctime_ns: int, latest_ns: int) -> bool:
        # by ctime: clients set the modification time to what they like
        return size == 0 and ctime_ns < latest_ns and self._desk.lookup.is_media(name)

    def _drop_placeholder(self, path: Path, latest_ns: int) -> bool:
        with self._desk.turns.alone(path.user):
            node = self._desk.lookup.find(path)
            if not isinstance(node, FileNode) or node.binding is not Binding.PLACEHOLDER or self.is_locked(path):
                return False
            if not self._is_abandoned(path.name, node.stat.size, node.stat.ctime_ns, latest_ns):
                return False
            with Draft(self._desk) as draft:
                draft.drop_other(path)
                draft.unlink(hidden_place(path))
                if self._tree.is_folder(visible_place(path.parent)):
                    draft.rmdir(hidden_place(path.parent))  # it was made for placeholders alone, where it is empty now
        return True

    def drop_chunks(self, now: datetime) -> int:
        """Drop chunked uploads of which nothing came for too long; returns how many."""
        latest_ns = _nanoseconds(now, self._patience.chunks)
        dropped = 0
        for owner in self._tree.scan(Place(Side.CHUNKS, "")):
            folder = Place(Side.CHUNKS, owner.name)
            for upload in self._tree.scan(folder):
                chunks = self._tree.scan(folder.child(upload.name))
                if max(entry.stat.ctime_ns for entry in (upload, *chunks)) < latest_ns:
                    dropped += self._drop_upload(owner.name, upload.name)
        return dropped

    def _drop_upload(self, user: str, upload: str) -> bool:
        try:
            self._chunks.remove(user, upload)
        except (Busy, NotFound):
            return False  # it is being joined, or gone already
        return True


def _nanoseconds(now: datetime, seconds_before: float) -> int:
    return int((now.timestamp() - seconds_before) * 1_000_000_000)
