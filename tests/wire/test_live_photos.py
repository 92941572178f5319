"""Live photos over HTTP: two uploads that are one picture, in whichever order they come (DESIGN §1, media/README)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.consistency import assert_consistent
from support.dav import NEXTCLOUD, OWNCLOUD, SUMU, Dav
from support.samples import jpeg, mov
from support.server import Server

MOMENT = datetime(2024, 5, 17, 10, 11, 12, tzinfo=UTC)
ALBUM = "24-05"

_numbers = itertools.count(1)


@pytest.fixture
def stem() -> str:
    """A base name, and a content identifier, that no other test of the module uses."""
    return f"IMG_{next(_numbers):04d}"


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


def halves(stem: str) -> dict[str, bytes]:
    """The two files of one live photo as an iPhone makes them."""
    return {
        f"{stem}.jpg": jpeg(taken=MOMENT, content_id=f"id-{stem}"),
        f"{stem}.mov": mov(taken=MOMENT, content_id=f"id-{stem}"),
    }


def unmarked_halves(stem: str, apart: float = 1.0, duration: float = 2.0) -> dict[str, bytes]:
    """The same from a phone that writes no identifier. `apart` and `duration` are seconds."""
    return {
        f"{stem}.jpg": jpeg(taken=MOMENT),
        f"{stem}.mov": mov(taken=MOMENT + timedelta(seconds=apart), duration=duration),
    }


def named(server: Server, stem: str) -> dict[str, dict[str, Any]]:
    """The records whose file's or loose name begins so, by extension."""
    found = [
        each for each in server.catalog() if any(name.startswith(stem) for name in (each["name"], *each["looseNames"]))
    ]
    by_extension = {each["name"].rpartition(".")[2]: each for each in found}
    assert len(by_extension) == len(found)
    return by_extension


@pytest.mark.parametrize("order", [("jpg", "mov"), ("mov", "jpg")])
@pytest.mark.parametrize("make", [halves, unmarked_halves])
def test_two_halves_become_a_pair_in_either_order(
    server: Server, alice: Dav, album: str, stem: str, order: tuple[str, str], make: Callable[[str], dict[str, bytes]]
) -> None:
    files = make(stem)

    for extension in order:
        assert alice.put(f"{album}{stem}.{extension}", files[f"{stem}.{extension}"]).status_code == 201

    pair = named(server, stem)
    assert [pair[each]["isLivePhoto"] for each in ("jpg", "mov")] == [True, True]
    expected = f"id-{stem}" if make is halves else None
    assert [pair[each]["livePhotoId"] for each in ("jpg", "mov")] == [expected] * 2
    assert_consistent(server)


def test_halves_pair_by_identifier_whatever_they_are_called_and_wherever_they_lie(
    server: Server, alice: Dav, album: str, stem: str
) -> None:
    still, video = halves(stem).values()
    alice.mkcol(album + "videos")

    alice.put(album + f"{stem}-still.jpg", still)
    alice.put(album + f"videos/{stem}-video.mov", video)

    assert all(half["isLivePhoto"] for half in named(server, stem).values())
    assert_consistent(server)


def test_a_half_whose_other_never_came_keeps_its_identifier(server: Server, alice: Dav, album: str, stem: str) -> None:
    alice.put(album + f"{stem}.mov", halves(stem)[f"{stem}.mov"])

    half = named(server, stem)["mov"]
    assert (half["isLivePhoto"], half["livePhotoId"]) == (False, f"id-{stem}")


@pytest.mark.parametrize(("apart", "duration"), [(4.0, 2.0), (1.0, 6.0), (-4.0, 2.0)])
def test_halves_too_far_apart_or_too_long_are_no_pair(
    server: Server, alice: Dav, album: str, stem: str, apart: float, duration: float
) -> None:
    for name, content in unmarked_halves(stem, apart, duration).items():
        alice.put(album + name, content)

    assert [half["isLivePhoto"] for half in named(server, stem).values()] == [False, False]


def test_halves_of_another_user_are_no_pair(server: Server, alice: Dav, album: str, stem: str) -> None:
    files = halves(stem)
    bob = server.session("bob")

    alice.put(album + f"{stem}.jpg", files[f"{stem}.jpg"])
    bob.put(f"/bob/{stem}.mov", files[f"{stem}.mov"])

    assert [half["isLivePhoto"] for half in named(server, stem).values()] == [False, False]
    assert_consistent(server, "bob")


# Loose


@pytest.mark.parametrize("order", [("jpg", "mov"), ("mov", "jpg")])
def test_both_loose_halves_land_in_the_stills_month(
    server: Server, alice: Dav, stem: str, order: tuple[str, str]
) -> None:
    """The video's clock is UTC and says the month before: it follows its still all the same."""
    files = {
        "jpg": jpeg(taken="2024:05:01 00:30:00", offset="+02:00", content_id=f"id-{stem}"),
        "mov": mov(taken=datetime(2024, 4, 30, 22, 30, tzinfo=UTC), content_id=f"id-{stem}"),
    }

    for extension in order:
        assert alice.put(f"/alice/{stem}.{extension}", files[extension]).status_code == 201

    assert {half["album"] for half in named(server, stem).values()} == {ALBUM}
    for extension, content in files.items():
        assert alice.get(f"/alice/{stem}.{extension}").content == content
    assert_consistent(server)


@pytest.mark.parametrize("order", [("jpg", "mov"), ("mov", "jpg")])
def test_a_loose_video_without_a_date_follows_its_still(
    server: Server, alice: Dav, stem: str, order: tuple[str, str]
) -> None:
    files = {"jpg": jpeg(taken=MOMENT, content_id=f"id-{stem}"), "mov": mov(content_id=f"id-{stem}")}

    for extension in order:
        alice.put(f"/alice/{stem}.{extension}", files[extension])

    video = named(server, stem)["mov"]
    assert (video["album"], video["name"], video["looseNames"]) == (ALBUM, f"{stem}.mov", [f"{stem}.mov"])
    assert alice.get(f"/alice/{stem}.mov").content == files["mov"]
    assert_consistent(server)


@pytest.mark.parametrize("order", [("jpg", "mov"), ("mov", "jpg")])
def test_loose_halves_get_one_suffix(server: Server, alice: Dav, stem: str, order: tuple[str, str]) -> None:
    alice.mkcol(f"/alice/{ALBUM}")
    alice.put(f"/alice/{ALBUM}/{stem}.jpg", jpeg(taken="2024:05:20 10:00:00"))
    files = halves(stem)

    for extension in order:
        assert alice.put(f"/alice/{stem}.{extension}", files[f"{stem}.{extension}"]).status_code == 201

    names = {each["name"] for each in server.catalog() if each["name"].startswith(stem)}
    assert names == {f"{stem}.jpg", f"{stem}-2.jpg", f"{stem}-2.mov"}
    for name, content in files.items():
        assert alice.get(f"/alice/{name}").content == content
    assert_consistent(server)


# Favourites


@pytest.mark.parametrize("flagged", ["jpg", "mov"])
@pytest.mark.parametrize("prop", [SUMU + "isFavorite", OWNCLOUD + "favorite"])
def test_a_flag_on_one_half_holds_for_both(
    server: Server, alice: Dav, album: str, stem: str, flagged: str, prop: str
) -> None:
    for name, content in halves(stem).items():
        alice.put(album + name, content)

    alice.proppatch(f"{album}{stem}.{flagged}", {prop: "1"})

    assert {half["favoriteName"] for half in named(server, stem).values()} == {f"{stem}.jpg", f"{stem}.mov"}
    assert_consistent(server)

    alice.proppatch(f"{album}{stem}.{flagged}", {prop: "0"})

    assert [half["isFavorite"] for half in named(server, stem).values()] == [False, False]
    assert_consistent(server)


def test_a_half_that_comes_after_the_flag_is_a_favorite_too(server: Server, alice: Dav, album: str, stem: str) -> None:
    files = halves(stem)
    alice.put(album + f"{stem}.jpg", files[f"{stem}.jpg"], x_favorite="1")

    alice.put(album + f"{stem}.mov", files[f"{stem}.mov"])

    assert [half["isFavorite"] for half in named(server, stem).values()] == [True, True]
    assert_consistent(server)


def test_a_favorite_half_makes_the_half_that_lay_there_a_favorite(
    server: Server, alice: Dav, album: str, stem: str
) -> None:
    files = halves(stem)
    alice.put(album + f"{stem}.mov", files[f"{stem}.mov"])

    alice.put(album + f"{stem}.jpg", files[f"{stem}.jpg"], x_favorite="1")

    assert [half["isFavorite"] for half in named(server, stem).values()] == [True, True]
    assert_consistent(server)


def test_a_pair_that_is_recognised_late_changes_no_chosen_url(
    server: Server, alice: Dav, album: str, stem: str
) -> None:
    files = halves(stem)
    alice.put(album + f"chosen-{stem}.mov", files[f"{stem}.mov"])
    alice.put(f"/alice/favorites/best-{stem}.jpg", files[f"{stem}.jpg"])

    assert alice.get(f"/alice/favorites/best-{stem}.jpg").content == files[f"{stem}.jpg"]
    assert alice.get(album + f"chosen-{stem}.mov").content == files[f"{stem}.mov"]
    (video,) = [each for each in server.catalog() if each["name"] == f"chosen-{stem}.mov"]
    assert (video["isLivePhoto"], video["isFavorite"]) == (True, True)
    assert_consistent(server)


@pytest.mark.parametrize("flagged", ["jpg", "mov"])
def test_the_copies_of_both_halves_get_one_suffix(
    server: Server, alice: Dav, album: str, stem: str, flagged: str
) -> None:
    alice.mkcol(album + "other")
    alice.put(album + f"other/{stem}.jpg", jpeg(taken=MOMENT), x_favorite="1")
    for name, content in halves(stem).items():
        alice.put(album + name, content)

    alice.proppatch(f"{album}{stem}.{flagged}", {SUMU + "isFavorite": "1"})

    copies = {each["favoriteName"] for each in server.catalog() if each["name"].startswith(stem)}
    assert copies == {f"{stem}.jpg", f"{stem}-2.jpg", f"{stem}-2.mov"}
    assert_consistent(server)


def test_delete_of_one_copy_clears_the_flag_of_both(server: Server, alice: Dav, album: str, stem: str) -> None:
    for name, content in halves(stem).items():
        alice.put(album + name, content, x_favorite="1")

    assert alice.delete(f"/alice/favorites/{stem}.mov").status_code == 204

    assert [half["isFavorite"] for half in named(server, stem).values()] == [False, False]
    assert_consistent(server)


# One half alone


@pytest.mark.parametrize("gone", ["jpg", "mov"])
def test_delete_touches_only_the_half_it_names(server: Server, alice: Dav, album: str, stem: str, gone: str) -> None:
    for name, content in halves(stem).items():
        alice.put(album + name, content, x_favorite="1")
    stays = "mov" if gone == "jpg" else "jpg"
    before = named(server, stem)[stays]

    assert alice.delete(f"{album}{stem}.{gone}").status_code == 204

    assert named(server, stem) == {stays: before}
    assert alice.head(f"/alice/favorites/{stem}.{gone}").status_code == 404
    assert_consistent(server)


@pytest.mark.parametrize("moved", ["jpg", "mov"])
def test_move_touches_only_the_half_it_names(server: Server, alice: Dav, album: str, stem: str, moved: str) -> None:
    for name, content in halves(stem).items():
        alice.put(album + name, content, x_favorite="1")
    stays = "mov" if moved == "jpg" else "jpg"
    before = named(server, stem)
    alice.mkcol(album + "other")

    assert alice.move(f"{album}{stem}.{moved}", f"{album}other/{stem}.{moved}").status_code == 201

    after = named(server, stem)
    assert after[stays] == before[stays]
    assert after[moved] == {**before[moved], "album": album.split("/")[2] + "/other"}
    assert_consistent(server)


@pytest.mark.parametrize("gone", ["jpg", "mov"])
@pytest.mark.parametrize("make", [halves, unmarked_halves])
def test_a_half_that_comes_again_after_its_deletion_pairs_again(
    server: Server, alice: Dav, album: str, stem: str, make: Callable[[str], dict[str, bytes]], gone: str
) -> None:
    files = make(stem)
    for name, content in files.items():
        alice.put(album + name, content, x_favorite="1")
    alice.delete(f"{album}{stem}.{gone}")

    alice.put(f"{album}{stem}.{gone}", files[f"{stem}.{gone}"])

    assert [half["isLivePhoto"] for half in named(server, stem).values()] == [True, True]
    assert [half["isFavorite"] for half in named(server, stem).values()] == [True, True]
    assert_consistent(server)


@pytest.mark.parametrize("make", [halves, unmarked_halves])
def test_an_edit_of_one_half_leaves_the_pair_a_pair(
    server: Server, alice: Dav, album: str, stem: str, make: Callable[[str], dict[str, bytes]]
) -> None:
    for name, content in make(stem).items():
        alice.put(album + name, content, x_favorite="1")

    alice.put(album + f"{stem}.jpg", make(stem)[f"{stem}.jpg"])

    pair = named(server, stem)
    assert [half["isLivePhoto"] for half in pair.values()] == [True, True]
    assert [half["isFavorite"] for half in pair.values()] == [True, True]
    assert_consistent(server)


def test_each_half_names_the_other_to_nextclouds_apps(server: Server, alice: Dav, album: str, stem: str) -> None:
    for name, content in halves(stem).items():
        alice.put(album + name, content)
    asked = (OWNCLOUD + "fileid", NEXTCLOUD + "metadata-files-live-photo")
    still, video = (alice.properties(f"{album}{stem}.{extension}", *asked) for extension in ("jpg", "mov"))

    assert still[asked[1]] == video[asked[0]]
    assert video[asked[1]] == still[asked[0]]


def test_a_motion_photo_of_one_file_is_a_live_photo_and_left_as_it_is(
    server: Server, alice: Dav, album: str, media: Callable[..., Path]
) -> None:
    path = media("motion-photo")

    alice.put(album + path.name, path.read_bytes())

    record = server.record("alice", album.split("/")[2], path.name)
    assert record is not None
    assert record["isLivePhoto"] is True
    assert alice.get(album + path.name).content == path.read_bytes()


def test_a_real_pair_is_recognised(server: Server, alice: Dav, album: str, media: Callable[..., Path]) -> None:
    folder = media("livephoto-pair").parent
    paths = sorted(folder.iterdir())
    for path in paths:
        assert alice.put(album + path.name, path.read_bytes()).status_code == 201

    records = [server.record("alice", album.split("/")[2], path.name) for path in paths]
    assert all(record is not None and record["isLivePhoto"] and record["livePhotoId"] for record in records)
    assert_consistent(server)
