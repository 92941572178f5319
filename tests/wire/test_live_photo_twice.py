"""The same live photo in two albums over HTTP: two pairs, each with a flag of its own (DESIGN §1, "Favourites")."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from support.consistency import assert_consistent
from support.dav import NEXTCLOUD, OWNCLOUD, SUMU, Dav, members
from support.samples import jpeg, mov
from support.server import Server
from support.toy import eventually

MOMENT = datetime(2024, 5, 17, 10, 11, 12, tzinfo=UTC)
FAVORITE = SUMU + "isFavorite"
FAVORITES = "/alice/favorites/"

RECORDED = 20.0
"""Seconds to wait for a record on a busy machine; an idle one needs less than three."""

_numbers = itertools.count(1)


class Pair:
    """A live photo's bytes, its base name and identifier, and the two albums that it is to lie in."""

    def __init__(self, server: Server, alice: Dav) -> None:
        number = next(_numbers)
        self.stem, self.content_id = f"train-{number}", f"id-train-{number}"
        self.a, self.b = f"/alice/a-{number}/", f"/alice/b-{number}/"
        self.bytes = {
            "jpg": jpeg(taken=MOMENT, content_id=self.content_id),
            "mov": mov(taken=MOMENT, content_id=self.content_id),
        }
        self.copies = {f"{self.stem}.jpg", f"{self.stem}.mov"}
        self._server, self._alice = server, alice
        assert alice.mkcol(self.a).status_code == 201

    def put(self, album: str, extension: str, **headers: str) -> None:
        answer = self._alice.put(f"{album}{self.stem}.{extension}", self.bytes[extension], **headers)
        assert answer.status_code == 201, answer.text

    def put_both(self, album: str, *order: str, **headers: str) -> None:
        for extension in order or ("jpg", "mov"):
            self.put(album, extension, **headers)

    def records(self, album: str) -> dict[str, dict[str, Any]]:
        """The records of one album, by extension."""
        name = album.split("/")[2]
        return {each["name"].rpartition(".")[2]: each for each in self._server.catalog() if each["album"] == name}

    def flags(self, album: str) -> list[bool]:
        return [self.records(album)[extension]["isFavorite"] for extension in ("jpg", "mov")]

    def is_whole(self, album: str) -> bool:
        """Whether both halves are recorded as one live photo."""
        records = self.records(album)
        pair = [records[each] for each in ("jpg", "mov") if each in records]
        return len(pair) == 2 and all(half["isLivePhoto"] and half["livePhotoId"] == self.content_id for half in pair)

    def copies_there(self) -> set[str]:
        return {name for name in self._alice.names(FAVORITES) if name.startswith(f"{self.stem}.")} | {
            name for name in self._alice.names(FAVORITES) if name.startswith(f"{self.stem}-")
        }


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


@pytest.fixture
def pair(server: Server, alice: Dav) -> Pair:
    """A live photo that lies nowhere yet; its album A is there."""
    return Pair(server, alice)


def put_again(pair: Pair, alice: Dav, server: Server) -> None:
    alice.mkcol(pair.b)
    pair.put_both(pair.b)


def put_again_video_first(pair: Pair, alice: Dav, server: Server) -> None:
    alice.mkcol(pair.b)
    pair.put_both(pair.b, "mov", "jpg")


def send_again_in_chunks(pair: Pair, alice: Dav, server: Server) -> None:
    alice.mkcol(pair.b)
    for extension, data in pair.bytes.items():
        upload = f"/remote.php/dav/uploads/alice/{pair.stem}-{extension}/"
        alice.mkcol(upload)
        alice.put(f"{upload}00001", data)
        destination = f"/remote.php/dav/files{pair.b}{pair.stem}.{extension}"
        assert alice.move(f"{upload}.file", destination).status_code == 201


def copy_the_album(pair: Pair, alice: Dav, server: Server) -> None:
    assert alice.copy(pair.a, pair.b).status_code == 201


def copy_both_files(pair: Pair, alice: Dav, server: Server) -> None:
    alice.mkcol(pair.b)
    for name in sorted(pair.copies, reverse=True):
        assert alice.copy(pair.a + name, pair.b + name).status_code == 201


def copy_the_folder_on_disk(pair: Pair, alice: Dav, server: Server) -> None:
    shutil.copytree(server.plex / pair.a.strip("/"), server.plex / pair.b.strip("/"))
    assert eventually(lambda: pair.is_whole(pair.b), RECORDED)


def rename_an_upload_of_another_program(pair: Pair, alice: Dav, server: Server) -> None:
    alice.mkcol(pair.b)
    for extension, data in pair.bytes.items():
        target = f"{pair.b}{pair.stem}.{extension}"
        alice.put(f"{target}.part", data)
        assert alice.move(f"{target}.part", target).status_code == 201


WAYS = [
    put_again, put_again_video_first, send_again_in_chunks, copy_the_album, copy_both_files, copy_the_folder_on_disk,
    rename_an_upload_of_another_program,
]  # fmt: skip


@pytest.mark.parametrize("again", WAYS, ids=lambda way: way.__name__)
def test_a_second_pair_has_a_flag_of_its_own(
    server: Server, alice: Dav, pair: Pair, again: Callable[[Pair, Dav, Server], None]
) -> None:
    pair.put_both(pair.a, x_favorite="1")

    again(pair, alice, server)

    assert pair.is_whole(pair.a)
    assert pair.is_whole(pair.b)
    assert (pair.flags(pair.a), pair.flags(pair.b)) == ([True, True], [False, False])
    assert pair.copies_there() == pair.copies

    alice.proppatch(f"{pair.b}{pair.stem}.mov", {FAVORITE: "1"})

    assert (pair.flags(pair.a), pair.flags(pair.b)) == ([True, True], [True, True])
    assert pair.copies_there() == pair.copies | {f"{pair.stem}-2.jpg", f"{pair.stem}-2.mov"}

    alice.proppatch(f"{pair.a}{pair.stem}.jpg", {FAVORITE: "0"})

    assert (pair.flags(pair.a), pair.flags(pair.b)) == ([False, False], [True, True])
    assert_consistent(server)


@pytest.mark.parametrize("favorite", ["a", "b"])
def test_halves_that_come_in_turns_find_the_one_beside_them(
    server: Server, alice: Dav, pair: Pair, favorite: str
) -> None:
    alice.mkcol(pair.b)
    flag = {pair.a: {}, pair.b: {}, getattr(pair, favorite): {"x_favorite": "1"}}

    for extension in ("jpg", "mov"):
        for album in (pair.a, pair.b):
            pair.put(album, extension, **flag[album])

    assert pair.is_whole(pair.a)
    assert pair.is_whole(pair.b)
    assert pair.flags(pair.a) == [favorite == "a"] * 2
    assert pair.flags(pair.b) == [favorite == "b"] * 2
    assert_consistent(server)


@pytest.mark.parametrize(
    "order",
    [
        ("a.jpg", "b.mov", "a.mov", "b.jpg"),
        ("a.jpg", "b.mov", "b.jpg", "a.mov"),
        ("a.mov", "b.jpg", "b.mov", "a.jpg"),
        ("b.mov", "a.jpg", "a.mov", "b.jpg"),
    ],
    ids=" ".join,
)
def test_a_half_belongs_to_the_one_that_comes_beside_it_rather_than_to_one_far_away(
    server: Server, alice: Dav, pair: Pair, order: tuple[str, ...]
) -> None:
    alice.mkcol(pair.b)
    for half in order:
        pair.put(getattr(pair, half[0]), half[2:])
    assert pair.is_whole(pair.a)
    assert pair.is_whole(pair.b)

    alice.proppatch(f"{pair.a}{pair.stem}.jpg", {FAVORITE: "1"})

    assert (pair.flags(pair.a), pair.flags(pair.b)) == ([True, True], [False, False])
    assert_consistent(server)


def test_a_half_that_was_left_alone_is_no_live_photo_any_more(server: Server, alice: Dav, pair: Pair) -> None:
    alice.mkcol(pair.b)
    pair.put(pair.a, "jpg")
    pair.put(pair.b, "mov")
    pair.put(pair.a, "mov")

    assert pair.is_whole(pair.a)
    assert pair.records(pair.b)["mov"]["isLivePhoto"] is False


def test_delete_and_move_of_one_pair_leave_the_other_alone(server: Server, alice: Dav, pair: Pair) -> None:
    pair.put_both(pair.a, x_favorite="1")
    alice.mkcol(pair.b)
    pair.put_both(pair.b, x_favorite="1")
    of_b = pair.records(pair.b)
    assert pair.copies_there() == pair.copies | {f"{pair.stem}-2.jpg", f"{pair.stem}-2.mov"}

    moved = pair.a.replace("/a-", "/moved-")
    assert alice.move(pair.a, moved).status_code == 201
    assert alice.move(f"{moved}{pair.stem}.jpg", f"{moved}best.jpg").status_code == 201
    assert alice.delete(f"{FAVORITES}{pair.stem}.mov").status_code == 204
    assert {each["isFavorite"] for each in pair.records(moved).values()} == {False}
    assert pair.records(pair.b) == of_b

    assert alice.delete(f"{moved}best.jpg").status_code == 204
    assert alice.delete(moved).status_code == 204
    assert pair.records(pair.b) == of_b
    assert pair.copies_there() == {f"{pair.stem}-2.jpg", f"{pair.stem}-2.mov"}
    assert_consistent(server)


def test_a_pair_that_comes_loose_is_the_pair_that_is_there(server: Server, alice: Dav, pair: Pair) -> None:
    pair.put_both(pair.a, x_favorite="1")

    for extension, data in pair.bytes.items():
        assert alice.put(f"/alice/{pair.stem}.{extension}", data).status_code == 201

    assert [half["looseNames"] for half in pair.records(pair.a).values()] == [[each] for each in sorted(pair.copies)]
    assert pair.copies_there() == pair.copies
    assert_consistent(server)


@pytest.mark.parametrize("order", [("jpg", "mov"), ("mov", "jpg")])
def test_an_edited_pair_that_comes_loose_is_filed_as_one_of_its_own(
    server: Server, alice: Dav, pair: Pair, order: tuple[str, str]
) -> None:
    pair.put_both(pair.a, x_favorite="1")
    edited = Pair(server, alice)
    edited.bytes = {
        "jpg": jpeg(taken=MOMENT, content_id=pair.content_id),
        "mov": mov(content_id=pair.content_id),
    }

    for extension in order:
        alice.put(f"/alice/{edited.stem}.{extension}", edited.bytes[extension])

    filed = [each for each in server.catalog() if f"{each['name']}" in edited.copies]
    assert [(each["album"], each["isLivePhoto"], each["isFavorite"]) for each in filed] == [("24-05", True, False)] * 2
    assert pair.flags(pair.a) == [True, True]
    assert_consistent(server)


def test_a_pair_that_comes_into_the_favorites_again_under_another_name_is_one_of_its_own(
    server: Server, alice: Dav, pair: Pair
) -> None:
    pair.put_both(pair.a, x_favorite="1")
    for extension, data in pair.bytes.items():
        assert alice.put(f"{FAVORITES}best-{pair.stem}.{extension}", data).status_code == 201
    best = {f"best-{name}" for name in pair.copies}
    assert pair.copies_there() == pair.copies

    assert alice.delete(f"{FAVORITES}best-{pair.stem}.jpg").status_code == 204

    assert best.isdisjoint(alice.names(FAVORITES))
    assert pair.flags(pair.a) == [True, True]
    assert_consistent(server)


def test_each_half_names_the_one_of_its_own_album_to_nextclouds_apps(server: Server, alice: Dav, pair: Pair) -> None:
    """In listings as well, which are kept from one request to the next."""
    own, other = OWNCLOUD + "fileid", NEXTCLOUD + "metadata-files-live-photo"
    alice.mkcol(pair.b)

    def named(album: str) -> dict[str | None, str | None]:
        files = [each for each in members(alice.propfind(album, "1", [own, other])) if not each.is_collection]
        return {each.text(own): each.text(other) for each in files}

    for extension in ("jpg", "mov"):
        for album in (pair.a, pair.b):
            pair.put(album, extension)
            named(pair.a), named(pair.b)

    for album in (pair.a, pair.b):
        (first, second), (its_second, its_first) = named(album).keys(), named(album).values()
        assert (first, second) == (its_first, its_second)
