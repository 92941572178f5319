"""Every sample of the shared media set, after a real PUT, stands in catalog.json as its manifest says."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from support.consistency import assert_consistent
from support.programs import SHARED
from support.server import Server

MEDIA = SHARED / "media"
FILES: list[dict[str, Any]] = (
    json.loads((MEDIA / "manifest.json").read_text())["files"] if (MEDIA / "manifest.json").exists() else []
)
pytestmark = pytest.mark.skipif(not FILES, reason="the shared media set is not beside the checkout")


def of_level(level: str) -> list[Any]:
    return [pytest.param(entry, id=entry["path"]) for entry in FILES if entry["level"] == level and not is_empty(entry)]


def is_empty(entry: dict[str, Any]) -> bool:
    """Whether the sample has no bytes: such a one is a placeholder, and no photo."""
    path: Path = MEDIA / entry["path"]
    return path.stat().st_size == 0


@pytest.fixture(scope="module")
def records(server: Server) -> dict[str, dict[str, Any]]:
    """Each sample, stored by a client in an album of its kind; the records by the samples' paths."""
    alice = server.session()
    for kind in sorted({entry["path"].rpartition("/")[0] for entry in FILES}):
        assert alice.mkcol(f"/alice/{kind}").status_code == 201
    for entry in FILES:
        stored = alice.put(f"/alice/{entry['path']}", (MEDIA / entry["path"]).read_bytes())
        assert stored.status_code == 201, (entry["path"], stored.text)
    by_place = {f"{record['album']}/{record['name']}": record for record in server.catalog()}
    return {
        entry["path"]: by_place[unicodedata.normalize("NFC", entry["path"])] for entry in FILES if not is_empty(entry)
    }


def moment_of(expected: dict[str, Any]) -> datetime | None:
    """The date taken, with its offset where the file tells it."""
    if expected["date_taken"] is None:
        return None
    local = datetime.strptime(expected["date_taken"], "%Y-%m-%d %H:%M:%S")
    for key in ("offset_minutes", "offset_inferred_from_gps_minutes"):
        if expected[key] is not None:
            return local.replace(tzinfo=timezone(timedelta(minutes=expected[key])))
    return local


def assert_date(record: dict[str, Any], expected: dict[str, Any]) -> None:
    moment = moment_of(expected)
    if moment is not None:
        assert datetime.fromisoformat(record["taken"]) == moment
        assert datetime.fromisoformat(record["taken"]).utcoffset() == moment.utcoffset()
        assert record["takenFrom"].startswith(expected["date_source"])
    elif expected["filename_date"]:
        assert record["takenFrom"].startswith(f"name:{expected['filename_date']['rule']}")
    else:
        assert record["takenFrom"] == "upload"


def assert_place(record: dict[str, Any], expected: dict[str, Any]) -> None:
    if expected["lat"] is None:
        assert (record["latitude"], record["longitude"], record["altitude"]) == (None, None, None)
    else:
        assert record["latitude"] == pytest.approx(expected["lat"], abs=1e-4)
        assert record["longitude"] == pytest.approx(expected["lon"], abs=1e-4)


@pytest.mark.parametrize("entry", of_level("must"))
def test_a_good_file_is_recorded_in_every_field(records: dict[str, dict[str, Any]], entry: dict[str, Any]) -> None:
    record, expected = records[entry["path"]], entry["expected"]

    assert_date(record, expected)
    assert_place(record, expected)
    assert record["mediaType"] == expected["mime"]
    assert record["isVideo"] == expected["mime"].startswith("video/")
    assert (record["width"], record["height"]) == (expected["width"], expected["height"])
    assert (record["make"], record["model"]) == (expected["make"], expected["model"])
    assert record["orientation"] == expected["orientation"]
    if expected["duration"] is None:
        assert record["duration"] is None
    else:
        assert record["duration"] == pytest.approx(expected["duration"], abs=0.06)
    assert record["livePhotoId"] == expected["content_identifier"]
    if expected["embedded_video"] and expected["embedded_video"]["valid"]:
        assert record["isLivePhoto"] is True
    assert record["size"] == (MEDIA / entry["path"]).stat().st_size


@pytest.mark.parametrize("entry", of_level("odd"))
def test_an_odd_file_is_recorded_right_or_null_with_its_reason(
    records: dict[str, dict[str, Any]], entry: dict[str, Any]
) -> None:
    record = records[entry["path"]]

    assert_date(record, entry["expected"])
    assert_place(record, entry["expected"])
    if "rejected" in entry["expected"]:
        assert record["metadataError"]


@pytest.mark.parametrize("entry", of_level("robust"))
def test_a_broken_file_is_stored_all_the_same(
    server: Server, records: dict[str, dict[str, Any]], entry: dict[str, Any]
) -> None:
    record = records[entry["path"]]
    path = f"/alice/{record['album']}/{record['name']}"

    assert server.session().get(path).content == (MEDIA / entry["path"]).read_bytes()
    assert record["sha256"] == entry["sha256"]


def test_an_empty_file_is_kept_from_plex_and_has_no_record(server: Server, records: dict[str, dict[str, Any]]) -> None:
    empty = [entry["path"] for entry in FILES if is_empty(entry)]

    assert not set(empty) & set(records)
    for path in empty:
        assert server.session().head(f"/alice/{path}").headers["Content-Length"] == "0"
        assert path not in server.files("alice")


def test_what_is_not_known_is_null_in_every_record(records: dict[str, dict[str, Any]]) -> None:
    for path, record in records.items():
        for field in ("duration", "width", "height", "orientation"):
            assert record[field] != 0, (path, field)
        assert "" not in record.values(), path


def test_the_records_say_which_reader_wrote_them(records: dict[str, dict[str, Any]]) -> None:
    assert all(record["metadataVersion"] > 0 for record in records.values())


def test_the_halves_of_each_real_live_photo_found_each_other(records: dict[str, dict[str, Any]]) -> None:
    by_identifier: dict[str, list[dict[str, Any]]] = {}
    for record in records.values():
        if record["livePhotoId"] is not None:
            by_identifier.setdefault(record["livePhotoId"], []).append(record)
    for halves in by_identifier.values():
        paired = {half["isVideo"] for half in halves} == {True, False}
        assert [half["isLivePhoto"] for half in halves] == [paired] * len(halves), halves


def test_disk_records_and_listings_agree_on_all_of_them(server: Server, records: dict[str, dict[str, Any]]) -> None:
    assert_consistent(server)
