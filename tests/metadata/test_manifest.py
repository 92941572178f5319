"""Every file of the shared media set is read as its manifest (exiftool's answers, checked) says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sumu_dav.metadata import choose_taken, read
from sumu_dav.model import Facts

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
MANIFEST = MEDIA / "manifest.json"
# Later than every date in the set, and a zone that no file of the set was taken in.
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Kathmandu")

FILES: list[dict[str, Any]] = json.loads(MANIFEST.read_text())["files"] if MANIFEST.exists() else []
pytestmark = pytest.mark.skipif(not FILES, reason="the shared media set is not beside the checkout")


def of_level(level: str) -> list[Any]:
    return [pytest.param(entry, id=entry["path"]) for entry in FILES if entry["level"] == level]


@contextmanager
def opened(entry: dict[str, Any]) -> Iterator[int]:
    fd = os.open(MEDIA / entry["path"], os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)


def facts_of(entry: dict[str, Any]) -> Facts:
    with opened(entry) as fd:
        return read(fd, now=NOW, zone=ZONE)


def expected_taken(expected: dict[str, Any]) -> datetime | None:
    if expected["date_taken"] is None:
        return None
    local = datetime.strptime(expected["date_taken"], "%Y-%m-%d %H:%M:%S")
    for key in ("offset_minutes", "offset_inferred_from_gps_minutes"):
        if expected[key] is not None:
            return local.replace(tzinfo=timezone(timedelta(minutes=expected[key])))
    return local


def assert_date(facts: Facts, expected: dict[str, Any]) -> None:
    taken = expected_taken(expected)
    assert facts.taken == taken
    if taken is None:
        assert facts.taken_from is None
        return
    assert facts.taken is not None
    assert facts.taken_from is not None
    assert facts.taken.utcoffset() == taken.utcoffset()
    inferred = expected["offset_minutes"] is None and expected["offset_inferred_from_gps_minutes"] is not None
    assert facts.taken_from == expected["date_source"] + (", offset from GPS" if inferred else "")


def assert_place(facts: Facts, expected: dict[str, Any]) -> None:
    if expected["lat"] is None:
        assert (facts.latitude, facts.longitude, facts.altitude) == (None, None, None)
    else:
        assert facts.latitude == pytest.approx(expected["lat"], abs=1e-4)
        assert facts.longitude == pytest.approx(expected["lon"], abs=1e-4)


@pytest.mark.parametrize("entry", of_level("must"))
def test_a_good_file_matches_in_every_field(entry: dict[str, Any]) -> None:
    expected = entry["expected"]
    facts = facts_of(entry)

    assert_date(facts, expected)
    assert_place(facts, expected)
    assert facts.media_type == expected["mime"]
    assert facts.is_video == expected["mime"].startswith("video/")
    assert (facts.width, facts.height) == (expected["width"], expected["height"])
    assert (facts.make, facts.model) == (expected["make"], expected["model"])
    assert facts.orientation == expected["orientation"]
    if facts.is_video:
        assert facts.rotation == expected["rotation"]
    assert facts.duration == (None if expected["duration"] is None else pytest.approx(expected["duration"], abs=0.06))
    assert facts.content_id == expected["content_identifier"]
    assert facts.motion_photo == bool(expected["embedded_video"] and expected["embedded_video"]["valid"])
    assert facts.ultra_hdr == expected["ultra_hdr_gainmap"]


@pytest.mark.parametrize("entry", of_level("odd"))
def test_an_odd_file_matches_or_is_null_with_a_reason(entry: dict[str, Any]) -> None:
    facts = facts_of(entry)

    assert_date(facts, entry["expected"])
    assert_place(facts, entry["expected"])
    if "rejected" in entry["expected"]:
        assert facts.error


@pytest.mark.parametrize("entry", of_level("robust"))
def test_a_broken_file_is_harmless(entry: dict[str, Any]) -> None:
    facts = facts_of(entry)

    assert facts.media_type in (None, entry["expected"]["mime"])
    assert facts.taken is None or facts.taken == expected_taken(entry["expected"])


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["path"]) for entry in FILES])
def test_the_moment_for_the_record_is_the_manifests(entry: dict[str, Any]) -> None:
    expected = entry["expected"]
    with opened(entry) as fd:
        facts = read(fd, now=NOW, zone=ZONE)
    taken = choose_taken(facts, entry["path"].rpartition("/")[2], None, now=NOW, zone=ZONE)

    if facts.taken is not None:
        assert taken.text == facts.taken.isoformat()
        if expected["date_taken_utc"]:
            assert datetime.fromtimestamp(taken.timestamp, UTC) == datetime.fromisoformat(expected["date_taken_utc"])
    elif expected["filename_date"]:
        in_name = expected["filename_date"]
        assert taken.text.removesuffix("+00:00").replace("T", " ") == in_name["local"]
        assert taken.text.endswith("+00:00") == in_name["utc"]
        assert taken.source.startswith(f"name:{in_name['rule']}")
    else:
        assert taken.source == "upload"
    assert taken.source.endswith("offset assumed") == (datetime.fromisoformat(taken.text).tzinfo is None)
