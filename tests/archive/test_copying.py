"""COPY of a photo whose bytes are not the recorded ones any more: what is told of the copy is true of its own bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.family import Family
from support.samples import jpeg


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    family = Family(tmp_path)
    family.mkcol("/alice/trip")
    yield family
    family.close()


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
