"""After each of 10,000 changes, Python's json, jq, stock TinyDB and memory say the same."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB

from sumu_dav.catalog.disk import Disk
from sumu_dav.catalog.records import Codec, RecordFile

SEED = 20200314
CHANGES = 10_000

PLAIN: Codec[dict[str, Any]] = Codec(dict, lambda _key, fields: fields)


class QuickDisk(Disk):
    """What is read back here comes from the page cache: nothing has to reach the disk."""

    def sync(self, fd: int) -> None:
        pass


@pytest.mark.parametrize(
    ("stock_every", "jq_every"), [(5, 500), pytest.param(1, 1, marks=pytest.mark.slow, id="each change by each reader")]
)
def test_ten_thousand_changes(tmp_path: Path, needs: Callable[..., None], stock_every: int, jq_every: int) -> None:
    """jq is a process a change: `make soak` starts it for each, `make test` now and then."""
    needs("jq")
    print("seed", SEED)
    luck = random.Random(SEED)
    path = tmp_path / "catalog.json"
    file = RecordFile.open(str(path), "media", PLAIN, disk=QuickDisk(), housekeeping=False)
    expected: dict[int, dict[str, Any]] = {}
    for number in range(CHANGES):
        # the library grows and shrinks again, to nothing every now and then
        growing = number % 700 < 300
        keys = list(expected)
        target = luck.choice([keys[0], keys[-1], luck.choice(keys)]) if keys else None
        if target is None or luck.random() < (0.6 if growing else 0.2):
            target = file.new_id()
            assert target > max(keys, default=0)
            put, drop = {target: fields(luck)}, list[int]()
        elif luck.random() < 0.5:
            put, drop = {target: fields(luck)}, list[int]()
        else:
            put, drop = {}, [target]
        file.change(put.items(), drop)
        expected.update(put)
        for key in drop:
            del expected[key]
        if number % 11 == 0:
            file.tidy()
        if number % 997 == 0:
            file.compact()
        text = path.read_text()
        assert read(json.loads(text)) == expected == dict(file.items()), f"json, change {number}"
        if number % stock_every == 0 or len(expected) < 3:
            with TinyDB(path, access_mode="r") as stock:
                found = {each.doc_id: dict(each) for each in stock.table("media").all()}
            assert found == expected, f"TinyDB, change {number}"
        if number % jq_every == 0:
            said = subprocess.run(["jq", "-c", ".", path], capture_output=True, check=True).stdout
            assert read(json.loads(said)) == expected, f"jq, change {number}"
    file.close()
    assert read(json.loads(path.read_text())) == expected
    again = RecordFile.open(str(path), "media", PLAIN)
    assert dict(again.items()) == expected
    again.close()


def read(tables: dict[str, dict[str, Any]]) -> dict[int, Any]:
    assert set(tables) == {"media"}
    return {int(key): value for key, value in tables["media"].items()}


def fields(luck: random.Random) -> dict[str, Any]:
    return {"name": luck.choice(["Ünï", '"},', "a\nb", "\u2028", "日本"]) * luck.randint(1, 9), "size": luck.random()}


def test_one_record_a_line_and_grep_finds_names(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    file = RecordFile.open(str(path), "media", PLAIN)
    file.change([(1, {"name": "Grüße.jpg"}), (2, {"name": "b"})])
    file.change([(3, {"name": "c"})])
    assert (
        path.read_text() == '{"media": {\n"1": {"name": "Grüße.jpg"}, \n"2": {"name": "b"},\n"3": {"name": "c"}\n}}\n'
    )
    file.change(drop=[3])
    assert "Grüße" in path.read_text().splitlines()[-2]
    file.close()


def test_one_change_is_one_write(tmp_path: Path) -> None:
    writes: list[bytes] = []

    class Listening(Disk):
        def write(self, fd: int, data: bytes, offset: int) -> None:
            writes.append(data)
            super().write(fd, data, offset)

    file = RecordFile.open(str(tmp_path / "x.json"), "media", PLAIN, disk=Listening(), housekeeping=False)
    writes.clear()
    file.change([(1, {"a": 1}), (2, {"a": 2}), (3, {"a": 3})])
    assert writes == [b'\n"1": {"a": 1}, \n"2": {"a": 2}, \n"3": {"a": 3}\n}}\n']
    file.close()


def test_a_change_costs_the_same_in_a_large_file(tmp_path: Path) -> None:
    """Counted in bytes written, which no other load on the machine can change."""
    written: list[int] = []

    class Counting(QuickDisk):
        def write(self, fd: int, data: bytes, offset: int) -> None:
            written.append(len(data))
            super().write(fd, data, offset)

        def read(self, fd: int, size: int, offset: int) -> bytes:
            found = super().read(fd, size, offset)
            written.append(len(found))
            return found

    costs = []
    for records in (10, 20_000):
        path = str(tmp_path / f"{records}.json")
        file = RecordFile.open(path, "media", PLAIN, disk=Counting(), housekeeping=False)
        file.change([(key, {"name": "x" * 100}) for key in range(1, records + 1)])
        written.clear()
        file.change([(file.new_id(), {"name": "new"})])
        file.change([(1, {"name": "changed"})])
        file.change(drop=[2])
        file.change(drop=[records + 1])
        file.tidy()
        costs.append(sum(written))
        file.close()
    assert costs[1] < 1.5 * costs[0], costs
