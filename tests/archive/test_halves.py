"""Which half belongs to which where a live photo lies in several albums: each pair is its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from sumu_dav.archive.halves import other_half, pairs_of
from sumu_dav.model import Photo
from support.family import Family
from support.samples import jpeg, mov

PAIR = "11111111-2222-3333-4444-555555555555"
_numbers = itertools.count(1)


def half(path: str, *, favorite: bool = False, live: bool = True) -> Photo:
    """The record of one half, later than all before."""
    album, _, name = path.rpartition("/")
    return Photo(
        doc_id=next(_numbers),
        id=path,
        user="alice",
        album=album,
        name=name,
        size=1,
        sha256=path,
        modified="",
        uploaded="",
        is_favorite=favorite,
        is_video=name.endswith(".mov"),
        is_live_photo=live,
        live_photo_id=PAIR,
    )


def paired(*halves: Photo) -> set[frozenset[str]]:
    """The pairs, by their paths; each half names the other."""
    paths = {each.doc_id: each.id for each in halves}
    pairs = pairs_of(halves)
    assert all(pairs[other.doc_id].doc_id == doc_id for doc_id, other in pairs.items())
    return {frozenset((paths[doc_id], other.id)) for doc_id, other in pairs.items()}


def both(still: str, video: str) -> frozenset[str]:
    return frozenset((still, video))


def test_halves_of_one_album_and_base_name_belong_together() -> None:
    halves = half("a/x.jpg"), half("b/x.jpg"), half("b/X.mov"), half("a/x.mov")

    assert paired(*halves) == {both("a/x.jpg", "a/x.mov"), both("b/x.jpg", "b/X.mov")}


def test_a_half_that_was_renamed_stays_with_the_one_in_its_album() -> None:
    halves = half("b/x.jpg"), half("b/x.mov"), half("a/best.jpg"), half("a/x.mov")

    assert paired(*halves) == {both("a/best.jpg", "a/x.mov"), both("b/x.jpg", "b/x.mov")}


def test_halves_that_lie_apart_are_told_by_their_names_then_by_their_order() -> None:
    halves = half("stills/x.jpg"), half("stills/y.jpg"), half("videos/y.mov"), half("videos/x.mov")
    assert paired(*halves) == {both("stills/x.jpg", "videos/x.mov"), both("stills/y.jpg", "videos/y.mov")}

    halves = half("a/1.jpg"), half("b/2.mov"), half("c/3.jpg"), half("d/4.mov")
    assert paired(*halves) == {both("a/1.jpg", "b/2.mov"), both("c/3.jpg", "d/4.mov")}


def test_one_flag_holds_a_pair_together_wherever_its_halves_are_moved() -> None:
    halves = half("a/x.jpg", favorite=True), half("a/x.mov"), half("b/x.jpg"), half("b/x.mov", favorite=True)

    assert paired(*halves) == {both("a/x.jpg", "b/x.mov"), both("b/x.jpg", "a/x.mov")}


def test_halves_of_different_flags_belong_together_beside_each_other_alone() -> None:
    flagged = half("a/x.jpg", favorite=True)

    assert paired(flagged, half("b/x.mov")) == set()
    assert paired(flagged, half("a/x.mov"), half("b/x.mov")) == {both("a/x.jpg", "a/x.mov")}


def test_what_is_no_live_photo_or_too_many_has_no_other_half() -> None:
    assert paired(half("a/x.jpg"), half("a/x.mov", live=False)) == set()
    assert paired(half("a/x.jpg"), half("b/x.jpg"), half("b/x.mov")) == {both("b/x.jpg", "b/x.mov")}
    assert paired() == set()


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    family = Family(tmp_path)
    yield family
    family.close()


def test_in_whatever_order_the_halves_of_three_pairs_come_each_finds_its_own(family: Family) -> None:
    """All orders of two pairs, the halves of a third one between them."""
    data = {"jpg": jpeg(content_id=PAIR), "mov": mov(content_id=PAIR)}
    for order in itertools.permutations(("a.jpg", "a.mov", "b.jpg", "b.mov")):
        for album in "abc":
            family.mkcol(f"/alice/{album}")
        for half_of in (*order[:2], "c.jpg", order[2], "c.mov", order[3]):
            album, extension = half_of.split(".")
            family.put(f"/alice/{album}/x.{extension}", data[extension])

        for album in "abc":
            still, video = (family.photo(f"/alice/{album}/x.{extension}") for extension in data)
            assert other_half(family.archive.catalog, still) == video, order
            family.delete(f"/alice/{album}")
