"""inotify over whole trees: what others change is told, what is only read is not, and no folder is missed."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from sumu_dav.archive.outside.folder_events import FolderEvents
from sumu_dav.errors import Forbidden
from sumu_dav.library import Place, Tree

RENAME_EXCHANGE = 2  # rename(2)

_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    with closing(Tree.open(str(tmp_path / "plex"), None)) as tree:
        yield tree


@pytest.fixture
def root(tree: Tree, tmp_path: Path) -> Path:
    (tmp_path / "plex" / "alice" / "trip" / "day").mkdir(parents=True)
    (tmp_path / "plex" / "alice" / "trip" / "a.jpg").write_bytes(b"a")
    return tmp_path / "plex" / "alice"


@pytest.fixture
def events(tree: Tree, root: Path) -> Iterator[FolderEvents]:
    with closing(FolderEvents(tree, ["alice"])) as found:
        found.watch_all()
        yield found


def told(events: FolderEvents) -> set[str]:
    heard = events.read()
    assert not heard.incomplete
    assert len(heard.paths) == len(set(heard.paths))
    assert {user for user, _ in heard.paths} <= {"alice"}
    return {"/".join(parts) for _, parts in heard.paths}


def exchange(one: Path, other: Path) -> None:
    if _libc.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), "renameat2")


def test_every_change_is_told(events: FolderEvents, root: Path) -> None:
    (root / "trip" / "day" / "b.jpg").write_bytes(b"b")
    assert told(events) == {"trip/day/b.jpg"}
    os.utime(root / "trip" / "a.jpg")
    assert told(events) == {"trip/a.jpg"}
    os.rename(root / "trip" / "a.jpg", root / "c.jpg")
    assert told(events) == {"trip/a.jpg", "c.jpg"}
    os.link(root / "c.jpg", root / "d.jpg")
    (root / "c.jpg").unlink()
    assert told(events) == {"c.jpg", "d.jpg"}
    with (root / "d.jpg").open("ab", buffering=0) as file:
        file.write(b"more")
        assert told(events) == {"d.jpg"}, "before it is closed"


def test_what_is_only_read_is_not_told(events: FolderEvents, root: Path) -> None:
    assert (root / "trip" / "a.jpg").read_bytes() == b"a"
    assert os.listdir(root / "trip") != []

    assert told(events) == set()


def test_folders_that_come_later_are_watched_with_all_below(events: FolderEvents, root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "deep" / "deeper").mkdir(parents=True)
    (root / "made" / "within").mkdir(parents=True)
    os.rename(tmp_path / "elsewhere", root / "moved")
    assert told(events) == {"made", "moved"}

    (root / "made" / "within" / "a.jpg").touch()
    (root / "moved" / "deep" / "deeper" / "b.jpg").touch()

    assert told(events) == {"made/within/a.jpg", "moved/deep/deeper/b.jpg"}


def test_a_folder_that_was_moved_is_told_of_by_its_new_name(events: FolderEvents, root: Path) -> None:
    os.rename(root / "trip", root / "journey")
    assert told(events) == {"trip", "journey"}

    (root / "journey" / "day" / "b.jpg").touch()

    assert told(events) == {"journey/day/b.jpg"}


def test_folders_that_change_places_are_told_apart(events: FolderEvents, root: Path) -> None:
    (root / "home").mkdir()
    os.rename(root / "home", root / "aside")
    os.rename(root / "trip", root / "home")
    os.rename(root / "aside", root / "trip")
    told(events)

    (root / "home" / "day" / "b.jpg").touch()
    (root / "trip" / "c.jpg").touch()

    assert told(events) == {"home/day/b.jpg", "trip/c.jpg"}


def test_a_folder_that_left_the_tree_is_told_of_no_more(events: FolderEvents, root: Path, tmp_path: Path) -> None:
    os.rename(root / "trip", tmp_path / "gone")
    assert told(events) == {"trip"}

    (tmp_path / "gone" / "day" / "b.jpg").touch()
    (root / "trip").mkdir()
    assert told(events) == {"trip"}
    (root / "trip" / "c.jpg").touch()

    assert told(events) == {"trip/c.jpg"}


def test_a_folder_that_is_made_anew_is_watched_anew(events: FolderEvents, root: Path) -> None:
    for _ in range(3):
        shutil.rmtree(root / "trip")
        (root / "trip" / "day").mkdir(parents=True)
    told(events)

    (root / "trip" / "day" / "b.jpg").touch()

    assert told(events) == {"trip/day/b.jpg"}


def test_junk_and_names_that_are_no_text_are_left_out_with_all_below(tree: Tree, root: Path) -> None:
    for folder in (b".hidden", b"\xff"):
        os.mkdir(os.fsencode(root) + b"/" + folder)
    with closing(FolderEvents(tree, ["alice"])) as events:
        events.watch_all()
        for name in (b".hidden/a.jpg", b"\xff/a.jpg", b"\xfe.jpg", b".DS_Store"):
            with open(os.fsencode(root) + b"/" + name, "wb"):
                pass
        os.mkdir(os.fsencode(root) + b"/\xfd")

        assert told(events) == set()


def test_links_are_not_followed(tree: Tree, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    with closing(FolderEvents(tree, ["alice"])) as events:
        events.watch_all()
        (tmp_path / "outside" / "a.jpg").touch()

        assert told(events) == set()


def test_more_than_the_system_keeps_is_told_of_and_no_folder_is_missed(events: FolderEvents, root: Path) -> None:
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for _ in range(most // 2 + 1):  # two files in turns: equal events in a row are one
        os.utime(root / "trip" / "a.jpg")
        os.utime(root / "trip")
    (root / "missed").mkdir()

    assert events.read().incomplete
    events.watch_all()

    (root / "missed" / "b.jpg").touch()
    assert told(events) == {"missed/b.jpg"}


def test_no_more_watches_is_said_in_words(tree: Tree, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("inotify_simple.INotify.add_watch", refuse)
    with (
        closing(FolderEvents(tree, ["alice"])) as events,
        pytest.raises(OSError, match=r"fs\.inotify\.max_user_watches"),
    ):
        events.watch_all()


def test_what_goes_while_it_is_looked_at_does_no_harm(events: FolderEvents, root: Path) -> None:
    (root / "made" / "within").mkdir(parents=True)
    shutil.rmtree(root / "made")
    (root / "made").touch()

    assert told(events) == {"made"}


def test_folders_that_are_exchanged_in_one_step_stay_watched(events: FolderEvents, root: Path) -> None:
    (root / "home" / "within").mkdir(parents=True)
    told(events)
    exchange(root / "home", root / "trip")
    assert told(events) == {"home", "trip"}

    for folder in ("home", "home/day", "trip", "trip/within"):
        (root / folder / "x.jpg").touch()

    assert told(events) == {"home/x.jpg", "home/day/x.jpg", "trip/x.jpg", "trip/within/x.jpg"}


def test_a_link_in_the_place_of_a_folder_takes_no_watch_away(events: FolderEvents, root: Path) -> None:
    (root / "other" / "day").mkdir(parents=True)
    told(events)
    (root / "trip" / "new").mkdir()
    os.utime(root / "trip" / "day")
    shutil.rmtree(root / "trip")
    (root / "trip").symlink_to("other")
    (root / "round").symlink_to("round")
    told(events)

    (root / "other" / "day" / "b.jpg").touch()

    assert told(events) == {"other/day/b.jpg"}


def test_a_folder_too_deep_to_be_asked_for_is_left_out(events: FolderEvents, root: Path) -> None:
    here = os.open(root, os.O_RDONLY)
    for _ in range(70):
        os.mkdir("n" * 200, dir_fd=here)
        below = os.open("n" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)

    assert told(events) == {"n" * 200}
    (root / "trip" / "b.jpg").touch()
    assert told(events) == {"trip/b.jpg"}


def test_a_folder_that_is_let_in_later_is_watched_from_then_on(
    events: FolderEvents, tree: Tree, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = tree.folders

    def closed(place: Place, before: Callable[[int], object]) -> list[str]:
        if place.parts == ("closed",):
            raise Forbidden(place.shown, "not for you")
        return folders(place, before)

    monkeypatch.setattr(tree, "folders", closed)
    (root / "closed" / "within").mkdir(parents=True)
    assert told(events) == {"closed"}
    monkeypatch.undo()
    (root / "closed").chmod(0o700)
    told(events)

    (root / "closed" / "within" / "b.jpg").touch()

    assert told(events) == {"closed/within/b.jpg"}


def test_a_user_whose_folder_is_another_one_is_looked_at_anew(events: FolderEvents, root: Path, tmp_path: Path) -> None:
    shutil.rmtree(root)
    root.mkdir()
    assert events.read().incomplete, "made anew, often with the same inode"
    events.watch_all()
    os.rename(root, tmp_path / "away")
    (tmp_path / "away" / "new").mkdir()
    os.rename(tmp_path / "away", root)
    assert events.read().incomplete, "away and back"
    events.watch_all()

    (root / "new" / "b.jpg").touch()

    assert told(events) == {"new/b.jpg"}


def test_after_too_much_what_left_meanwhile_is_not_watched(events: FolderEvents, root: Path, tmp_path: Path) -> None:
    events._inotify.read(timeout=0)
    os.rename(root / "trip", tmp_path / "gone")
    (root / "trip" / "day").mkdir(parents=True)
    events._inotify.read(timeout=0)  # nobody is told: as in an overflow
    events.watch_all()

    os.rename(tmp_path / "gone" / "day", tmp_path / "gone" / "night")
    assert told(events) == set()
    (root / "trip" / "day" / "b.jpg").touch()
    assert told(events) == {"trip/day/b.jpg"}
    assert watches(events) == 3


def watches(events: FolderEvents) -> int:
    info = Path(f"/proc/self/fdinfo/{events._inotify.fileno()}").read_text()
    return info.count("inotify wd")


@pytest.mark.parametrize("seed", range(8))
def test_no_folder_is_missed_whatever_is_done(seed: int, events: FolderEvents, root: Path, tmp_path: Path) -> None:
    print(f"seed {seed}")
    storm = Storm(seed, root, tmp_path / "outside")
    for _ in range(6):
        worker = threading.Thread(target=storm.blow, args=(60,))
        worker.start()
        while worker.is_alive():
            events.read()
        events.read()
        folders = storm.folders(root)
        for folder in (*folders, *storm.folders(tmp_path / "outside")):
            (folder / "probe.jpg").write_bytes(b"x")

        assert told(events) == {str((folder / "probe.jpg").relative_to(root)) for folder in folders}
        assert watches(events) == len(folders)


class Storm:
    """Does things to folders below `inside`, and to others `outside` that come in and go."""

    NAMES = ("a", "b", "c", "é", "e\u0301", ".hidden")

    def __init__(self, seed: int, inside: Path, outside: Path) -> None:
        self.luck = random.Random(seed)
        self.inside, self.outside = inside, outside
        outside.mkdir()

    def folders(self, top: Path) -> list[Path]:
        """Those that are to be watched."""
        found = []
        for folder, below, _ in os.walk(top):
            below[:] = [name for name in below if not name.startswith(".") and not os.path.islink(f"{folder}/{name}")]
            found.append(Path(folder))
        return found

    def blow(self, times: int) -> None:
        for _ in range(times):
            with suppress(OSError):
                self._do()

    def _do(self) -> None:
        one, target = self._any(), self._any() / self.luck.choice(self.NAMES)
        kind = self.luck.choice(("make", "make", "make", "move", "move", "move", "exchange", "link", "remove", "time"))
        if kind == "make":
            (target / self.luck.choice(self.NAMES)).mkdir(parents=True)
        elif kind == "link":
            target.symlink_to(self.luck.choice((one, Path(".."), Path("a"))))
        elif kind == "time":
            os.utime(one)
        elif one in (self.inside, self.outside):
            return
        elif kind == "move":
            os.rename(one, target)
        elif kind == "exchange":
            other = self._any()
            if other not in (self.inside, self.outside):
                exchange(one, other)
        elif len(one.relative_to(self.inside.parent.parent).parts) > 3:
            shutil.rmtree(one)

    def _any(self) -> Path:
        return self.luck.choice(self.folders(self.outside if self.luck.random() < 0.2 else self.inside))
