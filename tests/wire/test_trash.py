"""The trash as a user of the server and its command line sees it: a sync app gone mad, and the way back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from support.dav import SUMU, Dav, members
from support.samples import jpeg, mov
from support.server import Server

ETAG = "{DAV:}getetag"
COLOR = "{urn:example}color"
LIVE = "7A5B0F9E-0000-4000-8000-00000000000A"
PATIENCE = 30.0
"""Seconds until a test gives up; what it waits for comes within four."""


def trash(server: Server, *arguments: str) -> list[dict[str, Any]]:
    """What `trash list --json` shows."""
    answer = server.command("trash", "list", "--json", *arguments)
    assert answer.returncode == 0, answer.stderr
    rows: list[dict[str, Any]] = json.loads(answer.stdout)
    return rows


def everything_of(session: Dav, path: str) -> dict[str, tuple[bytes, dict[str, str | None]]]:
    """Every file below a path: its bytes, and the properties that a user cares for."""
    wanted = [*(SUMU + name for name in ("isFavorite", "taken", "latitude", "livePhotoId")), COLOR, ETAG]
    found = {}
    for member in members(session.propfind(path, "infinity", ["{DAV:}resourcetype", SUMU + "sha256", *wanted])):
        if not member.is_collection:
            texts = {name: member.text(name) for name in wanted}
            if not member.found.keys() & {SUMU + "sha256"}:
                del texts[ETAG]  # of what is no photo it is made of the file's times, some of which nobody can set
            found[member.path] = (session.get(member.path).content, texts)
    return found


def ids(server: Server) -> dict[str, tuple[str, list[str], bool]]:
    """The records' ids, loose names and flags, by path."""
    return {
        f"{photo['user']}/{photo['album']}/{photo['name']}": (photo["id"], photo["looseNames"], photo["isFavorite"])
        for photo in server.catalog()
    }


def test_a_sync_app_gone_mad_is_undone_by_one_command(own_server: Server) -> None:
    alice, bob = own_server.session("alice"), own_server.session("bob")
    bob.put("/bob/b.jpg", jpeg(taken="2024:05:17 10:11:12"))
    for number in range(6):
        alice.put(f"/alice/IMG_{number}.jpg", jpeg(taken=f"2024:0{number + 1}:17 10:11:12", gps=(33.8, -118.3)))
    alice.mkcol("/alice/trip/")
    alice.mkcol("/alice/trip/day 1/")
    alice.put("/alice/trip/live.jpg", jpeg(content_id=LIVE), x_favorite="1")
    alice.put("/alice/trip/live.mov", mov(content_id=LIVE))
    alice.put("/alice/trip/day 1/ü.jpg", jpeg())
    alice.put("/alice/trip/notes.txt", b"what we saw")
    alice.proppatch("/alice/IMG_1.jpg", {SUMU + "isFavorite": "1", COLOR: "red"})
    alice.proppatch("/alice/trip/notes.txt", {COLOR: "blue"})
    alice.delete("/alice/24-06/IMG_5.jpg")  # meant: it is to stay in the trash
    files, records, seen_by_plex = everything_of(alice, "/alice/"), ids(own_server), own_server.files()
    assert len(trash(own_server)) == 1
    since = pause()

    for name in sorted(alice.names("/alice/")):
        alice.delete(f"/alice/{name}")
    assert alice.names("/alice/") == {"favorites/"}
    assert own_server.files("alice") == set()

    restored = own_server.command("trash", "restore", "--user", "alice", "--since", since)

    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert own_server.files() == seen_by_plex
    assert ids(own_server) == records
    assert everything_of(alice, "/alice/") == files
    assert [entry["name"] for entry in trash(own_server)] == ["IMG_5.jpg"]
    assert own_server.command("check", "--hash").returncode == 0


def pause() -> str:
    """Now, with a second on both sides: the trash knows the time of day to the second."""
    time.sleep(1.1)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    time.sleep(0.1)
    return now


def test_the_list_says_what_when_and_why(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    first, second = jpeg(pad=10), jpeg(pad=20)
    alice.put("/alice/trip/a.jpg", first)
    alice.put("/alice/trip/a.jpg", second)
    alice.delete("/alice/trip/a.jpg")

    rows = trash(own_server)

    assert [list(row) for row in rows] == [["id", "user", "album", "name", "size", "when", "why"]] * 2
    told = [(row["user"], row["album"], row["name"], row["size"], row["why"]) for row in rows]
    assert told == [
        ("alice", "trip", "a.jpg", len(first), "overwritten"),
        ("alice", "trip", "a.jpg", len(second), "deleted"),
    ]
    assert all(datetime.fromisoformat(row["when"]).tzinfo is not None for row in rows)
    table = own_server.command("trash", "list").stdout
    assert "overwritten" in table
    assert rows[0]["id"] in table
    assert trash(own_server, "--user", "bob") == []


def test_what_lies_there_is_seen_neither_by_plex_nor_by_webdav(own_server: Server) -> None:
    alice = own_server.session()
    alice.put("/alice/a.jpg", jpeg(taken="2024:05:17 10:11:12"))
    alice.delete("/alice/24-05/a.jpg")
    (entry,) = trash(own_server)
    assert own_server.files() == set()
    for path in (f"/.sumu/trash/alice/{entry['id']}", f"/alice/.sumu/trash/{entry['id']}", "/.sumu/"):
        assert alice.get(path).status_code == 404
        assert own_server.session("root").get(path).status_code == 404


def test_one_entry_comes_back_beside_what_has_its_place_now(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    old, new = jpeg(pad=10), jpeg(pad=20)
    alice.put("/alice/trip/a.jpg", old)
    alice.delete("/alice/trip/a.jpg")
    alice.put("/alice/trip/a.jpg", new)
    (entry,) = trash(own_server)

    answer = own_server.command("trash", "restore", entry["id"])

    assert (answer.returncode, answer.stdout) == (0, f"{entry['id']} /alice/trip/a-2.jpg\n")
    assert alice.get("/alice/trip/a.jpg").content == new
    assert alice.get("/alice/trip/a-2.jpg").content == old
    again = own_server.command("trash", "restore", entry["id"])
    assert (again.returncode, again.stdout) == (2, "")
    assert entry["id"] in again.stderr


def test_the_favorites_that_were_cleared_at_once_come_back_at_once(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    for name in ("a.jpg", "b.jpg"):
        alice.put(f"/alice/trip/{name}", jpeg(), x_favorite="1")
    alice.delete("/alice/favorites/")
    assert alice.names("/alice/favorites/") == set()
    (entry,) = trash(own_server)

    assert own_server.command("trash", "restore", entry["id"]).returncode == 0

    assert alice.names("/alice/favorites/") == {"a.jpg", "b.jpg"}
    assert all(photo["isFavorite"] for photo in own_server.catalog())


def test_a_record_whose_file_vanished_is_listed_and_comes_back_with_its_file(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    alice.put("/alice/trip/a.jpg", jpeg(), x_favorite="1")
    alice.proppatch("/alice/trip/a.jpg", {COLOR: "red"})
    before = own_server.record("alice", "trip", "a.jpg")
    file, elsewhere = own_server.plex / "alice/trip/a.jpg", own_server.plex.parent / "a.jpg"

    file.rename(elsewhere)
    wait_for(lambda: own_server.catalog() == [])
    copy, entry = trash(own_server)
    assert {row["why"] for row in (copy, entry)} == {"its file vanished"}
    assert (copy["album"], copy["name"]) == ("favorites", "a.jpg")  # its bytes, which may be the last ones
    assert (entry["user"], entry["album"], entry["name"]) == ("alice", "trip", "a.jpg")
    refused = own_server.command("trash", "restore", entry["id"])
    assert refused.returncode == 1
    assert "comes back by itself once the file is put back" in refused.stdout

    elsewhere.rename(file)
    wait_for(lambda: own_server.catalog() != [])
    assert own_server.record("alice", "trip", "a.jpg") == before
    assert alice.properties("/alice/trip/a.jpg", COLOR)[COLOR] == "red"
    assert alice.names("/alice/favorites/") == {"a.jpg"}
    assert entry not in trash(own_server)


def wait_for(is_so: Callable[[], bool]) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


@pytest.mark.parametrize("stopped", [False, True], ids=["beside the server", "without it"])
def test_emptied_it_is_gone_for_good(own_server: Server, stopped: bool) -> None:
    alice = own_server.session()
    for number in range(3):
        alice.put(f"/alice/{number}.jpg", jpeg(taken="2024:05:17 10:11:12"))
    alice.delete("/alice/24-05/")
    if stopped:
        own_server.stop()

    answer = own_server.command("trash", "empty")

    assert answer.stdout.startswith("3 entries of ")
    assert trash(own_server) == []
    assert [path for path in (own_server.plex / ".sumu/trash").rglob("*") if path.is_file()] == []


def test_the_oldest_goes_where_the_settings_limit_it(start_server: Callable[..., Server]) -> None:
    server = start_server(sumu={"trash": {"max_bytes": "100K"}})
    alice = server.session()
    for name in ("old", "new"):
        alice.put(f"/alice/{name}.jpg", jpeg(taken="2024:05:17 10:11:12", pad=70 * 1024))
        alice.delete(f"/alice/24-05/{name}.jpg")
    assert [entry["name"] for entry in trash(server)] == ["old.jpg", "new.jpg"]
    server.restart()  # housekeeping begins with a round
    wait_for(lambda: [entry["name"] for entry in trash(server)] == ["new.jpg"])


def test_it_survives_a_kill(own_server: Server) -> None:
    alice = own_server.session()
    photo = jpeg(taken="2024:05:17 10:11:12")
    alice.put("/alice/a.jpg", photo, x_favorite="1")
    assert alice.delete("/alice/24-05/a.jpg").status_code == 204
    own_server.kill()
    own_server.start()
    assert own_server.command("trash", "restore", "--user", "alice").returncode == 0
    assert own_server.session().get("/alice/a.jpg").content == photo
    assert own_server.session().names("/alice/favorites/") == {"a.jpg"}
