"""`check` finds what is wrong between trees and records, mends what it can, and then finds nothing more."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.archive.lookup import copy_place, photo_place
from sumu_dav.archive.operations.checking import check
from sumu_dav.archive.operations.scanning import scan
from sumu_dav.archive.progress import nobody_looks
from sumu_dav.catalog import SeenFile
from sumu_dav.library import Place
from support.home import Home, write
from support.samples import jpeg


@pytest.fixture(autouse=True)
def _everything_has_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("operations.checking", "operations.scanning", "outside.reconcile"):
        monkeypatch.setattr(f"sumu_dav.archive.{module}.SETTLED", -1.0)


def problems(home: Home, **arguments: bool) -> list[tuple[str, str, str | None]]:
    found: dict[str, Any] = check(home.archive, arguments, nobody_looks)
    return sorted((each["kind"], each["path"], each["mended"]) for each in found["problems"])


def rot(path: Path) -> None:
    """Change a byte as a bad disk does: nothing of the file's stat tells of it."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def note_as_seen(home: Home, path: str) -> None:
    """Make the recorded stat the present one: a bad disk would not have changed ctime either."""
    photo, tree, seen = home.at(path), home.archive.tree, home.archive.lookup.seen
    notes: tuple[tuple[SeenFile, Place | None], ...] = (
        (seen.originals, photo_place(photo)),
        (seen.copies, copy_place(photo)),
    )
    for notebook, place in notes:
        stat = tree.stat(place) if place is not None else None
        if stat is not None:
            notebook.put(photo.doc_id, stat)


def test_all_is_well(home: Home) -> None:
    home.put("alice/trip/x.jpg", jpeg(), favorite=True)
    home.put("alice/y.jpg", jpeg())

    assert problems(home, hash=True) == []


def test_each_kind_is_found_and_mended(home: Home) -> None:
    for name in ("gone", "longer", "plain"):
        home.put(f"alice/trip/{name}.jpg", jpeg())
    home.put("alice/trip/loved.jpg", jpeg(), favorite=True)
    os.unlink(home.alice / "trip" / "gone.jpg")
    write(home.alice / "trip" / "longer.jpg", jpeg(pad=1000))
    write(home.alice / "trip" / "new.jpg", jpeg())
    os.unlink(home.alice / "favorites" / "loved.jpg")

    expected = [
        ("favorite without copy", "/alice/trip/loved.jpg"),
        ("file without record", "/alice/trip/new.jpg"),
        ("record without file", "/alice/trip/gone.jpg"),
        ("wrong size", "/alice/trip/longer.jpg"),
    ]
    assert [found[:2] for found in problems(home)] == expected
    mended = problems(home, repair=True)
    assert [found[:2] for found in mended] == expected
    assert all(found[2] for found in mended)
    assert problems(home, hash=True) == []
    assert home.aside() == ["trip/gone.jpg"]


def test_rot_is_found_by_reading_and_undone_from_the_favorites_copy(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", data := jpeg(), favorite=True, color="red")
    rot(home.alice / "trip" / "x.jpg")
    note_as_seen(home, "alice/trip/x.jpg")

    assert problems(home) == []
    assert problems(home, hash=True) == [("wrong bytes", "/alice/trip/x.jpg", None)]
    assert problems(home, hash=True, repair=True) == [("wrong bytes", "/alice/trip/x.jpg", "made anew from its copy")]
    assert (home.alice / "trip" / "x.jpg").read_bytes() == data
    assert home.at("alice/trip/x.jpg") == photo
    assert [entry.why for entry in home.archive.trash.all()] == ["its bytes had gone bad"]
    assert problems(home, hash=True) == []


def test_a_rotten_copy_is_made_anew_from_its_original(home: Home) -> None:
    home.put("alice/trip/x.jpg", data := jpeg(), favorite=True)
    rot(home.alice / "favorites" / "x.jpg")
    note_as_seen(home, "alice/trip/x.jpg")

    found = problems(home, hash=True, repair=True)

    assert found == [("copy differs", "/alice/favorites/x.jpg", "made anew from its original")]
    assert (home.alice / "favorites" / "x.jpg").read_bytes() == data


def test_rot_without_a_good_copy_is_told_and_nothing_is_lost(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", jpeg())
    rot(home.alice / "trip" / "x.jpg")
    note_as_seen(home, "alice/trip/x.jpg")

    assert problems(home, hash=True, repair=True) == [("wrong bytes", "/alice/trip/x.jpg", None)]
    assert home.at("alice/trip/x.jpg") == photo


def test_an_edit_by_another_program_is_read_again(home: Home) -> None:
    data = jpeg(seed=1)
    home.put("alice/trip/x.jpg", data)
    write(home.alice / "trip" / "x.jpg", data[:-1] + bytes([data[-1] ^ 1]))

    [(kind, _, mended)] = problems(home, hash=True, repair=True)

    assert (kind, mended) == ("wrong bytes", "read again, since another program changed it")
    assert problems(home, hash=True) == []


def test_scan_counts_what_it_did(home: Home) -> None:
    home.put("alice/trip/x.jpg", jpeg())
    write(home.alice / "trip" / "new.jpg", jpeg())
    write(home.bob / "trip" / "new.jpg", jpeg())

    counts = scan(home.archive, {}, nobody_looks)

    assert (counts["files"], counts["recorded"], counts["failed"], counts["unsettled"]) == (3, 2, 0, 0)


def test_scan_waits_for_what_is_being_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("operations.scanning", "outside.reconcile"):
        monkeypatch.setattr(f"sumu_dav.archive.{module}.SETTLED", 0.5)
    write(home.alice / "trip" / "new.jpg", jpeg())
    began = time.monotonic()

    assert scan(home.archive, {}, nobody_looks)["recorded"] == 1
    assert time.monotonic() - began > 0.3


def test_reread_brings_old_records_up_to_date_and_leaves_what_people_set(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", jpeg(make="Canon", gps=(33.4, -118.4)), favorite=True, color="red")
    old = replace(photo, make=None, latitude=None, metadata_version=0)
    home.archive.catalog.change(put=[old])

    assert scan(home.archive, {}, nobody_looks)["reread"] == 0
    assert scan(home.archive, {"reread": True}, nobody_looks)["reread"] == 1

    assert home.at("alice/trip/x.jpg") == photo
    assert scan(home.archive, {"reread": True}, nobody_looks)["reread"] == 0
