"""What the archive says of itself to whoever watches over it, where no server can be brought to it from outside."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

import pytest

from sumu_dav.archive.archive import Archive
from sumu_dav.archive.opening import Options, open_archive
from sumu_dav.errors import DiskFailure, Forbidden
from sumu_dav.library import Place
from sumu_dav.library.tree import Entry
from sumu_dav.model import FileStat
from support.samples import jpeg

PATIENCE = 20.0
"""Seconds until a test gives up; what it waits for comes within three."""


@pytest.fixture
def mode() -> str:
    """How other programs' changes are noticed."""
    return "poll"


@pytest.fixture
def watched(tmp_path: Path, mode: str) -> Iterator[Archive]:
    """Alice's archive, which looks for other programs' changes ten times a second where it is not told of them."""
    (tmp_path / "plex" / "alice").mkdir(parents=True)
    options = Options(zone=UTC, watch=mode, watch_poll_seconds=0.1)
    archive = open_archive(str(tmp_path / "plex"), str(tmp_path / "state"), options, users=lambda: ["alice"])
    archive.start()
    yield archive
    archive.close()


def test_all_is_well(watched: Archive) -> None:
    assert watched.problems(0) == []


def test_a_watch_that_ended_is_told(watched: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends where what it finds can't be written down any more."""

    def failing(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", failing)
    (tmp_path / "plex" / "alice" / "a.jpg").write_bytes(jpeg())

    wait_for(lambda: len(watched.problems(0)) == 2)

    suspended, unwatched = watched.problems(0)
    assert suspended.startswith("writing is suspended: ")
    assert unwatched == "changes by other programs are not noticed any more; a restart is needed"


def test_a_watch_outlives_a_disk_that_failed_for_a_while(
    watched: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network share that is away for a moment, say."""
    asked = 0

    def failing(place: Place) -> list[Entry]:
        nonlocal asked
        asked += 1
        raise DiskFailure(place.shown, os.strerror(errno.EIO))

    with monkeypatch.context() as away:
        away.setattr(watched.tree, "scan", failing)
        wait_for(lambda: asked > 2)
    (tmp_path / "plex" / "alice" / "a.jpg").write_bytes(jpeg())

    wait_for(lambda: watched.catalog.at("alice", "", "a.jpg") is not None)
    assert watched.problems(0) == []


@pytest.mark.parametrize("mode", ["events"])
def test_events_of_what_can_not_be_looked_at_do_not_end_the_watch(
    watched: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(lambda: watched.versions.hears_others)
    asked = 0

    def forbidden(place: Place) -> FileStat | None:
        nonlocal asked
        asked += 1
        raise Forbidden(place.shown, os.strerror(errno.EACCES))

    alice = tmp_path / "plex" / "alice"
    with monkeypatch.context() as locked:
        locked.setattr(watched.tree, "stat", forbidden)
        (alice / "a.jpg").write_bytes(jpeg())
        wait_for(lambda: asked > 0)
    wait_for(lambda: watched.versions.hears_others)
    (alice / "b.jpg").write_bytes(jpeg())

    wait_for(lambda: {photo.name for photo in watched.catalog.all()} == {"a.jpg", "b.jpg"})
    assert watched.problems(0) == []


def test_a_disk_that_fails_at_being_looked_at_is_told(watched: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_descriptor: int) -> os.statvfs_result:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fstatvfs", failing)
    assert watched.problems(0) == ["the disk of the Plex folder fails; the system's log says how"]


def test_stopped_it_does_not_complain_of_its_watch(watched: Archive) -> None:
    watched.watcher.stop()
    assert watched.problems(0) == []


def wait_for(is_so: Callable[[], bool]) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
