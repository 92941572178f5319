"""The ways to find a photo, in memory: by id, path, album, hash, live photo, loose and favorite name.

Every look-up is a step or two into a dictionary, and a change costs what it changes.  Knows nothing of how records
are kept: a catalogue tells it of changes, and gives a record by its document id.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from contextlib import AbstractContextManager

from sumu_dav.model import Photo

_Ids = int | tuple[int, ...] | dict[int, None]
"""Nearly every hash belongs to one photo, and is then kept as a bare integer: a set would cost 200 bytes."""

_FEW = 8
"""Ids that a tuple holds, which is copied for each change; from here on a dictionary keeps them in their order."""


def stem_of(name: str) -> str:
    """The base name without its extension, in no particular case: what both halves of a live photo share."""
    head, _dot, _extension = name.rpartition(".")
    return (head or name).casefold()


class Names(Mapping[str, Photo]):
    """Photos by name, live: a look-up tells what is so now, and an iteration walks what was so when it began."""

    __slots__ = ("_lock", "_photos")

    def __init__(self, lock: AbstractContextManager[object], photos: dict[str, Photo]) -> None:
        self._lock = lock
        self._photos = photos

    def __getitem__(self, name: str) -> Photo:
        with self._lock:
            return self._photos[name]

    def __contains__(self, name: object) -> bool:
        with self._lock:
            return name in self._photos

    def __len__(self) -> int:
        return len(self._photos)

    def __iter__(self) -> Iterator[str]:
        return iter(self._snapshot())

    def items(self) -> ItemsView[str, Photo]:
        """Names and photos as they are now."""
        return self._snapshot().items()

    def values(self) -> ValuesView[Photo]:
        """Photos as they are now."""
        return self._snapshot().values()

    def _snapshot(self) -> dict[str, Photo]:
        with self._lock:
            return self._photos.copy()


class _Many:
    """Document ids by a key that several photos may share."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[str, _Ids] = {}

    def __bool__(self) -> bool:
        return bool(self._ids)

    def add(self, key: str, doc_id: int) -> None:
        ids = self._ids.get(key)
        if ids is None:
            self._ids[key] = doc_id
        elif isinstance(ids, dict):
            ids[doc_id] = None
        else:
            both = (*self.of(key), doc_id)
            self._ids[key] = both if len(both) < _FEW else dict.fromkeys(both)

    def remove(self, key: str, doc_id: int) -> None:
        ids = self._ids.get(key)
        if isinstance(ids, dict) and len(ids) > _FEW:
            ids.pop(doc_id, None)
            return
        left = tuple(other for other in self.of(key) if other != doc_id)
        if left:
            self._ids[key] = left[0] if len(left) == 1 else left
        else:
            self._ids.pop(key, None)

    def of(self, key: str, /) -> tuple[int, ...]:
        ids = self._ids.get(key, ())
        return (ids,) if isinstance(ids, int) else tuple(ids)


class _Album:
    """The photos of one folder, by name and, from the first time that someone asks, by stem."""

    __slots__ = ("_by_stem", "by_name")

    def __init__(self) -> None:
        self.by_name: dict[str, Photo] = {}
        self._by_stem: _Many | None = None

    def add(self, photo: Photo) -> None:
        self.by_name[photo.name] = photo
        if self._by_stem is not None:
            self._by_stem.add(stem_of(photo.name), photo.doc_id)

    def remove(self, photo: Photo) -> None:
        _remove_name(self.by_name, photo.name, photo.doc_id)
        if self._by_stem is not None:
            self._by_stem.remove(stem_of(photo.name), photo.doc_id)

    def of_stem(self, stem: str) -> tuple[int, ...]:
        if self._by_stem is None:
            self._by_stem = _Many()
            for photo in self.by_name.values():
                self._by_stem.add(stem_of(photo.name), photo.doc_id)
        return self._by_stem.of(stem.casefold())


class _User:
    """Everything that can be found of one user."""

    __slots__ = ("albums", "favorites", "hashes", "live", "loose")

    def __init__(self) -> None:
        self.albums: dict[str, _Album] = {}
        self.hashes = _Many()
        self.live = _Many()
        self.loose: dict[str, Photo] = {}
        self.favorites: dict[str, Photo] = {}


Listener = Callable[[Photo | None, Photo | None], None]
"""Told what a record was and what it is now; None where it was not, or is no more."""


class Index(ABC):
    """The verbs that find photos. Thread-safe; a change of several records is seen whole or not at all.

    Where two records claim one name (a file that was edited by hand), the later of them is found.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ids: dict[str, int] = {}
        self._users: dict[str, _User] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every record that changes from now on. It must be quick: readers wait for it."""
        self._listeners.append(listener)

    @abstractmethod
    def by_doc(self, doc_id: int, /) -> Photo | None:
        """The photo of this document id."""

    def _apply(self, changes: Sequence[tuple[int, Photo | None, Photo | None]]) -> None:
        """Take in what became of records: document id, before, after."""
        with self._lock:
            # all that goes before all that comes: names may change places in one change
            for _doc_id, before, _after in changes:
                if before is not None:
                    self._remove(before)
            for _doc_id, _before, after in changes:
                if after is not None:
                    self._add(after)
            for listener in self._listeners:
                for _doc_id, before, after in changes:
                    listener(before, after)

    def get(self, photo_id: str, /) -> Photo | None:
        """The photo of this UUID."""
        with self._lock:
            doc_id = self._ids.get(photo_id)
            return None if doc_id is None else self.by_doc(doc_id)

    def at(self, user: str, album: str, name: str, /) -> Photo | None:
        """The photo at this path."""
        with self._lock:
            folder = self._album(user, album)
            return None if folder is None else folder.by_name.get(name)

    def album(self, user: str, album: str, /) -> Mapping[str, Photo]:
        """The photos of one folder, without those of folders in it."""
        with self._lock:
            folder = self._album(user, album)
            return Names(self._lock, {} if folder is None else folder.by_name)

    def below(self, user: str, album: str, /) -> list[Photo]:
        """The photos of a folder and of all folders in it."""
        inside = album + "/" if album else ""
        with self._lock:
            folders = self._user(user).albums.items()
            inner = [folder for name, folder in folders if name == album or name.startswith(inside)]
            return [photo for folder in inner for photo in folder.by_name.values()]

    def of(self, user: str, /) -> list[Photo]:
        """Everything that the user has."""
        return self.below(user, "")

    def albums(self, user: str, /) -> set[str]:
        """The folders that hold photos themselves."""
        with self._lock:
            return set(self._user(user).albums)

    def users(self) -> set[str]:
        """The users who have photos."""
        with self._lock:
            return set(self._users)

    def with_hash(self, user: str, sha256: str, /) -> list[Photo]:
        """The user's photos of these bytes."""
        with self._lock:
            return self._photos(self._user(user).hashes.of(sha256))

    def live(self, user: str, live_photo_id: str, /) -> list[Photo]:
        """The halves of a live photo that have come."""
        with self._lock:
            return self._photos(self._user(user).live.of(live_photo_id))

    def stem(self, user: str, album: str, stem: str, /) -> list[Photo]:
        """The photos of a folder whose base name without extension is this, in any case."""
        with self._lock:
            folder = self._album(user, album)
            return [] if folder is None else self._photos(folder.of_stem(stem))

    def loose(self, user: str, name: str, /) -> Photo | None:
        """The photo that this loose name stands for."""
        with self._lock:
            return self._user(user).loose.get(name)

    def loose_names(self, user: str, /) -> Mapping[str, Photo]:
        """The user's loose names."""
        with self._lock:
            return Names(self._lock, self._user(user).loose)

    def favorite(self, user: str, favorite_name: str, /) -> Photo | None:
        """The original of this copy in the favorites."""
        with self._lock:
            return self._user(user).favorites.get(favorite_name)

    def favorites(self, user: str, /) -> Mapping[str, Photo]:
        """The user's favorites by the names of their copies."""
        with self._lock:
            return Names(self._lock, self._user(user).favorites)

    def _user(self, user: str) -> _User:
        return self._users.get(user) or _User()

    def _album(self, user: str, album: str) -> _Album | None:
        found = self._users.get(user)
        return None if found is None else found.albums.get(album)

    def _photos(self, doc_ids: Iterable[int]) -> list[Photo]:
        found = (self.by_doc(doc_id) for doc_id in doc_ids)
        return [photo for photo in found if photo is not None]

    def _add(self, photo: Photo) -> None:
        doc_id = photo.doc_id
        self._ids[photo.id] = doc_id
        user = self._users.get(photo.user)
        if user is None:
            user = self._users[photo.user] = _User()
        folder = user.albums.get(photo.album)
        if folder is None:
            folder = user.albums[photo.album] = _Album()
        folder.add(photo)
        user.hashes.add(photo.sha256, doc_id)
        if photo.live_photo_id is not None:
            user.live.add(photo.live_photo_id, doc_id)
        for name in photo.loose_names:
            user.loose[name] = photo
        if photo.is_favorite and photo.favorite_name is not None:
            user.favorites[photo.favorite_name] = photo

    def _remove(self, photo: Photo) -> None:
        doc_id = photo.doc_id
        if self._ids.get(photo.id) == doc_id:
            del self._ids[photo.id]
        user = self._user(photo.user)
        folder = user.albums.get(photo.album)
        if folder is not None:  # it may be gone where two records claimed the same path
            folder.remove(photo)
            if not folder.by_name:
                del user.albums[photo.album]
        user.hashes.remove(photo.sha256, doc_id)
        if photo.live_photo_id is not None:
            user.live.remove(photo.live_photo_id, doc_id)
        for name in photo.loose_names:
            _remove_name(user.loose, name, doc_id)
        if photo.is_favorite and photo.favorite_name is not None:
            _remove_name(user.favorites, photo.favorite_name, doc_id)
        if not user.albums:
            self._users.pop(photo.user, None)


def _remove_name(photos: dict[str, Photo], name: str, doc_id: int) -> None:
    held = photos.get(name)
    if held is not None and held.doc_id == doc_id:
        del photos[name]
