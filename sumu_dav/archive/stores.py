"""The state beside the catalogue: properties of what is no photo, and what lies in the trash.

Both are files of the catalogue's own kind (one record a line), under `<state>`.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sumu_dav.catalog import PHOTO_CODEC, Codec, RecordFile
from sumu_dav.library import Place, Side
from sumu_dav.model import Photo

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Other:
    """What is kept of a collection, a placeholder or a file that is no photo.

    `path` is "/"-separated below the user. `photo` is the record of a photo that was given a name which is no media
    name: it comes back with the file. `client_dated` tells that a hidden file's modification time is one that a client
    sent: a file that is published without one gets the date it was taken.
    """

    doc_id: int
    user: str
    path: str
    properties: dict[str, str] = field(default_factory=dict)
    photo: Photo | None = None
    client_dated: bool = False

    def to_json(self) -> dict[str, Any]:
        """The record's fields as they stand in the file."""
        return {
            "user": self.user, "path": self.path, "properties": self.properties, "photo": _fields(self.photo),
            "clientDated": self.client_dated,
        }  # fmt: skip

    @staticmethod
    def from_json(doc_id: int, fields: dict[str, Any]) -> Other:
        """The record that `to_json` wrote."""
        return Other(
            doc_id, fields["user"], fields["path"], fields["properties"], _photo(fields["photo"]),
            fields.get("clientDated", False),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrashEntry:
    """What was overwritten, deleted, or vanished. `when` is ISO 8601, `size` bytes.

    `has_bytes` is false for a record whose file vanished, and for favourites that were cleared together (`cleared`
    holds their photos' ids and the names that their copies had).
    """

    doc_id: int
    id: str
    user: str
    album: str
    name: str
    size: int
    when: str
    why: str
    has_bytes: bool = True
    photo: Photo | None = None
    properties: dict[str, str] = field(default_factory=dict)
    cleared: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> Place:
        """Where its bytes lie."""
        return Place(Side.TRASH, self.user, (self.id,))

    def to_json(self) -> dict[str, Any]:
        """The record's fields as they stand in the file."""
        return {
            "id": self.id, "user": self.user, "album": self.album, "name": self.name, "size": self.size,
            "when": self.when, "why": self.why, "hasBytes": self.has_bytes, "photo": _fields(self.photo),
            "properties": self.properties, "cleared": [list(pair) for pair in self.cleared],
        }  # fmt: skip

    @staticmethod
    def from_json(doc_id: int, fields: dict[str, Any]) -> TrashEntry:
        """The record that `to_json` wrote."""
        return TrashEntry(
            doc_id, fields["id"], fields["user"], fields["album"], fields["name"], fields["size"], fields["when"],
            fields["why"], fields["hasBytes"], _photo(fields["photo"]), fields["properties"],
            tuple((photo_id, name) for photo_id, name in fields["cleared"]),
        )  # fmt: skip


def _fields(photo: Photo | None) -> dict[str, Any] | None:
    return {"key": photo.doc_id, **PHOTO_CODEC.encode(photo)} if photo else None


def _photo(fields: dict[str, Any] | None) -> Photo | None:
    if fields is None:
        return None
    return PHOTO_CODEC.decode(fields["key"], {name: value for name, value in fields.items() if name != "key"})


def _checked(read: Callable[[int, dict[str, Any]], T]) -> Callable[[int, dict[str, Any]], T]:
    def decode(doc_id: int, fields: dict[str, Any]) -> T:
        try:
            return read(doc_id, fields)
        except KeyError as missing:
            raise ValueError(f"the field {missing} is missing") from missing

    return decode


OTHER_CODEC = Codec(Other.to_json, _checked(Other.from_json))
TRASH_CODEC = Codec(TrashEntry.to_json, _checked(TrashEntry.from_json))


class Others:
    """`<state>/other.json`, found by path."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._by_path: dict[tuple[str, str], Other] = {}
        self._file = RecordFile.open(path, "other", OTHER_CODEC, on_change=self._index)

    @property
    def suspended(self) -> str | None:
        """Why nothing can be written any more; None while it can."""
        return self._file.suspended

    def get(self, user: str, parts: tuple[str, ...]) -> Other | None:
        """What is kept of the path."""
        return self._by_path.get((user, "/".join(parts)))

    def by_id(self, doc_id: int) -> Other | None:
        """What is kept under this key."""
        return self._file.get(doc_id)

    def below(self, user: str, parts: tuple[str, ...]) -> list[Other]:
        """What is kept of the path and of all below it."""
        path = "/".join(parts)
        with self._lock:
            return [
                other
                for (owner, where), other in self._by_path.items()
                if owner == user and (where == path or not path or where.startswith(path + "/"))
            ]

    def new_id(self) -> int:
        """A key that was never used."""
        return self._file.new_id()

    def change(self, put: Iterable[Other] = (), drop: Iterable[int] = ()) -> None:
        """Change durably. Raises NoSpace or WritesSuspended, and has changed nothing then."""
        self._file.change([(other.doc_id, other) for other in put], drop)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _index(self, changes: list[tuple[int, Other | None, Other | None]]) -> None:
        with self._lock:
            for _, before, _after in changes:
                if before is not None and self._by_path.get((before.user, before.path)) is before:
                    del self._by_path[before.user, before.path]
            for _, _before, after in changes:
                if after is not None:
                    self._by_path[after.user, after.path] = after


class Trash:
    """`<state>/trash.json`: what lies in the trash, found by id."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._by_id: dict[str, TrashEntry] = {}
        self._bytes: defaultdict[str, int] = defaultdict(int)
        self._aside: defaultdict[str, set[str]] = defaultdict(set)
        self._file = RecordFile.open(path, "trash", TRASH_CODEC, on_change=self._index)

    @property
    def suspended(self) -> str | None:
        """Why nothing can be written any more; None while it can."""
        return self._file.suspended

    def get(self, entry_id: str) -> TrashEntry | None:
        """The entry of that id."""
        return self._by_id.get(entry_id)

    def by_doc(self, doc_ids: Iterable[int]) -> list[TrashEntry]:
        """Those of the entries that are there, by their keys."""
        return [entry for entry in map(self._file.get, doc_ids) if entry is not None]

    def all(self, user: str | None = None) -> list[TrashEntry]:
        """Every entry, of one user or of all, oldest first."""
        with self._lock:
            entries = [e for e in self._by_id.values() if user is None or e.user == user]
        # not by the time, which a clock that is set or an hour that comes twice in autumn puts out of order
        return sorted(entries, key=lambda entry: entry.doc_id)

    def set_aside(self, user: str) -> list[TrashEntry]:
        """The records of the user whose files vanished."""
        with self._lock:
            return [self._by_id[entry_id] for entry_id in self._aside[user]]

    def bytes_of(self, user: str) -> int:
        """What the user's trash holds, in bytes."""
        return self._bytes[user]

    def total(self) -> tuple[int, int]:
        """How many entries there are, and their bytes."""
        with self._lock:
            return len(self._by_id), sum(self._bytes.values())

    def new_id(self) -> int:
        """A key that was never used."""
        return self._file.new_id()

    def change(self, put: Iterable[TrashEntry] = (), drop: Iterable[int] = ()) -> None:
        """Change durably. Raises NoSpace or WritesSuspended, and has changed nothing then."""
        self._file.change([(entry.doc_id, entry) for entry in put], drop)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _index(self, changes: list[tuple[int, TrashEntry | None, TrashEntry | None]]) -> None:
        with self._lock:
            for _, before, after in changes:
                if before is not None and self._by_id.pop(before.id, None) is not None:
                    self._bytes[before.user] -= before.size if before.has_bytes else 0
                    self._aside[before.user].discard(before.id)
                if after is not None:
                    self._by_id[after.id] = after
                    if after.has_bytes:
                        self._bytes[after.user] += after.size
                    elif after.photo is not None:
                        self._aside[after.user].add(after.id)
