"""Promises of a record file: durable, undone, suspended; ids; housekeeping; threads."""

from __future__ import annotations

import errno
import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.catalog.disk import Disk, SyncFailed
from sumu_dav.catalog.records import Codec, RecordFile
from sumu_dav.errors import NoSpace, WritesSuspended
from support.state_files import read_between_appends
from support.toy import eventually

PLAIN: Codec[dict[str, Any]] = Codec(dict, lambda _key, fields: fields)
File = RecordFile[dict[str, Any]]


class FaultyDisk(Disk):
    """Refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.sync_fails = False
        self.syncs = 0
        self.slow: threading.Event | None = None

    def write(self, fd: int, data: bytes, offset: int) -> None:
        grows = offset + len(data) > os.fstat(fd).st_size
        if self.room is not None and grows and len(data) > self.room:
            super().write(fd, data[: self.room], offset)
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(fd, data, offset)

    def sync(self, fd: int) -> None:
        if self.slow is not None:
            self.slow.wait(10)
        self.syncs += 1
        if self.sync_fails:
            raise SyncFailed("Input/output error")


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "x.json")


@pytest.fixture
def file(path: str, disk: FaultyDisk) -> Iterator[File]:
    file = RecordFile.open(path, "media", PLAIN, disk=disk, housekeeping=False)
    yield file
    file.close()


def on_disk(path: str) -> dict[int, Any]:
    return {int(key): value for key, value in read_between_appends(Path(path))["media"].items()}


def test_a_full_disk_changes_nothing(file: File, disk: FaultyDisk, path: str) -> None:
    file.change([(1, {"a": 1}), (2, {"a": 2})])
    before = Path(path).read_bytes()
    disk.room = 7
    with pytest.raises(NoSpace) as caught:
        file.change([(3, {"a": 3})])
    assert caught.value.where == "state"
    with pytest.raises(NoSpace):
        file.change([(1, {"a": "changed"})], drop=[2])
    assert Path(path).read_bytes() == before
    assert dict(file.items()) == {1: {"a": 1}, 2: {"a": 2}}
    disk.room = None
    file.change([(3, {"a": 3})])
    assert on_disk(path) == dict(file.items()) == {1: {"a": 1}, 2: {"a": 2}, 3: {"a": 3}}


def test_a_deletion_that_found_no_space_is_not_finished_at_the_next_start(
    file: File, disk: FaultyDisk, path: str
) -> None:
    file.change([(1, {"a": 1}), (2, {"a": 2})])
    disk.room = 200  # enough for the intent, too little for the record that takes the last place
    big = {"a": "x" * 300}
    with pytest.raises(NoSpace):
        file.change([(3, big)], drop=[1])
    disk.room = None
    file.change([(3, big)])
    again = RecordFile.open(path, "media", PLAIN, housekeeping=False)
    assert dict(again.items()) == {1: {"a": 1}, 2: {"a": 2}, 3: big}
    again.close()


def test_what_was_begun_on_top_of_a_failed_change_fails_with_it(file: File, disk: FaultyDisk) -> None:
    file.change([(1, {"a": 1})])
    disk.room = 7
    first = file.begin([(1, {"a": 2})])
    second = file.begin([(1, {"a": 3}), (2, {"a": 3})])
    with pytest.raises(NoSpace):
        first.wait()
    with pytest.raises(NoSpace):
        second.wait()
    assert dict(file.items()) == {1: {"a": 1}}


def test_a_failed_sync_ends_all_writing(path: str, disk: FaultyDisk) -> None:
    told: list[str] = []
    file = RecordFile.open(path, "media", PLAIN, disk=disk, on_suspend=told.append, housekeeping=False)
    file.change([(1, {"a": 1})])
    disk.sync_fails = True
    with pytest.raises(WritesSuspended):
        file.change([(2, {"a": 2})])
    disk.sync_fails = False
    syncs = disk.syncs
    for attempt in range(2):
        with pytest.raises(WritesSuspended):
            file.change([(3, {"a": attempt})])
    assert dict(file.items()) == {1: {"a": 1}}
    assert file.suspended == told[0]
    assert len(told) == 1
    file.close()
    assert disk.syncs == syncs, "a sync that failed must not be tried again"


def test_a_record_that_json_cannot_hold_changes_nothing(file: File, path: str) -> None:
    before = Path(path).read_bytes()
    for value in (float("nan"), "\ud800"):
        with pytest.raises(ValueError):
            file.change([(1, {"a": 1}), (2, {"a": value})])
    assert Path(path).read_bytes() == before
    assert len(file) == 0


def test_ids_are_never_given_again(path: str) -> None:
    given: list[int] = []
    for _start in range(4):
        file = RecordFile.open(path, "media", PLAIN)
        for _ in range(3):
            given.append(file.new_id())
            file.change([(given[-1], {"a": 1})])
        file.change(drop=given[-2:])
        file.close()
    assert given == sorted(set(given))


def test_ids_are_not_given_again_after_everything_is_gone(path: str) -> None:
    file = RecordFile.open(path, "media", PLAIN)
    file.change([(7, {"a": 1})])
    file.change(drop=[7])
    file.compact()
    file.close()
    again = RecordFile.open(path, "media", PLAIN)
    assert again.new_id() == 8
    again.close()


def test_waiting_threads_share_a_sync(file: File, disk: FaultyDisk) -> None:
    disk.slow = threading.Event()
    first = threading.Thread(target=file.change, args=([(1, {"a": 1})],))
    first.start()
    pendings = [file.begin([(key, {"a": key})]) for key in range(2, 22)]
    waiters = [threading.Thread(target=pending.wait) for pending in pendings]
    for waiter in waiters:
        waiter.start()
    before = disk.syncs
    disk.slow.set()
    for thread in [first, *waiters]:
        thread.join()
    assert len(file) == 21
    assert disk.syncs - before <= 3


def test_what_nobody_waits_for_is_written_soon(path: str) -> None:
    file = RecordFile.open(path, "media", PLAIN)
    file.begin([(1, {"a": 1})])
    assert eventually(lambda: on_disk(path) == {1: {"a": 1}})
    file.close()


def test_what_nobody_waited_for_is_written_at_the_end(path: str) -> None:
    file = RecordFile.open(path, "media", PLAIN)
    file.begin([(1, {"a": 1})])
    file.close()
    assert on_disk(path) == {1: {"a": 1}}


def test_superseded_lines_are_blanked_soon(path: str) -> None:
    file = RecordFile.open(path, "media", PLAIN)
    file.change([(1, {"a": "old"}), (2, {"a": 2})])
    file.change([(1, {"a": "new"})])
    assert eventually(lambda: b"old" not in Path(path).read_bytes())
    assert on_disk(path) == {1: {"a": "new"}, 2: {"a": 2}}
    file.close()


def test_a_file_that_is_mostly_blanks_is_compacted_beside_the_changes(path: str) -> None:
    file = RecordFile.open(path, "media", PLAIN)
    for turn in range(30):
        file.change([(key, {"a": f"{turn}" * 1000}) for key in range(1, 60)])
    assert eventually(lambda: os.path.getsize(path) < 1_000_000)
    file.change([(99, {"a": "after"})], drop=[5])
    assert on_disk(path) == dict(file.items())
    file.close()


def test_the_garbage_collector_does_not_search_records_that_came_since(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sumu_dav.catalog.records._FREEZE_ABOVE", 100)
    file: File = RecordFile.open(path, "media", PLAIN)
    counts = [gc.get_freeze_count()]
    try:
        for start in (1, 102):
            file.change([(key, {"tags": [key]}) for key in range(start, start + 101)])
            assert eventually(lambda: gc.get_freeze_count() >= counts[-1] + 101)
            counts.append(gc.get_freeze_count())
        assert not any("tags" in each for each in gc.get_objects() if isinstance(each, dict))
    finally:
        gc.unfreeze()
        file.close()


def test_changes_during_a_compaction_are_in_the_new_file(path: str) -> None:
    file = RecordFile.open(path, "media", PLAIN, housekeeping=False)
    file.change([(key, {"a": "x" * 900}) for key in range(1, 3001)])
    file.change([(key, {"a": "y" * 900}) for key in range(1, 3001, 2)])
    file.tidy()
    stop = threading.Event()
    longest = 0.0

    def go_on() -> None:
        nonlocal longest
        number = 0
        while not stop.is_set():
            number += 1
            start = time.monotonic()
            file.change([(file.new_id(), {"n": number}), (number, {"n": number})], drop=[3001 - number])
            longest = max(longest, time.monotonic() - start)

    changer = threading.Thread(target=go_on)
    changer.start()
    for _ in range(3):
        file.compact()
    stop.set()
    changer.join()
    assert on_disk(path) == dict(file.items())
    expected = dict(file.items())
    file.close()
    again = RecordFile.open(path, "media", PLAIN, housekeeping=False)
    assert dict(again.items()) == expected
    again.close()
    assert longest < 1.0, "a change waited for the compaction"


@pytest.mark.parametrize("drop", ["none", "last", "all"])
def test_compaction_of_every_shape(file: File, path: str, drop: str) -> None:
    file.change([(key, {"a": key}) for key in range(1, 5)])
    file.change(drop={"none": [], "last": [4], "all": [1, 2, 3, 4]}[drop])
    file.compact()
    assert on_disk(path) == dict(file.items())
    file.change([(9, {"a": 9})])
    assert on_disk(path) == dict(file.items())


def test_no_space_for_a_compaction_leaves_the_file_alone(file: File, disk: FaultyDisk, path: str) -> None:
    file.change([(1, {"a": 1}), (2, {"a": 2})], drop=[])
    file.change(drop=[1])
    before = Path(path).read_bytes()
    disk.room = 5
    file.compact()
    assert Path(path).read_bytes() == before
    assert not os.path.exists(path + ".new")
    disk.room = None
    file.compact()
    assert len(Path(path).read_bytes()) < len(before)
    assert on_disk(path) == {2: {"a": 2}}
