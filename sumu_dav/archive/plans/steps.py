"""The steps of a plan, carried out one by one; and taken back, as long as the plan is not done.

Every step may be done again where it was done before, since a start after a crash does all of them once more.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from functools import partial

from sumu_dav.archive.plans.notices import Notice
from sumu_dav.archive.plans.plan import RecordStep, Step
from sumu_dav.archive.stores import Others, Trash
from sumu_dav.catalog import Catalog
from sumu_dav.errors import Conflict, SumuError
from sumu_dav.library import Place, Side, Tree


class Run:
    """One plan being carried out. What it replaces or removes is held aside until `settle`, for `take_back`."""

    def __init__(self, tree: Tree, catalog: Catalog, others: Others, trash: Trash, notice: Notice) -> None:
        self._tree = tree
        self._catalog = catalog
        self._others = others
        self._trash = trash
        self._notice = notice
        self._back: list[Callable[[], object]] = []
        self._kept: set[Place] = set()
        self._aside: list[Place] = []

    def do(self, step: Step) -> None:
        """Do the next step, durably. Raises the domain errors of the trees and the state."""
        if isinstance(step, RecordStep):
            self._change_records(step)
            return
        match step.verb:
            case "aside" if step.to is not None:
                self._move_aside(step.place, step.to)
            case "folder":
                self._make_folders(step.place)
            case "keep" if step.to is not None:
                self._keep(step.place, step.to)
            case "rename" if step.to is not None:
                self._rename(step.place, step.to)
            case "unlink":
                self._unlink(step.place)
            case "rmdir":
                self._remove_folder(step.place)
            case "date" if step.mtime_ns is not None:
                self._date(step.place, step.mtime_ns)

    def take_back(self) -> None:
        """Undo what was done, last step first. Raises the domain errors; what is left then is for the next start."""
        while self._back:
            self._back[-1]()
            self._back.pop()

    def settle(self) -> None:
        """The plan is done: let go of what was held aside."""
        for place in self._aside:
            with contextlib.suppress(SumuError):  # swept at the next start, then
                self._tree.remove(place)

    # Files

    def _move_aside(self, place: Place, to: Place) -> None:
        if self._tree.has(to) or not self._tree.has(place):
            return
        if self._tree.rename(place, to, replace=False) is None:
            self._notice.folder(place)
        self._back.append(partial(self._tree.rename, to, place, replace=False))

    def _make_folders(self, place: Place) -> None:
        missing: list[Place] = []
        while not self._tree.is_folder(place):
            missing.append(place)
            if place.is_root:
                break
            place = place.parent
        for each in reversed(missing):
            self._back.append(partial(self._remove_new_folder, each))
        if missing:
            self._tree.make_folders(missing[0])

    def _remove_new_folder(self, place: Place) -> None:
        with contextlib.suppress(Conflict):  # another program has put something into it
            self._tree.remove_folder(place)

    def _keep(self, place: Place, to: Place) -> None:
        if self._tree.stat(to) is None and self._tree.stat(place) is not None:
            self._tree.keep(place, to)
            self._kept.add(place)
            self._back.append(partial(self._put_back, place, to))

    def _put_back(self, place: Place, kept: Place) -> None:
        if self._tree.stat(place) is None:
            self._tree.rename(kept, place, replace=False)
        else:
            self._tree.remove(kept)

    def _rename(self, place: Place, to: Place) -> None:
        if not self._tree.has(place):
            return
        if to not in self._kept and self._tree.stat(to) is not None:
            self._keep(to, self._place_aside())
        if self._tree.rename(place, to, replace=True) is None:
            self._notice.folder(place)
            self._notice.folder(to)
        self._back.append(partial(self._tree.rename, to, place, replace=False))

    def _unlink(self, place: Place) -> None:
        aside = self._place_aside()
        if self._tree.withdraw(place, aside):
            self._back.append(partial(self._tree.rename, aside, place, replace=False))

    def _place_aside(self) -> Place:
        aside = Place(Side.PARKED, "", (secrets.token_hex(16),))
        self._aside.append(aside)
        return aside

    def _remove_folder(self, place: Place) -> None:
        if self._tree.is_folder(place) and not self._tree.scan(place):
            self._tree.remove_folder(place)
            self._back.append(partial(self._tree.make_folder, place))

    def _date(self, place: Place, mtime_ns: int) -> None:
        before = self._tree.stat(place)
        if before is not None:
            self._tree.set_times(place, mtime_ns)
            self._back.append(partial(self._tree.set_times, place, before.mtime_ns))

    # Records

    def _change_records(self, step: RecordStep) -> None:
        if step.trash_put or step.trash_drop:
            entries = self._trash.by_doc((*(entry.doc_id for entry in step.trash_put), *step.trash_drop))
            self._trash.change(step.trash_put, step.trash_drop)
            new = [entry.doc_id for entry in step.trash_put]
            self._back.append(partial(self._trash.change, entries, set(new) - {entry.doc_id for entry in entries}))
        if step.others_put or step.others_drop:
            looked_up = map(self._others.by_id, (*(other.doc_id for other in step.others_put), *step.others_drop))
            others = [other for other in looked_up if other is not None]
            self._others.change(step.others_put, step.others_drop)
            new = [other.doc_id for other in step.others_put]
            self._back.append(partial(self._others.change, others, set(new) - {other.doc_id for other in others}))
        if step.put or step.drop:
            found = map(self._catalog.by_doc, (*(photo.doc_id for photo in step.put), *step.drop))
            photos = [photo for photo in found if photo is not None]
            self._catalog.change(put=step.put, drop=step.drop)
            new = [photo.doc_id for photo in step.put]
            self._back.append(partial(self._catalog.change, photos, set(new) - {photo.doc_id for photo in photos}))
