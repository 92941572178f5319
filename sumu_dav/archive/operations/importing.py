"""`import sumu-backup`: what the predecessor's database knew of photos passes to their records. No photo is changed.

The rows come as the command read them; where the files lie is found here. A second run finds nothing to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sumu_dav.archive.archive import Archive
from sumu_dav.archive.changes.favorites import copy_afresh, favor
from sumu_dav.archive.content import sha256_of
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import photo_place
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.operations.scanning import IMPORTED, until_settled
from sumu_dav.archive.outside.survey import composed
from sumu_dav.archive.progress import Progress
from sumu_dav.errors import SumuError
from sumu_dav.library import Place, Side
from sumu_dav.model import FAVORITES, Photo

SOURCE = "sumu-backup"
"""What a record's `importedFrom` and `takenFrom` say."""

SAME_MOMENT = timedelta(seconds=1)
"""The predecessor kept whole seconds, and rounded either way."""


@dataclass(frozen=True, slots=True)
class OldPhoto:
    """A row of the predecessor: `created` is seconds since the epoch, `parts` the path below the user's folder."""

    id: str
    user: str
    parts: tuple[str, ...]
    created: float | None
    latitude: float | None
    longitude: float | None
    is_favorite: bool
    is_live_photo: bool

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> OldPhoto:
        """The row as it came over the control socket."""
        return OldPhoto(**{**fields, "parts": tuple(fields["parts"])})


def import_photos(archive: Archive, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Import `photos`: counts of what was imported, of what was there already, and what was not matched, with why."""
    return Import(archive).run([OldPhoto.from_json(fields) for fields in arguments["photos"]], progress)


class Import:
    """One run over all rows."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._catalog = archive.catalog
        self._accounts = {user.casefold(): user for user in archive.desk.users()}
        self._outcome: Counter[str] = Counter(imported=0, unchanged=0)
        self._unmatched: list[dict[str, str]] = []

    def run(self, photos: Sequence[OldPhoto], progress: Progress) -> dict[str, Any]:
        """Record the files first, then give each record what its row says."""
        self._record_files(photos, progress)
        for done, old in enumerate(photos, start=1):
            try:
                self._import(old)
            except SumuError as error:
                self._miss(old, str(error))
            progress("importing", done, len(photos))
        return {**self._outcome, "unmatched": self._unmatched}

    def _record_files(self, photos: Iterable[OldPhoto], progress: Progress) -> None:
        """Everything but the favourites, so that what lies among these is known as a copy by its name first."""
        paths: dict[str, set[tuple[str, ...]]] = {}
        for user in {self._accounts.get(old.user.casefold()) for old in photos} - {None}:
            assert user is not None
            entries = self._archive.tree.scan(Place(Side.VISIBLE, user))
            paths[user] = {(entry.name,) for entry in entries if entry.name != FAVORITES}
        reconciler = self._archive.reconciler()
        until_settled(reconciler, reconciler.paths(paths, progress), progress)

    def _import(self, old: OldPhoto) -> None:
        user = self._accounts.get(old.user.casefold())
        if user is None:
            self._miss(old, "there is no account of that name; add it and import again")
            return
        photo = self._find(user, old)
        if photo is None:
            self._miss(old, "there is no such photo")
            return
        holder = self._catalog.get(old.id)
        if holder is not None and holder.doc_id != photo.doc_id:
            self._miss(old, f"its id belongs to {holder.user}/{holder.album}/{holder.name} already")
            return
        copy_hash = self._hash_of_copy(photo) if old.is_favorite and not photo.is_favorite else None
        with self._archive.desk.turns.alone(user):
            now = self._catalog.by_doc(photo.doc_id)
            if now is None:
                self._miss(old, "it went away meanwhile")
                return
            changed = self._give(now, old, copy_hash)
        self._outcome["imported" if changed else "unchanged"] += 1

    def _find(self, user: str, old: OldPhoto) -> Photo | None:
        """By its id, else by its path, else by its name, which holds a UUID and was given to one photo only."""
        known = self._catalog.get(old.id)
        if known is not None and known.user == user:
            return known
        if old.parts[0] != FAVORITES:
            path = Path(user, tuple(composed(part) for part in old.parts))
            here = self._catalog.at(user, path.album, path.name)
            if here is not None:
                return here
        name = composed(old.parts[-1])
        named = [self._catalog.at(user, album, name) for album in self._catalog.albums(user)]
        there = [photo for photo in named if photo is not None]
        return there[0] if len(there) == 1 else None

    def _hash_of_copy(self, photo: Photo) -> str | None:
        return sha256_of(self._archive.tree, Place(Side.VISIBLE, photo.user, (FAVORITES, photo.name)))

    def _give(self, photo: Photo, old: OldPhoto, copy_hash: str | None) -> bool:
        fresh = self._described(photo, old)
        favors = old.is_favorite and not photo.is_favorite and IMPORTED not in dict(photo.extra)
        if fresh == photo and not favors:
            return False
        with Draft(self._archive.desk) as draft:
            draft.put(fresh)
            if favors:
                self._favor(draft, fresh, copy_hash)
        return True

    def _described(self, photo: Photo, old: OldPhoto) -> Photo:
        fresh = replace(
            photo, id=old.id, is_live_photo=photo.is_live_photo or old.is_live_photo, extra=_marked(photo.extra)
        )
        if old.latitude is not None and old.longitude is not None:
            fresh = replace(fresh, latitude=old.latitude, longitude=old.longitude)
        if old.created is not None and not self._is_taken_at(photo, old.created):
            taken = datetime.fromtimestamp(old.created, UTC).isoformat(timespec="seconds")
            fresh = replace(fresh, taken=taken, taken_from=SOURCE)
        return fresh

    def _is_taken_at(self, photo: Photo, created: float) -> bool:
        """Whether the record names that moment: the file's own words for it tell the wall clock as well."""
        if photo.taken is None:
            return False
        taken = datetime.fromisoformat(photo.taken)
        if taken.tzinfo is None:
            taken = taken.replace(tzinfo=self._archive.desk.records.zone)
        return abs(taken - datetime.fromtimestamp(created, UTC)) <= SAME_MOMENT

    def _favor(self, draft: Draft, photo: Photo, copy_hash: str | None) -> None:
        """The predecessor's copy has the photo's own name; where it is there it stays the copy."""
        tree, place = self._archive.tree, Place(Side.VISIBLE, photo.user, (FAVORITES, photo.name))
        stat = tree.stat(place)
        if stat is None or self._catalog.favorite(photo.user, photo.name) is not None:
            favor(draft, photo)
            return
        bound = draft.put(replace(photo, is_favorite=True, favorite_name=photo.name))
        original = tree.stat(photo_place(photo))
        if copy_hash != photo.sha256:
            path = Path(photo.user, place.parts)
            draft.discard_replaced(path, place, stat.size, "it was not the copy of its original")
            copy_afresh(draft, bound)
        elif original is not None and stat.mtime_ns != original.mtime_ns:
            tree.set_times(place, original.mtime_ns)  # Plex dates both by it

    def _miss(self, old: OldPhoto, why: str) -> None:
        self._unmatched.append({"id": old.id, "user": old.user, "path": "/".join(old.parts), "why": why})


def _marked(extra: tuple[tuple[str, object], ...]) -> tuple[tuple[str, object], ...]:
    return tuple({**dict(extra), IMPORTED: SOURCE}.items())
