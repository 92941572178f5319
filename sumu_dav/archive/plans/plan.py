"""A change of several steps, as a value that can be written down before it is begun.

A plan is a redo log: each step may be done again without harm, and the steps are done in order. Files come before
the records that speak of them; on deletion the records go first. What a step brings into place was made durable
(parked) before the plan was written. How it is carried out is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sumu_dav.archive.stores import Other, TrashEntry
from sumu_dav.catalog import PHOTO_CODEC
from sumu_dav.library import Place, Side
from sumu_dav.model import Photo

VERBS = frozenset(("aside", "folder", "keep", "rename", "unlink", "rmdir", "date"))
"""What a step may do to the trees: the methods of `Plan` of these names tell what each does."""

_UPROOTING = frozenset(("aside", "keep", "rename", "unlink"))


@dataclass(frozen=True, slots=True)
class FileStep:
    """One change of the trees: `verb` is one of VERBS.

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

    @property
    def stores(self) -> int:
        """How many files of the state it changes."""
        changes = (self.put or self.drop, self.others_put or self.others_drop, self.trash_put or self.trash_drop)
        return sum(map(bool, changes))


Step = FileStep | RecordStep


@dataclass(slots=True)
class Plan:
    """The steps of one change, in order."""

    steps: list[Step] = field(default_factory=list)

    def aside(self, place: Place, to: Place) -> None:
        """Move a file or folder out of the way, unless something lies at `to`: then it is done, and what lies at
        `place` is what came after it. `to` is for the plan alone, which is forgotten before `to` is."""
        self.steps.append(FileStep("aside", place, to))

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

    def follow(self, place: Place, aside: Place) -> None:
        """Let the steps that take away what lies at or below a place do so where it lies once it has moved aside.

        What is empty then goes with the plan, and what was in the way itself stays there as long as the plan does.
        """
        self.steps = [step for old in self.steps if (step := _followed(old, place, aside)) is not None]

    @property
    def put(self) -> Iterator[Photo]:
        """The records that the plan writes."""
        for step in self.steps:
            if isinstance(step, RecordStep):
                yield from step.put

    @property
    def uprooted(self) -> set[str]:
        """The users whose files leave their places by it."""
        files = (step for step in self.steps if isinstance(step, FileStep) and step.verb in _UPROOTING)
        return {step.place.user for step in files if step.place.side is not Side.PARKED}

    @property
    def asides(self) -> Iterator[Place]:
        """Where what was in the way lies."""
        for step in self.steps:
            if isinstance(step, FileStep) and step.verb == "aside" and step.to is not None:
                yield step.to

    @property
    def is_one_write(self) -> bool:
        """Whether it is whole or not begun by itself: one change of the trees, or of one file of the state."""
        if len(self.steps) > 1:
            return False
        return all(isinstance(step, FileStep) or step.stores <= 1 for step in self.steps)


def _followed(step: Step, place: Place, aside: Place) -> Step | None:
    if not isinstance(step, FileStep) or (step.place.side, step.place.user) != (place.side, place.user):
        return step
    depth = len(place.parts)
    if step.place.parts[:depth] != place.parts:
        return step
    if step.place == place:
        return FileStep("keep", aside, step.to) if step.verb == "rename" else None
    moved = Place(aside.side, aside.user, (*aside.parts, *step.place.parts[depth:]))
    return replace(step, place=moved) if step.verb != "rmdir" else None


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
    """The plan that `plan_to_json` wrote down. Raises ValueError, KeyError, TypeError or NameRefused for
    what it did not write.
    """
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
        elif step["do"] not in VERBS:
            raise ValueError(f"{step['do']!r} is no step that this version knows")
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
