"""`search` over a catalogue of known photos: each option, the two forms of output, beside whoever has the file open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.catalog import EmbeddedCatalog
from sumu_dav.cli import search
from sumu_dav.cli.main import FAILED, main
from sumu_dav.cli.search import distance_km
from sumu_dav.model import Photo

Find = Callable[..., list[str]]

PHOTOS: tuple[dict[str, Any], ...] = (
    {
        "name": "island.jpg", "album": "trip", "taken": "2020-03-14T15:09:26-07:00", "make": "Canon", "model": "EOS R5",
        "latitude": 33.39, "longitude": -118.42, "is_favorite": True, "favorite_name": "island.jpg",
    },
    {
        "name": "sydney.jpg", "album": "trip/south", "taken": "2020-12-31T23:59:59",
        "latitude": -33.8568, "longitude": 151.2153,
    },
    {"name": "neujahr.mp4", "album": "21-01", "taken": "2020-12-31T23:30:00+00:00", "is_video": True},
    {"name": "Käse.jpg", "album": "trips", "taken": None},
    {"name": "bob.jpg", "album": "trip", "taken": "2019-01-01T00:00:00", "user": "bob"},
)  # fmt: skip
"""Of alice, unless it says so."""


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedCatalog]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    (tmp_path / "state").mkdir()
    catalog = EmbeddedCatalog.open(str(tmp_path / "state" / "catalog.json"))
    for fields in PHOTOS:
        common: dict[str, Any] = {"user": "alice", "size": 1, "sha256": "0", "modified": "2022-01-01T00:00:00+00:00"}
        doc_id = catalog.new_doc_id()
        catalog.change(
            put=[Photo(doc_id, id=f"id-{doc_id}", uploaded="2022-01-01T00:00:00+00:00", **{**common, **fields})]
        )
    yield catalog
    catalog.close()


@pytest.fixture
def find(catalog: EmbeddedCatalog, capsys: pytest.CaptureFixture[str]) -> Find:
    def run(*arguments: str) -> list[str]:
        assert main(["search", "--json", "--plex", "plex", "--state", "state", *arguments], [search.add]) == 0
        return [record["name"] for record in json.loads(capsys.readouterr().out)]

    return run


def test_without_options_it_finds_everything_in_the_order_of_time(find: Find) -> None:
    assert find() == ["bob.jpg", "island.jpg", "sydney.jpg", "neujahr.mp4", "Käse.jpg"]


def test_by_user_album_favorite_and_video(find: Find) -> None:
    assert find("--user", "BOB") == ["bob.jpg"]
    assert find("--album", "trip", "--user", "alice") == ["island.jpg", "sydney.jpg"]
    assert find("--album", "trip/south/") == ["sydney.jpg"]
    assert find("--favorite") == ["island.jpg"]
    assert find("--video") == ["neujahr.mp4"]


def test_by_text_in_name_album_make_or_model(find: Find) -> None:
    assert find("--text", "eos r5") == ["island.jpg"]
    assert find("--text", "SOUTH") == ["sydney.jpg"]
    assert find("--text", "ka\u0308se") == ["Käse.jpg"]
    assert find("--text", "nothing of the kind") == []


@pytest.mark.parametrize(
    ("since", "until", "names"),
    [
        ("2020", "2020", ["island.jpg", "sydney.jpg"]),
        ("2020-12", "2021-01", ["sydney.jpg", "neujahr.mp4"]),
        ("2020-03-14", "2020-03-14", ["island.jpg"]),
        ("2020-03-15", "2020-12-30", []),
        ("2020-03-14T15:09:26", "2020-03-14T15:09", ["island.jpg"]),
        ("2020-03-14T22:09:26+00:00", "2020-03-14T22:09:26Z", ["island.jpg"]),
        ("2020-03-14T22:09:27+00:00", "2020-12-31T22:59:58+00:00", []),
    ],
)
def test_by_time(find: Find, since: str, until: str, names: list[str]) -> None:
    assert find("--since", since, "--until", until) == names


def test_a_moment_that_is_known_in_utc_alone_counts_by_the_servers_clock(find: Find) -> None:
    assert find("--since", "2021-01-01", "--until", "2021") == ["neujahr.mp4"]


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("33.5,-118.3,20", ["island.jpg"]),
        ("33.5,-118.3,10", []),
        ("-33.9,151.2,10", ["sydney.jpg"]),
        ("33,-118,20000", ["island.jpg", "sydney.jpg"]),
    ],
)
def test_near_a_place(find: Find, place: str, names: list[str]) -> None:
    assert find("--near", place) == names


@pytest.mark.parametrize(
    ("places", "km"),
    [
        ((0.0, 179.9, 0.0, -179.9), 22.24),
        ((90.0, 0.0, -90.0, 0.0), 20015.1),
        ((60.0, 10.0, 61.0, 10.0), 111.195),
        ((89.9, 0.0, 89.9, 180.0), 22.24),
    ],
)
def test_distances_are_those_on_the_sphere(places: tuple[float, float, float, float], km: float) -> None:
    assert distance_km(*places) == pytest.approx(km, rel=0.001)


@pytest.mark.parametrize(
    "wrong",
    [("--near", "91,0,1"), ("--near", "1,2"), ("--near", "0,0,-1"), ("--since", "March"), ("--until", "2020-13")],
)
def test_what_can_t_be_is_refused(catalog: EmbeddedCatalog, wrong: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["search", "--state", "state", *wrong], [search.add])
    assert ended.value.code == FAILED


def test_the_table_shows_whole_paths(
    catalog: EmbeddedCatalog, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main(["search", "--plex", "plex", "--state", "state", "--favorite"], [search.add])

    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["taken", "isFavorite", "latitude", "longitude", "path"]
    assert line.split()[-1] == str(tmp_path / "plex" / "alice" / "trip" / "island.jpg")


def test_before_the_first_start_there_is_nothing_to_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["search", "--plex", "plex", "--state", "state"], [search.add]) == FAILED
    assert str(tmp_path / "state") in capsys.readouterr().err
