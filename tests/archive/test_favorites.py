"""The copies of both halves of a live photo keep one base name, whoever takes the name of one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.family import Family
from support.samples import jpeg, mov

PAIR = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    """Alice has a live photo that is a favourite, and another photo."""
    family = Family(tmp_path)
    family.mkcol("/alice/trip")
    family.put("/alice/trip/x.jpg", jpeg(content_id=PAIR))
    family.put("/alice/trip/x.mov", mov(content_id=PAIR))
    family.favor("/alice/trip/x.jpg")
    family.put("/alice/trip/other.jpg", jpeg(taken="2020:01:02 03:04:05"))
    yield family
    family.close()


@pytest.mark.parametrize(
    "take_the_name",
    [
        lambda family: family.copy("/alice/trip/other.jpg", "/alice/favorites/x.jpg"),
        lambda family: family.move("/alice/trip/other.jpg", "/alice/favorites/x.jpg"),
        lambda family: family.put("/alice/favorites/x.jpg", jpeg(taken="2021:01:02 03:04:05")),
    ],
    ids=["copy", "move", "put"],
)
def test_a_newcomer_gives_both_halves_one_suffix(family: Family, take_the_name: Callable[[Family], None]) -> None:
    assert family.names("/alice/favorites") == {"x.jpg", "x.mov"}

    take_the_name(family)

    assert family.names("/alice/favorites") == {"x.jpg", "x-2.jpg", "x-2.mov"}
    names = [family.photo(f"/alice/trip/x.{ending}").favorite_name for ending in ("jpg", "mov")]
    assert names == ["x-2.jpg", "x-2.mov"]


def test_a_half_that_a_person_named_keeps_its_name(family: Family) -> None:
    family.move("/alice/favorites/x.mov", "/alice/favorites/waves.mov")

    family.copy("/alice/trip/other.jpg", "/alice/favorites/x.jpg")

    assert family.names("/alice/favorites") == {"x.jpg", "x-2.jpg", "waves.mov"}
