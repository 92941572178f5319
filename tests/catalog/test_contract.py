"""What every catalogue answers, whatever stands behind it."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sumu_dav.catalog import Catalog, EmbeddedCatalog, MemoryCatalog
from sumu_dav.model import Photo

MakePhoto = Callable[..., Photo]


@pytest.fixture(params=["file", "file, opened again", "memory"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    path = str(tmp_path / "catalog.json")
    if request.param == "file, opened again":
        EmbeddedCatalog.open(path).close()
    catalog: Catalog = MemoryCatalog() if request.param == "memory" else EmbeddedCatalog.open(path)
    yield catalog
    catalog.close()


def test_an_empty_catalogue_knows_nobody(catalog: Catalog) -> None:
    assert catalog.count() == 0
    assert catalog.all() == []
    assert catalog.users() == set()
    assert catalog.get("nobody") is None
    assert catalog.by_doc(1) is None
    assert catalog.at("alice", "trip", "a.jpg") is None
    assert dict(catalog.album("alice", "trip")) == {}
    assert catalog.below("alice", "") == []
    assert catalog.loose("alice", "a.jpg") is None
    assert catalog.favorite("alice", "a.jpg") is None
    assert catalog.with_hash("alice", "00") == []
    assert catalog.suspended is None


def test_a_photo_is_found_in_every_way(catalog: Catalog, photo: MakePhoto) -> None:
    one = photo(
        catalog.new_doc_id(),
        "IMG_1.HEIC",
        live_photo_id="pair",
        loose_names=("IMG_1.HEIC", "other.heic"),
        is_favorite=True,
        favorite_name="IMG_1-2.HEIC",
    )
    catalog.change(put=[one])
    assert catalog.get(one.id) == one
    assert catalog.by_doc(one.doc_id) == one
    assert catalog.at("alice", "trip", "IMG_1.HEIC") == one
    assert catalog.album("alice", "trip") == {"IMG_1.HEIC": one}
    assert catalog.of("alice") == [one]
    assert catalog.with_hash("alice", one.sha256) == [one]
    assert catalog.live("alice", "pair") == [one]
    assert catalog.stem("alice", "trip", "img_1") == [one]
    assert catalog.loose("alice", "other.heic") == one
    assert catalog.loose_names("alice") == {"IMG_1.HEIC": one, "other.heic": one}
    assert catalog.favorite("alice", "IMG_1-2.HEIC") == one
    assert catalog.favorites("alice") == {"IMG_1-2.HEIC": one}
    assert catalog.users() == {"alice"}
    assert catalog.albums("alice") == {"trip"}


def test_nothing_of_one_user_is_found_for_another(catalog: Catalog, photo: MakePhoto) -> None:
    one = photo(1, loose_names=("a.jpg",), is_favorite=True, favorite_name="a.jpg", live_photo_id="pair")
    catalog.change(put=[one, photo(2, user="bob")])
    assert catalog.with_hash("bob", one.sha256) == []
    assert catalog.live("bob", "pair") == []
    assert catalog.loose("bob", "a.jpg") is None
    assert catalog.favorite("bob", "a.jpg") is None
    assert [found.doc_id for found in catalog.of("bob")] == [2]


def test_a_moved_photo_is_found_in_its_new_place_alone(catalog: Catalog, photo: MakePhoto) -> None:
    one = photo(1, "a.jpg", loose_names=("a.jpg",), is_favorite=True, favorite_name="a.jpg")
    catalog.change(put=[one])
    moved = replace(one, album="sea", name="b.jpg", loose_names=(), is_favorite=False, favorite_name=None, sha256="ff")
    catalog.change(put=[moved])
    assert catalog.at("alice", "trip", "a.jpg") is None
    assert catalog.stem("alice", "trip", "a") == []
    assert catalog.with_hash("alice", one.sha256) == []
    assert catalog.loose("alice", "a.jpg") is None
    assert catalog.favorites("alice") == {}
    assert catalog.albums("alice") == {"sea"}
    assert catalog.at("alice", "sea", "b.jpg") == catalog.get(one.id) == moved


def test_a_dropped_photo_leaves_nothing(catalog: Catalog, photo: MakePhoto) -> None:
    one = photo(1, loose_names=("a.jpg",), is_favorite=True, favorite_name="a.jpg", live_photo_id="pair")
    catalog.change(put=[one])
    catalog.change(drop=[one.doc_id])
    assert catalog.count() == 0
    assert catalog.users() == set()
    assert catalog.get(one.id) is None
    assert catalog.loose_names("alice") == {}
    assert catalog.live("alice", "pair") == []


def test_dropping_what_is_not_there_is_harmless(catalog: Catalog, photo: MakePhoto) -> None:
    catalog.change(put=[photo(1)], drop=[77])
    catalog.change(drop=[77])
    assert catalog.count() == 1


def test_photos_that_share_bytes_or_a_stem_are_all_found(catalog: Catalog, photo: MakePhoto) -> None:
    still, movie, other = photo(1, "IMG_1.HEIC"), photo(2, "img_1.mov"), photo(3, "IMG_10.HEIC")
    catalog.change(put=[replace(each, sha256="aa", live_photo_id="pair") for each in (still, movie, other)])
    assert [found.doc_id for found in catalog.with_hash("alice", "aa")] == [1, 2, 3]
    assert [found.doc_id for found in catalog.live("alice", "pair")] == [1, 2, 3]
    assert [found.doc_id for found in catalog.stem("alice", "trip", "IMG_1")] == [1, 2]
    catalog.change(drop=[2])
    assert [found.doc_id for found in catalog.with_hash("alice", "aa")] == [1, 3]
    catalog.change(drop=[1])
    assert [found.doc_id for found in catalog.with_hash("alice", "aa")] == [3]


def test_many_photos_of_the_same_bytes_are_found_in_their_order_as_they_come_and_go(
    catalog: Catalog, photo: MakePhoto
) -> None:
    expected: list[int] = []
    for number in range(1, 25):
        catalog.change(put=[replace(photo(number, f"{number}.jpg"), sha256="aa")])
        expected.append(number)
        assert [found.doc_id for found in catalog.with_hash("alice", "aa")] == expected
    for number in (3, 24, 1, *range(20, 3, -1), 2, 23, 21, 22):
        catalog.change(drop=[number])
        expected.remove(number)
        assert [found.doc_id for found in catalog.with_hash("alice", "aa")] == expected


def test_one_more_photo_of_the_same_bytes_costs_the_same_however_many_there_are(
    catalog: Catalog, photo: MakePhoto
) -> None:
    few, many = replace(photo(1), sha256="aa"), 20_000
    catalog.change(put=[few])
    catalog.change(put=[replace(photo(number, f"{number}.jpg"), sha256="bb") for number in range(2, many)])
    peaks = []
    for step, shared in enumerate(("aa", "bb", "aa", "bb")):
        newcomer = replace(photo(many + step, f"{many + step}.jpg"), sha256=shared)
        tracemalloc.start()
        catalog.change(put=[newcomer])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[3] < peaks[2] + 4 * many


@pytest.mark.parametrize(("name", "stem"), [("a.b.jpg", "a.b"), ("plain", "plain"), (".jpg", ".jpg"), ("É.JPG", "é")])
def test_a_stem_is_the_base_name_without_its_extension(
    catalog: Catalog, photo: MakePhoto, name: str, stem: str
) -> None:
    catalog.change(put=[photo(1, name)])
    assert [found.name for found in catalog.stem("alice", "trip", stem)] == [name]


def test_below_an_album_are_its_folders_and_not_its_neighbours(catalog: Catalog, photo: MakePhoto) -> None:
    albums = ["trip", "trip/day 1", "trip/day 1/noon", "trip 2", ""]
    catalog.change(put=[photo(number, album=album) for number, album in enumerate(albums, start=1)])
    assert {found.album for found in catalog.below("alice", "trip")} == {"trip", "trip/day 1", "trip/day 1/noon"}
    assert {found.album for found in catalog.below("alice", "")} == set(albums)
    assert set(catalog.album("alice", "trip")) == {"IMG_1.jpg"}
    assert catalog.albums("alice") == set(albums)


def test_names_can_change_places_in_one_change(catalog: Catalog, photo: MakePhoto) -> None:
    one, two = photo(1, "a.jpg"), photo(2, "b.jpg")
    catalog.change(put=[one, two])
    catalog.change(put=[replace(one, name="b.jpg"), replace(two, name="a.jpg")])
    found = catalog.album("alice", "trip")
    assert {name: each.doc_id for name, each in found.items()} == {"a.jpg": 2, "b.jpg": 1}


def test_an_album_is_live_and_may_be_walked_while_it_changes(catalog: Catalog, photo: MakePhoto) -> None:
    catalog.change(put=[photo(number) for number in range(1, 6)])
    album = catalog.album("alice", "trip")
    seen = 0
    for name in album:
        seen += 1
        catalog.change(drop=[album[name].doc_id])
        catalog.change(put=[photo(catalog.new_doc_id())])
    assert seen == 5
    assert len(album) == 5
    assert "IMG_1.jpg" not in album


def test_an_album_that_begins_later_is_seen_by_asking_again(catalog: Catalog, photo: MakePhoto) -> None:
    assert catalog.album("alice", "trip") == {}
    catalog.change(put=[photo(1)])
    assert set(catalog.album("alice", "trip")) == {"IMG_1.jpg"}


def test_document_ids_are_never_given_twice(catalog: Catalog, photo: MakePhoto) -> None:
    catalog.change(put=[photo(40)])
    given = [catalog.new_doc_id() for _ in range(3)]
    assert given == [41, 42, 43]
    catalog.change(put=[photo(given[-1])])
    catalog.change(drop=[given[-1], 40])
    assert catalog.new_doc_id() == 44


def test_what_has_begun_is_seen_at_once_and_promised_later(catalog: Catalog, photo: MakePhoto) -> None:
    first = catalog.begin(put=[photo(1)])
    second = catalog.begin(put=[photo(2)], drop=[1])
    assert [found.doc_id for found in catalog.all()] == [2]
    second.wait()
    first.wait()
    assert [found.doc_id for found in catalog.all()] == [2]


def test_several_records_of_one_change_are_seen_together(catalog: Catalog, photo: MakePhoto) -> None:
    catalog.change(put=[photo(1, "a.jpg", sha256="0"), photo(2, "b.jpg", sha256="0")])
    done = threading.Event()
    torn: list[tuple[str, str]] = []

    def watch() -> None:
        while not done.is_set():
            # the first is asked for first: a later answer of an older state would be a torn one
            first, second = catalog.by_doc(1), catalog.by_doc(2)
            if first and second and int(second.sha256) < int(first.sha256):
                torn.append((first.sha256, second.sha256))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for round_number in range(1, 200):
        catalog.change(put=[photo(1, "a.jpg", sha256=str(round_number)), photo(2, "b.jpg", sha256=str(round_number))])
    done.set()
    watcher.join()
    assert torn == []


def test_threads_may_change_and_read_together(catalog: Catalog, photo: MakePhoto) -> None:
    def work(first: int) -> None:
        for doc_id in range(first, first + 40):
            catalog.change(put=[photo(doc_id)])
            assert catalog.by_doc(doc_id) is not None
            if doc_id % 3 == 0:
                catalog.change(drop=[doc_id])

    threads = [threading.Thread(target=work, args=(1000 * number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [1000 * n + k for n in range(1, 5) for k in range(40) if (1000 * n + k) % 3]
    assert [found.doc_id for found in catalog.all()] == expected
    assert catalog.count() == len(expected) == len(catalog.album("alice", "trip"))
