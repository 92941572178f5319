"""Other programs and the running server: what they do shows over HTTP, and the commands work beside it."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable

from support.dav import DAV, SUMU
from support.home import write
from support.samples import jpeg
from support.server import Server
from support.toy import eventually

LISTED = 2.0
"""Seconds within which another program's change is listed."""

RECORDED = 20.0
"""Seconds to wait for a record on a busy machine; an idle one needs less than three."""


def test_a_photo_put_by_another_program_is_listed_and_then_recorded(server: Server, album: str) -> None:
    alice = server.session()
    assert alice.names(album) == set()
    folder = server.plex / album.strip("/")

    write(folder / "x.jpg", jpeg(taken="2020:03:14 15:09:26"))

    assert eventually(lambda: "x.jpg" in alice.names(album), LISTED)
    name = album.strip("/").partition("/")[2]
    assert eventually(lambda: server.record("alice", name, "x.jpg") is not None, RECORDED)
    assert alice.properties(f"{album}x.jpg", f"{SUMU}taken")[f"{SUMU}taken"] == "2020-03-14T15:09:26"


def test_a_collection_s_tag_changes_once_by_what_we_store_though_the_watcher_hears_of_it_too(
    server: Server, album: str
) -> None:
    alice = server.session()
    folder, album_name = server.plex / album.strip("/"), album.strip("/").partition("/")[2]

    def everything_is_heard(name: str) -> bool:
        """Changes are heard in their order: what came before a photo of another program, before its record."""
        write(folder / name, jpeg())
        return eventually(lambda: server.record("alice", album_name, name) is not None, RECORDED)

    def tag(path: str) -> str | None:
        return alice.properties(path, f"{DAV}getetag")[f"{DAV}getetag"]

    changes: dict[str, Callable[[str], object]] = {
        "a photo": lambda path: alice.put(f"{path}y.jpg", jpeg()),
        "other bytes": lambda path: alice.put(f"{path}x.jpg", jpeg()),
        "the flag": lambda path: alice.proppatch(f"{path}x.jpg", {f"{SUMU}isFavorite": "1"}),
        "a deletion": lambda path: alice.delete(f"{path}x.jpg"),
    }
    folders = {what: [f"{album}{what} {number}/" for number in range(3)] for what in changes}
    for path in itertools.chain.from_iterable(folders.values()):
        alice.mkcol(path)
        alice.put(f"{path}x.jpg", jpeg())
    assert everything_is_heard("first.jpg")
    tags: dict[str, str | None] = {}
    for what, change in changes.items():
        for path in folders[what]:
            before = tag(path)
            change(path)
            tags[path] = tag(path)
            assert tags[path] != before, what
    assert everything_is_heard("last.jpg")

    for what, paths in folders.items():
        # The watcher may look into one of them just while we change it.
        assert sum(tag(path) == tags[path] for path in paths) >= 2, what


def test_a_photo_deleted_and_moved_by_another_program_is_followed(server: Server, album: str) -> None:
    alice = server.session()
    for name in ("gone.jpg", "moved.jpg"):
        assert alice.put(f"{album}{name}", jpeg()).status_code == 201
    folder, name = server.plex / album.strip("/"), album.strip("/").partition("/")[2]
    before = server.record("alice", name, "moved.jpg")
    assert before is not None

    os.unlink(folder / "gone.jpg")
    os.rename(folder / "moved.jpg", folder / "there.jpg")

    assert eventually(lambda: alice.names(album) == {"there.jpg"}, LISTED)
    assert eventually(lambda: server.record("alice", name, "there.jpg") is not None, RECORDED)
    after = server.record("alice", name, "there.jpg")
    assert after is not None
    assert after["id"] == before["id"]
    assert eventually(lambda: server.record("alice", name, "gone.jpg") is None, RECORDED)
    assert "its file vanished" in server.command("trash", "list", "--json").stdout


def test_an_edit_in_place_shows_in_the_entity_tag(server: Server, album: str) -> None:
    alice = server.session()
    before = alice.put(f"{album}x.jpg", jpeg()).headers["ETag"]

    write(server.plex / album.strip("/") / "x.jpg", edited := jpeg())

    assert alice.get(f"{album}x.jpg").content == edited
    assert alice.head(f"{album}x.jpg").headers["ETag"] != before


def test_scan_check_and_search_work_beside_the_server(server: Server, album: str) -> None:
    alice = server.session()
    assert alice.put(f"{album}x.jpg", jpeg(gps=(33.4, -118.4), taken="2020:03:14 15:09:26")).status_code == 201
    write(server.plex / album.strip("/") / "y.jpg", jpeg())

    scanned = server.command("scan")
    assert scanned.returncode == 0, scanned.stderr
    name = album.strip("/").partition("/")[2]
    assert server.record("alice", name, "y.jpg") is not None

    checked = server.command("check", "--hash", "--json")
    assert (checked.returncode, json.loads(checked.stdout)) == (0, [])

    found = server.command("search", "--near", "33.5,-118.3,20", "--since", "2020", "--album", name, "--json")
    assert [photo["name"] for photo in json.loads(found.stdout)] == ["x.jpg"]
    assert json.loads(found.stdout)[0]["path"] == str(server.plex / album.strip("/") / "x.jpg")


def test_check_finds_damage_in_the_file_and_mends_it_while_no_server_runs(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    for name in ("a.jpg", "b.jpg"):
        assert alice.put(f"/alice/trip/{name}", jpeg()).status_code == 201
    own_server.stop()
    catalog = own_server.state / "catalog.json"
    whole = catalog.read_bytes()
    damaged = whole.replace(b'"a.jpg"', b'"a.jpg', 1)
    catalog.write_bytes(damaged)

    found = own_server.command("check")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "damaged file" in found.stdout
    assert catalog.read_bytes() == damaged

    mended = own_server.command("check", "--repair", "--json")
    assert mended.returncode == 1, mended.stderr
    assert all(problem["mended"] for problem in json.loads(mended.stdout))
    again = own_server.command("check", "--hash")
    assert again.returncode == 0, again.stdout
    own_server.start()
    assert {record["name"] for record in own_server.catalog()} == {"a.jpg", "b.jpg"}


def test_a_first_start_on_a_full_folder_serves_at_once_and_records_behind(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    server.stop()
    data = jpeg()
    for number in range(500):
        write(server.plex / "alice" / f"album-{number % 5}" / f"{number}.jpg", data + str(number).encode())

    began = time.monotonic()
    server.start()
    assert server.session().get("/alice/album-0/0.jpg").status_code == 200
    assert time.monotonic() - began < 15

    assert eventually(lambda: len(server.catalog()) == 500, 60)
    assert server.stop() == 0
    server.start()
    assert len({record["id"] for record in server.catalog()}) == 500
