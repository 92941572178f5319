"""The name space (DESIGN §1): what each URL is, what is always there, and the two trees behind one listing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.dav import DAV, Dav, members, token_of
from support.refusals import refused
from support.samples import jpeg
from support.server import Server

COLLECTION = [f"{DAV}resourcetype"]


def hidden(server: Server, user: str = "alice") -> Path:
    """The folder of a user's hidden files on disk."""
    return server.plex / ".sumu" / "users" / user


# The root


def test_the_root_lists_a_user_s_own_tree_alone(server: Server) -> None:
    assert server.session("alice").names("/") == {"alice/"}
    assert server.session("bob").names("/") == {"bob/"}


def test_the_root_lists_every_user_for_an_admin(server: Server) -> None:
    assert server.session("root").names("/") == {"alice/", "bob/", "root/"}


def test_an_admin_reads_and_writes_every_tree(server: Server) -> None:
    root = server.session("root")
    assert root.mkcol("/bob/by-root/").status_code == 201
    photo = jpeg()
    assert root.put("/bob/by-root/a.jpg", photo).status_code == 201
    assert server.session("bob").get("/bob/by-root/a.jpg").content == photo


def test_a_tree_that_is_shared_is_listed_and_read_only(own_server: Server) -> None:
    alice, bob = own_server.session("alice"), own_server.session("bob")
    photo = jpeg()
    assert alice.mkcol("/alice/trip/").status_code == 201
    assert alice.put("/alice/trip/a.jpg", photo).status_code == 201
    shared = own_server.command("user", "share", "alice", "bob")
    assert shared.returncode == 0, shared.stderr

    assert bob.names("/") == {"alice/", "bob/"}
    assert bob.get("/alice/trip/a.jpg").content == photo
    assert bob.names("/alice/trip/") == {"a.jpg"}
    refused(bob.put("/alice/trip/b.jpg", jpeg()), 403)
    refused(bob.put("/alice/trip/a.jpg", jpeg()), 403)
    refused(bob.put("/-/inbox/alice/b.jpg", jpeg()), 403)
    refused(bob.delete("/alice/trip/a.jpg"), 403)
    refused(bob.mkcol("/alice/new/"), 403)
    refused(bob.move("/alice/trip/a.jpg", "/bob/a.jpg"), 403)
    refused(bob.move("/alice/trip/", "/bob/trip/"), 403)
    refused(bob.copy("/bob/", "/alice/trip/"), 403)
    refused(bob.proppatch("/alice/trip/a.jpg", {"{urn:sumu}isFavorite": "1"}), 403)
    refused(bob.lock("/alice/trip/a.jpg"), 403)
    assert bob.copy("/alice/trip/a.jpg", "/bob/favorites/a.jpg").status_code in (201, 403)
    assert bob.mkcol("/bob/mine/").status_code == 201
    assert bob.copy("/alice/trip/a.jpg", "/bob/mine/a.jpg").status_code == 201

    assert alice.get("/alice/trip/a.jpg").content == photo
    assert alice.names("/alice/trip/") == {"a.jpg"}
    record = own_server.record("alice", "trip", "a.jpg")
    assert record is not None
    assert record["isFavorite"] is False


@pytest.mark.parametrize("method", ["GET", "HEAD", "PROPFIND", "PUT", "DELETE", "MKCOL", "LOCK", "PROPPATCH"])
@pytest.mark.parametrize("path", ["/bob/", "/bob/trip/a.jpg", "/-/inbox/bob/a.jpg", "/nobody/a.jpg"])
def test_a_path_of_a_user_that_the_caller_may_not_see_is_404(server: Server, method: str, path: str) -> None:
    alice = server.session()
    match method:
        case "LOCK":
            answer = alice.lock(path)
        case "PROPPATCH":
            answer = alice.proppatch(path, {"{x:}a": "b"})
        case _:
            answer = alice.request(method, path)
    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_destination_in_a_tree_that_the_caller_may_not_see_is_404(server: Server, album: str, method: str) -> None:
    alice = server.session()
    alice.put(f"{album}a.jpg", jpeg())
    for destination in ("/bob/a.jpg", "/bob/favorites/a.jpg", "/-/inbox/bob/a.jpg", "/nobody/a.jpg"):
        answer = alice.request(method, f"{album}a.jpg", headers={"Destination": alice.href(destination)})
        refused(answer, 404)
    assert alice.names(album) == {"a.jpg"}


@pytest.mark.parametrize("path", ["/", "/-/", "/-/inbox/", "/remote.php/dav/"])
def test_nothing_is_stored_above_the_users(server: Server, path: str) -> None:
    alice = server.session()
    refused(alice.put(f"{path}a.jpg", jpeg()), 403, 404)
    refused(alice.mkcol(f"{path}new/"), 403, 404)
    refused(alice.delete(path), 403)
    assert server.session("root").names("/") == {"alice/", "bob/", "root/"}


# What is always there


def test_a_user_s_folder_and_favorites_are_there_as_soon_as_the_account_is(own_server: Server) -> None:
    made = own_server.command("user", "add", "carol", "--password-stdin", stdin="open sesame carol\n")
    assert made.returncode == 0, made.stderr
    carol = own_server.session("carol")

    assert carol.names("/") == {"carol/"}
    assert carol.names("/carol/") == {"favorites/"}
    assert carol.names("/carol/favorites/") == set()
    assert carol.names("/-/inbox/carol/") == set()
    for path in ("/carol/", "/carol/favorites/", "/carol", "/carol/favorites"):
        assert carol.propfind(path, "0", COLLECTION).status_code == 207
        assert carol.get(path).status_code == 200


def test_favorites_is_listed_when_its_folder_is_missing_on_disk(own_server: Server) -> None:
    alice = own_server.session()
    assert alice.put("/alice/a.jpg", jpeg(), x_favorite="1").status_code == 201
    assert alice.delete("/alice/favorites/").status_code == 204
    folder = own_server.plex / "alice" / "favorites"
    if folder.exists():
        folder.rmdir()

    assert "favorites/" in alice.names("/alice/")
    assert alice.names("/alice/favorites/") == set()


@pytest.mark.parametrize("path", ["/alice/", "/alice/favorites/", "/alice/favorites"])
def test_mkcol_on_what_is_always_there_is_405(server: Server, path: str) -> None:
    refused(server.session().mkcol(path), 405)


@pytest.mark.parametrize("path", ["/alice/", "/alice/favorites/", "/-/inbox/alice/"])
def test_what_is_always_there_is_not_moved(server: Server, album: str, path: str) -> None:
    refused(server.session().move(path, f"{album}new/"), 403)


@pytest.mark.parametrize("path", ["/alice/", "/alice/favorites/", "/-/inbox/alice/"])
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_nothing_goes_onto_what_is_always_there(server: Server, album: str, method: str, path: str) -> None:
    alice = server.session()
    alice.put(f"{album}a.jpg", jpeg())
    before = alice.names("/alice/")
    for source in (album, f"{album}a.jpg"):
        answer = alice.request(method, source, headers={"Destination": alice.href(path), "Overwrite": "T"})
        refused(answer, 403)
    assert alice.names("/alice/") == before
    assert alice.names(album) == {"a.jpg"}


@pytest.mark.parametrize("path", ["/alice/", "/-/inbox/alice/"])
def test_a_user_s_own_folder_is_not_deleted(server: Server, album: str, path: str) -> None:
    alice = server.session()
    refused(alice.delete(path), 403)
    assert album.split("/")[2] + "/" in alice.names("/alice/")


def test_favorites_is_flat(server: Server, album: str) -> None:
    alice = server.session()
    assert "flat" in refused(alice.mkcol("/alice/favorites/sub/"), 403)
    assert "flat" in refused(alice.copy(album, "/alice/favorites/sub/"), 403)
    assert "flat" in refused(alice.move(album, "/alice/favorites/sub/"), 403)
    refused(alice.put("/alice/favorites/sub/a.jpg", jpeg()), 403, 409)
    assert alice.names("/alice/favorites/") == set()


def test_delete_of_favorites_clears_every_flag(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    for name in ("a.jpg", "b.jpg"):
        assert alice.put(f"/alice/trip/{name}", jpeg(), x_favorite="1").status_code == 201
    assert alice.names("/alice/favorites/") == {"a.jpg", "b.jpg"}

    assert alice.delete("/alice/favorites/").status_code == 204

    assert alice.names("/alice/favorites/") == set()
    assert alice.names("/alice/trip/") == {"a.jpg", "b.jpg"}
    assert [photo["isFavorite"] for photo in own_server.catalog()] == [False, False]
    assert own_server.files("alice/favorites") == set()
    assert alice.delete("/alice/favorites/").status_code == 204


def test_copy_of_favorites_makes_independent_photos(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    photo = jpeg()
    assert alice.put("/alice/trip/a.jpg", photo, x_favorite="1").status_code == 201

    assert alice.copy("/alice/favorites/", "/alice/best/").status_code == 201

    assert alice.get("/alice/best/a.jpg").content == photo
    original, copied = own_server.catalog()
    assert copied["album"] == "best"
    assert copied["id"] != original["id"]
    assert (original["isFavorite"], copied["isFavorite"]) == (True, False)
    assert alice.delete("/alice/best/").status_code == 204
    assert alice.names("/alice/favorites/") == {"a.jpg"}


@pytest.mark.parametrize("name", ["Favorites", "FAVORITES", "favoriteS"])
def test_names_that_fold_to_favorites_in_another_case_are_403(server: Server, album: str, name: str) -> None:
    alice = server.session()
    alice.put(f"{album}a.jpg", jpeg())
    for answer in (
        alice.mkcol(f"/alice/{name}/"),
        alice.put(f"/alice/{name}", b"x"),
        alice.put(f"/alice/{name}/a.jpg", jpeg()),
        alice.move(album, f"/alice/{name}/"),
        alice.copy(album, f"/alice/{name}/"),
        alice.copy(f"{album}a.jpg", f"/alice/{name}"),
    ):
        refused(answer, 403)
    assert "favorites" in refused(alice.mkcol(f"/alice/{name}/"), 403)


def test_user_names_are_unique_without_regard_to_case_and_none_of_the_server_s(own_server: Server) -> None:
    for name in ("Alice", "ALICE", ".dot", "remote.php", "Status.php", "index.php", "ocs"):
        made = own_server.command("user", "add", name, "--password-stdin", stdin="open sesame you\n")
        assert made.returncode == 2, name
        assert f"The account {name!r}" in made.stderr or f"The name {name!r}" in made.stderr
    assert own_server.session("root").names("/") == {"alice/", "bob/", "root/"}


# Albums


def test_an_album_s_name_is_its_path(server: Server, album: str) -> None:
    alice = server.session()
    assert alice.mkcol(f"{album}day 1/").status_code == 201
    photo = jpeg()
    assert alice.put(f"{album}day 1/a.jpg", photo).status_code == 201

    name = album.strip("/").partition("/")[2]
    record = server.record("alice", f"{name}/day 1", "a.jpg")
    assert record is not None
    assert (server.plex / "alice" / name / "day 1" / "a.jpg").read_bytes() == photo
    assert alice.names(album) == {"day 1/"}


def test_the_inbox_holds_no_folders(server: Server, album: str) -> None:
    alice = server.session()
    refused(alice.mkcol("/-/inbox/alice/new/"), 403)
    refused(alice.move(album, "/-/inbox/alice/new/"), 403)
    refused(alice.copy(album, "/-/inbox/alice/new/"), 403)
    refused(alice.put("/-/inbox/alice/new/a.jpg", jpeg()), 403, 409)
    assert not any(name.endswith("/") for name in alice.names("/-/inbox/alice/"))


def test_the_server_s_own_health_is_below_the_dash(server: Server) -> None:
    assert server.session().get("/-/health").status_code == 200
    assert "health" not in server.session("root").names("/")


# The hidden tree

JUNK = [
    ".DS_Store", "._a.jpg", ".a.jpg.swp", "Thumbs.db", "thumbs.DB", "desktop.ini", "a.jpg.tacitpart", "a.jpg.part",
    "a.jpg.partial", "a.jpg.filepart", "a.jpg.crdownload", "a.tmp", "~$notes.doc",
]  # fmt: skip


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_there_for_webdav_and_out_of_plex_s_sight(server: Server, album: str, name: str) -> None:
    alice = server.session()
    for folder in (album, "/alice/"):
        assert alice.put(f"{folder}{name}", b"some bytes").status_code == 201
        assert alice.get(f"{folder}{name}").content == b"some bytes"
        assert name in alice.names(folder)
        assert name not in {Path(file).name for file in server.files("alice")}
        assert server.record("alice", "", name) is None
        assert alice.delete(f"{folder}{name}").status_code == 204
        assert name not in alice.names(folder)


@pytest.mark.parametrize("name", [".hidden", "@eaDir", "Temporary Items", "$Recycle.Bin", "System Volume Information"])
def test_what_lies_below_a_hidden_folder_is_hidden(server: Server, album: str, name: str) -> None:
    alice = server.session()
    assert alice.mkcol(f"{album}{name}/").status_code == 201
    assert alice.mkcol(f"{album}{name}/sub/").status_code == 201
    photo = jpeg()
    assert alice.put(f"{album}{name}/sub/a.jpg", photo).status_code == 201

    assert alice.get(f"{album}{name}/sub/a.jpg").content == photo
    assert alice.names(album) == {f"{name}/"}
    assert alice.names(f"{album}{name}/sub/") == {"a.jpg"}
    assert not any(name in file for file in server.files("alice"))
    assert not [record for record in server.catalog() if name in record["album"]]


def test_a_visible_folder_merges_with_a_hidden_one(server: Server, album: str) -> None:
    alice = server.session()
    alice.mkcol(f"{album}sub/")
    alice.put(f"{album}sub/a.jpg", jpeg())
    alice.put(f"{album}sub/.hidden", b"x")
    alice.put(f"{album}sub/b.jpg", b"")

    assert alice.names(f"{album}sub/") == {"a.jpg", ".hidden", "b.jpg"}
    assert alice.names(album) == {"sub/"}
    (member,) = [each for each in members(alice.propfind(album, "1", COLLECTION)) if each.name == "sub/"]
    assert member.is_collection


def test_a_placeholder_wins_over_a_visible_file_of_its_name(server: Server, album: str) -> None:
    alice = server.session()
    photo = jpeg()
    alice.put(f"{album}a.jpg", photo)
    assert alice.put(f"{album}a.jpg", b"").status_code == 204

    assert alice.get(f"{album}a.jpg").content == b""
    assert alice.properties(f"{album}a.jpg", f"{DAV}getcontentlength") == {f"{DAV}getcontentlength": "0"}
    assert (server.plex / album.strip("/") / "a.jpg").read_bytes() == photo


def test_loose_files_that_are_no_media_lie_in_the_hidden_tree(own_server: Server) -> None:
    alice = own_server.session()
    assert alice.put("/alice/notes.txt", b"notes").status_code == 201
    assert alice.get("/alice/notes.txt").content == b"notes"
    assert "notes.txt" in alice.names("/alice/")
    assert own_server.files("alice") == set()
    assert own_server.catalog() == []
    assert (hidden(own_server) / "notes.txt").read_bytes() == b"notes"


def test_other_files_of_an_album_lie_in_the_visible_tree_without_a_record(server: Server, album: str) -> None:
    alice = server.session()
    assert alice.put(f"{album}notes.txt", b"notes").status_code == 201
    assert alice.get(f"{album}notes.txt").content == b"notes"
    assert (server.plex / album.strip("/") / "notes.txt").read_bytes() == b"notes"
    assert not [record for record in server.catalog() if record["name"] == "notes.txt"]


def test_media_is_what_its_extension_says_and_its_type_is_what_its_bytes_say(server: Server, album: str) -> None:
    alice = server.session()
    assert alice.put(f"{album}picture.png", jpeg()).status_code == 201
    assert alice.put(f"{album}broken.jpg", b"no picture at all").status_code == 201
    name = album.strip("/").partition("/")[2]
    record = server.record("alice", name, "picture.png")
    assert record is not None
    assert record["mediaType"] == "image/jpeg"
    assert alice.get(f"{album}picture.png").headers["Content-Type"] == "image/jpeg"
    broken = server.record("alice", name, "broken.jpg")
    assert broken is not None
    assert broken["mediaType"] is None or broken["metadataError"]


def test_media_extensions_are_a_setting(start_server: Callable[..., Server]) -> None:
    server = start_server(sumu={"media": {"extensions": ["jpg", "xyz"]}})
    alice = server.session()
    alice.mkcol("/alice/trip/")
    for name in ("a.jpg", "b.xyz", "c.png"):
        assert alice.put(f"/alice/trip/{name}", jpeg()).status_code == 201
    assert {record["name"] for record in server.catalog()} == {"a.jpg", "b.xyz"}


def test_uploads_in_progress_and_the_trash_are_seen_by_nobody(server: Server, album: str) -> None:
    for user in ("alice", "root"):
        session = server.session(user)
        assert ".sumu/" not in session.names("/")
        for path in ("/.sumu/", "/.sumu/trash/alice/", "/.sumu/hidden/alice/", "/alice/.sumu/"):
            refused(session.propfind(path, "1"), 404)


# What is no photo keeps its properties, too


def dead(session: Dav, path: str) -> str | None:
    return session.properties(path, "{x:}note")["{x:}note"]


def test_dead_properties_of_collections_and_other_files_survive_a_restart(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    alice.mkcol("/alice/.hidden/")
    alice.put("/alice/trip/notes.txt", b"notes")
    alice.put("/alice/trip/.DS_Store", b"x")
    paths = ["/alice/", "/alice/favorites/", "/alice/trip/", "/alice/trip/notes.txt", "/alice/trip/.DS_Store"]
    for path in (*paths, "/alice/.hidden/"):
        assert alice.proppatch(path, {"{x:}note": f"of {path}"}).status_code == 207

    own_server.restart()

    alice = own_server.session()
    for path in (*paths, "/alice/.hidden/"):
        assert dead(alice, path) == f"of {path}"
    assert (own_server.state / "other.json").exists()


def test_dead_properties_follow_a_collection_and_are_gone_with_it(server: Server, album: str) -> None:
    alice = server.session()
    alice.mkcol(f"{album}one/")
    alice.mkcol(f"{album}one/deep/")
    alice.put(f"{album}one/deep/notes.txt", b"x")
    for path in ("one/", "one/deep/", "one/deep/notes.txt"):
        assert alice.proppatch(f"{album}{path}", {"{x:}note": path}).status_code == 207

    assert alice.copy(f"{album}one/", f"{album}copied/").status_code == 201
    assert alice.move(f"{album}one/", f"{album}moved/").status_code == 201

    for top in ("copied/", "moved/"):
        assert dead(alice, f"{album}{top}") == "one/"
        assert dead(alice, f"{album}{top}deep/") == "one/deep/"
        assert dead(alice, f"{album}{top}deep/notes.txt") == "one/deep/notes.txt"
    assert alice.delete(f"{album}moved/").status_code == 204
    assert alice.mkcol(f"{album}moved/").status_code == 201
    assert dead(alice, f"{album}moved/") is None


def test_properties_of_a_placeholder_pass_to_the_record_on_publication(server: Server, album: str) -> None:
    alice = server.session()
    alice.put(f"{album}a.jpg", b"")
    token = token_of(alice.lock(f"{album}a.jpg"))
    held = {"if_": f"(<{token}>)"}
    times = {"{urn:schemas-microsoft-com:}Win32FileAttributes": "00000020", "{x:}note": "mine"}
    assert alice.proppatch(f"{album}a.jpg", times, **held).status_code == 207
    assert alice.put(f"{album}a.jpg", jpeg(), **held).status_code == 204
    assert alice.unlock(f"{album}a.jpg", token).status_code == 204

    assert dead(alice, f"{album}a.jpg") == "mine"
    record = server.record("alice", album.strip("/").partition("/")[2], "a.jpg")
    assert record is not None
    assert set(times) <= set(record["properties"])


# Connections


def test_no_answer_to_a_change_ends_the_connection(server: Server, album: str) -> None:
    alice = server.session()
    answers = [alice.put(f"{album}{name}.jpg", jpeg()) for name in ("a", "b", "b")]
    answers += [alice.move(f"{album}a.jpg", f"{album}b.jpg"), alice.copy(f"{album}b.jpg", f"{album}c.jpg")]
    token = token_of(alice.lock(f"{album}b.jpg"))
    answers += [alice.unlock(f"{album}b.jpg", token), alice.delete(f"{album}c.jpg"), alice.delete(album)]

    assert [answer.status_code for answer in answers] == [201, 201, 204, 204, 201, 204, 204, 204]
    assert not [answer for answer in answers if "Connection" in answer.headers]
