"""What was never finished goes after its time; what is merely empty, or locked, or under way, stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path as DiskPath

import pytest

from sumu_dav.archive.nodes import Path
from support.family import Family, path
from support.samples import jpeg

SOON = timedelta(minutes=59)
LATE = timedelta(minutes=61)


@pytest.fixture
def family(tmp_path: DiskPath) -> Iterator[Family]:
    family = Family(tmp_path, placeholder_seconds=3600.0, chunk_seconds=24 * 3600.0)
    family.mkcol("/alice/trip")
    yield family
    family.close()


def clean(family: Family, later: timedelta) -> None:
    family.archive.housekeeping.run_once(datetime.now(UTC) + later)


def hidden_files(family: Family) -> list[str]:
    root = family.plex / ".sumu" / "users"
    return sorted(str(found.relative_to(root)) for found in root.rglob("*"))


def test_a_placeholder_that_gets_no_bytes_is_dropped_after_an_hour(family: Family) -> None:
    family.put("/alice/trip/a.jpg", b"")
    family.put("/alice/IMG_1.jpg", b"")
    family.set_property("/alice/trip/a.jpg", "{urn:test}color", '<c xmlns="urn:test">red</c>')

    clean(family, SOON)
    assert family.has("/alice/trip/a.jpg")
    clean(family, LATE)

    assert not family.has("/alice/trip/a.jpg")
    assert not family.has("/alice/IMG_1.jpg")
    assert family.names("/alice") == {"trip", "favorites"}
    assert hidden_files(family) == []
    assert family.archive.desk.performer.others.get("alice", ("trip", "a.jpg")) is None
    assert family.archive.trashing.entries() == []


def test_its_time_counts_from_when_it_came_whatever_time_it_bears(family: Family) -> None:
    family.put("/alice/trip/a.jpg", b"", mtime=1_000_000_000)

    clean(family, SOON)

    assert family.has("/alice/trip/a.jpg")


def test_a_placeholder_over_a_photo_gives_the_photo_back(family: Family) -> None:
    photo = jpeg()
    family.put("/alice/trip/a.jpg", photo)
    family.put("/alice/trip/a.jpg", b"")
    assert family.read("/alice/trip/a.jpg") == b""

    clean(family, LATE)

    assert family.read("/alice/trip/a.jpg") == photo


def test_a_locked_placeholder_stays_until_its_lock_is_gone(family: Family) -> None:
    family.put("/alice/trip/a.jpg", b"")
    locked = {path("/alice/trip/a.jpg")}
    family.archive.housekeeping.is_locked = locked.__contains__

    clean(family, LATE)
    assert family.has("/alice/trip/a.jpg")
    locked.clear()
    clean(family, LATE)

    assert not family.has("/alice/trip/a.jpg")


def test_an_empty_file_that_is_no_media_is_a_file(family: Family) -> None:
    family.put("/alice/trip/notes.txt", b"")
    family.put("/alice/trip/._a.jpg", b"")
    family.put("/alice/list.txt", b"")

    clean(family, LATE)

    assert family.names("/alice/trip") == {"notes.txt", "._a.jpg"}
    assert family.has("/alice/list.txt")


def test_a_folder_that_holds_nothing_but_placeholders_stays_when_it_is_somebodys(family: Family) -> None:
    family.mkcol("/alice/trip/day 1")
    family.put("/alice/trip/day 1/a.jpg", b"")

    clean(family, LATE)

    assert family.names("/alice/trip") == {"day 1"}
    assert hidden_files(family) == ["alice", "alice/trip"]


def test_chunks_of_which_nothing_came_for_a_day_are_dropped(family: Family) -> None:
    chunks = family.archive.chunks
    for upload in ("begun", "sent"):
        chunks.make("alice", upload)
    with family.archive.tree.receive() as received:
        received.write(b"x")
        received.seal(1_000_000_000)
        chunks.store("alice", "sent", "1", received)

    clean(family, timedelta(hours=23))
    assert chunks.uploads("alice") == ["begun", "sent"]
    clean(family, timedelta(hours=25))

    assert chunks.uploads("alice") == []


def test_a_round_drops_old_trash(family: Family) -> None:
    family.put("/alice/trip/a.txt", b"x")
    family.delete("/alice/trip/a.txt")

    clean(family, timedelta(days=29))
    assert len(family.archive.trashing.entries()) == 1
    clean(family, timedelta(days=31))

    assert family.archive.trashing.entries() == []


def test_nothing_is_old_while_the_disk_is_not_there(family: Family) -> None:
    family.put("/alice/trip/a.txt", b"x")
    family.delete("/alice/trip/a.txt")
    marker = family.plex / ".sumu" / "tree-id"
    marker.rename(marker.with_name("away"))

    clean(family, timedelta(days=31))

    assert len(family.archive.trashing.entries()) == 1


def test_the_thread_goes_round_and_stops(family: Family) -> None:
    asked = threading.Event()

    def is_locked(_path: Path) -> bool:
        asked.set()
        return False

    family.put("/alice/trip/a.jpg", b"")
    family.archive.housekeeping.is_locked = is_locked
    family.clock.ahead = LATE

    family.archive.housekeeping.start()
    assert asked.wait(10)
    family.archive.housekeeping.stop()

    assert not family.has("/alice/trip/a.jpg")
    assert all(thread.name != "housekeeping" for thread in threading.enumerate())
