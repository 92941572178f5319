"""The ordinary TinyDB API: in the server over its own records, and beside it read-only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tinydb import Query, TinyDB, where
from tinydb.operations import set as set_field
from tinydb.table import Document

from sumu_dav.catalog import PHOTO_CODEC, EmbeddedCatalog, open_catalog
from sumu_dav.errors import Damaged, Forbidden, NotFound
from sumu_dav.model import Photo

MakePhoto = Callable[..., Photo]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def catalog(state: Path, photo: MakePhoto) -> Iterator[EmbeddedCatalog]:
    catalog = EmbeddedCatalog.open(str(state / "catalog.json"))
    catalog.change(put=[photo(1), photo(2, is_favorite=True, favorite_name="IMG_2.jpg"), photo(3, user="bob")])
    yield catalog
    catalog.close()


@pytest.fixture(params=["stock", "open_catalog", "in the server"])
def database(request: pytest.FixtureRequest, catalog: EmbeddedCatalog, state: Path) -> Iterator[TinyDB]:
    if request.param == "stock":
        database = TinyDB(state / "catalog.json", access_mode="r", encoding="utf-8")
    elif request.param == "open_catalog":
        database = open_catalog(str(state))
    else:
        database = catalog.tinydb()
    with database:
        yield database


# what is asked answers alike in all three


def test_queries_as_people_know_them(database: TinyDB) -> None:
    photos = database.table("media")
    assert [found["name"] for found in photos.search(Query().isFavorite == True)] == ["IMG_2.jpg"]  # noqa: E712
    assert [found.doc_id for found in photos.search(where("user") == "bob")] == [3]
    assert photos.count(where("album") == "trip") == 3
    assert photos.contains(where("name") == "IMG_1.jpg")
    assert photos.contains(doc_id=2)
    assert not photos.contains(doc_id=99)


def test_documents_by_id(database: TinyDB) -> None:
    photos = database.table("media")
    one = photos.get(doc_id=1)
    assert isinstance(one, Document)
    assert (one.doc_id, one["size"], one["latitude"], one["looseNames"]) == (1, 1001, None, [])
    assert photos.get(doc_id=99) is None
    several = photos.get(doc_ids=[1, 3])
    assert isinstance(several, list)
    assert [found.doc_id for found in several] == [1, 3]


def test_walking_and_counting(database: TinyDB) -> None:
    photos = database.table("media")
    assert len(photos) == 3
    assert {found.doc_id for found in photos} == {found.doc_id for found in photos.all()} == {1, 2, 3}
    assert database.tables() == {"media"}


def test_a_document_has_the_fields_of_the_format_in_their_order(database: TinyDB) -> None:
    document = database.table("media").get(doc_id=1)
    assert isinstance(document, Document)
    assert list(document) == [
        *("id", "user", "album", "name", "isFavorite", "favoriteName", "latitude", "longitude", "altitude", "taken"),
        *("takenFrom", "isVideo", "isLivePhoto", "livePhotoId", "mediaType", "width", "height", "duration"),
        *("orientation", "make", "model", "size", "sha256", "modified", "uploaded", "looseNames", "metadataError"),
        *("metadataVersion", "properties"),
    ]


def test_every_call_sees_the_file_as_it_is_then(database: TinyDB, catalog: EmbeddedCatalog, photo: MakePhoto) -> None:
    photos = database.table("media")
    favorites = Query().isFavorite == True  # noqa: E712
    assert len(photos.search(favorites)) == 1
    if not isinstance(database.storage, open_storage_types(catalog)):
        return  # stock TinyDB remembers what it was asked: this is what ours is for
    catalog.change(put=[replace(photo(1), is_favorite=True)])
    assert len(photos.search(favorites)) == 2
    catalog.change(drop=[2])
    assert len(photos.search(favorites)) == 1
    assert len(photos) == 2


def open_storage_types(catalog: EmbeddedCatalog) -> tuple[type, ...]:
    return type(catalog.tinydb().storage), type(open_catalog(catalog_path(catalog)).storage)


def catalog_path(catalog: EmbeddedCatalog) -> str:
    return catalog._file.path


# beside the server


def test_a_file_beside_the_server_can_only_be_read(catalog: EmbeddedCatalog, state: Path) -> None:
    with open_catalog(str(state / "catalog.json")) as database, pytest.raises(Forbidden):
        database.table("media").insert({"name": "x"})
    assert catalog.count() == 3


def test_a_state_without_a_catalogue(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_catalog(str(tmp_path))


def test_a_reader_that_meets_an_append_reads_again(catalog: EmbeddedCatalog, state: Path, photo: MakePhoto) -> None:
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            doc_id = catalog.new_doc_id()
            catalog.change(put=[photo(doc_id, properties={"{x}p": "<p>" + "x" * 9000 + "</p>"})])
            catalog.change(put=[photo(doc_id)], drop=[doc_id - 1] if doc_id > 5 else [])

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        with open_catalog(str(state)) as database:
            for _ in range(150):
                assert len(database.table("media").search(where("user") == "bob")) == 1
    finally:
        stop.set()
        writer.join()


def test_a_file_that_stays_broken_is_damaged(
    state: Path, catalog: EmbeddedCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sumu_dav.catalog.tiny._PATIENCE", 0.05)
    copy = state / "copy.json"
    copy.write_text((state / "catalog.json").read_text()[:-3])
    with pytest.raises(Damaged):
        open_catalog(str(copy))


# writing, in the server


def test_writes_go_through_the_catalogue(catalog: EmbeddedCatalog, state: Path, photo: MakePhoto) -> None:
    photos = catalog.tinydb().table("media")
    added = photos.insert(PHOTO_CODEC.encode(photo(77, "new.jpg")))
    assert added == 4
    assert catalog.at("alice", "trip", "new.jpg") == photo(4, "new.jpg", **same_file_as(photo(77)))
    assert photos.update({"isFavorite": True}, where("name") == "new.jpg") == [4]
    assert catalog.at("alice", "trip", "new.jpg") != photo(4)
    assert photos.update(set_field("make", "Apple"), doc_ids=[1]) == [1]
    assert catalog.by_doc(1) == photo(1, make="Apple")
    assert photos.remove(where("user") == "bob") == [3]
    assert catalog.users() == {"alice"}
    with open_catalog(str(state)) as beside:
        assert {found.doc_id for found in beside.table("media")} == {1, 2, 4}


def same_file_as(photo: Photo) -> dict[str, object]:
    return {"id": photo.id, "size": photo.size, "sha256": photo.sha256}


def test_many_documents_are_one_change(catalog: EmbeddedCatalog, photo: MakePhoto) -> None:
    photos = catalog.tinydb().table("media")
    made = photos.insert_multiple(PHOTO_CODEC.encode(photo(number, f"{number}.jpg")) for number in (70, 71))
    assert made == [4, 5]
    assert catalog.count() == 5
    photos.insert(Document(PHOTO_CODEC.encode(photo(90, "ninety.jpg")), doc_id=90))
    assert catalog.by_doc(90) is not None
    with pytest.raises(ValueError, match="already exists"):
        photos.insert(Document(PHOTO_CODEC.encode(photo(91)), doc_id=90))
    photos.truncate()
    assert catalog.count() == 0
    assert catalog.new_doc_id() == 91


def test_upserts_and_dropped_tables(catalog: EmbeddedCatalog, photo: MakePhoto) -> None:
    database = catalog.tinydb()
    photos = database.table("media")
    assert photos.upsert({"make": "Fuji"}, where("user") == "bob") == [3]
    found = catalog.by_doc(3)
    assert found is not None
    assert found.make == "Fuji"
    database.drop_tables()
    assert catalog.count() == 0


def test_a_document_that_is_no_photo_is_refused(catalog: EmbeddedCatalog) -> None:
    photos = catalog.tinydb().table("media")
    with pytest.raises(ValueError, match="'id' is missing"):
        photos.insert({"name": "x"})
    with pytest.raises(ValueError, match="degrees"):
        photos.update({"latitude": 91.0}, doc_ids=[1])
    with pytest.raises(Forbidden, match="no other table"):
        catalog.tinydb().table("more").insert({"a": 1})
    assert catalog.count() == 3


def test_the_default_table_is_that_of_the_photos(catalog: EmbeddedCatalog, state: Path) -> None:
    assert len(catalog.tinydb()) == 3
    assert len(open_catalog(str(state))) == 3
