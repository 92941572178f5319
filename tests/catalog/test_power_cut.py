"""A power cut at any moment: every answered change is there afterwards, every other wholly or not at all.

One script of changes runs on a disk that writes down each system call.  Then every beginning of that list is played
to the end of a cut: what was synced is there; of what was not, any writes are missing, or any of their 512-byte
sectors; names that no folder sync made durable may be missing.  Each outcome is opened.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.catalog.disk import Disk
from sumu_dav.catalog.records import Codec, RecordFile

SEED = 20240504
SECTOR = 512
CUTS_AT_EACH_CALL = 4

PLAIN: Codec[dict[str, Any]] = Codec(dict, lambda _key, fields: fields)
State = dict[int, dict[str, Any]]


@dataclass
class Call:
    """A system call that changes the disk, or what the script saw in between."""

    kind: str
    file: int = 0
    offset: int = 0
    data: bytes = b""
    names: tuple[str, ...] = ()
    change: int = 0


class RecordingDisk(Disk):
    """Does what it is told, and keeps a list of it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._files: dict[int, int] = {}
        self._made = 0

    def number(self, fd: int) -> int:
        """Which file it is; an inode alone would not tell, since a removed file's is given again."""
        return self._files[os.fstat(fd).st_ino]

    def open(self, path: str, *, create: bool = False) -> int:
        fd = super().open(path, create=create)
        if create:
            self._made += 1
            self._files[os.fstat(fd).st_ino] = self._made
            self.calls.append(Call("create", self._made, names=(path,)))
        return fd

    def write(self, fd: int, data: bytes, offset: int) -> None:
        super().write(fd, data, offset)
        self.calls.append(Call("write", self.number(fd), offset, data))

    def truncate(self, fd: int, size: int) -> None:
        super().truncate(fd, size)
        self.calls.append(Call("truncate", self.number(fd), size))

    def sync(self, fd: int) -> None:
        self.calls.append(Call("sync", self.number(fd)))

    def sync_folder(self, path: str) -> None:
        self.calls.append(Call("sync folder"))

    def replace(self, source: str, target: str) -> None:
        super().replace(source, target)
        self.calls.append(Call("replace", names=(source, target)))

    def link(self, source: str, target: str) -> None:
        super().link(source, target)
        self.calls.append(Call("link", names=(source, target)))

    def remove(self, path: str) -> None:
        super().remove(path)
        self.calls.append(Call("remove", names=(path,)))


class UnsyncedDisk(Disk):
    """For opening what a cut left: nothing more goes wrong, so nothing needs to be waited for."""

    def sync(self, fd: int) -> None:
        pass

    def sync_folder(self, path: str) -> None:
        pass


@dataclass
class File:
    durable: bytes = b""
    unsynced: list[Call] = field(default_factory=list)

    def now(self, keep: Iterator[bool] | None = None) -> bytes:
        """With all unsynced calls, or with those sectors of them that `keep` says."""
        content = bytearray(self.durable)
        for call in self.unsynced:
            if call.kind == "truncate":
                if keep is None or next(keep):
                    content = content[: call.offset] + bytes(max(0, call.offset - len(content)))
                continue
            for start, piece in sectors(call):
                if keep is None or next(keep):
                    content += bytes(max(0, start + len(piece) - len(content)))
                    content[start : start + len(piece)] = piece
        return bytes(content)


def sectors(call: Call) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(call.data):
        start = call.offset + position
        length = min(SECTOR - start % SECTOR, len(call.data) - position)
        yield start, call.data[position : position + length]
        position += length


class Replay:
    """The disk as it would be: what is durable, and what the machine has yet to write."""

    def __init__(self) -> None:
        self.files: dict[int, File] = {}
        self.names: dict[str, int] = {}
        self.unsynced_names: list[Call] = []
        self.answered = 0

    def play(self, call: Call) -> None:
        if call.kind in ("write", "truncate"):
            self.files[call.file].unsynced.append(call)
        elif call.kind == "sync":
            file = self.files[call.file]
            file.durable, file.unsynced = file.now(), []
        elif call.kind == "sync folder":
            self.names, self.unsynced_names = self.names_after(len(self.unsynced_names)), []
        elif call.kind == "answer":
            self.answered = call.change
        elif call.kind != "begin":
            if call.kind == "create":
                self.files[call.file] = File()
            self.unsynced_names.append(call)

    def names_after(self, count: int) -> dict[str, int]:
        names = dict(self.names)
        for call in self.unsynced_names[:count]:
            if call.kind == "create":
                names[call.names[0]] = call.file
            elif call.kind == "replace":
                names[call.names[1]] = names.pop(call.names[0])
            elif call.kind == "link":
                names[call.names[1]] = names[call.names[0]]
            else:
                names.pop(call.names[0], None)
        return names

    def cut(self, folder: Path, luck: random.Random) -> None:
        """Write into `folder` one thing that the cut may leave."""
        share = luck.choice([0.0, 0.1, 0.5, 0.9, 1.0])
        keep = iter(lambda: luck.random() < share, None)
        for old in folder.iterdir():
            old.unlink()
        for path, number in self.names_after(luck.randint(0, len(self.unsynced_names))).items():
            (folder / os.path.basename(path)).write_bytes(self.files[number].now(keep))


def run_script(path: str, disk: RecordingDisk, luck: random.Random) -> list[State]:
    """Some 90 changes of every kind, with housekeeping in between; what there was after each."""
    states: list[State] = [{}]
    file = RecordFile.open(path, "media", PLAIN, disk=disk, housekeeping=False)
    for number in range(1, 91):
        state = dict(states[-1])
        keys = list(state)
        put: State = {}
        drop: list[int] = []
        kind = luck.choice(["new", "new", "several", "again", "drop", "drop last", "drop all", "both"])
        if kind in ("new", "several", "both") or not keys:
            put = {file.new_id(): fields(luck) for _ in range(1 if kind == "new" else luck.randint(2, 4))}
        if kind in ("again", "both") and keys:
            put[luck.choice(keys)] = fields(luck)
        if kind in ("drop", "both") and keys:
            drop = [key for key in {luck.choice(keys), keys[0]} if key not in put]
        if kind == "drop last" and keys:
            drop = keys[-1:]
        if kind == "drop all" and luck.random() < 0.3:
            drop = keys
        state = {key: value for key, value in state.items() if key not in drop and key not in put} | put
        disk.calls.append(Call("begin", change=number))
        file.change(put.items(), drop)
        disk.calls.append(Call("answer", change=number))
        states.append(state)
        if number % 7 == 0:
            file.tidy()
        if number % 25 == 0:
            file.compact()
        if number % 40 == 0:
            file.close()
            file = RecordFile.open(path, "media", PLAIN, disk=disk, housekeeping=False)
    file.close()
    return states


def fields(luck: random.Random) -> dict[str, Any]:
    return {"name": "é" * luck.choice([1, 40, 300, 900]), "size": luck.randrange(1000)}


def test_every_moment_of_a_power_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    print("seed", SEED)
    luck = random.Random(SEED)
    disk = RecordingDisk()
    work, after = tmp_path / "work", tmp_path / "after"
    work.mkdir()
    after.mkdir()
    states = run_script(str(work / "x.json"), disk, luck)
    path = str(after / "x.json")
    replay = Replay()
    torn = 0
    for number, call in enumerate(disk.calls):
        replay.play(call)
        for attempt in range(CUTS_AT_EACH_CALL if call.kind in ("write", "replace", "truncate") else 1):
            replay.cut(after, luck)
            caplog.clear()
            where = f"after call {number} ({call.kind}), attempt {attempt}"
            with caplog.at_level(logging.WARNING):
                found = open_once(path)
            allowed = states[replay.answered : replay.answered + 2]
            assert found in allowed, where
            kept = [each for each in after.iterdir() if ".torn-" in each.name]
            assert len(kept) == len(caplog.records) <= 1, where
            assert all(str(each) in caplog.text for each in kept), where
            torn += len(kept)
            assert open_once(path) == found, where
    assert torn > 20, "the script has become too harmless to show anything"


def open_once(path: str) -> State:
    file = RecordFile.open(path, "media", PLAIN, disk=UnsyncedDisk(), housekeeping=False)
    found = dict(file.items())
    assert file.new_id() > max(found, default=0)
    file.close()
    return found


@pytest.mark.parametrize("records", [1, 2])
def test_a_batch_torn_at_every_place_around_a_sectors_border(tmp_path: Path, records: int) -> None:
    """Every set of its sectors, wherever in a sector it and its second record begin."""
    path = str(tmp_path / "x.json")
    around = range(SECTOR - 8, SECTOR + 8)
    first, second = (around, (400,)) if records == 1 else ((SECTOR,), around)
    for before in [place - len('{"media": {\n"1": {"name": ""}') for place in first]:
        for size in [place - len(',\n"2": {"name": ""}') for place in second]:
            for left in tmp_path.iterdir():
                left.unlink()
            old = {1: {"name": "x" * before}}
            new = {2: {"name": "y" * size}} | ({3: {"name": "z" * 20}} if records == 2 else {})
            disk = RecordingDisk()
            file = RecordFile.open(path, "media", PLAIN, disk=disk, housekeeping=False)
            file.change(old.items())
            synced = Path(path).read_bytes()
            file.change(new.items())
            (append,) = [call for call in disk.calls if call.kind == "write"][-1:]
            file.close()
            pieces = list(sectors(append))
            for chosen in range(2 ** len(pieces)):
                keep = iter([bool(chosen >> place & 1) for place in range(len(pieces))])
                for left in tmp_path.iterdir():
                    left.unlink()
                Path(path).write_bytes(File(synced, [append]).now(keep))
                assert open_once(path) in (old, old | new), (before, size, chosen)
