from __future__ import annotations

import pytest

from sumu_dav.errors import NameRefused
from sumu_dav.library.places import MAX_DEPTH, Place, Side

PLACES = [
    (Place(Side.VISIBLE, ""), b"."),
    (Place(Side.VISIBLE, "alice"), b"alice"),
    (Place(Side.VISIBLE, "alice", ("trip", "day 1", "é:写.jpg")), "alice/trip/day 1/é:写.jpg".encode()),
    (Place(Side.HIDDEN, "alice", ("trip", ".DS_Store")), b".sumu/users/alice/trip/.DS_Store"),
    (Place(Side.PARKED, ""), b".sumu/uploads"),
    (Place(Side.PARKED, "", ("token",)), b".sumu/uploads/token"),
    (Place(Side.TRASH, "alice", ("17",)), b".sumu/trash/alice/17"),
    (Place(Side.CHUNKS, "alice", ("upload", "0001")), b".sumu/chunks/alice/upload/0001"),
]


@pytest.mark.parametrize(("place", "path"), PLACES)
def test_each_side_has_its_folder(place: Place, path: bytes) -> None:
    assert place.path == path


@pytest.mark.parametrize(("place", "path"), PLACES)
def test_a_place_in_an_intent_is_read_back(place: Place, path: bytes) -> None:
    assert Place.from_text(place.to_text()) == place


@pytest.mark.parametrize("text", ["", "alice", "nowhere:alice"])
def test_other_texts_are_no_places(text: str) -> None:
    with pytest.raises(ValueError):
        Place.from_text(text)


@pytest.mark.parametrize(
    "text", ["visible:alice/..", "visible:../x", "visible:.sumu/users/bob", "visible:/x", "parked:bob/x"]
)
def test_no_text_leads_out_of_its_side(text: str) -> None:
    with pytest.raises(NameRefused):
        Place.from_text(text)


@pytest.mark.parametrize("part", ["", ".", "..", "a/b", "a\0b", "lone\udc80"])
def test_no_part_leads_elsewhere(part: str) -> None:
    with pytest.raises(NameRefused):
        Place(Side.VISIBLE, "alice").child(part)


def test_parents_and_children() -> None:
    album = Place(Side.VISIBLE, "").child("alice").child("trip")
    assert album == Place(Side.VISIBLE, "alice", ("trip",))
    assert (album.name, album.parent.name, album.parent.parent.is_root) == ("trip", "alice", True)
    assert album.shown == "/alice/trip"
    assert Place(Side.PARKED, "").child("token").parent.is_root
    with pytest.raises(ValueError):
        _ = album.parent.parent.parent


def test_albums_have_a_bottom() -> None:
    deepest = Place(Side.VISIBLE, "alice", ("d",) * MAX_DEPTH)
    with pytest.raises(NameRefused, match="deep"):
        deepest.child("d")
