"""The catalogue of photos: the verbs that the use cases speak, and the two that stand behind them here.

`Catalog` is the whole vocabulary; one contract suite (tests/catalog/test_contract.py) runs over every implementation.
Knows nothing of files in the tree or of WebDAV.  All names are Unicode NFC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Protocol

from tinydb import TinyDB

from sumu_dav.catalog.disk import Disk
from sumu_dav.catalog.index import Index, Listener
from sumu_dav.catalog.photos import PHOTO_CODEC, TABLE
from sumu_dav.catalog.records import RecordFile
from sumu_dav.catalog.tiny import live_database
from sumu_dav.model import Photo


class Promise(Protocol):
    """A change that readers see already."""

    def wait(self) -> None:
        """Return when it is durable. Raises `NoSpace`: undone, with all begun after it.  Raises `WritesSuspended`."""


class Catalog(Protocol):
    """Records of photos, found in every way that a request needs. Thread-safe; no reader waits for a disk."""

    @property
    def suspended(self) -> str | None:
        """Why nothing can be written any more; None while it can."""

    def listen(self, listener: Listener, /) -> None:
        """Tell `listener` of every record that changes from now on."""

    def on_sync(self, listener: Callable[[float], None], /) -> None:
        """Tell `listener` the seconds that each durable write takes from now on."""

    def get(self, photo_id: str, /) -> Photo | None:
        """The photo of this UUID."""

    def by_doc(self, doc_id: int, /) -> Photo | None:
        """The photo of this document id."""

    def at(self, user: str, album: str, name: str, /) -> Photo | None:
        """The photo at this path."""

    def album(self, user: str, album: str, /) -> Mapping[str, Photo]:
        """The photos of one folder by name, live: look-ups are current, an iteration walks a snapshot.

        A folder that is empty, or was in between, must be asked for again.
        """

    def below(self, user: str, album: str, /) -> list[Photo]:
        """The photos of a folder and of all folders in it; of "" everything that the user has."""

    def albums(self, user: str, /) -> set[str]:
        """The folders that hold photos themselves."""

    def of(self, user: str, /) -> list[Photo]:
        """Everything that the user has."""

    def users(self) -> set[str]:
        """The users who have photos."""

    def all(self) -> list[Photo]:
        """Every photo, in the order of their document ids."""

    def count(self) -> int:
        """How many photos there are."""

    def with_hash(self, user: str, sha256: str, /) -> list[Photo]:
        """The user's photos of these bytes."""

    def live(self, user: str, live_photo_id: str, /) -> list[Photo]:
        """The halves of a live photo that have come."""

    def stem(self, user: str, album: str, stem: str, /) -> list[Photo]:
        """The photos of a folder whose base name without extension is this, in any case."""

    def loose(self, user: str, name: str, /) -> Photo | None:
        """The photo that this loose name stands for."""

    def loose_names(self, user: str, /) -> Mapping[str, Photo]:
        """The user's loose names, live."""

    def favorite(self, user: str, favorite_name: str, /) -> Photo | None:
        """The original of this copy in the favorites."""

    def favorites(self, user: str, /) -> Mapping[str, Photo]:
        """The user's favorites by the names of their copies, live."""

    def new_doc_id(self) -> int:
        """A document id that was never given before."""

    def begin(self, put: Iterable[Photo] = (), drop: Iterable[int] = ()) -> Promise:
        """Put photos (each in place of the one of its document id) and drop document ids, as one change."""

    def change(self, put: Iterable[Photo] = (), drop: Iterable[int] = ()) -> None:
        """The same, durably. Raises what `Promise.wait` does, and `ValueError` for what JSON can't hold."""

    def close(self) -> None:
        """Leave everything durable."""


class EmbeddedCatalog(Index):
    """The catalogue in one TinyDB file, read whole into memory; see `open`."""

    def __init__(self, path: str, on_suspend: Callable[[str], None] | None) -> None:
        super().__init__()
        self._disk = Disk()
        self._file = RecordFile.open(
            path, TABLE, PHOTO_CODEC, on_change=self._apply, on_suspend=on_suspend, disk=self._disk
        )

    @classmethod
    def open(cls, path: str, *, on_suspend: Callable[[str], None] | None = None) -> EmbeddedCatalog:
        """Open `<state>/catalog.json` or begin it. Raises `Damaged`; one process may have it open.

        `on_suspend` is told the reason when a sync failed and nothing can be written any more.
        """
        return cls(path, on_suspend)

    @property
    def suspended(self) -> str | None:
        """Why nothing can be written any more."""
        return self._file.suspended

    def on_sync(self, listener: Callable[[float], None], /) -> None:
        """Tell `listener` the seconds that each sync of the file takes from now on."""
        self._disk.on_sync = listener

    def by_doc(self, doc_id: int, /) -> Photo | None:
        """The photo of this document id."""
        return self._file.get(doc_id)

    def all(self) -> list[Photo]:
        """Every photo, in the order of their document ids."""
        return [photo for _doc_id, photo in sorted(self._file.items(), key=itemgetter(0))]

    def count(self) -> int:
        """How many photos there are."""
        return len(self._file)

    def new_doc_id(self) -> int:
        """A document id that was never given before, also not before a restart."""
        return self._file.new_id()

    def begin(self, put: Iterable[Photo] = (), drop: Iterable[int] = ()) -> Promise:
        """Put and drop, seen at once by every reader, to be durable once the result was waited for."""
        return self._file.begin(((photo.doc_id, photo) for photo in put), drop)

    def change(self, put: Iterable[Photo] = (), drop: Iterable[int] = ()) -> None:
        """Put and drop as one change, durably."""
        self.begin(put, drop).wait()

    def tinydb(self) -> TinyDB:
        """The ordinary TinyDB API over these records, without a copy of them; writes go through `change`."""
        return live_database(self._file, TABLE, PHOTO_CODEC)

    def close(self) -> None:
        """Leave everything durable, and nothing to be done at the next start."""
        self._file.close()


class _Kept:
    """The promise of a catalogue that has nothing to wait for."""

    def wait(self) -> None:
        """Return at once."""


class MemoryCatalog(Index):
    """The catalogue without a file, for tests."""

    suspended: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self._records: dict[int, Photo] = {}
        self._highest = 0

    def on_sync(self, listener: Callable[[float], None], /) -> None:
        """Nothing is written, and nothing told."""

    def by_doc(self, doc_id: int, /) -> Photo | None:
        """The photo of this document id."""
        return self._records.get(doc_id)

    def all(self) -> list[Photo]:
        """Every photo, in the order of their document ids."""
        with self._lock:
            return [photo for _doc_id, photo in sorted(self._records.items(), key=itemgetter(0))]

    def count(self) -> int:
        """How many photos there are."""
        return len(self._records)

    def new_doc_id(self) -> int:
        """A document id that was never given before."""
        with self._lock:
            self._highest += 1
            return self._highest

    def begin(self, put: Iterable[Photo] = (), drop: Iterable[int] = ()) -> Promise:
        """Put and drop as one change."""
        after: dict[int, Photo | None] = {photo.doc_id: photo for photo in put}
        after.update(dict.fromkeys(drop))
        with self._lock:
            self._apply([(doc_id, self._records.get(doc_id), photo) for doc_id, photo in after.items()])
            for doc_id, photo in after.items():
                self._highest = max(self._highest, doc_id)
                if photo is None:
                    self._records.pop(doc_id, None)
                else:
                    self._records[doc_id] = photo
        return _Kept()

    def change(self, put: Iterable[Photo] = (), drop: Iterable[int] = ()) -> None:
        """Put and drop as one change."""
        self.begin(put, drop).wait()

    def close(self) -> None:
        """Nothing is to be done."""
