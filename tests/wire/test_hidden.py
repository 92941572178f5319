"""Junk and temporary names (DESIGN §1, "two trees"): WebDAV sees them where it put them, Plex never does."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from support.consistency import assert_consistent
from support.dav import Dav
from support.samples import jpeg
from support.server import Server

BOTH_WAYS = True

DAY = "2024:05:17 10:11:12"

JUNK_FILES = (
    "._IMG_1.jpg",
    ".DS_Store",
    ".nomedia",
    "Thumbs.db",
    "THUMBS.DB",
    "desktop.ini",
    "IMG_1.jpg.tacitpart",
    "IMG_1.jpg.part",
    "IMG_1.jpg.partial",
    "IMG_1.jpg.filepart",
    "IMG_1.jpg.crdownload",
    "IMG_1.jpg.tmp",
    "~$letter.jpg",
)
JUNK_FOLDERS = (".git", "@eaDir", "Temporary Items", "$Recycle.Bin", "$RECYCLE.BIN", "System Volume Information")

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test of the module uses."""
    return f"IMG_{next(_numbers):04d}.jpg"


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


def record(server: Server, path: str) -> dict[str, Any]:
    album, _, name = path.removeprefix("/alice/").rpartition("/")
    found = server.record("alice", album, name)
    assert found is not None, f"no record of {path}"
    return found


@pytest.mark.parametrize("junk", JUNK_FILES)
@pytest.mark.parametrize("where", ["album", "home"])
def test_a_junk_file_is_accepted_listed_and_kept_from_plex(
    server: Server, alice: Dav, album: str, junk: str, where: str
) -> None:
    folder = album if where == "album" else "/alice/"
    before = server.files()

    assert alice.put(folder + junk, b"junk").status_code in (201, 204)

    assert junk in alice.names(folder)
    assert alice.get(folder + junk).content == b"junk"
    assert server.files() == before
    assert_consistent(server)
    assert alice.delete(folder + junk).status_code == 204
    assert junk not in alice.names(folder)
    trash = server.state / "trash.json"
    assert not trash.exists() or junk not in trash.read_text()


@pytest.mark.parametrize("junk", JUNK_FOLDERS)
def test_what_lies_below_a_junk_folder_is_hidden(server: Server, alice: Dav, album: str, junk: str, name: str) -> None:
    before = server.files()
    assert alice.mkcol(album + junk).status_code == 201
    assert alice.mkcol(album + f"{junk}/deep").status_code == 201
    photo = jpeg(taken=DAY)

    assert alice.put(album + f"{junk}/deep/{name}", photo).status_code == 201

    assert alice.get(album + f"{junk}/deep/{name}").content == photo
    assert f"{junk}/" in alice.names(album)
    assert alice.names(album + junk) == {"deep/"}
    assert server.files() == before
    assert not [each for each in server.catalog() if each["name"] == name]
    assert_consistent(server)


def test_a_visible_folder_merges_with_its_hidden_one(server: Server, alice: Dav, album: str) -> None:
    alice.put(album + "seen.jpg", jpeg(taken=DAY))
    alice.put(album + ".unseen", b"junk")
    alice.put(album + "empty.jpg", b"")

    assert alice.names(album) == {"seen.jpg", ".unseen", "empty.jpg"}
    assert [each for each in alice.names("/alice/") if each == album.split("/")[2] + "/"]
    assert_consistent(server)


def test_hidden_files_go_with_their_folder(server: Server, alice: Dav, album: str) -> None:
    alice.mkcol(album + "old")
    alice.put(album + "old/seen.jpg", jpeg(taken=DAY))
    alice.put(album + "old/.unseen", b"junk")

    assert alice.move(album + "old/", album + "new/").status_code == 201

    assert alice.names(album + "new/") == {"seen.jpg", ".unseen"}
    assert alice.names(album) == {"new/"}
    assert alice.delete(album + "new/").status_code == 204
    assert alice.names(album) == set()
    assert_consistent(server)


# FolderSync: PUT X.jpg.tacitpart, PROPFIND, MOVE


@pytest.mark.parametrize("ending", [".tacitpart", ".part", ".tmp"])
def test_move_of_a_temporary_name_publishes_as_a_put_would(
    server: Server, alice: Dav, album: str, name: str, ending: str
) -> None:
    photo = jpeg(taken=DAY, gps=(48.2082, 16.3738))
    alice.put(album + name + ending, photo, x_oc_mtime="1600000000")
    before = server.files()

    assert alice.move(album + name + ending, album + name).status_code == 201

    found = record(server, album + name)
    assert found["taken"] == "2024-05-17T10:11:12"
    assert found["latitude"] == pytest.approx(48.2082, abs=1e-4)
    assert server.files() - before == {album.strip("/") + "/" + name}
    assert alice.names(album) == {name}
    modified = datetime.fromtimestamp(1600000000, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert alice.head(album + name).headers["Last-Modified"] == modified
    assert_consistent(server)


def test_published_without_a_time_it_gets_the_date_it_was_taken(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    """Plex dates photos by their files' time."""
    alice.put(album + name + ".tacitpart", jpeg(taken=DAY, offset="+00:00"))

    assert alice.move(album + name + ".tacitpart", album + name).status_code == 201

    assert alice.head(album + name).headers["Last-Modified"] == "Fri, 17 May 2024 10:11:12 GMT"
    assert_consistent(server)


def test_the_name_that_it_is_published_under_tells_its_date(server: Server, alice: Dav) -> None:
    alice.put("/alice/upload.tmp", jpeg())

    alice.move("/alice/upload.tmp", "/alice/IMG_20190302_101112.jpg")

    assert record(server, "/alice/19-03/IMG_20190302_101112.jpg")["takenFrom"].startswith("name:")
    assert_consistent(server)


def test_a_time_that_was_patched_onto_it_is_kept(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name + ".part", jpeg(taken=DAY))
    alice.proppatch(album + name + ".part", {"{DAV:}lastmodified": "1600000000"})

    alice.move(album + name + ".part", album + f"{name}.tmp")
    alice.move(album + f"{name}.tmp", album + name)

    assert alice.head(album + name).headers["Last-Modified"] == "Sun, 13 Sep 2020 12:26:40 GMT"
    assert_consistent(server)


def test_published_over_a_photo_it_replaces_it_as_a_put_would(
    server: Server, alice: Dav, album: str, name: str
) -> None:
    old, new = jpeg(taken=DAY), jpeg(taken=DAY)
    alice.put(album + name, old, x_favorite="1")
    before = record(server, album + name)
    alice.put(album + name + ".tacitpart", new)

    assert alice.move(album + name + ".tacitpart", album + name).status_code == 204

    after = record(server, album + name)
    assert (after["id"], after["isFavorite"]) == (before["id"], True)
    assert alice.get(f"/alice/favorites/{name}").content == new
    assert before["sha256"] in (server.state / "trash.json").read_text()
    assert_consistent(server)


@pytest.mark.parametrize("home", ["/alice/", "/-/inbox/alice/"])
def test_published_loose_it_is_filed(server: Server, alice: Dav, home: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(home + name + ".tacitpart", photo)

    moved = alice.move(home + name + ".tacitpart", home + name)

    assert moved.status_code == 201
    assert moved.headers["Content-Location"] == f"/alice/24-05/{name}"
    assert record(server, f"/alice/24-05/{name}")["looseNames"] == [name]
    assert name + ".tacitpart" not in alice.names(home)
    assert_consistent(server)


def test_published_loose_with_known_bytes_it_only_gets_the_name(server: Server, alice: Dav, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(f"/alice/{name}", photo)
    alice.put(f"/alice/again-{name}.tacitpart", photo)

    assert alice.move(f"/alice/again-{name}.tacitpart", f"/alice/again-{name}").status_code == 201

    assert record(server, f"/alice/24-05/{name}")["looseNames"] == [name, f"again-{name}"]
    assert_consistent(server)


def test_published_into_favorites_it_is_a_favorite(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/favorites/{name}.tacitpart", jpeg(taken=DAY))

    assert alice.move(f"/alice/favorites/{name}.tacitpart", f"/alice/favorites/{name}").status_code == 201

    assert record(server, f"/alice/24-05/{name}")["favoriteName"] == name
    assert_consistent(server)


def test_its_properties_pass_to_the_record(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name + ".part", jpeg(taken=DAY))
    alice.proppatch(album + name + ".part", {"{x:}comment": "fine"})

    alice.move(album + name + ".part", album + name)

    assert list(record(server, album + name)["properties"]) == ["{x:}comment"]
    assert_consistent(server)


def test_copy_of_a_temporary_name_publishes_and_leaves_it(server: Server, alice: Dav, album: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(album + name + ".part", photo)

    assert alice.copy(album + name + ".part", album + name).status_code == 201

    assert alice.names(album) == {name, name + ".part"}
    assert record(server, album + name)["size"] == len(photo)
    assert_consistent(server)


# A photo that is given a hidden name, and comes back


def test_a_photo_moved_to_a_hidden_name_and_back_revives(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY), x_favorite="1")
    alice.proppatch(album + name, {"{x:}comment": "fine"})
    before = record(server, album + name)

    assert alice.move(album + name, album + f".{name}").status_code == 201

    assert server.record("alice", album.split("/")[2], name) is None
    assert alice.head(f"/alice/favorites/{name}").status_code == 404
    assert alice.names(album) == {f".{name}"}
    assert_consistent(server)

    assert alice.move(album + f".{name}", album + name).status_code == 201

    assert record(server, album + name) == before
    assert_consistent(server)


def test_its_loose_names_come_back_too(server: Server, alice: Dav, name: str) -> None:
    alice.put(f"/alice/{name}", jpeg(taken=DAY))
    filed = f"/alice/24-05/{name}"
    before = record(server, filed)

    alice.move(filed, filed + ".tmp")
    assert name not in alice.names("/alice/")
    alice.move(filed + ".tmp", filed)

    assert record(server, filed) == before
    assert alice.head(f"/alice/{name}").status_code == 200
    assert_consistent(server)


def test_a_loose_name_that_was_taken_meanwhile_stays_with_its_new_photo(server: Server, alice: Dav, name: str) -> None:
    first, second = jpeg(taken=DAY), jpeg(taken="2023:12:24 18:00:00")
    alice.put(f"/alice/{name}", first)
    alice.move(f"/alice/24-05/{name}", f"/alice/24-05/{name}.tmp")
    alice.put(f"/alice/{name}", second)

    alice.move(f"/alice/24-05/{name}.tmp", f"/alice/24-05/{name}")

    assert alice.get(f"/alice/{name}").content == second
    assert alice.get(f"/alice/24-05/{name}").content == first
    assert_consistent(server)


def test_it_revives_after_a_restart(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip")
    alice.put("/alice/trip/a.jpg", jpeg(taken=DAY), x_favorite="1")
    before = own_server.catalog()
    alice.move("/alice/trip/a.jpg", "/alice/trip/a.jpg.tmp")
    alice.close()

    own_server.restart()
    alice.move("/alice/trip/a.jpg.tmp", "/alice/trip/b.jpg")

    assert own_server.catalog() == [{**before[0], "name": "b.jpg"}]
    assert_consistent(own_server)


def test_it_revives_in_the_home_and_in_favorites(server: Server, alice: Dav, album: str, name: str) -> None:
    for target in (f"/alice/{name}", f"/alice/favorites/f-{name}"):
        alice.put(album + name, jpeg(taken=DAY))
        alice.proppatch(album + name, {"{x:}comment": "fine"})
        before = record(server, album + name)
        alice.move(album + name, album + f".{name}")

        assert alice.move(album + f".{name}", target).status_code == 201

        (after,) = [each for each in server.catalog() if each["id"] == before["id"]]
        assert after["album"] == "24-05"
        assert after["properties"] == before["properties"]
        assert alice.head(target).status_code == 200
        assert_consistent(server)


def test_the_bytes_of_a_photo_with_a_hidden_name_are_no_junk(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    before = record(server, album + name)
    alice.move(album + name, album + f".{name}")

    assert alice.delete(album + f".{name}").status_code == 204

    assert before["id"] in (server.state / "trash.json").read_text()
    assert_consistent(server)


def test_an_empty_file_moved_onto_it_sends_it_to_the_trash(server: Server, alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, jpeg(taken=DAY))
    before = record(server, album + name)
    alice.move(album + name, album + f".{name}")
    alice.put(album + "empty.txt", b"")

    assert alice.move(album + "empty.txt", album + f".{name}").status_code == 204

    assert before["id"] in (server.state / "trash.json").read_text()
    assert alice.get(album + f".{name}").content == b""
    assert alice.move(album + f".{name}", album + name).status_code == 201
    assert server.record("alice", album.split("/")[2], name) is None
    assert_consistent(server)


def test_dead_properties_of_hidden_files_stay_with_them(server: Server, alice: Dav, album: str) -> None:
    alice.put(album + ".note", b"junk")
    alice.proppatch(album + ".note", {"{x:}comment": "fine"})

    alice.move(album + ".note", album + ".moved")

    assert alice.properties(album + ".moved", "{x:}comment") == {"{x:}comment": "fine"}
    alice.put(album + ".note", b"junk")
    assert alice.properties(album + ".note", "{x:}comment") == {"{x:}comment": None}
    assert_consistent(server)
