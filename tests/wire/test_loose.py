"""Loose uploads (DESIGN §1, "Loose uploads"): a photo put straight into `/alice/` is filed by its month."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from support.consistency import assert_consistent
from support.dav import OWNCLOUD, SUMU, Dav, condition, token_of
from support.samples import jpeg
from support.server import Server

BOTH_WAYS = True

DAY = "2024:05:17 10:11:12"
ALBUM = "24-05"
OTHER_DAY = "2023:12:24 18:00:00"

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test of the module uses."""
    return f"IMG_{next(_numbers):04d}.jpg"


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


def loose(server: Server, name: str) -> dict[str, object]:
    """The record that a loose name stands for."""
    (record,) = [photo for photo in server.catalog() if name in photo["looseNames"] and photo["user"] == "alice"]
    return record


def test_a_photo_put_into_the_home_is_filed_by_the_month_it_was_taken(server: Server, alice: Dav, name: str) -> None:
    photo = jpeg(taken=DAY)

    stored = alice.put(f"/alice/{name}", photo)

    assert stored.status_code == 201
    assert stored.headers["Content-Location"] == f"/alice/{ALBUM}/{name}"
    assert (server.plex / "alice" / ALBUM / name).read_bytes() == photo
    assert not (server.plex / "alice" / name).exists()
    record = server.record("alice", ALBUM, name)
    assert record is not None
    assert record["looseNames"] == [name]
    assert_consistent(server)


def test_the_filing_pattern_is_configurable(start_server: object) -> None:
    server: Server = start_server(sumu={"filing": {"album": "%Y/%m"}})  # type: ignore[operator]

    server.session().put("/alice/x.jpg", jpeg(taken=DAY))

    assert server.files("alice") == {"2024/05/x.jpg"}
    assert_consistent(server)


def test_a_loose_name_answers_get_head_and_propfind(alice: Dav, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(f"/alice/{name}", photo)

    assert alice.get(f"/alice/{name}").content == photo
    assert alice.head(f"/alice/{name}").headers["Content-Length"] == str(len(photo))
    assert alice.properties(f"/alice/{name}", SUMU + "taken")[SUMU + "taken"] == "2024-05-17T10:11:12"


def test_the_home_lists_its_loose_names(alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))

    assert {name, f"{ALBUM}/"} <= alice.names("/alice/")


def test_loose_and_filed_name_are_one_resource_of_two_file_ids(alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))
    alice.proppatch(f"/alice/{name}", {"{x:}comment": "a fine day"})

    asked = ("{DAV:}getetag", "{DAV:}getlastmodified", "{x:}comment", SUMU + "sha256", OWNCLOUD + "fileid")
    by_loose, by_filed = (alice.properties(path, *asked) for path in (f"/alice/{name}", f"/alice/{ALBUM}/{name}"))

    assert by_loose["{x:}comment"] == "a fine day"
    assert by_loose.pop(OWNCLOUD + "fileid") != by_filed.pop(OWNCLOUD + "fileid")
    assert by_loose == by_filed
    assert alice.get(f"/alice/{name}").headers["ETag"] == alice.get(f"/alice/{ALBUM}/{name}").headers["ETag"]


def test_proppatch_by_either_name_reaches_the_one_record(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))

    alice.proppatch(f"/alice/{name}", {"{x:}one": "1"})
    alice.proppatch(f"/alice/{ALBUM}/{name}", {"{x:}two": "2"})

    assert set(loose(server, name)["properties"]) == {"{x:}one", "{x:}two"}  # type: ignore[call-overload]


def test_a_lock_by_one_name_forbids_writing_by_the_other_without_its_token(alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))
    token = token_of(alice.lock(f"/alice/{name}"))

    refused = alice.put(f"/alice/{ALBUM}/{name}", jpeg(taken=DAY))
    allowed = alice.put(f"/alice/{ALBUM}/{name}", jpeg(taken=DAY), if_=f"</alice/{name}> (<{token}>)")

    assert refused.status_code == 423
    assert condition(refused) == "lock-token-submitted"
    assert allowed.status_code == 204
    assert alice.unlock(f"/alice/{name}", token).status_code == 204


def test_a_lock_by_the_filed_name_guards_the_loose_one(alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))
    token = token_of(alice.lock(f"/alice/{ALBUM}/{name}"))

    assert alice.put(f"/alice/{name}", jpeg(taken=DAY)).status_code == 423
    assert alice.proppatch(f"/alice/{name}", {"{x:}y": "1"}).status_code == 423
    assert alice.put(f"/-/inbox/alice/{name}", jpeg(taken=DAY)).status_code == 423
    assert alice.unlock(f"/alice/{ALBUM}/{name}", token).status_code == 204


def test_a_lock_belongs_to_the_url_that_took_it(alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))
    token = token_of(alice.lock(f"/alice/{name}"))

    assert alice.unlock(f"/alice/{ALBUM}/{name}", token).status_code == 409
    assert alice.unlock(f"/alice/{name}", token).status_code == 204


def test_a_lock_survives_the_filing(server: Server, alice: Dav, name: str) -> None:
    """Finder and Explorer lock the empty name, then send the bytes, then unlock."""
    alice.put(f"/alice/{name}", b"")
    token = token_of(alice.lock(f"/alice/{name}"))

    without = alice.put(f"/alice/{name}", jpeg(taken=DAY))
    stored = alice.put(f"/alice/{name}", jpeg(taken=DAY), if_=f"(<{token}>)")
    again = alice.put(f"/alice/{name}", jpeg(taken=DAY))

    assert without.status_code == 423
    assert stored.status_code == 204
    assert again.status_code == 423
    assert alice.unlock(f"/alice/{name}", token).status_code == 204
    assert server.record("alice", ALBUM, name) is not None
    assert_consistent(server)


def test_copy_of_a_loose_name_makes_a_new_photo(server: Server, alice: Dav, album: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(f"/alice/{name}", photo)

    assert alice.copy(f"/alice/{name}", album + "y.jpg").status_code == 201

    copied = server.record("alice", album.split("/")[2], "y.jpg")
    assert copied is not None
    assert copied["id"] != loose(server, name)["id"]
    assert copied["looseNames"] == []
    assert_consistent(server)


def test_move_of_a_loose_name_to_another_renames_it_and_leaves_the_file(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))

    assert alice.move(f"/alice/{name}", f"/alice/renamed-{name}").status_code == 201

    assert alice.head(f"/alice/{name}").status_code == 404
    assert loose(server, f"renamed-{name}")["name"] == name
    assert_consistent(server)


def test_move_of_a_loose_name_into_an_album_moves_the_photo(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))
    before = loose(server, name)

    assert alice.move(f"/alice/{name}", album + "z.jpg").status_code == 201

    after = server.record("alice", album.split("/")[2], "z.jpg")
    assert after is not None
    assert (after["id"], after["looseNames"]) == (before["id"], [])
    assert server.record("alice", ALBUM, name) is None
    assert name not in alice.names("/alice/")
    assert_consistent(server)


def test_delete_of_a_loose_name_leaves_the_photo_in_its_album(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))

    assert alice.delete(f"/alice/{name}").status_code == 204

    assert alice.head(f"/alice/{name}").status_code == 404
    assert alice.head(f"/alice/{ALBUM}/{name}").status_code == 200
    record = server.record("alice", ALBUM, name)
    assert record is not None
    assert record["looseNames"] == []
    assert_consistent(server)


def test_delete_of_the_filed_photo_takes_its_loose_names(server: Server, alice: Dav, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(f"/alice/{name}", photo)
    alice.put(f"/alice/second-{name}", photo)

    assert alice.delete(f"/alice/{ALBUM}/{name}").status_code == 204

    assert {name, f"second-{name}"} & alice.names("/alice/") == set()
    assert alice.get(f"/alice/{name}").status_code == 404
    assert_consistent(server)


def test_an_edit_put_over_a_loose_name_replaces_the_photo(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))
    before = loose(server, name)
    edited = jpeg(taken=DAY)

    assert alice.put(f"/alice/{name}", edited).status_code == 204

    after = loose(server, name)
    assert (after["id"], after["album"], after["name"]) == (before["id"], ALBUM, name)
    assert (server.plex / "alice" / ALBUM / name).read_bytes() == edited
    assert_consistent(server)


def test_a_put_over_a_loose_name_replaces_where_neither_says_when(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(), x_oc_mtime="1700000000")
    before = loose(server, name)

    assert alice.put(f"/alice/{name}", jpeg(), x_oc_mtime="1600000000").status_code == 204

    assert loose(server, name)["id"] == before["id"]
    assert_consistent(server)


def test_a_photo_of_another_time_under_a_known_loose_name_is_filed_beside_it(
    server: Server, alice: Dav, name: str
) -> None:
    first, second = jpeg(taken=DAY), jpeg(taken=OTHER_DAY)
    alice.put(f"/alice/{name}", first)

    stored = alice.put(f"/alice/{name}", second)

    assert stored.status_code == 204
    assert stored.headers["Content-Location"] == f"/alice/23-12/{name}"
    assert alice.get(f"/alice/{name}").content == second
    assert alice.get(f"/alice/{ALBUM}/{name}").content == first
    assert_consistent(server)


def test_a_photo_of_another_second_of_the_same_month_gets_a_suffix(server: Server, alice: Dav, name: str) -> None:
    first, second = jpeg(taken=DAY), jpeg(taken="2024:05:17 10:11:13")
    alice.put(f"/alice/{name}", first)

    alice.put(f"/alice/{name}", second)

    suffixed = name.replace(".jpg", "-2.jpg")
    assert loose(server, name)["name"] == suffixed
    assert alice.get(f"/alice/{ALBUM}/{name}").content == first
    assert alice.get(f"/alice/{ALBUM}/{suffixed}").content == second
    assert_consistent(server)


def test_a_dated_photo_over_an_undated_one_is_no_edit(server: Server, alice: Dav, name: str) -> None:
    undated = jpeg()
    alice.put(f"/alice/{name}", undated, x_oc_mtime="1700000000")

    alice.put(f"/alice/{name}", jpeg(taken=DAY))

    assert alice.get(f"/alice/23-11/{name}").content == undated
    assert loose(server, name)["album"] == ALBUM
    assert_consistent(server)


def test_bytes_that_the_user_has_get_the_name_and_no_second_file(server: Server, alice: Dav, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(f"/alice/{name}", photo)

    stored = alice.put(f"/alice/again-{name}", photo)

    assert stored.status_code == 201
    assert stored.headers["Content-Location"] == f"/alice/{ALBUM}/{name}"
    assert loose(server, name)["looseNames"] == [name, f"again-{name}"]
    assert not (server.plex / "alice" / ALBUM / f"again-{name}").exists()
    assert_consistent(server)


def test_bytes_that_lie_in_an_album_are_not_filed_again(server: Server, alice: Dav, album: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(album + "chosen.jpg", photo)

    stored = alice.put(f"/alice/{name}", photo)

    assert stored.headers["Content-Location"] == album + "chosen.jpg"
    assert not (server.plex / "alice" / ALBUM / name).exists()
    assert alice.get(f"/alice/{name}").content == photo
    assert_consistent(server)


def test_the_same_upload_twice_changes_nothing(server: Server, alice: Dav, name: str) -> None:
    photo = jpeg(taken=DAY)
    first = alice.put(f"/alice/{name}", photo)
    before = loose(server, name)

    second = alice.put(f"/alice/{name}", photo)

    assert (first.status_code, second.status_code) == (201, 204)
    assert first.headers["ETag"] == second.headers["ETag"]
    assert loose(server, name) == before
    assert_consistent(server)


def test_the_same_upload_with_another_time_sets_the_time(server: Server, alice: Dav, name: str) -> None:
    """A client that announced a time and was told `accepted` compares it in the next listing."""
    photo = jpeg(taken=DAY)
    alice.put(f"/alice/{name}", photo, x_oc_mtime="1600000000")

    stored = alice.put(f"/alice/{name}", photo, x_oc_mtime="1600000500")

    assert stored.headers["X-OC-MTime"] == "accepted"
    modified = alice.properties(f"/alice/{name}", "{DAV:}getlastmodified")["{DAV:}getlastmodified"]
    assert modified == datetime.fromtimestamp(1600000500, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert_consistent(server)


def test_other_bytes_of_a_taken_name_get_a_suffix_and_keep_their_loose_name(
    server: Server, alice: Dav, name: str
) -> None:
    alice.mkcol(f"/alice/{ALBUM}/")
    lying, coming = jpeg(taken=DAY), jpeg(taken=DAY)
    alice.put(f"/alice/{ALBUM}/{name}", lying)

    stored = alice.put(f"/alice/{name}", coming)

    suffixed = name.replace(".jpg", "-2.jpg")
    assert stored.headers["Content-Location"] == f"/alice/{ALBUM}/{suffixed}"
    assert loose(server, name)["name"] == suffixed
    assert alice.get(f"/alice/{ALBUM}/{name}").content == lying
    assert alice.get(f"/alice/{name}").content == coming
    assert_consistent(server)


def test_without_a_date_in_the_file_its_name_tells(server: Server, alice: Dav) -> None:
    alice.put("/alice/IMG_20190302_101112.jpg", jpeg(), x_oc_mtime="1700000000")

    record = loose(server, "IMG_20190302_101112.jpg")
    assert record["album"] == "19-03"
    assert str(record["takenFrom"]).startswith("name:")


def test_without_a_date_in_the_name_the_clients_time_tells(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(), x_oc_mtime="1500000000")

    record = loose(server, name)
    assert record["album"] == "17-07"
    assert record["takenFrom"] == "client:mtime"


def test_where_nothing_tells_the_upload_does(server: Server, alice: Dav, name: str) -> None:
    before = datetime.now().astimezone()
    alice.put(f"/alice/{name}", jpeg())
    after = datetime.now().astimezone()

    record = loose(server, name)
    assert record["album"] in {before.strftime("%y-%m"), after.strftime("%y-%m")}
    assert record["takenFrom"] == "upload"


def test_a_file_that_is_no_media_stays_loose_and_hidden_from_plex(server: Server, alice: Dav, name: str) -> None:
    note = name.replace(".jpg", ".txt")

    assert alice.put(f"/alice/{note}", b"words").status_code == 201

    assert alice.get(f"/alice/{note}").content == b"words"
    assert note in alice.names("/alice/")
    assert note not in server.files("alice")
    assert_consistent(server)


def test_a_file_that_another_program_put_into_the_home_wins_over_a_loose_name(
    server: Server, alice: Dav, name: str
) -> None:
    filed, dropped = jpeg(taken=DAY), jpeg(taken=DAY)
    alice.put(f"/alice/{name}", filed)

    (server.plex / "alice" / name).write_bytes(dropped)

    assert alice.get(f"/alice/{name}").content == dropped
    assert alice.get(f"/alice/{ALBUM}/{name}").content == filed
    assert alice.delete(f"/alice/{name}").status_code == 204
    assert alice.get(f"/alice/{name}").content == filed
    assert alice.delete(f"/alice/{ALBUM}/{name}").status_code == 204


def test_a_live_upload_of_many_names_lists_every_one(server: Server, alice: Dav) -> None:
    """Sync apps compare listings, and would else upload everything again."""
    names = {f"camera {number}.jpg" for number in range(30)}

    for each in names:
        assert alice.put(f"/alice/{each}", jpeg(taken=DAY)).status_code == 201

    assert names <= alice.names("/alice/")
    assert_consistent(server)


def test_move_of_a_photo_out_of_its_album_into_the_home_files_it(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    alice.put(album + "x.jpg", jpeg(taken=DAY))
    before = server.record("alice", album.split("/")[2], "x.jpg")
    assert before is not None

    moved = alice.move(album + "x.jpg", f"/alice/{name}")

    assert moved.status_code == 201
    record = loose(server, name)
    assert (record["id"], record["album"]) == (before["id"], ALBUM)
    assert alice.head(album + "x.jpg").status_code == 404
    assert_consistent(server)


def test_copy_of_a_photo_into_the_home_adds_a_name_to_it(server: Server, alice: Dav, album: str, name: str) -> None:
    """The bytes are there already, so no second file is filed."""
    photo = jpeg(taken=DAY)
    alice.put(album + "x.jpg", photo)

    assert alice.copy(album + "x.jpg", f"/alice/{name}").status_code == 201

    assert alice.get(f"/alice/{name}").content == photo
    assert alice.get(album + "x.jpg").content == photo
    assert_consistent(server)


def test_two_loose_names_swap_through_a_third(server: Server, alice: Dav, name: str) -> None:
    first, second = jpeg(taken=DAY), jpeg(taken=OTHER_DAY)
    alice.put(f"/alice/a-{name}", first)
    alice.put(f"/alice/b-{name}", second)

    alice.move(f"/alice/a-{name}", f"/alice/c-{name}")
    alice.move(f"/alice/b-{name}", f"/alice/a-{name}")
    alice.move(f"/alice/c-{name}", f"/alice/b-{name}")

    assert alice.get(f"/alice/a-{name}").content == second
    assert alice.get(f"/alice/b-{name}").content == first
    assert_consistent(server)


def test_move_of_a_loose_name_onto_another_keeps_the_photo_it_replaces(server: Server, alice: Dav, name: str) -> None:
    first, second = jpeg(taken=DAY), jpeg(taken=OTHER_DAY)
    alice.put(f"/alice/a-{name}", first)
    alice.put(f"/alice/b-{name}", second)

    assert alice.move(f"/alice/a-{name}", f"/alice/b-{name}").status_code == 204

    assert alice.get(f"/alice/b-{name}").content == first
    assert alice.get(f"/alice/23-12/b-{name}").content == second
    assert_consistent(server)


def test_overwrite_f_refuses_a_loose_name_that_is_taken(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/a-{name}", jpeg(taken=DAY))
    alice.put(f"/alice/b-{name}", jpeg(taken=OTHER_DAY))

    assert alice.move(f"/alice/a-{name}", f"/alice/b-{name}", overwrite="F").status_code == 412
    assert alice.copy(f"/alice/a-{name}", f"/alice/b-{name}", overwrite="F").status_code == 412
    assert_consistent(server)
