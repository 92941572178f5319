"""A kill at each step of a change of several steps: after the next start it is done whole, or was never begun.

The kill is an exception that nothing catches, raised before the n-th durable step, for every n.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.archive.changes.properties import PropertyChange
from sumu_dav.archive.changes.targets import Guard
from sumu_dav.archive.failures import Failure, MembersFailed
from sumu_dav.archive.nodes import Node
from sumu_dav.archive.nodes import Path as WebPath
from sumu_dav.archive.plans.intents import Intents
from sumu_dav.archive.stores import Others, Trash
from sumu_dav.catalog import EmbeddedCatalog
from sumu_dav.errors import DiskFailure, Forbidden
from sumu_dav.library import Tree, Upload
from sumu_dav.model import Photo
from support.home import Home
from support.samples import jpeg

DURABLE = [
    (Tree, ("make_folder", "make_folders", "rename", "keep", "withdraw", "remove", "remove_folder", "set_times")),
    (Upload, ("seal", "park", "publish")),
    (EmbeddedCatalog, ("change",)),
    (Others, ("change",)),
    (Trash, ("change",)),
    (Intents, ("write", "forget")),
]
"""Everything that leaves a trace on the disk, by class."""

NEW = jpeg(seed="new", taken="2020:01:02 03:04:05")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where that can be: some thousand syncs are waited for, and what they do is tested elsewhere."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as made:
        yield Path(made)


class Killed(BaseException):
    """The process is no more."""


@contextmanager
def before_each_step(happens: Callable[[int, str], None]) -> Iterator[list[str]]:
    """Within the block `happens` is called before each durable step with its number and name. Yields what was begun."""
    begun: list[str] = []

    def guarded(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            begun.append(name)
            happens(len(begun), name)
            return method(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for kind, names in DURABLE:
            for name in names:
                patch.setattr(kind, name, guarded(f"{kind.__name__}.{name}", getattr(kind, name)))
        yield begun


@contextmanager
def killed_before(step: int) -> Iterator[list[str]]:
    """Within the block the process dies at its step-th durable step."""

    def die(number: int, name: str) -> None:
        if number >= step:  # what runs on the way out of a process that is no more does nothing either
            raise Killed(name)

    with before_each_step(die) as begun:
        yield begun


@contextmanager
def failing_at(step: int) -> Iterator[list[str]]:
    """Within the block the disk fails once, at the step-th durable step."""

    def fail(number: int, name: str) -> None:
        if number == step:
            raise DiskFailure(name, "a test made it fail")

    with before_each_step(fail) as begun:
        yield begun


def web(path: str) -> WebPath:
    user, *parts = path.split("/")
    return WebPath(user, tuple(parts))


def filled(folder: Path) -> Home:
    """Two albums with favorites, properties, a loose name, a hidden file, another file; the same ones every time."""
    folder.mkdir()
    home = Home(folder)
    for name in ("a", "b"):
        photo = jpeg(seed=name, taken="2020:01:02 03:04:05")
        home.put(f"alice/trip/{name}.jpg", photo, favorite=name == "a", note=name)
    home.put("alice/trip/day 1/c.jpg", jpeg(seed="c", taken="2020:01:02 03:04:05"), favorite=True, note="c")
    home.put("alice/other/d.jpg", jpeg(seed="d", taken="2020:01:02 03:04:05"), favorite=True, note="d")
    home.put("alice/l.jpg", jpeg(seed="l", taken="2020:01:02 03:04:05"))
    home.archive.move(web("alice/l.jpg"), web("alice/trip/l.jpg"), overwrite=False)
    home.archive.copy(web("alice/trip/l.jpg"), web("alice/trip/plain.txt"), overwrite=False)
    home.archive.copy(web("alice/trip/l.jpg"), web("alice/trip/.hidden"), overwrite=False)
    for path in ("alice/trip", "alice/trip/plain.txt", "alice/trip/.hidden"):
        home.archive.properties.change(web(path), PropertyChange(dead={"{urn:test}note": path}))
    return home


def overlapping(folder: Path) -> Home:
    """The same, with what an album meets that takes another's place: members of one name, and of another kind each;
    a placeholder and junk in both trees; properties of what is no photo on both sides."""
    home = filled(folder)
    home.put("alice/loose.jpg", jpeg(seed="loose", taken="2020:01:02 03:04:05"))
    home.put("alice/other/a.jpg", jpeg(seed="another a", taken="2020:01:02 03:04:05"), note="another a")
    home.put("alice/other/day 1/e.jpg", jpeg(seed="e", taken="2020:01:02 03:04:05"))
    home.put("alice/other/plain.txt/f.jpg", jpeg(seed="f", taken="2020:01:02 03:04:05"))
    home.archive.folders.make(web("alice/trip/empty"))
    for path in ("alice/trip/.DS_Store", "alice/other/.DS_Store"):
        home.archive.copy(web("alice/other/d.jpg"), web(path), overwrite=False)
    home.put_other("alice/trip/waits.jpg", b"", note="waits")
    for name in ("a.jpg", "b.jpg", "waits.jpg", "plain.txt/g.jpg", "day 1/c.jpg"):
        home.put_other(f"alice/.junk/{name}", jpeg(seed=f"junk {name}", taken="2020:01:02 03:04:05"))
    home.put_other("alice/.junk/day 1/empty.txt", b"", note="junk")
    return home


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def bytes_below(folder: Path) -> dict[str, tuple[str, int]]:
    """The digest of each file, and the modification time (in nanoseconds) of what is not empty, by its path."""
    return {
        str(path.relative_to(folder)): (digest(path), path.stat().st_mtime_ns if path.stat().st_size else 0)
        for path in folder.rglob("*")
        if path.is_file()
    }


def files_in_trash(home: Home) -> set[str]:
    """By their paths below their user: what has an entry lies there by its id."""
    trash = home.plex / ".sumu" / "trash"
    return {"/".join(path.relative_to(trash).parts[1:]) for path in trash.rglob("*") if path.is_file()}


def told(photo: Photo) -> tuple[object, ...]:
    properties = tuple(sorted(photo.properties.items()))
    where = (photo.album, photo.name, photo.favorite_name, photo.loose_names)
    return (*where, photo.sha256, photo.is_favorite, photo.modified, properties)


def state(home: Home) -> dict[str, object]:
    """All that must be whole: files of both trees and the trash, records, properties of what is no photo."""
    archive = home.archive
    hidden = home.plex / ".sumu"
    return {
        "visible": {path: what for path, what in bytes_below(home.plex).items() if not path.startswith(".sumu")},
        "hidden": bytes_below(hidden / "users"),
        "trash": sorted(bytes_below(hidden / "trash").values()),
        "entries": sorted((entry.album, entry.name, entry.why, entry.has_bytes) for entry in archive.trash.all()),
        "records": sorted(map(told, home.records()), key=repr),
        "others": sorted(
            (o.path, sorted(o.properties.items()), o.photo and o.photo.name)
            for o in archive.desk.performer.others.below("alice", ())
        ),
    }


def keeping(path: str) -> Guard:
    """A guard that lets nothing come to one path."""

    def guard(_there: Node | None) -> None:
        raise MembersFailed((Failure(web(path), False, Forbidden(path, "a test keeps it")),))

    return guard


def change_of(what: str) -> Callable[[Home], object]:
    """The changes that are killed, by name."""
    return {
        "an album's move": lambda home: home.archive.move(web("alice/trip"), web("alice/journey"), overwrite=False),
        "an album's move over another": lambda home: home.archive.move(
            web("alice/trip/day 1"), web("alice/other"), overwrite=True
        ),
        "a large album's move over another": lambda home: home.archive.move(
            web("alice/trip"), web("alice/other"), overwrite=True
        ),
        "an album's move over its like": lambda home: home.archive.move(
            web("alice/other"), web("alice/trip"), overwrite=True
        ),
        "an album's move over a file": lambda home: home.archive.move(
            web("alice/other"), web("alice/trip/a.jpg"), overwrite=True
        ),
        "an album's move over a loose name": lambda home: home.archive.move(
            web("alice/other"), web("alice/loose.jpg"), overwrite=True
        ),
        "an album's move over another out of sight": lambda home: home.archive.move(
            web("alice/trip"), web("alice/.junk"), overwrite=True
        ),
        "an album's move into sight over another": lambda home: home.archive.move(
            web("alice/.junk"), web("alice/trip"), overwrite=True
        ),
        "an album's copy over another": lambda home: home.archive.copy(
            web("alice/other"), web("alice/trip"), overwrite=True
        ),
        "a hidden album's copy over another": lambda home: home.archive.copy(
            web("alice/.junk"), web("alice/trip"), overwrite=True
        ),
        "an album's copy over a file": lambda home: home.archive.copy(
            web("alice/other"), web("alice/trip/plain.txt"), overwrite=True
        ),
        "an album's copy over another but for a member": lambda home: home.archive.copy(
            web("alice/other"), web("alice/trip"), overwrite=True, guard=keeping("alice/trip/day 1/c.jpg")
        ),
        "an album's bare copy over another": lambda home: home.archive.copy(
            web("alice/other"), web("alice/trip"), overwrite=True, members=False
        ),
        "an album's move to another user": lambda home: home.archive.move(
            web("alice/trip"), web("bob/trip"), overwrite=False
        ),
        "an album's move out of sight": lambda home: home.archive.move(
            web("alice/trip"), web("alice/.trip"), overwrite=False
        ),
        "an album's copy": lambda home: home.archive.copy(web("alice/trip"), web("alice/journey"), overwrite=False),
        "an album's delete": lambda home: home.archive.folders.delete(web("alice/trip")),
        "a replacing PUT": lambda home: home.put("alice/trip/a.jpg", NEW),
        "a photo's move": lambda home: home.archive.move(
            web("alice/trip/a.jpg"), web("alice/other/z.jpg"), overwrite=False
        ),
        "a photo's move with a date": lambda home: home.archive.move(
            web("alice/trip/a.jpg"), web("alice/other/z.jpg"), overwrite=False, mtime_ns=1_500_000_000 * 10**9
        ),
        "a finished upload's move with a date": lambda home: home.archive.move(
            web("alice/trip/.hidden"), web("alice/trip/z.jpg"), overwrite=False, mtime_ns=1_500_000_000 * 10**9
        ),
        "a photo's move over another": lambda home: home.archive.move(
            web("alice/trip/a.jpg"), web("alice/other/d.jpg"), overwrite=True
        ),
        "a favorite's flag set": lambda home: home.archive.properties.change(
            web("alice/trip/b.jpg"), PropertyChange(favorite=True)
        ),
        "a favorite's flag cleared": lambda home: home.archive.properties.change(
            web("alice/trip/a.jpg"), PropertyChange(favorite=False)
        ),
        "a favorite's copy renamed": lambda home: home.archive.move(
            web("alice/favorites/a.jpg"), web("alice/favorites/z.jpg"), overwrite=False
        ),
        "a photo's delete": lambda home: home.archive.folders.delete(web("alice/trip/a.jpg")),
        "all favorites cleared": lambda home: home.archive.folders.delete(web("alice/favorites")),
    }[what]


OVERWRITING = {
    "a large album's move over another", "an album's move over its like", "an album's move over a file",
    "an album's move over a loose name", "an album's move over another out of sight",
    "an album's move into sight over another", "an album's copy over another", "a hidden album's copy over another",
    "an album's copy over a file", "an album's bare copy over another", "an album's copy over another but for a member",
}  # fmt: skip


CHANGES = [
    "an album's move", "an album's move over another", "an album's move to another user",
    "an album's move out of sight", "an album's copy", "an album's delete", "a replacing PUT", "a photo's move",
    "a photo's move with a date", "a finished upload's move with a date",
    "a photo's move over another", "a favorite's flag set", "a favorite's flag cleared",
    "a favorite's copy renamed", "a photo's delete", "all favorites cleared",
]  # fmt: skip
"""Those that take no album's place."""

MAY_FAIL = ("Upload.", "Tree.remove")
"""What a change is done without: a file is copied again or left out, and what the next start sweeps is left to it."""

MAKES_TWINS = {"an album's copy", "a finished upload's move with a date"}
"""What leaves two photos of the same bytes, as a copy over something does."""


@pytest.mark.parametrize("what", [*sorted(OVERWRITING), *CHANGES])
def test_a_kill_at_each_step_leaves_the_change_done_or_not_begun(folder: Path, what: str) -> None:
    change = change_of(what)
    make = overlapping if what in OVERWRITING else filled
    home = make(folder / "whole")
    old = state(home)
    change(home)
    new = state(home)
    home.archive.close()
    assert new != old

    outcomes = []
    for step in itertools.count(1):
        home = make(folder / str(step))
        ids = {photo.sha256: photo.id for photo in home.records()}
        survived = True
        with killed_before(step) as begun:
            try:
                change(home)
            except Killed:
                survived = False
        if survived:
            home.archive.close()
            break
        home.reopen()
        now = state(home)
        outcomes.append(now == new)
        where = f"killed before step {step}, {begun[step - 1]}"
        assert now in (old, new), where
        for photo in home.records():
            if photo.sha256 in ids and what not in MAKES_TWINS and "copy over" not in what:
                assert photo.id == ids[photo.sha256], where
        assert home.archive.tree.leftovers() == [], where
        assert home.reconcile().changes == 0, where
        assert state(home) == now, where
        assert {entry.name for entry in home.archive.trash.all() if not entry.has_bytes} <= {"favorites"}, where
        assert files_in_trash(home) == {entry.id for entry in home.archive.trash.all() if entry.has_bytes}, where
        home.archive.close()

    assert outcomes[0] is False
    assert outcomes == sorted(outcomes), "what was begun and could be finished was not"
    assert outcomes[-1] is True


@pytest.mark.parametrize("what", [*sorted(OVERWRITING), *CHANGES])
def test_a_disk_that_fails_at_any_step_takes_the_change_back(folder: Path, what: str) -> None:
    change = change_of(what)
    make = overlapping if what in OVERWRITING else filled
    home = make(folder / "0")
    old = state(home)
    for step in itertools.count(1):
        done = False
        with failing_at(step) as begun, contextlib.suppress(DiskFailure, MembersFailed):
            change(home)
            done = True
        failed = begun[step - 1]
        if failed == "Intents.forget":
            break  # all that the change is was done before
        if done:
            assert failed.startswith(MAY_FAIL), f"done, though {failed} failed at step {step}"
            home.archive.close()
            home = make(folder / str(step))
            continue
        assert state(home) == old, f"failed at step {step}, {failed}"
    assert "EmbeddedCatalog.change" in begun[: step - 1]
    assert home.reconcile().changes == 0
    home.archive.close()
