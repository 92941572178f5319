"""A change of several steps, written down before it is begun, so that a start after a crash finishes it.

A plan is a redo log: each step may be done again without harm, and the steps are done in order. Files come before
the records that speak of them; on deletion the records go first. What a step brings into place was made durable
(parked) before the plan was written.
"""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sumu_dav.archive.lookup import Seen, album_parts, copy_place, photo_place
from sumu_dav.archive.notices import Notice
from sumu_dav.archive.stores import Other, Others, Trash, TrashEntry
from sumu_dav.archive.versions import Versions
from sumu_dav.catalog import PHOTO_CODEC, Catalog
from sumu_dav.errors import NoSpace, WritesSuspended
from sumu_dav.library import Place, Side, Tree
from sumu_dav.model import Photo

_log = logging.getLogger("sumu_dav.archive")


@dataclass(frozen=True, slots=True)
class FileStep:
    """One change of the trees: `verb` is folder, keep, rename, unlink, rmdir or date.

    `mtime_ns` is what `date` sets: nanoseconds since the epoch.
    """

    verb: str
    place: Place
    to: Place | None = None
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class RecordStep:
    """One change of the state: the catalogue, the properties of other resources, the list of the trash."""

    put: tuple[Photo, ...] = ()
    drop: tuple[int, ...] = ()
    others_put: tuple[Other, ...] = ()
    others_drop: tuple[int, ...] = ()
    trash_put: tuple[TrashEntry, ...] = ()
    trash_drop: tuple[int, ...] = ()


Step = FileStep | RecordStep


@dataclass(slots=True)
class Plan:
    """The steps of one change, in order."""

    steps: list[Step] = field(default_factory=list)

    def folder(self, place: Place) -> None:
        """Make a folder, and those above it."""
        self.steps.append(FileStep("folder", place))

    def keep(self, place: Place, to: Place) -> None:
        """Give the file a second name, so that what replaces it destroys nothing."""
        self.steps.append(FileStep("keep", place, to))

    def rename(self, place: Place, to: Place) -> None:
        """Move a file or folder, over what is there."""
        self.steps.append(FileStep("rename", place, to))

    def unlink(self, place: Place) -> None:
        """Remove a file."""
        self.steps.append(FileStep("unlink", place))

    def rmdir(self, place: Place) -> None:
        """Remove an empty folder; one that got members meanwhile stays."""
        self.steps.append(FileStep("rmdir", place))

    def date(self, place: Place, mtime_ns: int) -> None:
        """Set the modification time of a file."""
        self.steps.append(FileStep("date", place, mtime_ns=mtime_ns))

    def records(self, **changes: Iterable[Any]) -> None:
        """Change the state: the keywords are the fields of `RecordStep`."""
        step = RecordStep(**{name: tuple(values) for name, values in changes.items()})
        if step != RecordStep():
            self.steps.append(step)

    def renamed_from(self) -> Iterator[Place]:
        """The places that the plan takes files from."""
        for step in self.steps:
            if isinstance(step, FileStep) and step.verb == "rename":
                yield step.place


class Performer:
    """Carries plans out, durably: the only one that changes trees and records together."""

    def __init__(self, tree: Tree, catalog: Catalog, seen: Seen, others: Others, trash: Trash, intents: str) -> None:
        self.tree = tree
        self.catalog = catalog
        self.seen = seen
        self.others = others
        self.trash = trash
        self.versions = Versions()
        self._intents = intents
        os.makedirs(intents, mode=0o700, exist_ok=True)

    def perform(self, plan: Plan) -> None:
        """Do all of the plan. Raises the domain errors of the trees and the state; a plan that was begun is finished
        by the next start."""
        notice = Notice(self.catalog)
        self._note_files(plan, notice)
        self._note_photos(plan, notice)
        try:
            self._perform(plan, notice)
        finally:
            # Told of what failed, too: someone may have looked in the middle.
            for step in plan.steps:
                if isinstance(step, RecordStep):
                    for photo in step.put:
                        notice.photo(photo)
            notice.tell(self.versions)

    def _perform(self, plan: Plan, notice: Notice) -> None:
        if len(plan.steps) <= 1:
            self._run(plan, notice)
            return
        intent = self._write(plan)
        try:
            self._run(plan, notice)
        except NoSpace:
            self._undo(plan)
            self._forget(intent)
            raise
        self._forget(intent)

    def recover(self) -> int:
        """Finish the plans that a crash left, oldest first. Returns how many there were."""
        waiting = sorted(name for name in os.listdir(self._intents) if name.endswith(".json"))
        for name in waiting:
            with open(os.path.join(self._intents, name), encoding="utf-8") as file:
                plan = plan_from_json(json.load(file))
            _log.warning("finishing a change that was cut short: %s", name)
            self._run(plan, Notice(self.catalog))
            self._forget(name)
        for name in os.listdir(self._intents):
            os.unlink(os.path.join(self._intents, name))
        return len(waiting)

    def parked(self) -> set[Place]:
        """The parked files that waiting plans still need."""
        needed: set[Place] = set()
        for name in os.listdir(self._intents):
            if name.endswith(".json"):
                with open(os.path.join(self._intents, name), encoding="utf-8") as file:
                    plan = plan_from_json(json.load(file))
                needed.update(place for place in plan.renamed_from() if place.side is Side.PARKED)
        return needed

    def _write(self, plan: Plan) -> str:
        name = f"{uuid.uuid1().time:020d}-{uuid.uuid4().hex[:8]}.json"
        path = os.path.join(self._intents, name)
        temporary = path + ".new"
        try:
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(plan_to_json(plan), file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            os.rename(temporary, path)
            self._sync_intents()
        except OSError as error:
            for left in (temporary, path):
                if os.path.exists(left):
                    os.unlink(left)
            raise NoSpace("state") from error
        return name

    def _forget(self, name: str) -> None:
        # Synced: an intent that came back after a later change would undo it.
        os.unlink(os.path.join(self._intents, name))
        self._sync_intents()

    def _sync_intents(self) -> None:
        folder = os.open(self._intents, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        except OSError as error:
            raise WritesSuspended(f"the folder of intents could not be synced: {error}") from error
        finally:
            os.close(folder)

    def _run(self, plan: Plan, notice: Notice) -> None:
        for step in plan.steps:
            if isinstance(step, FileStep):
                self._run_file_step(step, notice)
            else:
                self._run_record_step(step)
        for step in plan.steps:
            if isinstance(step, RecordStep):
                for photo in step.put:
                    self.remember(photo)

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

    def remember(self, photo: Photo) -> None:
        """Note the stats of a photo's file and copy: from now on, what differs from them was changed by others."""
        places: tuple[tuple[Place | None, Callable[[int, Any], None], Callable[[int], None]], ...] = (
            (photo_place(photo), self.seen.originals.put, self.seen.originals.forget),
            (copy_place(photo), self.seen.copies.put, self.seen.copies.forget),
        )
        for place, put, forget in places:
            stat = self.tree.stat(place) if place is not None else None
            if stat is not None and stat.size == photo.size:
                put(photo.doc_id, stat)
            else:
                forget(photo.doc_id)

    def _run_file_step(self, step: FileStep, notice: Notice) -> None:
        tree, place, to = self.tree, step.place, step.to
        if step.verb == "folder":
            tree.make_folders(place)
        elif step.verb == "keep" and to is not None:
            if tree.stat(to) is None and tree.stat(place) is not None:
                tree.keep(place, to)
        elif step.verb == "rename" and to is not None:
            if (tree.stat(place) is not None or tree.is_folder(place)) and not tree.rename(place, to, replace=True):
                notice.folder(place)
                notice.folder(to)
        elif step.verb == "unlink":
            tree.remove(place)
        elif step.verb == "rmdir":
            if tree.is_folder(place) and not tree.scan(place):
                tree.remove_folder(place)
        elif step.verb == "date" and step.mtime_ns is not None and tree.stat(place) is not None:
            tree.set_times(place, step.mtime_ns)

    def _undo(self, plan: Plan) -> None:
        """Take back the file steps before the first record step, which a full disk refused."""
        before: list[FileStep] = []
        for step in plan.steps:
            if isinstance(step, RecordStep):
                break
            before.append(step)
        tree = self.tree
        for step in reversed(before):
            place, to = step.place, step.to
            if step.verb == "rename" and to is not None:
                if tree.stat(place) is None and not tree.is_folder(place) and (tree.stat(to) or tree.is_folder(to)):
                    tree.rename(to, place, replace=False)
            elif step.verb == "keep" and to is not None and tree.stat(to) is not None:
                if tree.stat(place) is None:
                    tree.rename(to, place, replace=False)
                else:
                    tree.remove(to)
            elif step.verb == "folder" and tree.is_folder(place) and not tree.scan(place):
                tree.remove_folder(place)

    def _run_record_step(self, step: RecordStep) -> None:
        if step.trash_put or step.trash_drop:
            self.trash.change(step.trash_put, step.trash_drop)
        if step.others_put or step.others_drop:
            self.others.change(step.others_put, step.others_drop)
        if step.put or step.drop:
            for doc_id in step.drop:
                self.seen.originals.forget(doc_id)
                self.seen.copies.forget(doc_id)
            self.catalog.change(put=step.put, drop=step.drop)


def plan_to_json(plan: Plan) -> list[dict[str, Any]]:
    """A plan as it is written down."""
    steps: list[dict[str, Any]] = []
    for step in plan.steps:
        if isinstance(step, FileStep):
            steps.append(
                {
                    "do": step.verb,
                    "place": step.place.to_text(),
                    "to": step.to.to_text() if step.to else None,
                    "mtime_ns": step.mtime_ns,
                }
            )
        else:
            steps.append(
                {
                    "do": "records",
                    "put": [[photo.doc_id, PHOTO_CODEC.encode(photo)] for photo in step.put],
                    "drop": list(step.drop),
                    "others_put": [[other.doc_id, other.to_json()] for other in step.others_put],
                    "others_drop": list(step.others_drop),
                    "trash_put": [[entry.doc_id, entry.to_json()] for entry in step.trash_put],
                    "trash_drop": list(step.trash_drop),
                }
            )
    return steps


def plan_from_json(steps: list[dict[str, Any]]) -> Plan:
    """The plan that `plan_to_json` wrote down."""
    plan = Plan()
    for step in steps:
        if step["do"] == "records":
            plan.steps.append(
                RecordStep(
                    put=tuple(PHOTO_CODEC.decode(doc_id, fields) for doc_id, fields in step["put"]),
                    drop=tuple(step["drop"]),
                    others_put=tuple(Other.from_json(doc_id, fields) for doc_id, fields in step["others_put"]),
                    others_drop=tuple(step["others_drop"]),
                    trash_put=tuple(TrashEntry.from_json(doc_id, fields) for doc_id, fields in step["trash_put"]),
                    trash_drop=tuple(step["trash_drop"]),
                )
            )
        else:
            to = step["to"]
            plan.steps.append(
                FileStep(
                    step["do"],
                    Place.from_text(step["place"]),
                    Place.from_text(to) if to is not None else None,
                    step.get("mtime_ns"),
                )
            )
    return plan
