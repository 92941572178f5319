"""The file of last uses: lazy, small, and of no importance when it is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sumu_dav.auth.usage import INTERVAL, DeviceUsage, Use

from .conftest import MIDNIGHT, Clock

KNOWN = frozenset({"aaaa", "bbbb"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device-uses.json"


@pytest.fixture
def usage(path: Path, clock: Clock) -> DeviceUsage:
    return DeviceUsage(path, lambda: MIDNIGHT.timestamp() + clock.seconds)


def note(usage: DeviceUsage, selector: str, known: frozenset[str] = KNOWN) -> None:
    usage.note(selector, "192.0.2.1", lambda: known)


def test_each_device_has_its_own_minute(usage: DeviceUsage, clock: Clock) -> None:
    note(usage, "aaaa")
    first = clock.moment()
    clock.tick(INTERVAL / 2)
    note(usage, "aaaa")
    note(usage, "bbbb")
    assert usage.all() == {"aaaa": Use(first, "192.0.2.1"), "bbbb": Use(clock.moment(), "192.0.2.1")}


def test_within_a_minute_the_file_is_not_touched(usage: DeviceUsage, path: Path) -> None:
    note(usage, "aaaa")
    before = path.stat()
    for _ in range(100):
        note(usage, "aaaa")
    assert path.stat() == before


def test_what_is_revoked_is_dropped(usage: DeviceUsage, path: Path) -> None:
    note(usage, "aaaa")
    note(usage, "bbbb", frozenset({"bbbb"}))
    assert set(json.loads(path.read_bytes())) == {"bbbb"}


def test_it_lasts_over_a_restart(usage: DeviceUsage, path: Path) -> None:
    note(usage, "aaaa")
    assert DeviceUsage(path).all() == usage.all()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"aaaa": {}}', b'{"aaaa": {"time": 7}}', b"\xff"])
def test_a_damaged_file_is_begun_anew(usage: DeviceUsage, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert usage.all() == {}
    note(usage, "aaaa")
    assert set(usage.all()) == {"aaaa"}
