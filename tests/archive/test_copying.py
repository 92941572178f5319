"""Copies: what is told of one is true of its own bytes, and while a long one is made nobody waits for it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from sumu_dav.archive.clones import Ahead
from sumu_dav.library import Place, Tree, Upload
from support.family import Family
from support.samples import jpeg

PATIENCE = 20.0
"""Seconds until a test gives up."""


@pytest.mark.parametrize("target", ["/alice/trip/b.jpg", "/alice/b.jpg", "/bob/b.jpg"])
def test_of_a_photo_that_another_program_has_just_edited(family: Family, target: str) -> None:
    """Nobody has looked at the file since."""
    family.put("/alice/trip/a.jpg", jpeg(make="Canon"))
    family.set_property("/alice/trip/a.jpg", "{urn:test}color", "<x:color xmlns:x='urn:test'>red</x:color>")
    edited = jpeg(make="Nikon")
    (family.plex / "alice" / "trip" / "a.jpg").write_bytes(edited)

    family.copy("/alice/trip/a.jpg", target)

    twin = family.photo(target)
    assert (twin.sha256, twin.make) == (hashlib.sha256(edited).hexdigest(), "Nikon")
    assert family.properties(target) == family.properties("/alice/trip/a.jpg")
    assert family.read(target) == edited


def test_of_a_photo_as_it_was_recorded_keeps_what_a_person_set(family: Family) -> None:
    family.put("/alice/trip/a.jpg", jpeg())
    photo = family.photo("/alice/trip/a.jpg")
    family.archive.catalog.change(put=[replace(photo, latitude=48.2, longitude=16.37)])

    family.copy("/alice/trip/a.jpg", "/alice/trip/b.jpg")

    twin = family.photo("/alice/trip/b.jpg")
    assert (twin.latitude, twin.longitude) == (48.2, 16.37)
    assert twin.id != photo.id


@pytest.mark.parametrize(
    "change",
    [
        lambda family: family.favor("/alice/trip/a.jpg"),
        lambda family: family.copy("/alice/trip/a.jpg", "/alice/trip/b.jpg"),
        lambda family: family.copy("/alice/trip/a.jpg", "/alice/favorites/a.jpg"),
        lambda family: family.copy("/alice/trip", "/alice/journey"),
    ],
    ids=["flag", "copy", "copy into favorites", "copy of an album"],
)
def test_an_upload_does_not_wait_until_a_file_is_copied(
    family: Family, monkeypatch: pytest.MonkeyPatch, change: Callable[[Family], None]
) -> None:
    family.put("/alice/trip/a.jpg", jpeg())
    family.put("/alice/trip/c.jpg", jpeg(), favorite=True)  # what needs the only turn, too
    copying, go_on = threading.Event(), threading.Event()
    clone = Tree.clone

    def slow(tree: Tree, source: Place) -> Upload:
        if not copying.is_set():
            copying.set()
            assert go_on.wait(PATIENCE), "the upload waited for the copy"
        return clone(tree, source)

    monkeypatch.setattr(Tree, "clone", slow)
    changing = threading.Thread(target=change, args=(family,))
    changing.start()
    assert copying.wait(PATIENCE)
    family.put("/alice/trip/late.jpg", jpeg(), favorite=True)
    go_on.set()
    changing.join(PATIENCE)

    assert {"a.jpg", "c.jpg", "late.jpg"} <= family.names("/alice/trip")
    assert family.archive.tree.leftovers() == []
    assert family.archive.usage.used("alice") == sum(
        file.stat().st_size for file in (family.plex / "alice").rglob("*") if file.is_file()
    )


def test_a_copy_that_was_made_of_other_bytes_is_not_used(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    """The photo is replaced after it was copied, and before the flag's turn has come."""
    family.put("/alice/trip/a.jpg", jpeg(make="Canon"))
    newer = jpeg(make="Nikon")
    make = Ahead.make

    def replaced_meanwhile(ahead: Ahead, source: Place, user: str) -> None:
        make(ahead, source, user)
        family.put("/alice/trip/a.jpg", newer)

    monkeypatch.setattr(Ahead, "make", replaced_meanwhile)
    family.favor("/alice/trip/a.jpg")

    assert family.read("/alice/favorites/a.jpg") == newer
    assert family.archive.tree.leftovers() == []
