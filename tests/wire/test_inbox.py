"""The inbox `/-/inbox/<user>/`: the loose names alone, for apps that mirror deletions or sync both ways (DESIGN §1)."""

from __future__ import annotations

import itertools

import pytest

from support.consistency import assert_consistent
from support.dav import SUMU, Dav, condition, token_of
from support.samples import jpeg
from support.server import Server

DAY = "2024:05:17 10:11:12"
ALBUM = "24-05"
INBOX = "/-/inbox/alice/"

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test of the module uses."""
    return f"IMG_{next(_numbers):04d}.jpg"


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


def test_the_inbox_exists_with_the_account_and_is_empty(own_server: Server) -> None:
    alice = own_server.session()

    assert alice.names(INBOX) == set()
    assert alice.head(INBOX).status_code == 200
    assert alice.names("/-/inbox/") == {"alice/"}


def test_it_lists_the_loose_names_and_nothing_else(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))
    alice.put(album + "in-an-album.jpg", jpeg(taken=DAY))

    listed = alice.names(INBOX)

    assert name in listed
    assert not [each for each in listed if each.endswith("/") or each == "in-an-album.jpg"]
    assert_consistent(server)


def test_a_put_is_filed_as_one_into_the_home(server: Server, alice: Dav, name: str) -> None:
    photo = jpeg(taken=DAY)

    stored = alice.put(INBOX + name, photo)

    assert stored.status_code == 201
    assert stored.headers["Content-Location"] == f"/alice/{ALBUM}/{name}"
    record = server.record("alice", ALBUM, name)
    assert record is not None
    assert record["looseNames"] == [name]
    assert alice.get(INBOX + name).content == alice.get(f"/alice/{name}").content == photo
    assert_consistent(server)


def test_emptying_the_inbox_deletes_no_photo(server: Server, alice: Dav) -> None:
    """What a mirroring app does when the phone's camera roll was cleared."""
    photos = {f"mirrored-{number}.jpg": jpeg(taken=DAY) for number in range(5)}
    for name, photo in photos.items():
        alice.put(INBOX + name, photo)

    for name in photos:
        assert alice.delete(INBOX + name).status_code == 204

    assert not set(photos) & alice.names(INBOX)
    for name, photo in photos.items():
        assert alice.get(f"/alice/{ALBUM}/{name}").content == photo
    assert_consistent(server)


def test_a_rename_is_the_loose_names_alone(server: Server, alice: Dav, name: str) -> None:
    alice.put(INBOX + name, jpeg(taken=DAY))

    assert alice.move(INBOX + name, INBOX + "new-" + name).status_code == 201

    record = server.record("alice", ALBUM, name)
    assert record is not None
    assert record["looseNames"] == [f"new-{name}"]
    assert_consistent(server)


def test_a_move_into_an_album_moves_the_photo(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(INBOX + name, jpeg(taken=DAY))

    assert alice.move(INBOX + name, album + name).status_code == 201

    assert alice.head(INBOX + name).status_code == 404
    assert server.record("alice", album.split("/")[2], name) is not None
    assert server.record("alice", ALBUM, name) is None
    assert_consistent(server)


def test_a_move_from_an_album_into_the_inbox_files_the_photo(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))

    assert alice.move(album + name, INBOX + name).status_code == 201

    assert server.record("alice", ALBUM, name) is not None
    assert name in alice.names(INBOX)
    assert_consistent(server)


def test_home_and_inbox_show_one_name(server: Server, alice: Dav, name: str) -> None:
    """A move from the one to the other moves a name onto itself."""
    note = name.replace(".jpg", ".txt")
    alice.put(f"/alice/{name}", jpeg(taken=DAY))
    alice.put(f"/alice/{note}", b"words")

    for each in (name, note):
        assert alice.move(f"/alice/{each}", INBOX + each).status_code == 403
        assert alice.copy(INBOX + each, f"/alice/{each}").status_code == 403

    assert {name, note} <= alice.names(INBOX) & alice.names("/alice/")
    assert_consistent(server)


def test_properties_and_the_flag_are_the_photos(server: Server, alice: Dav, name: str) -> None:
    alice.put(INBOX + name, jpeg(taken=DAY))

    alice.proppatch(INBOX + name, {SUMU + "isFavorite": "1", "{x:}comment": "fine"})

    record = server.record("alice", ALBUM, name)
    assert record is not None
    assert record["isFavorite"] is True
    assert alice.properties(f"/alice/{ALBUM}/{name}", "{x:}comment") == {"{x:}comment": "fine"}
    assert_consistent(server)


def test_a_lock_in_the_inbox_guards_the_photo_by_every_name(alice: Dav, name: str) -> None:
    alice.put(INBOX + name, jpeg(taken=DAY))
    token = token_of(alice.lock(INBOX + name))

    for path in (f"/alice/{name}", f"/alice/{ALBUM}/{name}", INBOX + name):
        refused = alice.put(path, jpeg(taken=DAY))
        assert (refused.status_code, condition(refused)) == (423, "lock-token-submitted")
    assert alice.unlock(INBOX + name, token).status_code == 204


def test_it_is_flat(server: Server, alice: Dav, album: str, name: str) -> None:
    refused = [
        alice.mkcol(INBOX + "folder"),
        alice.put(INBOX + f"folder/{name}", jpeg()),
        alice.copy(album, INBOX + "folder/"),
        alice.move(album, INBOX + "folder/"),
    ]

    assert [answer.status_code for answer in refused] == [403] * 4
    assert all("flat" in answer.text for answer in refused)
    assert_consistent(server)


def test_the_inbox_itself_is_neither_deleted_nor_moved(server: Server, alice: Dav, album: str) -> None:
    assert alice.delete(INBOX).status_code == 403
    assert alice.move(INBOX, album + "inbox/").status_code == 403
    assert alice.mkcol(INBOX).status_code == 405
    assert_consistent(server)


def test_a_note_lies_there_unseen_by_plex(server: Server, alice: Dav, name: str) -> None:
    note = name.replace(".jpg", ".txt")

    assert alice.put(INBOX + note, b"words").status_code == 201

    assert note in alice.names(INBOX) & alice.names("/alice/")
    assert note not in server.files("alice")
    assert alice.delete(INBOX + note).status_code == 204
    assert_consistent(server)


def test_what_another_program_put_into_the_home_is_no_loose_name(server: Server, alice: Dav, name: str) -> None:
    (server.plex / "alice").mkdir(exist_ok=True)
    (server.plex / "alice" / name).write_bytes(jpeg(taken=DAY))

    assert alice.head(f"/alice/{name}").status_code == 200
    assert alice.head(INBOX + name).status_code == 404
    assert name not in alice.names(INBOX)
    assert alice.delete(f"/alice/{name}").status_code == 204


def test_the_inbox_of_another_user_is_not_there(server: Server, alice: Dav, name: str) -> None:
    bob = server.session("bob")
    alice.put(INBOX + name, jpeg(taken=DAY))

    assert bob.get(INBOX + name).status_code == 404
    assert bob.propfind(INBOX, "1").status_code == 404
    assert bob.put(INBOX + name, jpeg(taken=DAY)).status_code == 404
    assert bob.delete(INBOX + name).status_code == 404
    assert alice.head(INBOX + name).status_code == 200
