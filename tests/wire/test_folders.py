"""MKCOL, DELETE, COPY and MOVE of collections, to the letter of RFC 4918 and of the traps that others fell into."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.dav import DAV, failures, token_of
from support.folders import all_below, make, name_of, records
from support.refusals import refused
from support.samples import jpeg
from support.server import Server

# MKCOL


def test_mkcol_makes_a_collection_with_or_without_a_slash(server: Server, album: str) -> None:
    alice = server.session()
    assert alice.mkcol(f"{album}one/").status_code == 201
    assert alice.mkcol(f"{album}two").status_code == 201
    assert alice.names(album) == {"one/", "two/"}
    assert (server.plex / album.strip("/") / "two").is_dir()


def test_mkcol_on_what_is_there_is_405(server: Server, album: str) -> None:
    alice = server.session()
    alice.put(f"{album}a.jpg", jpeg())
    alice.put(f"{album}empty.jpg", b"")
    for path in (album, f"{album}a.jpg", f"{album}empty.jpg"):
        refused(alice.mkcol(path), 405)


def test_mkcol_without_its_parent_is_409(server: Server, album: str) -> None:
    alice = server.session()
    alice.put(f"{album}a.jpg", jpeg())
    refused(alice.mkcol(f"{album}one/two/"), 409)
    refused(alice.mkcol(f"{album}a.jpg/two/"), 409)
    assert alice.names(album) == {"a.jpg"}


def test_mkcol_with_a_body_is_415(server: Server, album: str) -> None:
    alice = server.session()
    refused(alice.request("MKCOL", f"{album}one/", data=b"<x/>"), 415)
    assert alice.names(album) == set()


# DELETE


def test_delete_of_a_collection_takes_all_that_is_in_it(server: Server, album: str) -> None:
    alice = server.session()
    files = make(alice, f"{album}one/")
    assert alice.delete(f"{album}one/").status_code == 204
    assert alice.names(album) == set()
    assert records(server, album) == {}
    assert not list((server.plex / album.strip("/")).iterdir())
    refused(alice.propfind(f"{album}one/", "0"), 404)
    kept = {path.read_bytes() for path in (server.plex / ".sumu" / "trash").rglob("*") if path.is_file()}
    assert {files["a.jpg"], files["sub/b.jpg"], files["notes.txt"]} <= kept


def test_delete_of_a_collection_takes_the_copies_of_its_favorites(server: Server, album: str) -> None:
    alice = server.session()
    alice.mkcol(f"{album}one/")
    alice.put(f"{album}one/in-one.jpg", jpeg(), x_favorite="1")
    assert "in-one.jpg" in alice.names("/alice/favorites/")
    assert alice.delete(f"{album}one/").status_code == 204
    assert "in-one.jpg" not in alice.names("/alice/favorites/")


def test_delete_of_nothing_is_404(server: Server, album: str) -> None:
    refused(server.session().delete(f"{album}nothing/"), 404)


@pytest.mark.parametrize("depth", ["0", "1"])
def test_delete_of_a_collection_takes_depth_infinity_alone(server: Server, album: str, depth: str) -> None:
    alice = server.session()
    refused(alice.delete(album, depth=depth), 400)
    assert name_of(album) + "/" in alice.names("/alice/")


def test_a_collection_moves_with_the_token_of_a_lock_in_it(server: Server, album: str) -> None:
    alice = server.session()
    make(alice, f"{album}one/")
    token = token_of(alice.lock(f"{album}one/sub/b.jpg"))
    url = alice.href(f"{album}one/sub/b.jpg")
    assert failures(alice.move(f"{album}one/", f"{album}two/")) == {f"{album}one/sub/b.jpg": 423}
    assert alice.move(f"{album}one/", f"{album}two/", if_=f"<{url}> (<{token}>)").status_code == 201
    # RFC 4918 §7.6: a lock does not move along
    assert alice.put(f"{album}two/sub/b.jpg", jpeg()).status_code == 204
    assert alice.mkcol(f"{album}one/").status_code == 201


# MOVE


def test_a_move_takes_everything_and_keeps_every_record(server: Server, album: str) -> None:
    alice = server.session()
    files = make(alice, f"{album}one/")
    alice.proppatch(f"{album}one/a.jpg", {"{urn:sumu}isFavorite": "1", "{x:}note": "mine"})
    shape = all_below(alice, f"{album}one/")
    before = records(server, album)

    assert alice.move(f"{album}one/", f"{album}two/").status_code == 201

    assert alice.names(album) == {"two/"}
    assert all_below(alice, f"{album}two/") == shape
    for path, content in files.items():
        assert alice.get(f"{album}two/{path}").content == content
    after = records(server, album)
    assert {path.replace("/one", "/two", 1) for path in before} == set(after)
    for path, record in before.items():
        moved = after[path.replace("/one", "/two", 1)]
        assert {**moved, "album": record["album"]} == record
    favorite = records(server, album)[f"{name_of(album)}/two/a.jpg"]["favoriteName"]
    assert alice.get(f"/alice/favorites/{favorite}").content == files["a.jpg"]
    alice.delete(album)


def test_a_move_to_another_depth_keeps_the_shape(server: Server, album: str) -> None:
    alice = server.session()
    files = make(alice, f"{album}one/")
    alice.mkcol(f"{album}deep/")
    alice.mkcol(f"{album}deep/deeper/")
    assert alice.move(f"{album}one/", f"{album}deep/deeper/one/").status_code == 201
    assert alice.get(f"{album}deep/deeper/one/sub/b.jpg").content == files["sub/b.jpg"]
    assert alice.move(f"{album}deep/deeper/one/sub/", f"{album}sub/").status_code == 201
    assert alice.get(f"{album}sub/b.jpg").content == files["sub/b.jpg"]
    assert f"{name_of(album)}/sub/b.jpg" in records(server, album)


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_onto_itself_is_403(server: Server, album: str, method: str) -> None:
    alice = server.session()
    files = make(alice, f"{album}one/")
    before = all_below(alice, album)
    for path in (f"{album}one/", f"{album}one", f"{album}one/a.jpg"):
        for destination in {path, path.rstrip("/"), path.rstrip("/") + "/"}:
            answer = alice.request(method, path, headers={"Destination": alice.href(destination)})
            refused(answer, 403)
    assert all_below(alice, album) == before
    assert alice.get(f"{album}one/a.jpg").content == files["a.jpg"]


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_into_itself_is_403(server: Server, album: str, method: str) -> None:
    alice = server.session()
    make(alice, f"{album}one/")
    before = all_below(alice, album)
    for destination in (f"{album}one/new/", f"{album}one/sub/", f"{album}one/sub/new/"):
        refused(alice.request(method, f"{album}one/", headers={"Destination": alice.href(destination)}), 403)
    assert all_below(alice, album) == before


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_onto_its_own_parent_is_403(server: Server, album: str, method: str) -> None:
    """WsgiDAV's own MOVE of /d/sub onto /d erases both, and its COPY of /g/sub onto /g empties /g."""
    alice = server.session()
    make(alice, f"{album}one/")
    before = all_below(alice, album)
    for source in (f"{album}one/sub/", f"{album}one/sub/b.jpg", f"{album}one/a.jpg"):
        for destination in (f"{album}one/", album):
            answer = alice.request(method, source, headers={"Destination": alice.href(destination), "Overwrite": "T"})
            refused(answer, 403, 409)
    assert all_below(alice, album) == before


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_file_onto_a_collection_with_members_is_409(server: Server, album: str, method: str) -> None:
    alice = server.session()
    make(alice, f"{album}one/")
    alice.put(f"{album}file.jpg", jpeg())
    alice.mkcol(f"{album}hidden inside/")
    alice.put(f"{album}hidden inside/.DS_Store", b"x")
    before = all_below(alice, album)
    for destination in (f"{album}one/", f"{album}one", f"{album}hidden inside/"):
        answer = alice.request(method, f"{album}file.jpg", headers={"Destination": alice.href(destination)})
        assert "members" in refused(answer, 409)
    assert all_below(alice, album) == before


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_file_onto_an_empty_collection_replaces_it(server: Server, album: str, method: str) -> None:
    alice = server.session()
    photo = jpeg()
    alice.put(f"{album}file.jpg", photo)
    alice.mkcol(f"{album}empty/")
    alice.mkcol(f"{album}empty.jpg/")
    for destination in ("empty/", "empty.jpg"):
        source = "file.jpg" if method == "COPY" or destination == "empty/" else "empty"
        there = {"Destination": alice.href(album + destination)}
        refused(alice.request(method, album + source, headers={**there, "Overwrite": "F"}), 412)
        assert alice.request(method, album + source, headers=there).status_code == 204
    assert alice.get(f"{album}empty.jpg").content == photo
    assert not [name for name in alice.names(album) if name.endswith("/")]


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_collection_onto_a_collection_replaces_it_whole(server: Server, album: str, method: str) -> None:
    alice = server.session()
    files = make(alice, f"{album}one/")
    make(alice, f"{album}two/")
    alice.put(f"{album}two/only here.jpg", jpeg())
    shape = all_below(alice, f"{album}one/")
    there = {"Destination": alice.href(f"{album}two/")}
    refused(alice.request(method, f"{album}one/", headers={**there, "Overwrite": "F"}), 412)

    assert alice.request(method, f"{album}one/", headers=there).status_code == 204

    if method == "COPY":
        assert all_below(alice, f"{album}one/") == shape
        shape = shape - {"empty.jpg"}
    found = all_below(alice, f"{album}two/")
    assert found == shape
    assert alice.get(f"{album}two/a.jpg").content == files["a.jpg"]
    expected = {f"{name_of(album)}/two/a.jpg", f"{name_of(album)}/two/sub/b.jpg"}
    assert {path for path in records(server, album) if "/two/" in path} == expected


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize("name", ["one/", ".one/"])
def test_what_is_replaced_passes_nothing_on_to_what_comes(server: Server, album: str, method: str, name: str) -> None:
    """Members of one name with properties and flags on the old side, and of another kind each."""
    alice = server.session()
    favorites = alice.names("/alice/favorites/")
    for folder in ("two/", "two/sub/", "two/file.jpg/", name, f"{name}sub/", f"{name}notes.txt/"):
        assert alice.mkcol(album + folder).status_code == 201
    for path in ("two/a.jpg", "two/sub/b.jpg", "two/notes.txt", "two/.DS_Store"):
        assert alice.put(album + path, jpeg(), x_favorite="1").status_code == 201
    alice.put(f"{album}two/waits.jpg", b"")
    for path in ("two/", "two/sub/", "two/a.jpg", "two/notes.txt", "two/waits.jpg", "two/.DS_Store"):
        assert alice.proppatch(album + path, {"{x:}note": "old"}).status_code == 207
    files = {path: jpeg() for path in ("a.jpg", "sub/b.jpg", "file.jpg", "waits.jpg", "notes.txt/c.jpg", ".DS_Store")}
    for path, content in files.items():
        assert alice.put(album + name + path, content).status_code == 201

    there = {"Destination": alice.href(f"{album}two/")}
    assert alice.request(method, album + name, headers=there).status_code == 204

    assert all_below(alice, f"{album}two/") == {*files, "sub/", "notes.txt/"}
    for path, content in files.items():
        assert alice.get(f"{album}two/{path}").content == content
        assert alice.properties(f"{album}two/{path}", "{x:}note") == {"{x:}note": None}
    for record in records(server, album).values():
        assert not record["isFavorite"]
    assert alice.names("/alice/favorites/") == favorites


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_collection_onto_a_file_replaces_it(server: Server, album: str, method: str) -> None:
    alice = server.session()
    make(alice, f"{album}one/")
    old = jpeg()
    alice.put(f"{album}file.jpg", old)
    there = {"Destination": alice.href(f"{album}file.jpg")}
    refused(alice.request(method, f"{album}one/", headers={**there, "Overwrite": "F"}), 412)
    assert alice.request(method, f"{album}one/", headers=there).status_code == 204
    assert "a.jpg" in alice.names(f"{album}file.jpg/")
    kept = [path.read_bytes() for path in (server.plex / ".sumu" / "trash").rglob("*") if path.is_file()]
    assert old in kept


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_without_the_destination_s_parent_is_409(server: Server, album: str, method: str) -> None:
    alice = server.session()
    make(alice, f"{album}one/")
    before = all_below(alice, album)
    for source in ("one/", "one/a.jpg"):
        for destination in (f"{album}missing/new", f"{album}one/a.jpg/new"):
            answer = alice.request(method, album + source, headers={"Destination": alice.href(destination)})
            refused(answer, 409)
    assert all_below(alice, album) == before


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_of_nothing_is_404(server: Server, album: str, method: str) -> None:
    alice = server.session()
    answer = alice.request(method, f"{album}nothing", headers={"Destination": alice.href(f"{album}new")})
    refused(answer, 404)


@pytest.mark.parametrize(
    "target", ["b.jpg", "b.txt", ".b.jpg", "b.jpg.tacitpart", "/alice/dated {}.jpg", "/alice/favorites/dated {}.jpg"]
)
@pytest.mark.parametrize("source", ["a.jpg", "a.txt", ".a.jpg"])
def test_a_file_is_moved_with_the_time_that_its_client_gives_it(
    server: Server, album: str, source: str, target: str
) -> None:
    alice = server.session()
    photo = jpeg()
    alice.put(album + source, photo, x_oc_mtime="1400000000")
    there = target.format(source) if target.startswith("/") else album + target

    assert alice.move(album + source, there, x_oc_mtime="1500000000").status_code == 201

    assert alice.get(there).content == photo
    assert alice.head(there).headers["Last-Modified"] == "Fri, 14 Jul 2017 02:40:00 GMT"
    if target.startswith("."):  # a time that is known to be the client's stays when the file comes into sight
        assert alice.move(there, f"{album}seen.jpg").status_code == 201
        assert alice.head(f"{album}seen.jpg").headers["Last-Modified"] == "Fri, 14 Jul 2017 02:40:00 GMT"


def test_a_move_takes_depth_infinity_alone(server: Server, album: str) -> None:
    alice = server.session()
    make(alice, f"{album}one/")
    for depth in ("0", "1"):
        refused(alice.move(f"{album}one/", f"{album}two/", depth=depth), 400)
    assert alice.names(album) == {"one/"}


def test_a_move_between_visible_and_hidden_names_publishes_and_hides(server: Server, album: str) -> None:
    alice = server.session()
    alice.mkcol(f"{album}.new/")
    photo = jpeg()
    alice.put(f"{album}.new/a.jpg", photo)
    alice.mkcol(f"{album}.new/sub/")
    assert records(server, album) == {}

    assert alice.move(f"{album}.new/", f"{album}new/").status_code == 201
    assert set(records(server, album)) == {f"{name_of(album)}/new/a.jpg"}
    assert (server.plex / album.strip("/") / "new" / "a.jpg").read_bytes() == photo
    alice.proppatch(f"{album}new/a.jpg", {"{x:}note": "mine"})
    before = records(server, album)[f"{name_of(album)}/new/a.jpg"]

    assert alice.move(f"{album}new/", f"{album}.old/").status_code == 201
    assert records(server, album) == {}
    assert alice.names(f"{album}.old/") == {"a.jpg", "sub/"}
    assert not list((server.plex / album.strip("/")).iterdir())

    assert alice.move(f"{album}.old/", f"{album}again/").status_code == 201
    after = records(server, album)[f"{name_of(album)}/again/a.jpg"]
    assert (after["id"], after["properties"]) == (before["id"], before["properties"])


def test_an_album_that_an_admin_moves_to_another_user_loses_its_flags(own_server: Server) -> None:
    alice, root = own_server.session(), own_server.session("root")
    alice.mkcol("/alice/trip/")
    photo = jpeg()
    alice.put("/alice/trip/a.jpg", photo, x_favorite="1")
    before = own_server.record("alice", "trip", "a.jpg")
    assert root.move("/alice/trip/", "/bob/trip/").status_code == 201

    after = own_server.record("bob", "trip", "a.jpg")
    assert before is not None
    assert after is not None
    assert after["id"] == before["id"]
    assert (after["isFavorite"], after["favoriteName"]) == (False, None)
    assert own_server.files() == {"bob/trip/a.jpg"}
    assert alice.names("/alice/") == {"favorites/"}
    assert own_server.session("bob").get("/bob/trip/a.jpg").content == photo


def test_a_large_album_moves_in_one_step(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    for number in range(30):
        alice.put(f"/alice/trip/{number}.jpg", jpeg())
    inodes = {path.stat().st_ino for path in (own_server.plex / "alice" / "trip").iterdir()}
    assert alice.move("/alice/trip/", "/alice/journey/").status_code == 201
    assert {path.stat().st_ino for path in (own_server.plex / "alice" / "journey").iterdir()} == inodes
    assert {record["album"] for record in own_server.catalog()} == {"journey"}


# COPY


def test_a_copy_makes_independent_photos_with_their_properties(server: Server, album: str) -> None:
    alice = server.session()
    files = make(alice, f"{album}one/")
    alice.proppatch(f"{album}one/a.jpg", {"{x:}note": "mine", "{urn:sumu}isFavorite": "1"})
    assert alice.copy(f"{album}one/", f"{album}two/").status_code == 201

    original, copied = (records(server, album)[f"{name_of(album)}/{each}/a.jpg"] for each in ("one", "two"))
    assert copied["id"] != original["id"]
    assert (original["isFavorite"], copied["isFavorite"], copied["favoriteName"]) == (True, False, None)
    assert copied["properties"] == original["properties"]
    assert alice.put(f"{album}two/a.jpg", jpeg()).status_code == 204
    assert alice.get(f"{album}one/a.jpg").content == files["a.jpg"]
    for name in ("one", "two"):
        files_on_disk = {path.stat().st_ino for path in (server.plex / album.strip("/") / name).rglob("*.jpg")}
        assert len(files_on_disk) == 2
    alice.delete(album)


def test_a_copy_keeps_the_modification_times(server: Server, album: str) -> None:
    alice = server.session()
    alice.mkcol(f"{album}one/")
    for name in ("a.jpg", "notes.txt"):
        alice.put(f"{album}one/{name}", jpeg(), x_oc_mtime="1500000000")
    alice.copy(f"{album}one/", f"{album}two/")
    for name in ("a.jpg", "notes.txt"):
        assert (server.plex / album.strip("/") / "two" / name).stat().st_mtime == 1_500_000_000


def test_a_copy_with_depth_0_leaves_the_members(server: Server, album: str) -> None:
    alice = server.session()
    make(alice, f"{album}one/")
    alice.proppatch(f"{album}one/", {"{x:}note": "mine"})
    assert alice.copy(f"{album}one/", f"{album}two/", depth="0").status_code == 201
    assert alice.names(f"{album}two/") == set()
    assert alice.properties(f"{album}two/", "{x:}note") == {"{x:}note": "mine"}
    refused(alice.copy(f"{album}one/", f"{album}three/", depth="1"), 400)


def test_a_copy_of_hidden_things_into_sight_publishes_them(server: Server, album: str) -> None:
    alice = server.session()
    alice.mkcol(f"{album}.new/")
    photo = jpeg()
    alice.put(f"{album}.new/a.jpg", photo)
    assert alice.copy(f"{album}.new/", f"{album}new/").status_code == 201
    assert set(records(server, album)) == {f"{name_of(album)}/new/a.jpg"}
    assert alice.get(f"{album}.new/a.jpg").content == photo


# Locks on collections


def test_a_lock_on_a_collection_guards_its_members(server: Server, album: str) -> None:
    alice, root = server.session(), server.session("root")
    alice.put(f"{album}a.jpg", jpeg())
    alice.mkcol("/alice/outside/")
    token = token_of(alice.lock(album, depth="infinity"))
    for answer in (
        root.put(f"{album}new.jpg", jpeg()),
        root.put(f"{album}a.jpg", jpeg()),
        root.delete(f"{album}a.jpg"),
        root.mkcol(f"{album}sub/"),
        root.move(f"{album}a.jpg", "/alice/outside/a.jpg"),
        root.move("/alice/outside/", f"{album}outside/"),
        root.copy("/alice/outside/", f"{album}outside/"),
        alice.put(f"{album}new.jpg", jpeg()),
    ):
        refused(answer, 423)
    assert alice.names(album) == {"a.jpg"}
    assert alice.put(f"{album}new.jpg", jpeg(), if_=f"<{alice.href(album)}> (<{token}>)").status_code == 201
    assert alice.unlock(album, token).status_code == 204
    alice.delete("/alice/outside/")


def test_a_lock_on_nothing_under_a_foreign_lock_leaves_no_file(server: Server, album: str) -> None:
    alice, root = server.session(), server.session("root")
    token = token_of(alice.lock(album, depth="infinity"))
    refused(root.lock(f"{album}new.jpg"), 423)
    assert alice.names(album) == set()
    alice.unlock(album, token)


def test_what_took_a_moved_resource_s_place_is_not_locked(server: Server, album: str) -> None:
    """WsgiDAV's own MOVE leaves the lock on the old URL."""
    alice = server.session()
    alice.put(f"{album}a.jpg", jpeg())
    token = token_of(alice.lock(f"{album}a.jpg"))
    assert alice.move(f"{album}a.jpg", f"{album}b.jpg", if_=f"(<{token}>)").status_code == 201
    assert alice.put(f"{album}a.jpg", jpeg()).status_code == 201
    assert alice.put(f"{album}b.jpg", jpeg()).status_code == 204


def test_collections_tell_what_they_are(server: Server, album: str) -> None:
    alice = server.session()
    answer = alice.propfind(album, "0", [f"{DAV}resourcetype", f"{DAV}getcontentlength", f"{DAV}getlastmodified"])
    assert b"collection/>" in answer.content
    assert alice.get(album).headers["Content-Type"].startswith("text/html")
    assert Path(server.plex / album.strip("/")).is_dir()
