"""`import sumu-backup` over databases that SQLite itself built, with the predecessor's folders beside them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.auth.accounts import Accounts
from sumu_dav.auth.passwords import Passwords
from sumu_dav.cli import importer
from sumu_dav.cli.importer import common_root, read_photos
from sumu_dav.cli.main import FAILED, main
from support.samples import jpeg

ROOT = "/opt/plexmedia"

SCHEMA = """CREATE TABLE media_metadata (id TEXT PRIMARY KEY, user TEXT, creationTimestamp INTEGER,
    locationLatitude REAL, locationLongitude REAL, isFavorite INTEGER, absoluteFilename TEXT, isVideo INTEGER,
    isLivePhoto INTEGER)"""

MARCH_14 = 1_584_198_566
"""2020-03-14 15:09:26 UTC in seconds."""


@dataclass
class Predecessor:
    """Its database and its folders, and the commands of the successor run on them."""

    folder: Path
    printed: Callable[[], Any]

    @property
    def plex(self) -> Path:
        return self.folder / "plex"

    @property
    def file(self) -> Path:
        return self.folder / "old.db"

    def add(self, data: bytes | None, *, user: str = "alice", album: str = "trip", **columns: Any) -> str:
        """A photo with its row; without data the row alone. Returns its id."""
        identifier = str(uuid.uuid4()).upper()
        name = f"{MARCH_14}_{identifier}.jpg"
        row = {
            "id": identifier, "user": user, "creationTimestamp": MARCH_14, "locationLatitude": None,
            "locationLongitude": None, "isFavorite": 0, "absoluteFilename": f"{ROOT}/{user}/{album}/{name}",
            "isVideo": 0, "isLivePhoto": 0, **columns,
        }  # fmt: skip
        with sqlite3.connect(self.file) as database:
            if not database.execute("SELECT name FROM sqlite_master").fetchall():
                database.execute(SCHEMA)
            database.execute(f"INSERT INTO media_metadata VALUES (:{', :'.join(row)})", row)
        database.close()
        if data is not None:
            path = self.plex / user / album / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            if row["isFavorite"]:
                favorites = self.plex / user / "favorites"
                favorites.mkdir(exist_ok=True)
                shutil.copy2(path, favorites / name)
        return identifier

    def run(self) -> tuple[str, str]:
        where = ("--plex", str(self.plex), "--state", str(self.folder / "state"))
        assert main(["import", "sumu-backup", str(self.file), *where], [importer.add]) == 0
        out, err = self.printed()
        return out, err

    def record(self, identifier: str) -> dict[str, Any]:
        [record] = [record for record in self.records() if record["id"] == identifier]
        return record

    def records(self) -> list[dict[str, Any]]:
        table: dict[str, dict[str, Any]] = json.loads((self.folder / "state" / "catalog.json").read_text())["media"]
        return list(table.values())

    def bytes_of_all(self) -> dict[str, bytes]:
        found = (path for path in self.plex.rglob("*") if path.is_file() and ".sumu" not in path.parts)
        return {str(path.relative_to(self.plex)): path.read_bytes() for path in found}


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Predecessor:
    monkeypatch.chdir(tmp_path)
    for module in ("outside.reconcile", "operations.scanning"):
        monkeypatch.setattr(f"sumu_dav.archive.{module}.SETTLED", -1.0)
    (tmp_path / "state").mkdir()
    accounts = Accounts(tmp_path / "state" / "accounts.json", Passwords(8, 1, 1))
    accounts.add("alice", "a password of hers")
    return Predecessor(tmp_path, capsys.readouterr)


def test_ids_places_times_and_favorites_are_kept(old: Predecessor) -> None:
    plain = old.add(jpeg(), locationLatitude=33.39, locationLongitude=-118.42)
    loved = old.add(jpeg(), isFavorite=1, creationTimestamp=MARCH_14 * 1000)
    before = old.bytes_of_all()

    out, err = old.run()

    assert out == "2 photos imported, 0 were imported before\n"
    assert "not imported" not in err
    record = old.record(plain)
    assert (record["latitude"], record["longitude"]) == (33.39, -118.42)
    assert (record["taken"], record["takenFrom"]) == ("2020-03-14T15:09:26+00:00", "sumu-backup")
    assert (record["album"], record["isFavorite"]) == ("trip", False)
    favorite = old.record(loved)
    assert (favorite["isFavorite"], favorite["favoriteName"]) == (True, favorite["name"])
    assert favorite["taken"] == "2020-03-14T15:09:26+00:00"
    assert old.bytes_of_all() == before
    assert len(old.records()) == 2


def test_a_second_run_changes_nothing(old: Predecessor) -> None:
    old.add(jpeg(), locationLatitude=33.39, locationLongitude=-118.42)
    old.add(jpeg(), isFavorite=1)
    old.run()
    before = old.records()

    assert old.run()[0] == "0 photos imported, 2 were imported before\n"
    assert old.records() == before


def test_what_the_file_says_of_the_same_moment_is_kept_in_its_own_words(old: Predecessor) -> None:
    identifier = old.add(jpeg(taken="2020:03:14 08:09:26", offset="-07:00"))

    old.run()

    assert old.record(identifier)["taken"] == "2020-03-14T08:09:26-07:00"


def test_a_place_of_zero_and_zero_is_none(old: Predecessor) -> None:
    identifier = old.add(jpeg(), locationLatitude=0.0, locationLongitude=0.0)

    old.run()

    assert old.record(identifier)["latitude"] is None


def test_a_photo_that_was_moved_is_found_by_its_name(old: Predecessor) -> None:
    identifier = old.add(jpeg(), album="trip")
    (old.plex / "alice" / "trip").rename(old.plex / "alice" / "journey")

    old.run()

    assert old.record(identifier)["album"] == "journey"


def test_what_can_not_be_matched_is_told(old: Predecessor) -> None:
    old.add(None)
    old.add(jpeg(), user="carol")
    old.add(jpeg(), absoluteFilename="/somewhere/else/x.jpg")

    out, err = old.run()

    assert "3 rows were not imported" in out
    assert "there is no such photo" in err
    assert "there is no account of that name" in err
    assert "/somewhere/else/x.jpg does not lie in /opt/plexmedia/alice/" in err


def test_a_copy_that_is_stale_goes_to_the_trash_and_the_photo_stays(old: Predecessor) -> None:
    identifier = old.add(data := jpeg(), isFavorite=1)
    [copy] = (old.plex / "alice" / "favorites").iterdir()
    copy.write_bytes(jpeg())

    old.run()

    assert copy.read_bytes() == data
    assert old.record(identifier)["isFavorite"] is True


def test_a_favorite_that_lost_its_copy_gets_one(old: Predecessor) -> None:
    identifier = old.add(data := jpeg(), isFavorite=1)
    shutil.rmtree(old.plex / "alice" / "favorites")

    old.run()

    favorite = old.record(identifier)["favoriteName"]
    assert (old.plex / "alice" / "favorites" / favorite).read_bytes() == data


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_another_file_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.db").write_bytes(content)

    assert main(["import", "sumu-backup", "x.db", "--state", "state"], [importer.add]) == FAILED
    assert "is no database of Sumu Backup" in capsys.readouterr().err
    assert main(["import", "sumu-backup", "y.db", "--state", "state"], [importer.add]) == FAILED
    assert "there is no such file" in capsys.readouterr().err


def test_the_root_is_what_most_rows_have_before_their_user() -> None:
    rows = [
        ("1", "alice", "/home/alice/media/alice/trip/x.jpg"),
        ("2", "bob", "/home/alice/media/bob/bob/x.jpg"),
        ("3", "bob", "/home/alice/media/bob/trip/x.jpg"),
    ]

    assert common_root(rows) == "/home/alice/media"


def test_reading_changes_nothing_in_the_database(old: Predecessor) -> None:
    old.add(jpeg())
    before = old.file.read_bytes()

    read_photos(old.file)

    assert old.file.read_bytes() == before
    assert sorted(path.name for path in old.folder.iterdir()) == ["old.db", "plex", "state"]
