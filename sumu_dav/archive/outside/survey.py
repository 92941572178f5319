"""Compares what lies in a user's visible tree with what the catalogue says of it, by stats alone.

Reads only, and holds no turn: what is found may be changing, and whoever acts on it looks again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field

from sumu_dav.archive.lookup import Lookup, album_parts, copy_place, photo_place
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.progress import Progress, nobody_looks
from sumu_dav.errors import NameRefused
from sumu_dav.library import Entry, Place, Side, any_junk, is_junk
from sumu_dav.model import FAVORITES, FileStat, Photo

COMPARING = "comparing"
"""The stage, told before each folder and each single path; how many are done counts files."""


@dataclass(frozen=True, slots=True)
class Found:
    """A media file that no record speaks of. `path` is in NFC; `place` is spelt as it lies there."""

    path: Path
    place: Place
    stat: FileStat


@dataclass(frozen=True, slots=True)
class Differing:
    """A photo whose file (or favourite's copy) is not the one that was seen when its record was made."""

    photo: Photo
    place: Place
    stat: FileStat


@dataclass(slots=True)
class Survey:
    """Where tree and catalogue differ in the part of a user's tree that was looked at."""

    user: str
    files: int = 0
    unrecorded: list[Found] = field(default_factory=list)
    changed: list[Differing] = field(default_factory=list)
    missing: list[Photo] = field(default_factory=list)
    unbound_copies: list[Found] = field(default_factory=list)
    changed_copies: list[Differing] = field(default_factory=list)
    missing_copies: list[Photo] = field(default_factory=list)


def composed(name: str) -> str:
    """The name in NFC, as the catalogue has it: other programs write names as they like (macOS decomposes)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


class Surveyor:
    """Looks at a user's whole visible tree, at a part of it, or at single paths."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._tree = lookup.tree
        self._catalog = lookup.catalog
        self._seen = lookup.seen

    def whole(self, user: str, progress: Progress = nobody_looks) -> Survey:
        """Everything of a user. Raises Interrupted."""
        survey = Survey(user)
        self._below(survey, (), progress)
        return survey

    def paths(self, user: str, paths: Collection[tuple[str, ...]], progress: Progress = nobody_looks) -> Survey:
        """Some files or folders (with all below them) of a user, there or not; each as it is spelt on disk.

        Raises Interrupted.
        """
        survey = Survey(user)
        gone: set[tuple[str, ...]] = set()
        for parts in sorted(paths):
            if any_junk(parts):
                continue
            progress(COMPARING, survey.files, None)
            place = Place(Side.VISIBLE, user, parts)
            stat = self._tree.stat(place)
            if stat is not None and parts[0] == FAVORITES:
                self._look_at_copy(survey, parts, stat)
            elif stat is not None:
                self._look_at_file(survey, parts, stat)
            elif parts[0] == FAVORITES:
                self._walk_favorites(survey, only=parts[1] if len(parts) == 2 else None)
            elif self._tree.is_folder(place):
                self._below(survey, parts, progress)
            else:
                gone.add(parts)
        self._miss(survey, gone)
        return survey

    def _miss(self, survey: Survey, gone: Collection[tuple[str, ...]]) -> None:
        """What the catalogue says of paths where nothing lies: photos, and whole albums."""
        missing: dict[int, Photo] = {}
        for parts in gone:
            photo = self._catalog.at(survey.user, Path(survey.user, parts).album, parts[-1])
            if photo is not None:
                missing[photo.doc_id] = photo
        for album in self._catalog.albums(survey.user) if gone else ():
            parts = album_parts(album)
            if any(parts[:depth] in gone for depth in range(1, len(parts) + 1)):
                missing.update((photo.doc_id, photo) for photo in self._catalog.album(survey.user, album).values())
        survey.missing.extend(missing.values())

    def _look_at_file(self, survey: Survey, parts: tuple[str, ...], stat: FileStat) -> None:
        survey.files += 1
        path = Path(survey.user, tuple(composed(part) for part in parts))
        photo = self._catalog.at(survey.user, path.album, path.name) if path.parts == parts else None
        self._compare(survey, parts, stat, photo)

    def _look_at_copy(self, survey: Survey, parts: tuple[str, ...], stat: FileStat) -> None:
        survey.files += 1
        if len(parts) == 2:
            self._compare_copy(survey, parts, stat, self._catalog.favorite(survey.user, parts[1]))

    def _below(self, survey: Survey, parts: tuple[str, ...], progress: Progress) -> None:
        """A folder and all below it; without parts everything, the favourites too."""
        walked: set[str] = set()
        self._walk(survey, parts, walked, progress)
        for album in self._catalog.albums(survey.user) - walked:
            if album_parts(album)[: len(parts)] == parts:
                survey.missing.extend(self._catalog.album(survey.user, album).values())
        if not parts:
            self._walk_favorites(survey)

    def _walk(self, survey: Survey, parts: tuple[str, ...], walked: set[str], progress: Progress) -> None:
        progress(COMPARING, survey.files, None)
        try:
            entries = self._tree.scan(Place(Side.VISIBLE, survey.user, parts))
        except NameRefused:  # deeper than any album can be
            return
        album = "/".join(parts)
        known = album.isascii() or unicodedata.is_normalized("NFC", album)
        photos = dict(self._catalog.album(survey.user, album).items()) if known else {}
        if known:
            walked.add(album)
        for entry in entries:
            if not entry.is_folder:
                survey.files += 1
                self._compare(survey, (*parts, entry.name), entry.stat, photos.pop(entry.name, None))
            elif not is_junk(entry.name) and not (not parts and entry.name == FAVORITES):
                self._walk(survey, (*parts, entry.name), walked, progress)
        survey.missing.extend(photos.values())

    def _compare(self, survey: Survey, parts: tuple[str, ...], stat: FileStat, photo: Photo | None) -> None:
        if photo is None:
            if self._is_worth_a_record(parts[-1], stat):
                survey.unrecorded.append(self._found(survey.user, parts, stat))
        elif self._seen.originals.get(photo.doc_id) != stat and stat.size:
            survey.changed.append(Differing(photo, photo_place(photo), stat))

    def _walk_favorites(self, survey: Survey, only: str | None = None) -> None:
        entries: list[Entry] = []
        if only is None:
            entries = self._tree.scan(Place(Side.VISIBLE, survey.user, (FAVORITES,)))
        copies = {
            name: photo for name, photo in self._catalog.favorites(survey.user).items() if only is None or name == only
        }
        for entry in entries:
            if not entry.is_folder:
                survey.files += 1
                self._compare_copy(survey, (FAVORITES, entry.name), entry.stat, copies.pop(entry.name, None))
        survey.missing_copies.extend(copies.values())

    def _compare_copy(self, survey: Survey, parts: tuple[str, ...], stat: FileStat, photo: Photo | None) -> None:
        if photo is None:
            if self._is_worth_a_record(parts[-1], stat):
                survey.unbound_copies.append(self._found(survey.user, parts, stat))
            return
        place = copy_place(photo)
        if place is not None and self._seen.copies.get(photo.doc_id) != stat and stat.size:
            survey.changed_copies.append(Differing(photo, place, stat))

    def _is_worth_a_record(self, name: str, stat: FileStat) -> bool:
        return stat.size > 0 and self._lookup.is_media(name) and not is_junk(name)

    def _found(self, user: str, parts: tuple[str, ...], stat: FileStat) -> Found:
        return Found(Path(user, tuple(composed(part) for part in parts)), Place(Side.VISIBLE, user, parts), stat)
