"""Other programs' changes are noticed while the archive is open: listed at once, recorded when they have settled."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.archive.nodes import Path as WebPath
from sumu_dav.archive.outside.folder_events import FolderEvents, Heard
from sumu_dav.archive.outside.listening import Watch
from sumu_dav.archive.outside.polling import FolderSigns, gives_no_events
from sumu_dav.archive.outside.reconcile import Reconciler
from sumu_dav.archive.outside.watching import Watcher
from sumu_dav.archive.versions import Change
from sumu_dav.errors import DiskFailure, Forbidden
from sumu_dav.library import Place
from support.home import Home, write
from support.samples import jpeg
from support.toy import eventually

PATIENCE = 20.0
"""Seconds to wait for what takes three on an idle machine."""

SETTLED = 0.4
"""Seconds without a change after which a file counts as whole, in these tests."""

Begin = Callable[..., Watcher]


@pytest.fixture
def watch(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Begins to watch, and has looked at everything once when it returns. All waits are a fifth of what they are."""
    monkeypatch.setattr("sumu_dav.archive.outside.reconcile.SETTLED", SETTLED)
    monkeypatch.setattr("sumu_dav.archive.outside.watching.SETTLED", SETTLED)
    monkeypatch.setattr("sumu_dav.archive.outside.listening.SETTLED", SETTLED)
    monkeypatch.setattr("sumu_dav.archive.outside.listening.GATHER", 0.05)
    started: list[Watcher] = []

    def begin(mode: str = "events", poll_seconds: float = 0.2) -> Watcher:
        reconciler = Reconciler(home.archive.desk)
        watcher = Watcher(home.archive.desk, reconciler, Watch(str(home.plex), mode, poll_seconds))
        started.append(watcher)
        write(home.alice / "first" / "first.jpg", jpeg())
        watcher.start()
        appears(home, "alice/first/first.jpg")
        return watcher

    yield begin
    for watcher in started:
        watcher.stop()


def appears(home: Home, path: str) -> None:
    assert eventually(lambda: home.find(path) is not None, PATIENCE), f"{path} was not recorded"


@pytest.mark.parametrize("mode", ["events", "poll"])
def test_a_new_file_is_recorded(home: Home, watch: Begin, mode: str) -> None:
    watch(mode)

    write(home.alice / "a" / "deep" / "album" / "x.jpg", jpeg())

    appears(home, "alice/a/deep/album/x.jpg")


@pytest.mark.parametrize("mode", ["events", "poll"])
def test_a_move_and_a_deletion_are_followed(home: Home, watch: Begin, mode: str) -> None:
    moved, deleted = home.put("alice/trip/x.jpg", jpeg(), favorite=True), home.put("alice/trip/y.jpg", jpeg())
    watch(mode)

    os.rename(home.alice / "trip", home.alice / "journey")
    os.unlink(home.alice / "journey" / "y.jpg")

    appears(home, "alice/journey/x.jpg")
    assert home.at("alice/journey/x.jpg").id == moved.id
    assert eventually(lambda: home.find("alice/trip/y.jpg") is None, PATIENCE)
    assert [entry.photo.id for entry in home.archive.trash.set_aside("alice") if entry.photo] == [deleted.id]


def test_a_file_that_grows_slowly_is_recorded_whole(home: Home, watch: Begin) -> None:
    watch()
    data = jpeg(pad=50_000)
    hashes = set()

    with (home.alice / "first" / "slow.jpg").open("wb", buffering=0) as file:
        for start in range(0, len(data), 10_000):
            file.write(data[start : start + 10_000])
            photo = home.find("alice/first/slow.jpg")
            hashes.add(photo.sha256 if photo else None)
            time.sleep(SETTLED / 3)

    appears(home, "alice/first/slow.jpg")
    assert hashes == {None}
    assert home.at("alice/first/slow.jpg").size == len(data)


def test_listings_are_told_of_a_change_before_it_has_settled(home: Home, watch: Begin) -> None:
    watch()
    told: list[Change] = []
    home.archive.versions.listen(told.append)

    write(home.alice / "first" / "notes.txt", b"hello")

    # what was written before the watch may be told late, and first
    assert eventually(lambda: Change("alice", ("first",), frozenset({"notes.txt"})) in told, 2.0)


def test_listings_may_trust_what_they_are_told_while_events_come(home: Home, watch: Begin) -> None:
    heard = [home.archive.versions.hears_others]
    watcher = watch()
    heard.append(home.archive.versions.hears_others)
    watcher.stop()
    heard.append(home.archive.versions.hears_others)

    assert heard == [False, True, False]


def test_our_own_changes_are_not_told_a_second_time(home: Home, watch: Begin) -> None:
    watch()
    told: list[Change] = []
    home.put("alice/trip/x.jpg", jpeg(), favorite=True)
    home.put("alice/trip/y.jpg", jpeg())
    home.archive.folders.delete(WebPath("alice", ("trip", "y.jpg")))
    home.archive.versions.listen(told.append)

    write(home.alice / "first" / "notes.txt", b"hello")

    assert eventually(lambda: any("notes.txt" in (change.names or ()) for change in told), PATIENCE)
    assert {(change.parts, name) for change in told for name in change.names or ()} <= {
        ((), "trip"), ((), "favorites"), (("first",), "notes.txt"),
    }  # fmt: skip


def test_our_own_uploads_are_recorded_once_and_not_read_again(
    home: Home, watch: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch()
    read: list[str] = []
    monkeypatch.setattr("sumu_dav.archive.outside.reconcile.content_of", lambda *_, **__: read.append("a file"))

    def upload(first: int) -> None:
        for number in range(first, first + 10):
            home.put(f"alice/trip-{first}/{number}.jpg", jpeg(), favorite=number % 2 == 0)

    threads = [threading.Thread(target=upload, args=(first,)) for first in (0, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    write(home.alice / "first" / "last.jpg", jpeg())

    assert eventually(lambda: read != [], PATIENCE)
    assert read == ["a file"]
    assert len(home.records()) == 31


def test_many_changes_at_once_are_all_found(home: Home, watch: Begin) -> None:
    watch()
    write_many(home)

    assert eventually(lambda: len(home.records()) == 501, PATIENCE)


def test_what_the_system_did_not_keep_is_found_all_the_same(
    home: Home, watch: Begin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def overflow(events: FolderEvents) -> Heard:
        return Heard((), incomplete=read(events).paths != ())

    read = FolderEvents.read
    caplog.set_level(logging.INFO)
    watch()
    monkeypatch.setattr(FolderEvents, "read", overflow)
    told: list[Change] = []
    home.archive.versions.listen(told.append)
    write_many(home)

    assert eventually(lambda: len(home.records()) == 501, PATIENCE)
    assert "everything of alice, bob is looked at" in caplog.text
    assert Change("alice", below=True) in told


def write_many(home: Home) -> None:
    data = jpeg()
    for number in range(500):
        write(home.alice / f"album-{number % 7}" / f"{number}.jpg", data + str(number).encode())


def test_a_user_folder_that_comes_later_is_watched(home: Home, watch: Begin) -> None:
    watch()

    write(home.bob / "trip" / "x.jpg", jpeg())

    appears(home, "bob/trip/x.jpg")
    write(home.bob / "trip" / "y.jpg", jpeg())
    appears(home, "bob/trip/y.jpg")


def test_a_user_folder_that_goes_and_comes_again_keeps_its_records(home: Home, watch: Begin, tmp_path: Path) -> None:
    watch()
    before = home.records()

    os.rename(home.alice, tmp_path / "away")
    home.alice.mkdir()
    shutil.rmtree(home.alice)
    os.rename(tmp_path / "away", home.alice)
    write(home.alice / "first" / "y.jpg", jpeg())

    appears(home, "alice/first/y.jpg")
    assert home.records()[0] == before[0]


def test_a_user_folder_that_is_let_in_later_is_watched(
    home: Home, watch: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, folders = home.archive.tree, home.archive.tree.folders

    def closed(place: Place, before: Callable[[int], object]) -> list[str]:
        if place.user == "alice":
            raise Forbidden(place.shown, "not for you")
        return folders(place, before)

    monkeypatch.setattr(tree, "folders", closed)
    watch()
    write(home.alice / "first" / "x.jpg", jpeg())
    monkeypatch.setattr(tree, "folders", folders)
    home.alice.chmod(0o700)

    appears(home, "alice/first/x.jpg")
    write(home.alice / "first" / "y.jpg", jpeg())
    appears(home, "alice/first/y.jpg")


def test_watching_begins_again_after_a_folder_could_not_be_read(
    home: Home, watch: Begin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tree, folders = home.archive.tree, home.archive.tree.folders

    def fail_once(place: Place, before: Callable[[int], object]) -> list[str]:
        monkeypatch.setattr(tree, "folders", folders)
        raise DiskFailure(place.shown, "Too many open files")

    monkeypatch.setattr("sumu_dav.archive.outside.listening.AGAIN", 0.1)
    watcher = watch()
    monkeypatch.setattr(tree, "folders", fail_once)
    write(home.alice / "later" / "x.jpg", jpeg())

    appears(home, "alice/later/x.jpg")
    write(home.alice / "later" / "y.jpg", jpeg())
    appears(home, "alice/later/y.jpg")
    assert "watching begins again" in caplog.text
    assert watcher.state().mode == "events"


def test_a_name_that_is_no_text_does_not_end_the_watching(home: Home, watch: Begin) -> None:
    watcher = watch()

    with open(os.fsencode(home.alice) + b"/first/\xff.jpg", "wb") as file:
        file.write(jpeg())
    write(home.alice / "first" / "y.jpg", jpeg())

    appears(home, "alice/first/y.jpg")
    write(home.alice / "first" / "z.jpg", jpeg())
    appears(home, "alice/first/z.jpg")
    assert watcher.state().alive


def test_where_events_are_refused_it_looks_instead(
    home: Home, watch: Begin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("inotify_simple.INotify.add_watch", refuse)
    watcher = watch()

    write(home.alice / "first" / "y.jpg", jpeg())

    appears(home, "alice/first/y.jpg")
    assert watcher.state().mode == "poll"
    assert "fs.inotify.max_user_watches" in caplog.text


def test_the_state_tells_health(home: Home, watch: Begin) -> None:
    watcher = watch("off")

    assert (watcher.state().mode, watcher.state().alive) == ("off", True)
    assert eventually(lambda: watcher.state().waiting == 0)
    watcher.stop()
    assert not watcher.state().alive


@pytest.mark.parametrize(("mode", "verb"), [("off", "scan"), ("events", "folders"), ("poll", "scan")])
def test_a_stop_does_not_wait_for_all_folders_to_be_looked_at(
    home: Home, monkeypatch: pytest.MonkeyPatch, mode: str, verb: str
) -> None:
    """A disk that sleeps, or is far away, takes its time for each."""
    for number in range(400):
        (home.alice / f"{number}").mkdir()
    looked: list[Place] = []
    begun, stopping = threading.Event(), threading.Event()
    original = getattr(home.archive.tree, verb)

    def slow(place: Place, *arguments: Any) -> Any:
        looked.append(place)
        if len(looked) > 3:
            begun.set()
            assert stopping.wait(PATIENCE)
            time.sleep(0.02)
        return original(place, *arguments)

    monkeypatch.setattr(home.archive.tree, verb, slow)
    watcher = Watcher(home.archive.desk, Reconciler(home.archive.desk), Watch(str(home.plex), mode))
    watcher.start()
    assert begun.wait(PATIENCE)
    stopping.set()
    watcher.stop()

    assert 3 < len(looked) < 200


def test_folder_signs_tell_what_changed(home: Home) -> None:
    home.put("alice/trip/x.jpg", jpeg())
    home.put("alice/home/y.jpg", jpeg())
    signs = FolderSigns(home.archive.tree)

    assert signs.changed("alice") == {(), ("trip",), ("home",)}
    assert signs.changed("alice") == set()
    write(home.alice / "trip" / "x.jpg", jpeg())
    assert signs.changed("alice") == {("trip",)}
    home.archive.folders.delete(WebPath("alice", ("home",)))
    assert signs.changed("alice") == {(), ("home",)}


def test_a_local_disk_gives_events(tmp_path: Path) -> None:
    assert not gives_no_events(str(tmp_path))
