"""What a draft makes of the state: photos' records, what is kept of other paths, the list of the trash.

Knows nothing of where bytes lie, nor in which order a plan does its steps.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from sumu_dav.archive.desk import Desk
from sumu_dav.archive.lookup import bindings_of, photo_path
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.plans.plan import Plan
from sumu_dav.archive.stores import Other, TrashEntry
from sumu_dav.model import FAVORITES, Photo


class DraftedRecords:
    """The half of a `Draft` that will be one step of its plan."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.lookup = desk.lookup
        self._put: dict[int, Photo] = {}
        self._drop: dict[int, Photo] = {}
        self._others_put: dict[int, Other] = {}
        self._others_drop: set[int] = set()
        self._trash_put: list[TrashEntry] = []
        self._trash_drop: list[int] = []

    def records_into(self, plan: Plan) -> None:
        """Add the step that writes all of this."""
        plan.records(
            put=self._put.values(),
            drop=self._drop,
            others_put=self._others_put.values(),
            others_drop=sorted(self._others_drop),
            trash_put=self._trash_put,
            trash_drop=self._trash_drop,
        )

    # Photos

    def current(self, photo: Photo) -> Photo:
        """The photo's record as the draft has it so far."""
        return self._put.get(photo.doc_id, photo)

    def photo_at(self, path: Path) -> Photo | None:
        """The photo that will be found at the path, where the draft writes its record."""
        name = (path.parts[:-1], path.name)
        return next((each for each in self._put.values() if each.user == path.user and name in bindings_of(each)), None)

    def put(self, photo: Photo) -> Photo:
        """Write a record, new or changed."""
        self._put[photo.doc_id] = photo
        return photo

    def drop(self, photo: Photo) -> None:
        """Take a record out of the catalogue."""
        self._put.pop(photo.doc_id, None)
        self._drop[photo.doc_id] = photo

    @property
    def dropped(self) -> Collection[int]:
        """The keys of the records that the draft takes out of the catalogue."""
        return self._drop.keys()

    def drop_loose_name(self, photo: Photo, name: str) -> Photo:
        """Take one of a photo's loose names away."""
        current = self.current(photo)
        return self.put(replace(current, loose_names=tuple(each for each in current.loose_names if each != name)))

    # Other paths

    def put_other(self, other: Other) -> None:
        """Write what is kept of a path that is no photo's."""
        self._others_drop.discard(other.doc_id)
        self._others_put[other.doc_id] = other

    def other(self, path: Path) -> Other | None:
        """What is kept of a path that is no photo's, as it was before the draft."""
        return self.desk.performer.others.get(path.user, path.parts)

    def drop_other(self, path: Path) -> Other | None:
        """Take away what is kept of a path, and return it."""
        other = self.other(path)
        if other is not None:
            self._others_put.pop(other.doc_id, None)
            self._others_drop.add(other.doc_id)
        return other

    def set_other(
        self,
        path: Path,
        properties: Mapping[str, str],
        photo: Photo | None = None,
        client_dated: bool = False,
    ) -> None:
        """Keep for a path that is no photo's what `Other` holds."""
        known = self.other(path)
        if properties or photo is not None or client_dated:
            doc_id = known.doc_id if known else self.desk.performer.others.new_id()
            self.put_other(Other(doc_id, path.user, "/".join(path.parts), dict(properties), photo, client_dated))
        elif known is not None:
            self.drop_other(path)

    def note_client_dated(self, path: Path) -> None:
        """Keep that the modification time of what the draft brings to a hidden path is one that a client sent."""
        at_path = (path.user, "/".join(path.parts))
        kept = next((other for other in self._others_put.values() if (other.user, other.path) == at_path), None)
        if kept is not None:
            self.put_other(replace(kept, client_dated=True))
        else:
            self.set_other(path, {}, client_dated=True)

    # The trash

    def note_cleared(self, user: str, photos: Iterable[Photo]) -> None:
        """One entry in the trash for favourites that were cleared together."""
        entry = replace(
            self._blank_entry(Path(user, (FAVORITES,)), 0, "favorites cleared"),
            has_bytes=False,
            cleared=tuple((photo.id, photo.favorite_name or photo.name) for photo in photos),
        )
        self._trash_put.append(entry)

    def set_aside(self, photo: Photo, why: str) -> None:
        """Take a record out whose file vanished, and keep it for when the file comes back."""
        entry = self._blank_entry(photo_path(photo), photo.size, why)
        self._trash_put.append(replace(entry, has_bytes=False, photo=photo))
        self.drop(photo)

    def forget_trash(self, entry: TrashEntry) -> None:
        """Take an entry out of the list of the trash (its bytes are moved by `bring`, or were never there)."""
        self._trash_drop.append(entry.doc_id)

    def note_discarded(self, path: Path, size: int, why: str, photo: Photo | None) -> TrashEntry:
        """Make the entry of a file that goes into the trash, with its record and properties."""
        other = self.desk.performer.others.get(path.user, path.parts)
        properties = dict(other.properties) if other else {}
        entry = replace(self._blank_entry(path, size, why), photo=photo, properties=properties)
        self._trash_put.append(entry)
        return entry

    def put_trash(self, entry: TrashEntry) -> None:
        """Write an entry of the trash, changed."""
        self._trash_put.append(entry)

    def _blank_entry(self, path: Path, size: int, why: str) -> TrashEntry:
        return TrashEntry(
            doc_id=self.desk.performer.trash.new_id(),
            id=uuid.uuid4().hex,
            user=path.user,
            album=path.album,
            name=path.name,
            size=size,
            when=self.desk.records.now().isoformat(),
            why=why,
        )
