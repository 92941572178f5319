"""A change being put together in terms of photos, and compiled into a plan of durable steps.

What is added comes before the records (`drafted_records`), what is taken away after them; the use cases need not think
of the order.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from dataclasses import replace
from types import TracebackType

from sumu_dav.archive.clones import Ahead, Clone, clone_of
from sumu_dav.archive.content import iso
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.drafted_records import DraftedRecords
from sumu_dav.archive.lookup import Lookup, copy_place, hidden_place, photo_place, visible_place
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.plans.plan import FileStep, Plan
from sumu_dav.archive.stores import Other
from sumu_dav.errors import Conflict, SumuError
from sumu_dav.library import Place, Side, Upload, suffixed
from sumu_dav.model import FAVORITES, FileStat, Photo


class Draft(DraftedRecords):
    """One change, put together in a `with` block and carried out at its end; a block that raises changes nothing."""

    def __init__(self, desk: Desk, ahead: Ahead | None = None) -> None:
        """`ahead` has the copies that were made for this change before its turn."""
        super().__init__(desk)
        self._ahead = ahead
        self._cleared: list[Path] = []
        self._clearing = Plan()
        self._first = Plan()
        self._last = Plan()
        self._bytes_at: dict[int, Place] = {}
        self._dates: dict[int, int] = {}
        self._parked: list[Place] = []
        self._claimed: set[Place] = set()
        self._vacated: set[Place] = set()
        self._clones: list[Clone] = []

    # What is replaced whole

    def clear(self, path: Path) -> None:
        """Let what comes find nothing at the path: what lies there moves out of the way first, in one step, and what
        the draft has done with it and its members so far is done where they are then."""
        for place in (visible_place(path), hidden_place(path)):
            stat, is_folder = self.lookup.tree.look(place)
            if stat is not None:
                self._move_aside(place, Place(Side.PARKED, "", (uuid.uuid4().hex,)))
            elif is_folder:
                # not parked: what another program puts into it now is not to be swept at the next start
                self._move_aside(place, Place(Side.TRASH, path.user, (uuid.uuid4().hex,)))
        self._cleared.append(path)

    def _move_aside(self, place: Place, aside: Place) -> None:
        self._clearing.folder(aside.parent)
        self._clearing.aside(place, aside)
        self._last.follow(place, aside)

    def other(self, path: Path) -> Other | None:
        """What is kept of a path that is no photo's, as it was before the draft; nothing of what was cleared."""
        return None if any(cleared.holds(path) for cleared in self._cleared) else super().other(path)

    def _is_cleared(self, place: Place) -> bool:
        return any(cleared.holds(Path(place.user, place.parts)) for cleared in self._cleared)

    def stat(self, place: Place) -> FileStat | None:
        """Of a file, as it was before the draft; None for what was cleared."""
        return None if self._is_cleared(place) else self.lookup.tree.stat(place)

    # Files

    def bytes_of(self, photo: Photo) -> Place:
        """Where the bytes lie now that the photo will have after this draft."""
        return self._bytes_at.get(photo.doc_id, photo_place(photo))

    def _park(self, source: Upload | Place) -> Place:
        """A durable place that a plan may name for bytes that came in."""
        if isinstance(source, Place):
            return source
        place = source.park()
        self._parked.append(place)
        return place

    def clone(self, source: Place, user: str) -> Place:
        """An independent, durable, parked copy of a file, for the draft to bring into place in the user's tree.

        Raises QuotaExceeded, NotFound, NoSpace.
        """
        made = self._ahead.take(source, user) if self._ahead is not None else None
        clone = made or clone_of(self.desk, source, user)
        self._parked.append(clone.place)
        self._clones.append(clone)
        return clone.place

    def folder(self, place: Place) -> None:
        """Make a folder and those above it."""
        self._first.folder(place)

    def require_folder(self, place: Place) -> None:
        """Make a folder and those above it where it is missing. Raises Conflict where a file has such a name."""
        if self._is_cleared(place):
            self.folder(place)
        elif not self.lookup.tree.is_folder(place):
            check_no_file_above(self.lookup, place)
            self.folder(place)

    def bring(self, source: Upload | Place, place: Place, *, photo: Photo | None = None) -> None:
        """Put bytes into place, over what is there (which was given to `discard_replaced` before, if it matters)."""
        held = self._park(source)
        if photo is not None:
            self._bytes_at[photo.doc_id] = held
        if held.side is Side.HIDDEN or held.side is Side.VISIBLE:
            self._vacated.add(held)
        self._take_back_removal(place)
        self._claimed.add(place)
        self._first.rename(held, place)

    def brings(self, place: Place) -> bool:
        """Whether the draft brings bytes into the place."""
        return place in self._claimed

    def _take_back_removal(self, place: Place) -> None:
        """What was to leave a place at the end is replaced there before: its removal would take the newcomer."""
        for step in [*self._last.steps]:
            if isinstance(step, FileStep) and step.place == place and step.verb in ("unlink", "rename"):
                self._last.steps.remove(step)
                if step.to is not None:
                    self._first.folder(step.to.parent)
                    self._first.keep(place, step.to)

    def date(self, place: Place, mtime_ns: int) -> None:
        """Set the modification time (nanoseconds since the epoch) of a file that will lie there."""
        self._last.date(place, mtime_ns)

    def date_photo(self, photo: Photo, mtime_ns: int) -> Photo:
        """Set the modification time of a photo, of its favourite's copy and in its record."""
        self._dates[photo.doc_id] = mtime_ns
        return self.put(replace(self.current(photo), modified=iso(mtime_ns)))

    def move_folder(self, place: Place, to: Place) -> None:
        """Move a whole folder."""
        self._first.rename(place, to)

    def unlink(self, place: Place) -> None:
        """Remove a file whose bytes need not be kept."""
        self._vacated.add(place)
        self._last.unlink(place)

    def clear_way(self, place: Place) -> None:
        """Remove an empty folder that a file is to replace."""
        self._first.rmdir(place)

    def rmdir(self, place: Place) -> None:
        """Remove a folder, if it is empty by then."""
        self._last.rmdir(place)

    def discard(self, path: Path, place: Place, size: int, why: str, photo: Photo | None = None) -> None:
        """Move a file into the trash, with its record and properties."""
        entry = self.note_discarded(path, size, why, photo)
        self._vacated.add(place)
        self._first.folder(entry.place.parent)
        self._last.rename(place, entry.place)

    def discard_replaced(self, path: Path, place: Place, size: int, why: str, photo: Photo | None = None) -> None:
        """Keep in the trash what `bring` is about to replace, so that its name never points to nothing."""
        entry = self.note_discarded(path, size, why, photo)
        self._first.folder(entry.place.parent)
        self._first.keep(place, entry.place)

    # Names

    def _is_free(self, place: Place) -> bool:
        """Whether nothing lies, or will lie, at a place."""
        if place in self._claimed:
            return False
        if place in self._vacated:
            return True
        return not self.lookup.tree.has(place)

    def free_name(self, user: str, folder: tuple[str, ...], name: str, also: tuple[str, ...] = ()) -> str:
        """The name, with the first suffix that leaves it and the names of `also` free in a folder of both trees.

        `also` are the names that must get the same suffix: the other half of a live photo.
        """
        number = 1
        while True:
            candidates = [name, *also] if number == 1 else [suffixed(each, number) for each in (name, *also)]
            if all(
                self._is_free(Place(side, user, (*folder, candidate)))
                for candidate in candidates
                for side in (Side.VISIBLE, Side.HIDDEN)
            ) and not any(self._is_recorded(user, folder, candidate) for candidate in candidates):
                return candidates[0]
            number += 1

    def _is_recorded(self, user: str, folder: tuple[str, ...], name: str) -> bool:
        catalog = self.lookup.catalog
        found = catalog.favorite(user, name) if folder == (FAVORITES,) else catalog.at(user, "/".join(folder), name)
        if found is None or found.doc_id in self._drop:
            return False
        now = self.current(found)
        return (now.favorite_name == name) if folder == (FAVORITES,) else (now.album, now.name) == (found.album, name)

    # Carrying out

    def __enter__(self) -> Draft:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._carry_out()
            else:
                self._abandon()
        finally:
            for clone in self._clones:
                clone.settle()

    def _carry_out(self) -> None:
        """Do it, durably. Where a domain error is raised, nothing has changed."""
        plan = Plan([*self._clearing.steps, *self._first.steps])
        self.records_into(plan)
        plan.steps.extend(self._last.steps)
        for doc_id, mtime_ns in self._dates.items():
            photo = self._put.get(doc_id)
            for place in (photo_place(photo), copy_place(photo)) if photo is not None else ():
                if place is not None:
                    plan.date(place, mtime_ns)
        self.desk.performer.perform(plan, self._parked)

    def _abandon(self) -> None:
        for place in self._parked:
            with contextlib.suppress(SumuError):  # swept at the next start, then; what went wrong is raised already
                self.lookup.tree.remove(place)


def check_no_file_above(lookup: Lookup, place: Place) -> None:
    """Raise Conflict where a file lies at a folder's place, or at one above it."""
    for depth in range(1, len(place.parts) + 1):
        above = Place(place.side, place.user, place.parts[:depth])
        if lookup.tree.stat(above) is not None:
            raise Conflict(os.path.join("/", place.user, *above.parts), "a file has the name of the folder")
