"""What files looked like when their bytes were known: the stats beside the catalogue, kept true over a plan.

A stat may be noted only where the bytes behind it are known to be the recorded ones. A file that another program
changed keeps its old note, or none, whatever is done to its record or its name, so that its ETag does not lie.
"""

from __future__ import annotations

from sumu_dav.archive.content import sha256_of
from sumu_dav.archive.lookup import Seen, copy_place, photo_place
from sumu_dav.archive.plans.plan import FileStep, Plan, RecordStep
from sumu_dav.catalog import Catalog, SeenFile
from sumu_dav.library import Place, Side, Tree
from sumu_dav.model import FileStat, Photo


class Sightings:
    """The notes on the photos of one plan. Made before the plan is carried out, when the old stats can be compared."""

    def __init__(self, tree: Tree, catalog: Catalog, seen: Seen, plan: Plan) -> None:
        self._tree = tree
        self._catalog = catalog
        self._seen = seen
        self._put = list(plan.put)
        self._dropped = [doc_id for step in plan.steps if isinstance(step, RecordStep) for doc_id in step.drop]
        self._origins = _origins(plan)
        before = map(catalog.by_doc, (*(photo.doc_id for photo in self._put), *self._dropped))
        self._before = [(photo, *self._as_noted(photo)) for photo in before if photo is not None]
        noted = {photo.doc_id: (photo, original, copy) for photo, original, copy in self._before}
        self._known = [
            self._will_be_known(photo, *noted.get(photo.doc_id, (None, False, False))) for photo in self._put
        ]

    def note(self) -> None:
        """The plan is done: note the stats of what is known."""
        for doc_id in self._dropped:
            self._seen.originals.forget(doc_id)
            self._seen.copies.forget(doc_id)
        for photo, (original, copy) in zip(self._put, self._known, strict=True):
            self._note(photo, original, copy)

    def note_unchanged(self) -> None:
        """The plan was taken back: renames have changed the ctimes of files that are the same as before."""
        for photo, original, copy in self._before:
            self._note(photo, original, copy)

    def note_hashed(self) -> None:
        """The plan is done, by a start after a crash: only the bytes themselves tell."""
        for photo in self._put:
            copy = copy_place(photo)
            self._note(photo, self._holds(photo_place(photo), photo), copy is not None and self._holds(copy, photo))

    def _as_noted(self, photo: Photo) -> tuple[bool, bool]:
        return (
            self._is_noted(self._seen.originals, photo, photo_place(photo)),
            self._is_noted(self._seen.copies, photo, copy_place(photo)),
        )

    def _is_noted(self, seen: SeenFile, photo: Photo, place: Place | None) -> bool:
        stat = self._stat(place)
        return stat is not None and seen.get(photo.doc_id) == stat

    def _will_be_known(self, photo: Photo, before: Photo | None, original: bool, copy: bool) -> tuple[bool, bool]:
        """Whether file and copy will hold the recorded bytes: what comes in was hashed for this very plan."""
        same_bytes = before is not None and before.sha256 == photo.sha256
        if before is None or not same_bytes or self._origin(photo_place(photo)) != photo_place(before):
            original = True
        place = copy_place(photo)
        if place is not None:
            origin = self._origin(place)
            if origin.side is not Side.VISIBLE:
                copy = original  # a clone of it
            elif before is None or origin != copy_place(before):
                copy = True
            else:
                copy = copy and same_bytes
        return original, copy

    def _origin(self, place: Place) -> Place:
        """Where the plan takes what will lie at a place, by renames of it or of a folder above it."""
        above = place
        rest: tuple[str, ...] = ()
        while above not in self._origins:
            if not above.parts:
                return place
            above, rest = Place(above.side, above.user, above.parts[:-1]), (above.parts[-1], *rest)
        origin = self._origins[above]
        return Place(origin.side, origin.user, (*origin.parts, *rest))

    def _note(self, photo: Photo, original: bool, copy: bool) -> None:
        for seen, known, place in (
            (self._seen.originals, original, photo_place(photo)),
            (self._seen.copies, copy, copy_place(photo)),
        ):
            stat = self._stat(place) if known else None
            if stat is not None and stat.size == photo.size:
                seen.put(photo.doc_id, stat)
            elif known or place is None:
                seen.forget(photo.doc_id)

    def _stat(self, place: Place | None) -> FileStat | None:
        return self._tree.stat(place) if place is not None else None

    def _holds(self, place: Place, photo: Photo) -> bool:
        return sha256_of(self._tree, place) == photo.sha256


def _origins(plan: Plan) -> dict[Place, Place]:
    origins: dict[Place, Place] = {}
    for step in plan.steps:
        if isinstance(step, FileStep) and step.verb == "rename" and step.to is not None:
            origins[step.to] = origins.pop(step.place, step.place)
    return origins
