"""What each user holds, in bytes, and whether more may come (RFC 4331; DESIGN §1, "Quota").

What counts is what lies on the disk: both trees, favourites' copies, chunks and trash, in logical bytes. Knows nothing
of who sets a quota, and of the trash only that it can be made smaller.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sumu_dav.archive.lookup import hidden_place, visible_place
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.plans.transit import Transit
from sumu_dav.archive.sizes import FolderSizes
from sumu_dav.archive.trash.trashing import Trashing
from sumu_dav.errors import QuotaExceeded
from sumu_dav.library import Place, Side, Tree

COUNTED = (Side.VISIBLE, Side.HIDDEN, Side.CHUNKS)
"""The sides whose files are counted on the disk; the trash knows its own size."""

ESTIMATE_SECONDS = 10.0
"""How long an upload is let in by an estimate: for so long, what other programs add to the folders may go unseen."""

STEP_BYTES = 16 << 20
"""How much of a body of unknown length is granted at once, so that counting costs nothing beside receiving."""

LOOKS = 3
"""How often the folders are counted where files moved meanwhile."""

PATIENCE_SECONDS = 0.1
"""How long a count waits for what is moving."""

SPARE_BYTES = 1 << 20
"""What is left free on the disk beside an upload where trash can make room: folders and records need blocks too."""


@dataclass(slots=True)
class _Holding:
    """One user's bytes: `counted` at the monotonic time `counted_at`, `added` since, `held` for uploads."""

    sizes: FolderSizes
    lock: threading.RLock = field(default_factory=threading.RLock)
    counted: int = 0
    counted_at: float | None = None
    added: int = 0
    held: int = 0


class Usage:
    """Counts the bytes of every user, and grants more. Safe for threads."""

    def __init__(
        self,
        tree: Tree,
        trashing: Trashing,
        transit: Transit,
        quota_of: Callable[[str], int | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tree = tree
        self._trashing = trashing
        self._transit = transit
        self._quota_of = quota_of
        self._clock = clock
        self._lock = threading.Lock()
        self._holdings: dict[str, _Holding] = {}

    def used(self, user: str) -> int:
        """Bytes that the user holds now."""
        holding = self._holding(user)
        with holding.lock:
            return self._count(user, holding)

    def available(self, user: str) -> int:
        """Bytes that may still come: what the quota and the disk leave, where the user's own trash counts as free."""
        trash = self._trashing.bytes_of(user)
        room = self._tree.free() + trash
        quota = self._quota_of(user)
        if quota is not None:
            holding = self._holding(user)
            with holding.lock:
                room = min(room, quota - self._count(user, holding) - holding.held + trash)
        return max(0, room)

    def size_of(self, path: Path) -> int:
        """Bytes of all files in and below a collection, in both trees."""
        holding = self._holding(path.user)
        with holding.lock:
            return sum(holding.sizes.size_of(place) for place in (visible_place(path), hidden_place(path)))

    def reserve(self, user: str, size: int) -> None:
        """Make sure that `size` bytes may come, before much is begun for them. Raises QuotaExceeded."""
        self.hold(user, size, size)
        self.release(user, size, added=size)

    def copying(self, user: str, size: int) -> Callable[[], None]:
        """Hold `size` bytes that the server itself is about to copy, until what is returned is called.

        That is once they lie in the user's tree, or are gone again: until then no count of the disk finds them. Raises
        QuotaExceeded.
        """
        self.hold(user, size, size)
        return partial(self.release, user, size, added=size)

    def receiving(self, user: str, announced: int | None) -> Meter:
        """Receive a body of `announced` bytes (None where nobody said): the meter is called with each block's size.

        Raises QuotaExceeded at once where the length is known, and from the meter as soon as a body outgrows it.
        """
        return Meter(self, user, announced)

    def hold(self, user: str, least: int, wanted: int) -> int:
        """Hold `wanted` bytes for an upload, or fewer, but no fewer than `least`. Returns how many; see `release`.

        The user's oldest trash goes first where quota or disk could not hold `least`. Raises QuotaExceeded.
        """
        holding = self._holding(user)
        quota = self._quota_of(user)
        with holding.lock:
            # on a nearly full disk in small steps, so that trash goes only as far as it has to
            spare = self._tree.free() - SPARE_BYTES
            granted = max(least, min(wanted, spare))
            if quota is not None:
                granted = self._grant(user, holding, quota, least, granted)
            if granted > spare:
                self._clear_disk(user, holding, granted)
            holding.held += granted
        return granted

    def release(self, user: str, held: int, *, added: int) -> None:
        """Give back what was held; `added` bytes of it may be on the disk now."""
        holding = self._holding(user)
        with holding.lock:
            holding.held -= held
            holding.added += added

    def _grant(self, user: str, holding: _Holding, quota: int, least: int, wanted: int) -> int:
        if self._is_fresh(holding) and holding.counted + holding.added + holding.held + wanted <= quota:
            return wanted
        used = self._count(user, holding)
        room = quota - used - holding.held
        if room < least:
            room += self._shrink_for_quota(user, holding, least - room)
        if room < least:
            raise QuotaExceeded(user, quota, used)
        return min(room, wanted)

    def _shrink_for_quota(self, user: str, holding: _Holding, lacking: int) -> int:
        if self._trashing.bytes_of(user) < lacking:
            return 0  # it would not help, and so the trash stays
        return self._shrink(user, holding, lacking)

    def _clear_disk(self, user: str, holding: _Holding, size: int) -> None:
        lacking = size + SPARE_BYTES - self._tree.free()
        if 0 < lacking <= self._trashing.bytes_of(user) + SPARE_BYTES:
            self._shrink(user, holding, lacking)

    def _shrink(self, user: str, holding: _Holding, lacking: int) -> int:
        freed = self._trashing.shrink(user, lacking)
        holding.counted -= freed
        return freed

    def _is_fresh(self, holding: _Holding) -> bool:
        return holding.counted_at is not None and self._clock() - holding.counted_at < ESTIMATE_SECONDS

    def _count(self, user: str, holding: _Holding) -> int:
        """What lies on the disk. Where files move all the time it is no less than that: no quota is outgrown so."""
        most = holding.counted + holding.added if self._quota_of(user) is not None else 0
        for _ in range(LOOKS):
            before = self._transit.at_rest(user, PATIENCE_SECONDS)
            found = sum(holding.sizes.size_of(Place(side, user)) for side in COUNTED) + self._trashing.bytes_of(user)
            if before is not None and before == self._transit.at_rest(user):
                holding.counted_at = self._clock()
                break
            most = found = max(most, found)
        holding.counted, holding.added = found, 0
        return holding.counted

    def _holding(self, user: str) -> _Holding:
        with self._lock:
            if user not in self._holdings:
                self._holdings[user] = _Holding(FolderSizes(self._tree))
            return self._holdings[user]


class Meter:
    """Counts one body as it comes, as a context manager. Call it with the size of each block; raises QuotaExceeded."""

    def __init__(self, usage: Usage, user: str, announced: int | None) -> None:
        self._usage = usage
        self._user = user
        self._came = 0
        if announced is None:
            self._held = usage.hold(user, 1, STEP_BYTES)
        else:
            self._held = usage.hold(user, announced, announced) if announced else 0

    def __call__(self, size: int) -> None:
        """`size` more bytes came."""
        self._came += size
        lacking = self._came - self._held
        if lacking > 0:
            self._held += self._usage.hold(self._user, lacking, max(lacking, STEP_BYTES))

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *_error: object) -> None:
        self._usage.release(self._user, self._held, added=self._came)
