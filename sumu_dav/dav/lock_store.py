"""Where the lock table keeps its locks over a restart: `<state>/locks.json`, one lock a line.

Must not know what a lock forbids (`locks.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from sumu_dav.catalog import Codec, RecordFile
from sumu_dav.dav.locks import Lock

FILE_NAME = "locks.json"
TABLE = "locks"

_T = TypeVar("_T")


class FileLockStore:
    """Locks in a file that people can read as they read the catalogue: one JSON object, one lock a line."""

    def __init__(self, records: RecordFile[Lock]) -> None:
        self._records = records

    @classmethod
    def open(cls, state: str, *, on_suspend: Callable[[str], None] | None = None) -> FileLockStore:
        """The store in the folder `state`; `on_suspend` hears why, once a sync has failed. Raises errors.Damaged."""
        path = os.path.join(state, FILE_NAME)
        return cls(RecordFile.open(path, TABLE, Codec(_encode, _decode), on_suspend=on_suspend))

    @property
    def suspended(self) -> str | None:
        """Why no lock can be written any more; None while it can."""
        return self._records.suspended

    def new_id(self) -> int:
        """See LockStore."""
        return self._records.new_id()

    def put(self, lock: Lock) -> None:
        """See LockStore. Raises errors.NoSpace, errors.WritesSuspended."""
        self._records.change(put=[(lock.id, lock)])

    def drop(self, ids: Collection[int]) -> None:
        """See LockStore. Raises errors.WritesSuspended."""
        self._records.change(drop=ids)

    def load(self) -> Iterable[Lock]:
        """See LockStore."""
        return [lock for _, lock in self._records.items()]

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._records.close()


def _encode(lock: Lock) -> dict[str, object]:
    return {
        "token": lock.token,
        "path": list(lock.path),
        "href": lock.href,
        "principal": lock.principal,
        "shared": lock.shared,
        "infinite": lock.infinite,
        "owner": lock.owner,
        "timeout": lock.timeout,
        "expires": float(lock.expires),
    }


def _field(fields: dict[str, object], key: str, kind: type[_T]) -> _T:
    """The value of `key`. Raises ValueError where it is missing, or of another type."""
    value = fields.get(key)
    if not isinstance(value, kind):
        raise ValueError(f"{key} is missing, or no {kind.__name__}")
    return value


def _decode(number: int, fields: dict[str, object]) -> Lock:
    return Lock(
        id=number,
        token=_field(fields, "token", str),
        path=tuple(str(name) for name in _field(fields, "path", list)),
        href=_field(fields, "href", str),
        principal=_field(fields, "principal", str),
        shared=_field(fields, "shared", bool),
        infinite=_field(fields, "infinite", bool),
        owner=_field(fields, "owner", str),
        timeout=_field(fields, "timeout", int),
        expires=_field(fields, "expires", float),
    )
