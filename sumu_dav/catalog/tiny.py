"""The ordinary TinyDB API over a record file: in the server without a copy, and read-only beside it.

TinyDB is imported here alone.  Stock TinyDB would parse and rewrite the whole file at every call, and its query cache
would not notice that the server has changed a record; the tables here do neither.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, ItemsView, Iterator, Mapping, MutableMapping
from typing import Any, Generic, TypeVar

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Table

from sumu_dav.catalog.disk import Disk, Identity
from sumu_dav.catalog.photos import TABLE
from sumu_dav.catalog.records import Codec, RecordFile
from sumu_dav.catalog.recovery import CURE
from sumu_dav.catalog.scan import parse
from sumu_dav.errors import Damaged, Forbidden, NotFound

T = TypeVar("T")

Fields = dict[str, Any]

CATALOG_NAME = "catalog.json"

_PATIENCE = 2.0
"""Seconds for which a reader meets nothing but half-written files before it calls one damaged."""

_PAUSE = 0.005
"""Seconds between two such readings; an append is through in less."""


_CLOCK_STEP = 100_000_000
"""Nanoseconds within which two writes may bear the same time stamp: so fresh a file is not told by its stamp."""


class _Fresh(Table):
    """A table that asks its storage every time: others change the records."""

    def __init__(self, storage: Storage, name: str, cache_size: int = 0, persist_empty: bool = False) -> None:
        super().__init__(storage, name, cache_size=cache_size, persist_empty=persist_empty)


class FileStorage(Storage):
    """A record file that another process may be writing, read-only. An unchanged file is not read again."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._disk = Disk()
        self._identity: Identity | None = None
        self._tables: dict[str, dict[str, Fields]] = {}

    def read(self) -> dict[str, dict[str, Fields]]:
        """What the file holds now. `Damaged` where it stays unreadable, `NotFound` where there is none."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            identity = self._disk.identity(self._path)
            if identity is None:
                raise NotFound(self._path)
            if identity == self._identity:
                return self._tables
            settled = time.time_ns() - identity.mtime_ns > _CLOCK_STEP
            try:
                with open(self._path, encoding="utf-8") as file:
                    tables = parse(file.read())
            except ValueError as error:
                if time.monotonic() > deadline:
                    raise Damaged(self._path, getattr(error, "lineno", 1), str(error), CURE) from error
                time.sleep(_PAUSE)
                continue
            self._tables, self._identity = tables, identity if settled else None
            return self._tables

    def write(self, _data: dict[str, dict[str, Fields]]) -> None:
        """Refused: the server alone writes."""
        raise Forbidden(self._path, "it is open for reading only, since the server writes it")


class _ReadOnlyDatabase(TinyDB):
    table_class = _Fresh
    default_table_name = TABLE


def open_catalog(path: str) -> TinyDB:
    """The catalogue at `path`, a state folder or the file itself, read-only and beside a running server.

    `open_catalog("state").table("media").search(Query().isFavorite == True)`: each call sees the file as it is then.
    Documents are the caller's to change, except for what they hold nested.  Raises `NotFound` and `Damaged`.
    """
    file = os.path.join(path, CATALOG_NAME) if os.path.isdir(path) else path
    storage = FileStorage(file)
    storage.read()
    return _ReadOnlyDatabase(storage=lambda: storage)


class _Documents(Mapping[str, Fields], Generic[T]):
    """The records of a file as TinyDB's storage would give them, each made when it is asked for."""

    def __init__(self, file: RecordFile[T], codec: Codec[T]) -> None:
        self._file = file
        self._codec = codec

    def __getitem__(self, key: str) -> Fields:
        record = self._file.get(int(key)) if key.isdecimal() else None
        if record is None:
            raise KeyError(key)
        return self._codec.encode(record)

    def __iter__(self) -> Iterator[str]:
        return (str(key) for key, _record in self._file.items())

    def __len__(self) -> int:
        return len(self._file)

    def items(self) -> ItemsView[str, Fields]:
        """Ids and fields as they are at one moment."""
        return _Snapshot(self, self._file.items(), self._codec)


class _Snapshot(ItemsView[str, Fields], Generic[T]):
    def __init__(self, documents: _Documents[T], records: list[tuple[int, T]], codec: Codec[T]) -> None:
        super().__init__(documents)
        self._records = records
        self._codec = codec

    def __iter__(self) -> Iterator[tuple[str, Fields]]:
        return ((str(key), self._codec.encode(record)) for key, record in self._records)


class _Draft(MutableMapping[int, Fields]):
    """What one TinyDB operation makes of the documents: read through to them, with its own changes on top."""

    def __init__(self, documents: Mapping[str, Fields]) -> None:
        self._documents = documents
        self._touched: dict[int, Fields | None] = {}

    def __getitem__(self, key: int) -> Fields:
        if key not in self._touched:
            self._touched[key] = self._documents[str(key)]
        fields = self._touched[key]
        if fields is None:
            raise KeyError(key)
        return fields

    def __setitem__(self, key: int, fields: Fields) -> None:
        self._touched[key] = fields

    def __delitem__(self, key: int) -> None:
        if key not in self:
            raise KeyError(key)
        self._touched[key] = None

    def __contains__(self, key: object) -> bool:
        if key in self._touched:
            return self._touched[key] is not None
        return str(key) in self._documents

    def __iter__(self) -> Iterator[int]:
        known = [int(key) for key in self._documents]
        yield from (key for key in known if key in self)
        yield from (key for key in self._touched.keys() - known if key in self)

    def __len__(self) -> int:
        return sum(1 for _key in self)

    def changed(self) -> tuple[dict[int, Fields], list[int]]:
        """The documents that are new or no longer what they were, and the ids that are gone."""
        puts = {}
        for key, fields in self._touched.items():
            if fields is not None and self._documents.get(str(key)) != fields:
                puts[key] = fields
        return puts, [key for key, fields in self._touched.items() if fields is None]


class _LiveStorage(Storage, Generic[T]):
    """TinyDB's storage over an open record file."""

    def __init__(self, file: RecordFile[T], table: str, codec: Codec[T]) -> None:
        self.file = file
        self.table = table
        self.codec = codec

    def read(self) -> dict[str, Mapping[str, Fields]]:  # type: ignore[override]
        """The one table, as a view."""
        return {self.table: _Documents(self.file, self.codec)}

    def write(self, data: dict[str, dict[str, Fields]]) -> None:
        """Make the records what `data` says: this is how TinyDB drops tables."""
        wanted = {int(key): fields for key, fields in data.get(self.table, {}).items()}
        draft = _Draft(_Documents(self.file, self.codec))
        for key in set(draft) - wanted.keys():
            del draft[key]
        draft.update(wanted)
        self.apply(draft)

    def apply(self, draft: _Draft) -> None:
        """Change the records as one. `ValueError` for a document that is no record."""
        puts, drops = draft.changed()
        self.file.change(((key, self.codec.decode(key, fields)) for key, fields in puts.items()), drops)


class _LiveTable(_Fresh):
    """A table whose writes are changes of the record file."""

    def _get_next_id(self) -> int:
        return self._live().file.new_id()

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        storage = self._live()
        if self.name != storage.table:
            raise Forbidden(self.name, f"there is no other table here than {storage.table!r}")
        draft = _Draft(_Documents(storage.file, storage.codec))
        updater(draft)
        storage.apply(draft)

    def _live(self) -> _LiveStorage[Any]:
        if not isinstance(self._storage, _LiveStorage):
            raise TypeError("this table belongs to a record file")
        return self._storage


class _LiveDatabase(TinyDB):
    table_class = _LiveTable


def live_database(file: RecordFile[T], table: str, codec: Codec[T]) -> TinyDB:
    """TinyDB's API over an open record file, with `table` as the default one.

    Each writing operation is one durable change.  It must not be mixed with other changes of the same documents at
    the same time: as in stock TinyDB the later wins.
    """
    database = _LiveDatabase(storage=lambda: _LiveStorage(file, table, codec))
    database.default_table_name = table
    return database
