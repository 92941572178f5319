"""Under which names a change shows: a photo is listed in its album, by its loose names, and as a favourite's copy.

Gathers names; what is done with them is up to whoever listens to `Versions`.
"""

from __future__ import annotations

from collections import defaultdict

from sumu_dav.archive.lookup import bindings_of
from sumu_dav.archive.versions import Versions
from sumu_dav.catalog import Catalog
from sumu_dav.library import Place, Side
from sumu_dav.model import Photo


class Notice:
    """The names that one change concerns, gathered while it is made and told when it is visible."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._names: defaultdict[tuple[str, tuple[str, ...]], set[str]] = defaultdict(set)
        self._hidden: set[tuple[str, tuple[str, ...]]] = set()
        self._swept: set[tuple[str, tuple[str, ...]]] = set()

    def path(self, user: str, parts: tuple[str, ...], *, hidden: bool = True) -> None:
        """What lies at this path, perhaps in the hidden tree, came, went or changed."""
        self._names[user, parts[:-1]].update(parts[-1:])
        if hidden:
            self._hidden.add((user, parts[:-1]))

    def place(self, place: Place) -> None:
        """The same, said of a place on disk; what WebDAV can't see is passed over."""
        if place.side in (Side.VISIBLE, Side.HIDDEN):
            self.path(place.user, place.parts, hidden=place.side is Side.HIDDEN)

    def photo(self, photo: Photo) -> None:
        """A photo under all its names, and the other half of a live photo, which tells of this one."""
        self._photo(photo)
        if photo.live_photo_id is not None:
            for half in self._catalog.live(photo.user, photo.live_photo_id):
                self._photo(half)

    def _photo(self, photo: Photo) -> None:
        for parts, name in bindings_of(photo):
            self._names[photo.user, parts].add(name)

    def folder(self, place: Place) -> None:
        """A whole folder came from, or went to, another place."""
        if place.side in (Side.VISIBLE, Side.HIDDEN):
            self.path(place.user, place.parts)
            self._swept.add((place.user, place.parts))

    def tell(self, versions: Versions) -> None:
        """Tell all that was gathered."""
        for user, parts in self._swept:
            versions.sweep(user, parts)
        for (user, parts), names in self._names.items():
            versions.bump(user, parts, names, hidden=(user, parts) in self._hidden)
