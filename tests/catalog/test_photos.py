"""A record and its JSON fields say the same, and what can't be is refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from sumu_dav.catalog import PHOTO_CODEC
from sumu_dav.model import Photo

MakePhoto = Callable[..., Photo]

EVERYTHING: dict[str, Any] = {
    "is_favorite": True,
    "favorite_name": "a-2.heic",
    "latitude": -33.5,
    "longitude": 180,
    "altitude": -3.25,
    "taken": "2024-02-29T23:59:59.5+05:30",
    "taken_from": "exif",
    "is_video": True,
    "is_live_photo": True,
    "live_photo_id": "A-B",
    "media_type": "image/heic",
    "width": 4032,
    "height": 3024,
    "duration": 1.5,
    "orientation": 6,
    "make": "Apple",
    "model": "iPhone",
    "loose_names": ("a.heic", "b.heic"),
    "metadata_error": "cut short",
    "metadata_version": 3,
    "properties": {"{urn:x}y": "<y xmlns='urn:x'>ü</y>"},
    "extra": (("rating", 5), ("tags", ["sea"])),
}


def round_trip(photo: Photo) -> Photo:
    return PHOTO_CODEC.decode(photo.doc_id, json.loads(json.dumps(PHOTO_CODEC.encode(photo))))


def test_nothing_is_lost(photo: MakePhoto) -> None:
    full = photo(1, "a.heic", **EVERYTHING)
    assert round_trip(full) == full
    assert round_trip(photo(2)) == photo(2)


def test_every_field_of_the_record_is_in_the_file(photo: MakePhoto) -> None:
    full = photo(1, **EVERYTHING)
    plain = photo(2, id="x", user="bob", album="", name="n", size=0, sha256="", modified="1999", uploaded="1999")
    for each in fields(Photo):
        assert getattr(full, each.name) != getattr(plain, each.name), f"{each.name} is not covered by this test"
    assert round_trip(full) == full


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("user", "", "a file or folder name"),
        ("user", None, "a file or folder name"),
        ("user", "..", "a file or folder name"),
        ("name", "a/b", "a file or folder name"),
        ("album", "a//b", 'folder names with "/" between them'),
        ("album", "../bob", 'folder names with "/" between them'),
        ("album", "/a", 'folder names with "/" between them'),
        ("isFavorite", 1, "true or false"),
        ("isFavorite", None, "true or false"),
        ("favoriteName", "a/b", "a file or folder name or null"),
        ("latitude", "1", "degrees from -90 to 90 or null"),
        ("latitude", 90.5, "degrees from -90 to 90 or null"),
        ("longitude", True, "degrees from -180 to 180 or null"),
        ("duration", float("inf"), "a number or null"),
        ("taken", "yesterday", "an ISO 8601 time or null"),
        ("modified", None, "an ISO 8601 time"),
        ("size", 1.5, "a whole number"),
        ("sha256", None, "a text"),
        ("looseNames", ["a", 1], "a list of names"),
        ("looseNames", "a", "a list of names"),
        ("properties", {"a": 1}, "an object of texts"),
        ("properties", None, "an object of texts"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_may_be(photo: MakePhoto, name: str, value: object, words: str) -> None:
    record = PHOTO_CODEC.encode(photo(1)) | {name: value}
    with pytest.raises(ValueError) as caught:
        PHOTO_CODEC.decode(1, record)
    assert str(caught.value) == f"the field {name!r} is {value!r} and should be {words}"


@pytest.mark.parametrize("name", ["id", "user", "album", "name", "size", "sha256", "modified", "uploaded"])
def test_an_essential_field_that_is_missing_is_named(photo: MakePhoto, name: str) -> None:
    record = PHOTO_CODEC.encode(photo(1))
    del record[name]
    with pytest.raises(ValueError, match=f"'{name}' is missing"):
        PHOTO_CODEC.decode(1, record)
