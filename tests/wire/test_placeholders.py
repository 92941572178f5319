"""Zero-byte uploads (DESIGN §1, "Upload"): Finder, Explorer and DAVx5 send one before the bytes; Plex never sees it."""

from __future__ import annotations

import itertools

import pytest

from support.consistency import assert_consistent
from support.dav import SUMU, Dav, token_of
from support.samples import jpeg
from support.server import Server
from support.state_files import read_between_appends

BOTH_WAYS = True

DAY = "2024:05:17 10:11:12"
WIN32 = "{urn:schemas-microsoft-com:}"

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test of the module uses."""
    return f"IMG_{next(_numbers):04d}.jpg"


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


@pytest.fixture(params=["album", "home", "inbox", "favorites"])
def folder(request: pytest.FixtureRequest, album: str) -> str:
    """Everywhere that a photo can be put."""
    return {
        "album": album,
        "home": "/alice/",
        "inbox": "/-/inbox/alice/",
        "favorites": "/alice/favorites/",
    }[request.param]


def test_an_empty_upload_is_seen_by_webdav_and_not_by_plex(server: Server, alice: Dav, folder: str, name: str) -> None:
    before = server.files()

    stored = alice.put(folder + name, b"")

    assert stored.status_code == 201
    assert stored.headers["ETag"]
    assert alice.head(folder + name).headers["Content-Length"] == "0"
    assert alice.get(folder + name).content == b""
    assert name in alice.names(folder)
    assert server.files() == before
    assert not [each for each in server.catalog() if each["name"] == name]
    assert_consistent(server)


def test_its_bytes_publish_it(server: Server, alice: Dav, folder: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(folder + name, b"")

    stored = alice.put(folder + name, photo)

    assert stored.status_code == 204
    assert alice.get(folder + name).content == photo
    assert [each for each in server.catalog() if each["name"] == name]
    assert_consistent(server)


def test_its_bytes_come_in_chunks_as_finder_sends_them(server: Server, alice: Dav, folder: str, name: str) -> None:
    photo = jpeg(taken=DAY, pad=100_000)
    alice.put(folder + name, b"")
    token = token_of(alice.lock(folder + name))
    headers = {"X-Expected-Entity-Length": str(len(photo)), "If": f"(<{token}>)"}

    blocks = (photo[at : at + 8192] for at in range(0, len(photo), 8192))
    stored = alice.request("PUT", folder + name, headers=headers, data=blocks)

    assert stored.status_code == 204
    assert alice.unlock(folder + name, token).status_code == 204
    assert alice.get(folder + name).content == photo
    assert_consistent(server)


def test_explorers_sequence_ends_with_the_photo_and_its_times(
    server: Server, alice: Dav, folder: str, name: str
) -> None:
    photo = jpeg(taken=DAY)
    assert alice.propfind(folder + name).status_code == 404
    assert alice.put(folder + name, b"").status_code == 201
    token = token_of(alice.lock(folder + name))
    tagged = {"if_": f"(<{token}>)"}
    times = {
        WIN32 + "Win32CreationTime": "Fri, 17 May 2024 10:11:12 GMT",
        WIN32 + "Win32LastModifiedTime": "Sat, 18 May 2024 00:00:00 GMT",
        WIN32 + "Win32FileAttributes": "00000020",
    }
    assert alice.proppatch(folder + name, times, **tagged).status_code == 207
    assert alice.head(folder + name).status_code == 200
    assert alice.put(folder + name, photo, **tagged).status_code == 204
    assert alice.proppatch(folder + name, times, **tagged).status_code == 207
    assert alice.unlock(folder + name, token).status_code == 204

    assert alice.get(folder + name).content == photo
    assert alice.properties(folder + name, *times) == times
    assert alice.head(folder + name).headers["Last-Modified"] == "Sat, 18 May 2024 00:00:00 GMT"
    assert_consistent(server)


def test_properties_pass_to_the_record_on_publication(server: Server, alice: Dav, folder: str, name: str) -> None:
    alice.put(folder + name, b"")
    alice.proppatch(folder + name, {"{x:}comment": "fine"})

    alice.put(folder + name, jpeg(taken=DAY))

    assert alice.properties(folder + name, "{x:}comment") == {"{x:}comment": "fine"}
    (record,) = [each for each in server.catalog() if each["name"] == name]
    assert list(record["properties"]) == ["{x:}comment"]
    assert_consistent(server)


def test_properties_of_a_file_that_is_no_photo_stay(server: Server, alice: Dav, album: str) -> None:
    alice.put(album + "notes.txt", b"")
    alice.proppatch(album + "notes.txt", {"{x:}comment": "fine"})

    alice.put(album + "notes.txt", b"words")

    assert alice.properties(album + "notes.txt", "{x:}comment") == {"{x:}comment": "fine"}
    assert (server.plex / album.strip("/") / "notes.txt").read_bytes() == b"words"
    assert_consistent(server)


def test_over_a_photo_it_lies_on_top_and_touches_nothing(server: Server, alice: Dav, album: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(album + name, photo, x_favorite="1")
    before = server.record("alice", album.split("/")[2], name)

    assert alice.put(album + name, b"").status_code == 204

    assert alice.get(album + name).content == b""
    assert (server.plex / album.strip("/") / name).read_bytes() == photo
    assert (server.plex / "alice" / "favorites" / name).read_bytes() == photo
    assert server.record("alice", album.split("/")[2], name) == before
    assert_consistent(server)


def test_the_bytes_then_replace_the_photo_as_one_put(server: Server, alice: Dav, album: str, name: str) -> None:
    old, new = jpeg(taken=DAY), jpeg(taken=DAY)
    alice.put(album + name, old, x_favorite="1")
    before = server.record("alice", album.split("/")[2], name)
    assert before is not None
    alice.put(album + name, b"")

    assert alice.put(album + name, new).status_code == 204

    after = server.record("alice", album.split("/")[2], name)
    assert after is not None
    assert (after["id"], after["isFavorite"], after["size"]) == (before["id"], True, len(new))
    assert alice.get(f"/alice/favorites/{name}").content == new
    trash = read_between_appends(server.state / "trash.json")["trash"].values()
    assert [each for each in trash if each["photo"] and each["photo"]["sha256"] == before["sha256"]]
    assert_consistent(server)


def test_over_a_loose_name_the_photo_stays_in_its_album(server: Server, alice: Dav, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(f"/alice/{name}", photo)

    assert alice.put(f"/alice/{name}", b"").status_code == 204

    assert alice.get(f"/alice/{name}").content == b""
    assert alice.get(f"/alice/24-05/{name}").content == photo
    edit = jpeg(taken=DAY)
    assert alice.put(f"/alice/{name}", edit).status_code == 204
    assert alice.get(f"/alice/24-05/{name}").content == edit
    assert_consistent(server)


def test_over_a_copy_the_favorite_stays(server: Server, alice: Dav, album: str, name: str) -> None:
    photo = jpeg(taken=DAY)
    alice.put(album + name, photo, x_favorite="1")

    assert alice.put(f"/alice/favorites/{name}", b"").status_code == 204

    assert alice.get(f"/alice/favorites/{name}").content == b""
    assert (server.plex / "alice" / "favorites" / name).read_bytes() == photo
    assert_consistent(server)


def test_davx5_is_told_that_the_name_is_taken(alice: Dav, folder: str, name: str) -> None:
    alice.put(folder + name, jpeg(taken=DAY))

    assert alice.put(folder + name, b"", if_none_match="*").status_code == 412
    assert alice.head(folder + name).headers["Content-Length"] != "0"


def test_a_lock_on_nothing_makes_a_placeholder(server: Server, alice: Dav, folder: str, name: str) -> None:
    locked = alice.lock(folder + name)

    assert locked.status_code == 201
    assert alice.head(folder + name).headers["Content-Length"] == "0"
    assert alice.put(folder + name, jpeg(taken=DAY)).status_code == 423
    assert alice.put(folder + name, jpeg(taken=DAY), if_=f"(<{token_of(locked)}>)").status_code == 204
    assert alice.unlock(folder + name, token_of(locked)).status_code == 204
    assert_consistent(server)


def test_delete_takes_a_placeholder_and_leaves_no_trash(server: Server, alice: Dav, folder: str, name: str) -> None:
    alice.put(folder + name, b"")

    assert alice.delete(folder + name).status_code == 204

    assert alice.head(folder + name).status_code == 404
    trash = server.state / "trash.json"
    assert not trash.exists() or name not in trash.read_text()
    assert_consistent(server)


def test_move_takes_a_placeholder_along_with_its_properties(server: Server, alice: Dav, folder: str, name: str) -> None:
    alice.put(folder + name, b"")
    alice.proppatch(folder + name, {"{x:}comment": "fine"})

    assert alice.move(folder + name, folder + "new-" + name).status_code == 201

    assert alice.head(folder + name).status_code == 404
    assert alice.head(folder + "new-" + name).headers["Content-Length"] == "0"
    assert alice.properties(folder + "new-" + name, "{x:}comment") == {"{x:}comment": "fine"}
    assert_consistent(server)


def test_copy_of_a_placeholder_is_one_more(server: Server, alice: Dav, folder: str, name: str) -> None:
    alice.put(folder + name, b"")

    assert alice.copy(folder + name, folder + "new-" + name).status_code == 201

    assert alice.head(folder + "new-" + name).headers["Content-Length"] == "0"
    assert alice.head(folder + name).headers["Content-Length"] == "0"
    assert_consistent(server)


def test_an_empty_note_can_be_written_and_emptied(server: Server, alice: Dav, album: str) -> None:
    assert alice.put(album + "notes.txt", b"").status_code == 201
    assert alice.put(album + "notes.txt", b"words").status_code == 204
    assert alice.get(album + "notes.txt").content == b"words"
    assert alice.put(album + "notes.txt", b"").status_code == 204
    assert alice.get(album + "notes.txt").content == b""
    assert_consistent(server)


def test_a_placeholder_is_no_photo(alice: Dav, album: str, name: str) -> None:
    alice.put(album + name, b"")

    answer = alice.proppatch(album + name, {SUMU + "isFavorite": "1"})

    assert answer.status_code == 207
    assert "403" in answer.text


def test_a_placeholder_outlives_a_restart(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip")
    alice.put("/alice/trip/a.jpg", b"")
    alice.proppatch("/alice/trip/a.jpg", {"{x:}comment": "fine"})
    alice.close()

    own_server.restart()

    assert alice.head("/alice/trip/a.jpg").status_code == 200
    alice.put("/alice/trip/a.jpg", jpeg(taken=DAY))
    assert alice.properties("/alice/trip/a.jpg", "{x:}comment") == {"{x:}comment": "fine"}
    assert_consistent(own_server)
