"""inotify over whole trees: what others change is told, what is only read is not, and no folder is missed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sumu_dav.archive.outside.folder_events import FolderEvents


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "trip" / "day").mkdir(parents=True)
    (tmp_path / "root" / "trip" / "a.jpg").write_bytes(b"a")
    return tmp_path / "root"


@pytest.fixture
def events(root: Path) -> Iterator[FolderEvents]:
    with closing(FolderEvents([str(root)])) as found:
        found.watch_all()
        yield found


def told(events: FolderEvents, root: Path) -> set[str]:
    heard = events.read()
    assert not heard.overflowed
    assert len(heard.paths) == len(set(heard.paths))
    return {os.path.relpath(path, root) for path in heard.paths}


def test_every_change_is_told(events: FolderEvents, root: Path) -> None:
    (root / "trip" / "day" / "b.jpg").write_bytes(b"b")
    assert told(events, root) == {"trip/day/b.jpg"}
    os.utime(root / "trip" / "a.jpg")
    assert told(events, root) == {"trip/a.jpg"}
    os.rename(root / "trip" / "a.jpg", root / "c.jpg")
    assert told(events, root) == {"trip/a.jpg", "c.jpg"}
    os.link(root / "c.jpg", root / "d.jpg")
    (root / "c.jpg").unlink()
    assert told(events, root) == {"c.jpg", "d.jpg"}
    with (root / "d.jpg").open("ab", buffering=0) as file:
        file.write(b"more")
        assert told(events, root) == {"d.jpg"}, "before it is closed"


def test_what_is_only_read_is_not_told(events: FolderEvents, root: Path) -> None:
    assert (root / "trip" / "a.jpg").read_bytes() == b"a"
    assert os.listdir(root / "trip") != []

    assert told(events, root) == set()


def test_folders_that_come_later_are_watched_with_all_below(events: FolderEvents, root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "deep" / "deeper").mkdir(parents=True)
    (root / "made" / "within").mkdir(parents=True)
    os.rename(tmp_path / "elsewhere", root / "moved")
    assert told(events, root) == {"made", "moved"}

    (root / "made" / "within" / "a.jpg").touch()
    (root / "moved" / "deep" / "deeper" / "b.jpg").touch()

    assert told(events, root) == {"made/within/a.jpg", "moved/deep/deeper/b.jpg"}


def test_a_folder_that_was_moved_is_told_of_by_its_new_name(events: FolderEvents, root: Path) -> None:
    os.rename(root / "trip", root / "journey")
    assert told(events, root) == {"trip", "journey"}

    (root / "journey" / "day" / "b.jpg").touch()

    assert told(events, root) == {"journey/day/b.jpg"}


def test_folders_that_change_places_are_told_apart(events: FolderEvents, root: Path) -> None:
    (root / "home").mkdir()
    os.rename(root / "home", root / "aside")
    os.rename(root / "trip", root / "home")
    os.rename(root / "aside", root / "trip")
    told(events, root)

    (root / "home" / "day" / "b.jpg").touch()
    (root / "trip" / "c.jpg").touch()

    assert told(events, root) == {"home/day/b.jpg", "trip/c.jpg"}


def test_a_folder_that_left_the_tree_is_told_of_no_more(events: FolderEvents, root: Path, tmp_path: Path) -> None:
    os.rename(root / "trip", tmp_path / "gone")
    assert told(events, root) == {"trip"}

    (tmp_path / "gone" / "day" / "b.jpg").touch()
    (root / "trip").mkdir()
    assert told(events, root) == {"trip"}
    (root / "trip" / "c.jpg").touch()

    assert told(events, root) == {"trip/c.jpg"}


def test_a_folder_that_is_made_anew_is_watched_anew(events: FolderEvents, root: Path) -> None:
    for _ in range(3):
        shutil.rmtree(root / "trip")
        (root / "trip" / "day").mkdir(parents=True)
    told(events, root)

    (root / "trip" / "day" / "b.jpg").touch()

    assert told(events, root) == {"trip/day/b.jpg"}


def test_junk_and_names_that_are_no_text_are_left_out_with_all_below(root: Path) -> None:
    for folder in (b".hidden", b"\xff"):
        os.mkdir(os.fsencode(root) + b"/" + folder)
    with closing(FolderEvents([str(root)])) as events:
        events.watch_all()
        for name in (b".hidden/a.jpg", b"\xff/a.jpg", b"\xfe.jpg", b".DS_Store"):
            with open(os.fsencode(root) + b"/" + name, "wb"):
                pass
        os.mkdir(os.fsencode(root) + b"/\xfd")

        assert told(events, root) == set()


def test_links_are_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    with closing(FolderEvents([str(root)])) as events:
        events.watch_all()
        (tmp_path / "outside" / "a.jpg").touch()

        assert told(events, root) == set()


def test_more_than_the_system_keeps_is_told_of_and_no_folder_is_missed(events: FolderEvents, root: Path) -> None:
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for _ in range(most // 2 + 1):  # two files in turns: equal events in a row are one
        os.utime(root / "trip" / "a.jpg")
        os.utime(root / "trip")
    (root / "missed").mkdir()

    assert events.read().overflowed
    events.watch_all()

    (root / "missed" / "b.jpg").touch()
    assert told(events, root) == {"missed/b.jpg"}


def test_no_more_watches_is_said_in_words(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("inotify_simple.INotify.add_watch", refuse)
    with closing(FolderEvents([str(root)])) as events, pytest.raises(OSError, match=r"fs\.inotify\.max_user_watches"):
        events.watch_all()


def test_what_goes_while_it_is_looked_at_does_no_harm(events: FolderEvents, root: Path) -> None:
    (root / "made" / "within").mkdir(parents=True)
    shutil.rmtree(root / "made")
    (root / "made").touch()

    assert told(events, root) == {"made"}
    shutil.rmtree(root)
    assert "trip" in told(events, root)
    events.watch_all()
    assert told(events, root) == set()
