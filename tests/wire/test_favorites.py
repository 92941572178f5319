"""Favourites (DESIGN §1, "Favourites"): one flag a photo, and while it is set an independent copy in `favorites`.

Each line of the table there is a test of its own here, and so is each sentence below it.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest

from support.consistency import assert_consistent
from support.dav import OWNCLOUD, SUMU, Dav, condition, members
from support.samples import jpeg
from support.server import Server
from support.state_files import read_between_appends

DAY = "2024:05:17 10:11:12"
OTHER_DAY = "2023:12:24 18:00:00"

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test of the module uses."""
    return f"IMG_{next(_numbers):04d}.jpg"


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


def set_flag(client: Dav, path: str, value: str = "1") -> None:
    answer = client.proppatch(path, {SUMU + "isFavorite": value})
    (member,) = members(answer)
    assert member.statuses == {SUMU + "isFavorite": 200}, answer.text


def flags(client: Dav, path: str) -> tuple[str | None, str | None]:
    found = client.properties(path, SUMU + "isFavorite", OWNCLOUD + "favorite")
    return found[SUMU + "isFavorite"], found[OWNCLOUD + "favorite"]


def record(server: Server, path: str) -> dict[str, Any]:
    user, _, rest = path.strip("/").partition("/")
    album, _, name = rest.rpartition("/")
    found = server.record(user, album, name)
    assert found is not None, f"no record of {path}"
    return found


def trashed(server: Server) -> list[dict[str, Any]]:
    path = server.state / "trash.json"
    return list(read_between_appends(path)["trash"].values()) if path.exists() else []


# PROPPATCH


@pytest.mark.parametrize("value", ["1", "true", "yes", "TRUE", " 1 "])
@pytest.mark.parametrize("prop", [SUMU + "isFavorite", OWNCLOUD + "favorite"])
def test_proppatch_makes_the_copy_appear(
    server: Server, alice: Dav, album: str, name: str, prop: str, value: str
) -> None:
    photo = jpeg(taken=DAY)
    alice.put(album + name, photo)

    (member,) = members(alice.proppatch(album + name, {prop: value}))

    assert member.statuses == {prop: 200}
    assert alice.get(f"/alice/favorites/{name}").content == photo
    assert record(server, album + name)["isFavorite"] is True
    assert_consistent(server)


@pytest.mark.parametrize("value", ["0", "false", "no"])
@pytest.mark.parametrize("prop", [SUMU + "isFavorite", OWNCLOUD + "favorite"])
def test_proppatch_to_0_makes_the_copy_go(
    server: Server, alice: Dav, album: str, name: str, prop: str, value: str
) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    set_flag(alice, album + name)

    (member,) = members(alice.proppatch(album + name, {prop: value}))

    assert member.statuses == {prop: 200}
    assert alice.head(f"/alice/favorites/{name}").status_code == 404
    assert alice.head(album + name).status_code == 200
    assert record(server, album + name)["isFavorite"] is False
    assert_consistent(server)


@pytest.mark.parametrize("prop", [SUMU + "isFavorite", OWNCLOUD + "favorite"])
def test_removing_the_property_makes_the_copy_go(server: Server, alice: Dav, album: str, name: str, prop: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    set_flag(alice, album + name)

    (member,) = members(alice.proppatch(album + name, removing=[prop]))

    assert member.statuses == {prop: 200}
    assert alice.head(f"/alice/favorites/{name}").status_code == 404
    assert_consistent(server)


def test_proppatch_of_what_is_no_flag_changes_nothing(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))

    (member,) = members(alice.proppatch(album + name, {SUMU + "isFavorite": "perhaps", "{x:}y": "1"}))

    assert member.statuses == {SUMU + "isFavorite": 409, "{x:}y": 424}
    assert record(server, album + name)["properties"] == {}
    assert_consistent(server)


def test_only_photos_can_be_favorites(server: Server, alice: Dav, album: str) -> None:
    alice.put(album + "notes.txt", b"words")

    for path in (album, album + "notes.txt", "/alice/"):
        (member,) = members(alice.proppatch(path, {OWNCLOUD + "favorite": "1"}))
        assert member.statuses == {OWNCLOUD + "favorite": 403}, path
    assert_consistent(server)


def test_proppatch_through_the_loose_name_and_through_the_copy(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))

    set_flag(alice, f"/alice/{name}")
    assert flags(alice, f"/alice/24-05/{name}") == ("1", "1")
    assert_consistent(server)

    set_flag(alice, f"/alice/favorites/{name}", "0")
    assert flags(alice, f"/alice/{name}") == ("0", "0")
    assert_consistent(server)


def test_the_flag_twice_is_one_copy(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))

    set_flag(alice, album + name)
    set_flag(alice, album + name)

    assert_consistent(server)


def test_properties_answer_on_the_original_and_on_the_copy(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    assert flags(alice, album + name) == ("0", "0")

    alice.proppatch(album + name, {SUMU + "isFavorite": "1", "{x:}comment": "fine"})

    for path in (album + name, f"/alice/favorites/{name}"):
        assert flags(alice, path) == ("1", "1")
        assert alice.properties(path, "{x:}comment")["{x:}comment"] == "fine"
    assert alice.get(album + name).headers["ETag"] == alice.get(f"/alice/favorites/{name}").headers["ETag"]


def test_the_copy_is_independent_and_has_the_originals_time(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY), x_oc_mtime="1234567890.25")
    set_flag(alice, album + name)

    original = server.plex / album.strip("/") / name
    copy = server.plex / "alice" / "favorites" / name
    assert not copy.is_symlink()
    assert copy.stat().st_ino != original.stat().st_ino
    assert copy.stat().st_nlink == 1
    assert copy.stat().st_mtime_ns == original.stat().st_mtime_ns == 1234567890_250_000_000


def test_a_new_time_of_the_original_is_the_copys_too(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    set_flag(alice, album + name)

    alice.proppatch(album + name, {"{DAV:}lastmodified": "1500000000"})

    assert (server.plex / "alice" / "favorites" / name).stat().st_mtime == 1500000000
    assert_consistent(server)


# COPY and MOVE into favorites


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_copy_or_move_into_favorites_sets_the_flag_and_leaves_the_original(
    server: Server, alice: Dav, album: str, name: str, method: str
) -> None:
    photo = jpeg(taken=DAY)
    alice.put(album + name, photo)

    done = alice.request(method, album + name, headers={"Destination": alice.href(f"/alice/favorites/as-{name}")})

    assert done.status_code == 201
    assert alice.get(album + name).content == photo
    assert alice.get(f"/alice/favorites/as-{name}").content == photo
    assert record(server, album + name)["favoriteName"] == f"as-{name}"
    assert_consistent(server)


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_loose_name_copied_or_moved_into_favorites_stays(server: Server, alice: Dav, name: str, method: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))

    done = alice.request(method, f"/alice/{name}", headers={"Destination": alice.href(f"/alice/favorites/{name}")})

    assert done.status_code == 201
    assert name in alice.names("/alice/")
    assert record(server, f"/alice/24-05/{name}")["isFavorite"] is True
    assert_consistent(server)


def test_into_favorites_with_another_extension_is_refused_in_words(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    alice.put(album + name, jpeg(taken=DAY))

    refused = alice.copy(album + name, "/alice/favorites/readme.txt")

    assert refused.status_code == 403
    assert "favourite" in refused.text
    assert_consistent(server)


# PUT


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_put_with_x_favorite_is_stored_flagged_and_copied(
    server: Server, alice: Dav, album: str, name: str, value: str
) -> None:
    stored = alice.put(album + name, jpeg(taken=DAY), x_favorite=value)

    assert stored.status_code == 201
    assert record(server, album + name)["favoriteName"] == name
    assert alice.head(f"/alice/favorites/{name}").status_code == 200
    assert_consistent(server)


def test_a_loose_put_with_x_favorite_is_filed_flagged_and_copied(server: Server, alice: Dav, name: str) -> None:
    assert alice.put(f"/alice/{name}", jpeg(taken=DAY), x_favorite="1").status_code == 201

    found = record(server, f"/alice/24-05/{name}")
    assert (found["isFavorite"], found["looseNames"]) == (True, [name])
    assert_consistent(server)


def test_x_favorite_on_bytes_that_are_there_sets_their_flag(server: Server, alice: Dav, album: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(album + "first.jpg", photo)

    alice.put(f"/alice/{name}", photo, x_favorite="1")

    assert record(server, album + "first.jpg")["isFavorite"] is True
    assert_consistent(server)


def test_x_favorite_0_leaves_a_favorite_alone(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY), x_favorite="1")

    alice.put(album + name, jpeg(taken=DAY), x_favorite="0")

    assert record(server, album + name)["isFavorite"] is True
    assert_consistent(server)


def test_put_of_known_bytes_into_favorites_sets_their_flag(server: Server, alice: Dav, album: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(album + "first.jpg", photo)

    stored = alice.put(f"/alice/favorites/{name}", photo)

    assert stored.status_code == 201
    assert stored.headers["Content-Location"] == album + "first.jpg"
    assert record(server, album + "first.jpg")["favoriteName"] == name
    assert_consistent(server)


def test_put_of_new_bytes_into_favorites_files_them_without_a_loose_name(server: Server, alice: Dav, name: str) -> None:
    photo = jpeg(taken=DAY)

    stored = alice.put(f"/alice/favorites/{name}", photo)

    assert stored.status_code == 201
    assert stored.headers["Content-Location"] == f"/alice/24-05/{name}"
    found = record(server, f"/alice/24-05/{name}")
    assert (found["isFavorite"], found["favoriteName"], found["looseNames"]) == (True, name, [])
    assert alice.get(f"/alice/favorites/{name}").content == photo
    assert name not in alice.names("/alice/")
    assert_consistent(server)


def test_put_of_a_favorites_bytes_under_another_name_answers_at_that_name(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    """One photo has one copy: the newest name that a client chose for it is the one that it reads back."""
    photo = jpeg(taken=DAY)
    alice.put(album + name, photo)
    set_flag(alice, album + name)

    stored = alice.put(f"/alice/favorites/other-{name}", photo)

    assert stored.status_code == 201
    assert alice.get(f"/alice/favorites/other-{name}").content == photo
    assert_consistent(server)


def test_put_of_an_edit_over_a_copy_is_put_over_its_original(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    set_flag(alice, album + name)
    before, edit = record(server, album + name), jpeg(taken=DAY)

    assert alice.put(f"/alice/favorites/{name}", edit).status_code == 204

    assert alice.get(album + name).content == edit
    assert record(server, album + name)["id"] == before["id"]
    assert_consistent(server)


def test_put_of_another_moment_over_a_copy_is_a_new_favorite(server: Server, alice: Dav, album: str, name: str) -> None:
    first, second = jpeg(taken=DAY), jpeg(taken=OTHER_DAY)
    alice.put(album + name, first)
    set_flag(alice, album + name)

    assert alice.put(f"/alice/favorites/{name}", second).status_code == 204

    assert alice.get(f"/alice/favorites/{name}").content == second
    assert alice.get(f"/alice/favorites/{name.replace('.jpg', '-2.jpg')}").content == first
    assert record(server, f"/alice/23-12/{name}")["favoriteName"] == name
    assert_consistent(server)


# DELETE in favorites, and MOVE out of it


def test_delete_in_favorites_clears_the_flag(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    set_flag(alice, album + name)

    assert alice.delete(f"/alice/favorites/{name}").status_code == 204

    assert alice.head(f"/alice/favorites/{name}").status_code == 404
    assert record(server, album + name)["isFavorite"] is False
    assert_consistent(server)


def test_move_of_the_copy_onto_its_original_clears_the_flag(server: Server, alice: Dav, album: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(album + name, photo)
    set_flag(alice, album + name)

    assert alice.move(f"/alice/favorites/{name}", album + name).status_code == 204

    assert alice.get(album + name).content == photo
    assert record(server, album + name)["isFavorite"] is False
    assert_consistent(server)


def test_move_of_the_copy_onto_its_originals_loose_name_clears_the_flag(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY), x_favorite="1")

    assert alice.move(f"/alice/favorites/{name}", f"/alice/{name}").status_code == 204

    found = record(server, f"/alice/24-05/{name}")
    assert (found["isFavorite"], found["looseNames"]) == (False, [name])
    assert_consistent(server)


def test_move_of_the_copy_to_another_album_moves_the_photo(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    set_flag(alice, album + name)
    before = record(server, album + name)
    alice.mkcol(album + "best")

    assert alice.move(f"/alice/favorites/{name}", album + "best/x.jpg").status_code == 201

    after = record(server, album + "best/x.jpg")
    assert (after["id"], after["isFavorite"]) == (before["id"], False)
    assert alice.head(album + name).status_code == 404
    assert_consistent(server)


def test_move_of_the_copy_into_the_home_files_the_photo_under_its_month(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    set_flag(alice, album + name)
    before = record(server, album + name)

    assert alice.move(f"/alice/favorites/{name}", f"/alice/{name}").status_code == 201

    after = record(server, f"/alice/24-05/{name}")
    assert (after["id"], after["isFavorite"], after["looseNames"]) == (before["id"], False, [name])
    assert_consistent(server)


def test_rename_inside_favorites_is_the_copys_name_alone(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    set_flag(alice, album + name)

    assert alice.move(f"/alice/favorites/{name}", f"/alice/favorites/new-{name}").status_code == 201

    found = record(server, album + name)
    assert (found["name"], found["favoriteName"]) == (name, f"new-{name}")
    assert alice.head(f"/alice/favorites/{name}").status_code == 404
    assert_consistent(server)


def test_copy_of_a_copy_inside_favorites_makes_a_second_favorite(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    """A person who duplicates a file in a folder finds two files in it."""
    photo = jpeg(taken=DAY)
    alice.put(album + name, photo)
    set_flag(alice, album + name)

    assert alice.copy(f"/alice/favorites/{name}", f"/alice/favorites/twin-{name}").status_code == 201

    assert alice.get(f"/alice/favorites/twin-{name}").content == photo
    assert alice.get(f"/alice/favorites/{name}").content == photo
    assert_consistent(server)


# The newcomer takes the name


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_copy_or_move_onto_anothers_copy_takes_the_name(
    server: Server, alice: Dav, album: str, name: str, method: str
) -> None:
    first, second = jpeg(taken=DAY), jpeg(taken=OTHER_DAY)
    alice.put(album + name, first)
    alice.put(album + "b.jpg", second)
    set_flag(alice, album + name)
    destination = {"Destination": alice.href(f"/alice/favorites/{name}")}

    refused = alice.request(method, album + "b.jpg", headers={**destination, "Overwrite": "F"})
    assert refused.status_code == 412
    assert_consistent(server)
    done = alice.request(method, album + "b.jpg", headers=destination)

    assert done.status_code == 204
    assert alice.get(f"/alice/favorites/{name}").content == second
    assert alice.get(f"/alice/favorites/{name.replace('.jpg', '-2.jpg')}").content == first
    assert record(server, album + name)["isFavorite"] is True
    assert_consistent(server)


def test_rename_inside_favorites_onto_anothers_copy_takes_the_name(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    first, second = jpeg(taken=DAY), jpeg(taken=OTHER_DAY)
    alice.put(album + name, first, x_favorite="1")
    alice.put(album + f"b-{name}", second, x_favorite="1")

    assert alice.move(f"/alice/favorites/b-{name}", f"/alice/favorites/{name}").status_code == 204

    assert alice.get(f"/alice/favorites/{name}").content == second
    assert record(server, album + name)["favoriteName"] == name.replace(".jpg", "-2.jpg")
    assert_consistent(server)


def test_put_of_known_bytes_onto_anothers_copy_takes_the_name(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    first, second = jpeg(taken=DAY), jpeg(taken=OTHER_DAY)
    alice.put(album + name, first, x_favorite="1")
    alice.put(album + "b.jpg", second)

    assert alice.put(f"/alice/favorites/{name}", second).status_code == 204

    assert record(server, album + "b.jpg")["favoriteName"] == name
    assert record(server, album + name)["favoriteName"] == name.replace(".jpg", "-2.jpg")
    assert_consistent(server)


def test_two_copies_swap_their_names(server: Server, alice: Dav, album: str, name: str) -> None:
    first, second = jpeg(taken=DAY), jpeg(taken=OTHER_DAY)
    alice.put(album + f"a-{name}", first, x_favorite="1")
    alice.put(album + f"b-{name}", second, x_favorite="1")
    favorites = "/alice/favorites/"

    alice.move(f"{favorites}a-{name}", f"{favorites}c-{name}")
    alice.move(f"{favorites}b-{name}", f"{favorites}a-{name}")
    alice.move(f"{favorites}c-{name}", f"{favorites}b-{name}")

    assert record(server, album + f"a-{name}")["favoriteName"] == f"b-{name}"
    assert record(server, album + f"b-{name}")["favoriteName"] == f"a-{name}"
    assert_consistent(server)


# The original


def test_delete_of_the_original_sends_it_to_the_trash_and_its_copy_goes(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    alice.put(album + name, jpeg(taken=DAY), x_favorite="1")
    before = record(server, album + name)

    assert alice.delete(album + name).status_code == 204

    assert alice.head(f"/alice/favorites/{name}").status_code == 404
    (entry,) = [each for each in trashed(server) if each["photo"] and each["photo"]["id"] == before["id"]]
    assert entry["photo"]["isFavorite"] is True
    assert_consistent(server)


def test_rename_of_the_original_keeps_the_record_and_the_copys_place(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    alice.put(album + name, jpeg(taken=DAY), x_favorite="1")
    before = record(server, album + name)

    assert alice.move(album + name, album + f"new-{name}").status_code == 201

    after = record(server, album + f"new-{name}")
    assert {**after, "name": name} == before
    assert alice.head(f"/alice/favorites/{name}").status_code == 200
    assert_consistent(server)


def test_move_of_the_original_to_another_album_keeps_the_copys_place(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    alice.put(album + name, jpeg(taken=DAY), x_favorite="1")
    alice.mkcol(album + "deep")
    before = record(server, album + name)

    assert alice.move(album + name, album + f"deep/{name}").status_code == 201

    assert record(server, album + f"deep/{name}")["id"] == before["id"]
    assert alice.head(f"/alice/favorites/{name}").status_code == 200
    assert_consistent(server)


def test_move_of_the_whole_album_keeps_flags_and_copies(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.mkcol(album + "old")
    alice.put(album + f"old/{name}", jpeg(taken=DAY), x_favorite="1")
    before = record(server, album + f"old/{name}")

    assert alice.move(album + "old/", album + "new/").status_code == 201

    assert record(server, album + f"new/{name}") == {**before, "album": album.split("/")[2] + "/new"}
    assert_consistent(server)


def test_move_into_another_users_tree_clears_the_flag(server: Server, album: str, name: str) -> None:
    root = server.session("root")
    root.put(album + name, jpeg(taken=DAY), x_favorite="1")
    before = record(server, album + name)
    root.mkcol(f"/bob/{name}-album")

    assert root.move(album + name, f"/bob/{name}-album/{name}").status_code == 201

    after = record(server, f"/bob/{name}-album/{name}")
    assert (after["id"], after["isFavorite"], after["favoriteName"]) == (before["id"], False, None)
    assert not (server.plex / "alice" / "favorites" / name).exists()
    assert_consistent(server)
    assert_consistent(server, "bob")


def test_copy_or_move_into_another_users_favorites_makes_an_own_photo_there(
    server: Server, album: str, name: str
) -> None:
    root = server.session("root")
    photo = jpeg(taken=DAY)
    root.put(album + name, photo)

    assert root.copy(album + name, f"/bob/favorites/{name}").status_code == 201

    assert record(server, f"/bob/24-05/{name}")["isFavorite"] is True
    assert record(server, album + name)["isFavorite"] is False
    assert_consistent(server)
    assert_consistent(server, "bob")


def test_move_of_a_photo_over_another_keeps_the_record_of_the_one_moved(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    moving, lying = jpeg(taken=DAY), jpeg(taken=OTHER_DAY)
    alice.put(album + f"a-{name}", moving, x_favorite="1")
    alice.put(album + f"b-{name}", lying, x_favorite="1")
    kept, gone = record(server, album + f"a-{name}"), record(server, album + f"b-{name}")

    assert alice.move(album + f"a-{name}", album + f"b-{name}").status_code == 204

    after = record(server, album + f"b-{name}")
    assert (after["id"], after["favoriteName"]) == (kept["id"], f"a-{name}")
    assert alice.get(album + f"b-{name}").content == moving
    assert [each for each in trashed(server) if each["photo"] and each["photo"]["id"] == gone["id"]]
    assert alice.head(f"/alice/favorites/b-{name}").status_code == 404
    assert_consistent(server)


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_file_onto_an_empty_collection_replaces_it(
    server: Server, alice: Dav, album: str, name: str, method: str
) -> None:
    alice.put(album + name, jpeg(taken=DAY), x_favorite="1")
    alice.mkcol(album + "empty.jpg")

    done = alice.request(method, album + name, headers={"Destination": alice.href(album + "empty.jpg")})

    assert done.status_code == 204
    assert record(server, album + "empty.jpg")["isFavorite"] is (method == "MOVE")
    assert_consistent(server)


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_file_onto_a_collection_with_members_is_409_in_words(
    server: Server, alice: Dav, album: str, name: str, method: str
) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    alice.mkcol(album + "full.jpg")
    alice.put(album + "full.jpg/b.jpg", jpeg(taken=DAY))

    refused = alice.request(method, album + name, headers={"Destination": alice.href(album + "full.jpg")})

    assert refused.status_code == 409
    assert "members" in refused.text
    assert alice.head(album + "full.jpg/b.jpg").status_code == 200
    assert_consistent(server)


def test_copy_of_the_original_elsewhere_is_a_new_photo(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY), x_favorite="1")
    filed = f"/alice/24-05/{name}"
    alice.proppatch(filed, {"{x:}comment": "fine"})
    before = record(server, filed)

    assert alice.copy(filed, album + "copy.jpg").status_code == 201

    after = record(server, album + "copy.jpg")
    assert after["id"] != before["id"]
    assert (after["isFavorite"], after["favoriteName"], after["looseNames"]) == (False, None, [])
    assert after["properties"] == before["properties"]
    assert after["sha256"] == before["sha256"]
    assert after["modified"] == before["modified"]
    assert record(server, filed) == before
    assert_consistent(server)


def test_copy_of_a_copy_elsewhere_is_a_new_photo(server: Server, alice: Dav, album: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(album + name, photo, x_favorite="1")

    assert alice.copy(f"/alice/favorites/{name}", album + "copy.jpg").status_code == 201

    assert record(server, album + "copy.jpg")["isFavorite"] is False
    assert record(server, album + name)["isFavorite"] is True
    assert_consistent(server)


def test_copy_over_a_favorite_replaces_it_and_its_copy_goes(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + f"a-{name}", jpeg(taken=DAY))
    alice.put(album + f"b-{name}", jpeg(taken=OTHER_DAY), x_favorite="1")

    assert alice.copy(album + f"a-{name}", album + f"b-{name}").status_code == 204

    assert alice.get(album + f"b-{name}").content == alice.get(album + f"a-{name}").content
    assert_consistent(server)


def test_put_over_the_original_refreshes_the_copy(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY), x_favorite="1")
    other = jpeg(taken=OTHER_DAY)

    assert alice.put(album + name, other, x_oc_mtime="1700000000").status_code == 204

    assert alice.get(f"/alice/favorites/{name}").content == other
    assert_consistent(server)


# The sentences below the table


def test_two_originals_of_one_name_get_copies_of_two_names(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.mkcol(album + "b")
    alice.put(album + name, jpeg(taken=DAY), x_favorite="1")
    alice.put(album + f"b/{name}", jpeg(taken=DAY), x_favorite="1")

    assert record(server, album + name)["favoriteName"] == name
    assert record(server, album + f"b/{name}")["favoriteName"] == name.replace(".jpg", "-2.jpg")
    assert_consistent(server)


def test_favorites_of_nested_albums_lie_flat(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.mkcol(album + "day 1")
    alice.put(album + f"day 1/{name}", jpeg(taken=DAY), x_favorite="1")

    assert name in alice.names("/alice/favorites/")
    assert_consistent(server)


def test_favorites_exists_from_the_first_moment_and_is_listed(own_server: Server) -> None:
    alice = own_server.session()

    assert alice.names("/alice/") == {"favorites/"}
    assert alice.names("/alice/favorites/") == set()
    assert alice.head("/alice/favorites/").status_code == 200
    assert alice.mkcol("/alice/favorites/").status_code == 405


def test_favorites_is_flat(server: Server, alice: Dav, album: str, name: str) -> None:
    refused = [
        alice.mkcol("/alice/favorites/folder"),
        alice.copy(album, "/alice/favorites/folder/"),
        alice.move(album, "/alice/favorites/folder/"),
        alice.put(f"/alice/favorites/folder/{name}", jpeg()),
    ]

    assert [answer.status_code for answer in refused] == [403] * 4
    assert all("flat" in answer.text for answer in refused)
    assert_consistent(server)


@pytest.mark.parametrize("other", ["Favorites", "FAVORITES", "favoRites"])
def test_favorites_in_another_case_is_refused(server: Server, alice: Dav, album: str, other: str) -> None:
    assert alice.mkcol(f"/alice/{other}").status_code == 403
    assert alice.move(album, f"/alice/{other}/").status_code == 403
    assert alice.copy(album, f"/alice/{other}/").status_code == 403
    assert_consistent(server)


def test_favorites_itself_is_neither_moved_nor_replaced(server: Server, alice: Dav, album: str) -> None:
    assert alice.move("/alice/favorites/", album + "f/").status_code == 403
    assert alice.move(album, "/alice/favorites/").status_code == 403
    assert alice.copy(album, "/alice/favorites/").status_code == 403
    assert_consistent(server)


def test_delete_of_favorites_clears_every_flag_with_one_entry_in_the_trash(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip")
    for number in range(3):
        alice.put(f"/alice/trip/{number}.jpg", jpeg(taken=DAY), x_favorite="1")

    assert alice.delete("/alice/favorites/").status_code == 204

    assert alice.names("/alice/favorites/") == set()
    assert "favorites/" in alice.names("/alice/")
    assert [photo["isFavorite"] for photo in own_server.catalog()] == [False] * 3
    (entry,) = trashed(own_server)
    assert {each[0] for each in entry["cleared"]} == {photo["id"] for photo in own_server.catalog()}
    assert_consistent(own_server)


def test_copy_of_favorites_makes_independent_photos(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip")
    for number in range(3):
        alice.put(f"/alice/trip/{number}.jpg", jpeg(taken=DAY), x_favorite="1")

    assert alice.copy("/alice/favorites/", "/alice/best/").status_code == 201

    assert alice.names("/alice/best/") == {"0.jpg", "1.jpg", "2.jpg"}
    assert [photo["isFavorite"] for photo in own_server.catalog()] == [True] * 3 + [False] * 3
    assert len({photo["id"] for photo in own_server.catalog()}) == 6
    assert_consistent(own_server)


def test_a_file_put_into_favorites_that_is_no_photo_stays_there(server: Server, alice: Dav, name: str) -> None:
    sidecar = name.replace(".jpg", ".xmp")

    assert alice.put(f"/alice/favorites/{sidecar}", b"<x/>").status_code == 201

    assert alice.get(f"/alice/favorites/{sidecar}").content == b"<x/>"
    assert alice.delete(f"/alice/favorites/{sidecar}").status_code == 204
    assert_consistent(server)


def test_a_lock_on_the_copy_guards_the_original_too(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY), x_favorite="1")
    locked = alice.lock(f"/alice/favorites/{name}")
    token = locked.headers["Lock-Token"].strip("<>")

    refused = alice.put(album + name, jpeg(taken=DAY))

    assert refused.status_code == 423
    assert condition(refused) == "lock-token-submitted"
    assert alice.unlock(f"/alice/favorites/{name}", token).status_code == 204


def test_a_favorite_survives_a_restart_and_a_kill(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip")
    alice.put("/alice/trip/a.jpg", jpeg(taken=DAY), x_favorite="1")
    before = own_server.catalog()
    alice.close()

    own_server.kill()
    own_server.start()

    assert own_server.catalog() == before
    assert os.listdir(own_server.plex / "alice" / "favorites") == ["a.jpg"]
    assert_consistent(own_server)
