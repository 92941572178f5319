"""Both stores keep locks alike; the file is one that people can read."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sumu_dav.dav.lock_store import FILE_NAME, FileLockStore
from sumu_dav.dav.locks import Lock, LockStore, LockTable
from sumu_dav.errors import Damaged
from support.locks import MemoryLockStore

LOCK = Lock(
    id=1,
    token="opaquelocktoken:1",
    path=("alice", "trip", "é.jpg"),
    href="/alice/trip/%C3%A9.jpg",
    principal="alice",
    shared=False,
    infinite=True,
    owner='<D:owner xmlns:D="DAV:">me</D:owner>',
    timeout=600,
    expires=1_600.5,
)


@pytest.fixture(params=["memory", "file"])
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], LockStore]]:
    """A function that gives the store, as it is after a restart when called again."""
    memory = MemoryLockStore()
    opened: list[FileLockStore] = []

    def reopen() -> LockStore:
        if request.param == "memory":
            return memory
        for store in opened:
            store.close()
        opened[:] = [FileLockStore.open(str(tmp_path))]
        return opened[0]

    yield reopen
    for store in opened:
        store.close()


def test_what_is_put_is_there_after_a_restart(reopened: Callable[[], LockStore]) -> None:
    store = reopened()
    first, second = (replace(LOCK, id=store.new_id(), token=f"opaquelocktoken:{n}") for n in range(2))
    store.put(first)
    store.put(second)
    store.put(replace(first, expires=9_000.0))
    store.drop([second.id, 77])
    assert list(reopened().load()) == [replace(first, expires=9_000.0)]
    assert reopened().new_id() > second.id


def test_a_table_goes_on_where_the_last_one_stopped(reopened: Callable[[], LockStore]) -> None:
    def clock() -> float:
        return 1_000.0

    path = ("alice", "a.jpg")
    lock = LockTable(reopened(), clock=clock).acquire(
        path, "/alice/a.jpg", "alice", shared=False, infinite=False, timeout=60
    )
    after = LockTable(reopened(), clock=clock)
    assert after.all() == (lock,)
    after.release(lock.token, path, "alice")
    assert LockTable(reopened(), clock=clock).all() == ()


def test_the_file_is_plain_json(tmp_path: Path) -> None:
    store = FileLockStore.open(str(tmp_path))
    store.put(LOCK)
    store.close()
    (record,) = json.loads((tmp_path / FILE_NAME).read_text())["locks"].values()
    assert record["path"] == ["alice", "trip", "é.jpg"]
    assert record["principal"] == "alice"


def test_a_record_that_is_no_lock_stops_the_start(tmp_path: Path) -> None:
    store = FileLockStore.open(str(tmp_path))
    store.put(LOCK)
    store.close()
    file = tmp_path / FILE_NAME
    file.write_text(file.read_text().replace('"opaquelocktoken:1"', "5"))
    with pytest.raises(Damaged, match="token is missing"):
        FileLockStore.open(str(tmp_path))
