"""Brings the catalogue up to date with what other programs did in a user's visible tree (DESIGN §2).

In this order: moves, which a stat tells; files that are new or not the ones that were seen, which are read outside
any turn and taken in batch by batch; the favourites' copies; and at last the records whose files are nowhere.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from sumu_dav.archive.content import Content, content_of
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.outside.aside import Lost, SetAside
from sumu_dav.archive.outside.copies import OutsideCopies
from sumu_dav.archive.outside.photos import Outside, Verdict
from sumu_dav.archive.outside.recorder import Recorder
from sumu_dav.archive.outside.survey import Differing, Found, Survey, Surveyor
from sumu_dav.archive.progress import Progress, nobody_looks
from sumu_dav.errors import Interrupted, NoSpace, NotFound, SumuError, WritesSuspended
from sumu_dav.floor import Background
from sumu_dav.model import FileStat

_log = logging.getLogger("sumu_dav.archive")

SETTLED = 2.0
"""Seconds without a change after which a file counts as whole: whoever writes one writes oftener."""

AHEAD = 60.0
"""Seconds that a file server's clock may be ahead of ours; what is later than that was not just written."""

BATCH = 64
"""Files, or records without one, that share one turn and one wait for the disk: for so many an upload waits at most."""

BATCH_SECONDS = 0.5
"""After so long a batch is taken in, however few it has: what was read is not to wait."""

FOLLOWING = "following moves"
"""The stage of telling what moved from what is new."""

SETTING_ASIDE = "setting records aside"
"""The stage of looking after files that are gone."""

READING = "reading photos"
"""The stage of reading what is new or has changed."""

T = TypeVar("T", Found, Differing)
U = TypeVar("U")


@dataclass(slots=True)
class Outcome:
    """What a reconciliation did: counts of photos, and the paths that are to be looked at again later."""

    files: int = 0
    recorded: int = 0
    followed: int = 0
    updated: int = 0
    favorites: int = 0
    set_aside: int = 0
    failed: int = 0
    unsettled: dict[tuple[str, tuple[str, ...]], float] = field(default_factory=dict)
    """User and parts of what is still being written or changed while it was looked at: in how many seconds to look."""

    def add(self, other: Outcome) -> None:
        """Take in what was done for another user, or in another round."""
        for name in ("files", "recorded", "followed", "updated", "favorites", "set_aside", "failed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unsettled.update(other.unsettled)

    @property
    def changes(self) -> int:
        """How many photos it changed something of."""
        return self.recorded + self.followed + self.updated + self.favorites + self.set_aside


class Reconciler:
    """Reconciles users, or single paths of theirs. For one thread at a time; requests go on beside it.

    `clock` gives seconds since the epoch, as file times are.
    """

    def __init__(self, desk: Desk, clock: Callable[[], float] = time.time) -> None:
        self._desk = desk
        self._tree = desk.lookup.tree
        self._surveyor = Surveyor(desk.lookup)
        self._recorder = Recorder(desk)
        self._outside = Outside(desk, self._recorder)
        self._copies = OutsideCopies(desk, self._recorder)
        self._clock = clock

    def users(self, users: Iterable[str], progress: Progress = nobody_looks) -> Outcome:
        """Everything of some users. Raises NoSpace, WritesSuspended, Interrupted; what was done by then stays."""
        return self._reconcile([self._surveyor.whole(user, progress) for user in users], progress)

    def paths(self, paths: Mapping[str, Collection[tuple[str, ...]]], progress: Progress = nobody_looks) -> Outcome:
        """Some paths of some users, with all that is below them. Raises as `users`."""
        return self._reconcile([self._surveyor.paths(user, some, progress) for user, some in paths.items()], progress)

    def _reconcile(self, surveys: Iterable[Survey], progress: Progress) -> Outcome:
        rounds = [
            _Round(survey, self._desk, self._outside, self._copies, self._recorder, self._clock, progress)
            for survey in surveys
        ]
        try:
            for each in rounds:
                each.take_in()
            # After all of them: what is missing in one user's tree may have been moved to another's.
            for each in rounds:
                each.set_aside()
        finally:
            self._recorder.flush()
        whole = Outcome()
        for each in rounds:
            whole.add(each.outcome)
        return whole


class _Round:
    """One reconciliation: what a survey found, worked off."""

    def __init__(
        self,
        survey: Survey,
        desk: Desk,
        outside: Outside,
        copies: OutsideCopies,
        recorder: Recorder,
        clock: Callable[[], float],
        progress: Progress,
    ) -> None:
        self._survey = survey
        self._user = survey.user
        self._desk = desk
        self._tree = desk.lookup.tree
        self._outside = outside
        self._copies = copies
        self._recorder = recorder
        self._clock = clock
        self._progress = progress
        self.outcome = Outcome(files=survey.files)
        self._done = 0
        self._total = 0
        self._unsettled_inodes: set[int] = set()

    def take_in(self) -> None:
        """Work off what is there."""
        survey = self._survey
        new = [found for found in self._each(FOLLOWING, survey.unrecorded) if not self._follow(found)]
        changed = [differing for differing in self._each(FOLLOWING, survey.changed) if not self._give_way(differing)]
        lost, aside = Lost(self._desk.lookup, self._user), SetAside(self._desk.performer.trash, self._user)
        self._total = len(new) + len(changed) + len(survey.unbound_copies) + len(survey.changed_copies)
        self._work_off(new, lambda found, content: self._outside.take_in(found, content, lost, aside), "recorded")
        self._work_off(changed, self._outside.changed, "updated")
        unbound = [found for found in self._each(FOLLOWING, survey.unbound_copies) if not self._rename_copy(found)]
        self._work_off(unbound, self._copies.take_in, "favorites")
        self._work_off(survey.changed_copies, self._copies.changed, "favorites")

    def set_aside(self) -> None:
        """Work off records and flags whose files are gone."""
        seen = self._desk.lookup.seen
        copies = [p for p in self._survey.missing_copies if not self._may_be_unsettled(seen.copies.get(p.doc_id))]
        for photo in self._each(SETTING_ASIDE, copies):
            with self._desk.turns.alone(self._user):
                if self._copies.missing(photo) is Verdict.DONE:
                    self.outcome.favorites += 1
        gone = [p for p in self._survey.missing if not self._may_be_unsettled(seen.originals.get(p.doc_id))]
        for batch in self._each(SETTING_ASIDE, [gone[start : start + BATCH] for start in range(0, len(gone), BATCH)]):
            with self._desk.turns.alone(self._user):
                self.outcome.set_aside += self._outside.set_aside(batch)

    def _each(self, stage: str, items: Sequence[U]) -> Iterator[U]:
        for done, item in enumerate(items):
            self._progress(stage, done, len(items))
            yield item

    def _may_be_unsettled(self, known: FileStat | None) -> bool:
        """Whether the file is perhaps there under a name that is looked at again in a moment."""
        return known is not None and known.inode in self._unsettled_inodes

    # Moves, which cost no reading

    def _follow(self, found: Found) -> bool:
        photo = self._outside.moved_here(found.stat)
        if photo is None:
            return False
        with self._desk.turns.alone(self._user, photo.user):
            return self._judge("followed", found, lambda: self._outside.follow(found, photo))

    def _give_way(self, differing: Differing) -> bool:
        mover = self._outside.moved_here(differing.stat, but=differing.photo)
        if mover is None:
            return False
        with self._desk.turns.alone(self._user, mover.user):
            return self._judge("followed", differing, lambda: self._outside.replaced_by(differing, mover))

    def _rename_copy(self, found: Found) -> bool:
        photo = self._copies.renamed_from(self._user, found.stat)
        if photo is None:
            return False
        with self._desk.turns.alone(self._user):
            return self._judge("favorites", found, lambda: self._copies.rename(found, photo))

    # What is read

    def _work_off(self, items: Sequence[T], judge: Callable[[T, Content], Verdict], count: str) -> None:
        for batch in self._read(items):
            with self._desk.turns.alone(self._user):
                for item, content in batch:
                    self._judge(count, item, partial(judge, item, content))
            self._recorder.flush()

    def _read(self, items: Sequence[T]) -> Iterator[list[tuple[T, Content]]]:
        batch: list[tuple[T, Content]] = []
        began = time.monotonic()
        background = Background()
        for item in items:
            content = self._content(item)
            if content is not None:
                batch.append((item, content))
            if len(batch) >= BATCH or (batch and time.monotonic() - began > BATCH_SECONDS):
                yield batch
                batch, began = [], time.monotonic()
            self._done += 1
            self._tell_reading()
            background.rest()
        if batch:
            yield batch

    def _content(self, item: Found | Differing) -> Content | None:
        """What a file holds; None where it is still being written, or can't be read."""
        age = self._clock() - item.stat.ctime_ns / 1e9
        if -AHEAD < age < SETTLED:
            self._look_again(item, SETTLED - age)
            return None
        try:
            return content_of(self._tree, self._desk.records, item.place, is_media=True, between=self._tell_reading)
        except NotFound:
            return None
        except Interrupted:
            raise
        except (SumuError, OSError) as error:
            self._fail(item, error)
            return None

    def _tell_reading(self) -> None:
        self._progress(READING, self._done, self._total)

    def _judge(self, count: str, item: Found | Differing, judge: Callable[[], Verdict]) -> bool:
        """Act on a finding; false where it is to be looked at in another way."""
        try:
            verdict = judge()
        except (NoSpace, WritesSuspended, Interrupted):
            raise
        except SumuError as error:
            self._fail(item, error)
            return True
        if verdict is Verdict.DONE:
            setattr(self.outcome, count, getattr(self.outcome, count) + 1)
        elif verdict is Verdict.AGAIN:
            self._look_again(item, SETTLED)
        return True

    def _look_again(self, item: Found | Differing, seconds: float) -> None:
        self.outcome.unsettled[self._user, item.place.parts] = seconds
        self._unsettled_inodes.add(item.stat.inode)

    def _fail(self, item: Found | Differing, error: Exception) -> None:
        self.outcome.failed += 1
        _log.warning("%s could not be taken in: %s", item.place.shown, error)
