"""A kill at each step of a change of several steps: after the next start it is done whole, or was never begun.

The kill is an exception that nothing catches, raised before the n-th durable step, for every n.
"""

from __future__ import annotations

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
from sumu_dav.archive.nodes import Path as WebPath
from sumu_dav.archive.plans.intents import Intents
from sumu_dav.archive.stores import Others, Trash
from sumu_dav.catalog import EmbeddedCatalog
from sumu_dav.library import Tree, Upload
from sumu_dav.model import Photo
from support.home import Home
from support.samples import jpeg

DURABLE = [
    (Tree, ("make_folder", "make_folders", "rename", "keep", "remove", "remove_folder", "set_times")),
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
def killed_before(step: int) -> Iterator[list[str]]:
    """Within the block the process dies at its step-th durable step. Yields what was done, to be counted."""
    done: list[str] = []
    dead = False

    def guarded(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal dead
            if dead:
                raise Killed(name)  # what runs on the way out of a process that is no more does nothing either
            done.append(name)
            dead = len(done) >= step
            if dead:
                raise Killed(name)
            return method(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for kind, names in DURABLE:
            for name in names:
                patch.setattr(kind, name, guarded(f"{kind.__name__}.{name}", getattr(kind, name)))
        yield done


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


def bytes_below(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def told(photo: Photo) -> tuple[object, ...]:
    properties = tuple(sorted(photo.properties.items()))
    where = (photo.album, photo.name, photo.favorite_name, photo.loose_names)
    return (*where, photo.sha256, photo.is_favorite, properties)


def state(home: Home) -> dict[str, object]:
    """All that must be whole: files of both trees and the trash, records, properties of what is no photo."""
    archive = home.archive
    hidden = home.plex / ".sumu"
    return {
        "visible": {path: digest for path, digest in bytes_below(home.plex).items() if not path.startswith(".sumu")},
        "hidden": bytes_below(hidden / "users"),
        "trash": sorted(bytes_below(hidden / "trash").values()),
        "entries": sorted((entry.album, entry.name, entry.why, entry.has_bytes) for entry in archive.trash.all()),
        "records": sorted(map(told, home.records()), key=repr),
        "others": sorted(
            (o.path, sorted(o.properties.items()), o.photo and o.photo.name)
            for o in archive.desk.performer.others.below("alice", ())
        ),
    }


def change_of(what: str) -> Callable[[Home], object]:
    """The changes that are killed, by name."""
    return {
        "an album's move": lambda home: home.archive.move(web("alice/trip"), web("alice/journey"), overwrite=False),
        "an album's move over another": lambda home: home.archive.move(
            web("alice/trip/day 1"), web("alice/other"), overwrite=True
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


TWO_PLANS = {"an album's move over another"}
"""What is replaced goes first, as a change of its own (RFC 4918 §9.9.3): between the two it is in the trash, whole."""


@pytest.mark.parametrize(
    "what",
    [
        "an album's move", "an album's move over another", "an album's move to another user",
        "an album's move out of sight", "an album's copy", "an album's delete", "a replacing PUT", "a photo's move",
        "a photo's move over another", "a favorite's flag set", "a favorite's flag cleared",
        "a favorite's copy renamed", "a photo's delete", "all favorites cleared",
    ],
)  # fmt: skip
def test_a_kill_at_each_step_leaves_the_change_done_or_not_begun(folder: Path, what: str) -> None:
    change = change_of(what)
    home = filled(folder / "whole")
    old = state(home)
    change(home)
    new = state(home)
    home.archive.close()
    assert new != old

    outcomes = []
    for step in itertools.count(1):
        home = filled(folder / str(step))
        ids = {photo.sha256: photo.id for photo in home.records()}
        survived = True
        with killed_before(step) as done:
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
        where = f"killed before step {step}, {done[-1]}"
        if what not in TWO_PLANS:
            assert now in (old, new), where
        for photo in home.records():
            if photo.sha256 in ids and what != "an album's copy":
                assert photo.id == ids[photo.sha256], where
        assert home.archive.tree.leftovers() == [], where
        assert home.reconcile().changes == 0, where
        assert state(home) == now, where
        assert {entry.name for entry in home.archive.trash.all() if not entry.has_bytes} <= {"favorites"}, where
        home.archive.close()

    assert outcomes[0] is False
    assert outcomes == sorted(outcomes), "what was begun and could be finished was not"
    assert outcomes[-1] is True
