"""Carries plans out, durably and whole: the only one that changes trees and records together.

A plan of several steps is written down first; a crash leaves it to the next start, which finishes it. An error that the
plan meets is another matter: what was done is taken back, and nothing has changed.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterable

from sumu_dav.archive.lookup import Seen, album_parts
from sumu_dav.archive.plans.intents import Intents
from sumu_dav.archive.plans.notices import Notice
from sumu_dav.archive.plans.plan import FileStep, Plan, RecordStep
from sumu_dav.archive.plans.sightings import Sightings
from sumu_dav.archive.plans.steps import Run
from sumu_dav.archive.plans.transit import Transit
from sumu_dav.archive.stores import Others, Trash
from sumu_dav.archive.versions import Versions
from sumu_dav.catalog import Catalog
from sumu_dav.errors import SumuError, WritesSuspended
from sumu_dav.library import Place, Tree
from sumu_dav.model import Photo

_log = logging.getLogger("sumu_dav.archive")


class Performer:
    """Carries plans out, one at a time in each user's tree (`Turns`)."""

    def __init__(
        self,
        tree: Tree,
        catalog: Catalog,
        seen: Seen,
        others: Others,
        trash: Trash,
        intents: str,
        versions: Versions,
    ) -> None:
        self.tree = tree
        self.catalog = catalog
        self.seen = seen
        self.others = others
        self.trash = trash
        self.versions = versions
        self.transit = Transit()
        self._intents = Intents(intents)

    @property
    def suspended(self) -> str | None:
        """Why nothing can be written any more, after a failed sync; None while all is well."""
        stores = (self.tree, self.catalog, self.others, self.trash, self._intents)
        return next((store.suspended for store in stores if store.suspended is not None), None)

    def check(self) -> None:
        """Raise WritesSuspended where a change could not be carried out to its end: then it is not begun."""
        if self.suspended is not None:
            raise WritesSuspended(self.suspended)

    def perform(self, plan: Plan, parked: Iterable[Place] = ()) -> None:
        """Do all of the plan. Raises the domain errors of the trees and the state: nothing has changed then, and what
        was parked for the plan is gone. After WritesSuspended the next start finishes what was begun."""
        self.check()
        notice = Notice(self.catalog)
        self._note_files(plan, notice)
        self._note_photos(plan, notice)
        try:
            with self.transit.under_way(plan.uprooted):
                self._perform(plan, notice)
        except WritesSuspended:
            raise
        except _NotTakenBack as error:
            raise error.cause from None
        except SumuError:
            self._remove(parked)
            raise
        finally:
            # Told of what failed, too: someone may have looked in the middle.
            for photo in plan.put:
                notice.photo(photo)
            notice.tell(self.versions)

    def _perform(self, plan: Plan, notice: Notice) -> None:
        sightings = Sightings(self.tree, self.catalog, self.seen, plan)
        intent = None if plan.is_one_write else self._intents.write(plan)
        run = Run(self.tree, self.catalog, self.others, self.trash, notice)
        try:
            for step in plan.steps:
                run.do(step)
        except WritesSuspended:
            raise
        except SumuError as error:
            try:
                run.take_back()
            except SumuError as second:
                _log.error("a change is left to the next start, since it could not be taken back: %s", second)
                raise _NotTakenBack(error) from second
            sightings.note_unchanged()
            if intent is not None:
                self._intents.forget(intent)
            raise
        run.settle()
        sightings.note()
        if intent is not None:
            self._intents.forget(intent)
        self._remove_asides(plan)

    def recover(self) -> int:
        """Finish the plans that a crash left, oldest first. Returns how many there were."""
        waiting = self._intents.waiting()
        for name, plan in waiting:
            _log.warning("finishing a change that was cut short: %s", name)
            run = Run(self.tree, self.catalog, self.others, self.trash, Notice(self.catalog))
            for step in plan.steps:
                run.do(step)
            run.settle()
            Sightings(self.tree, self.catalog, self.seen, plan).note_hashed()
            self._intents.forget(name)
            self._remove_asides(plan)
        self._intents.clear()
        return len(waiting)

    def _remove(self, parked: Iterable[Place]) -> None:
        for place in parked:
            with contextlib.suppress(SumuError):  # swept at the next start, then
                self.tree.remove(place)

    def _remove_asides(self, plan: Plan) -> None:
        """Remove what a finished plan left of what was in its way: a file that has its name in the trash, and folders
        that are empty. What another program put into one of them stays as long as what is in the trash."""
        for place in plan.asides:
            with contextlib.suppress(SumuError):  # swept with the trash, then
                self._remove_emptied(place)

    def _remove_emptied(self, place: Place) -> None:
        if not self.tree.is_folder(place):
            self.tree.remove(place)
            return
        for entry in self.tree.scan(place):
            if entry.is_folder:
                self._remove_emptied(place.child(entry.name))
        self.tree.remove_folder(place)

    def _note_files(self, plan: Plan, notice: Notice) -> None:
        for step in plan.steps:
            if isinstance(step, FileStep):
                notice.place(step.place)
                if step.to is not None:
                    notice.place(step.to)
            else:
                kept = (self.others.by_id(doc_id) for doc_id in step.others_drop)
                for other in (*step.others_put, *(each for each in kept if each is not None)):
                    notice.path(other.user, album_parts(other.path))

    def _note_photos(self, plan: Plan, notice: Notice) -> None:
        """The names that photos have before the plan."""
        for step in plan.steps:
            if isinstance(step, RecordStep):
                for doc_id in (*(photo.doc_id for photo in step.put), *step.drop):
                    photo = self.catalog.by_doc(doc_id)
                    if photo is not None:
                        notice.photo(photo)

    def touched(self, user: str, parts: tuple[str, ...], names: Collection[str] | None = None) -> None:
        """Tell whoever listens that members of a collection, or what is said of them, changed.

        None for `names`: it is not known which. A photo's other names are told with the one in its album.
        """
        if names is None:
            self.versions.bump(user, parts)
            if parts and self.catalog.loose_names(user):
                self.versions.bump(user, ())
            return
        notice = Notice(self.catalog)
        for name in names:
            notice.path(user, (*parts, name))
            photo = self.catalog.at(user, "/".join(parts), name)
            if photo is not None:
                notice.photo(photo)
        notice.tell(self.versions)

    def touched_photo(self, photo: Photo) -> None:
        """Tell that a photo came or changed, under each of its names."""
        notice = Notice(self.catalog)
        notice.photo(photo)
        notice.tell(self.versions)

    def swept(self, user: str, parts: tuple[str, ...]) -> None:
        """Tell that everything in and below a collection may be another."""
        self.versions.sweep(user, parts)


class _NotTakenBack(SumuError):
    """A plan failed, and what was done of it stands: its files are still needed."""

    def __init__(self, cause: SumuError) -> None:
        super().__init__(str(cause))
        self.cause = cause
