"""A full disk, of the tree or of the state: 507 in words, the old file and a whole catalogue, and then it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from support.programs import tmpfs
from support.refusals import refused
from support.samples import jpeg
from support.server import Server

BLOCK = 4096

FITS_INTO_A_BLOCK = ("a new photo", "a loose photo", "properties", "a folder's properties")
"""Changes of one record: on a full disk there may still be room for them in the last block of a file of the state."""


@pytest.fixture
def small_tree(tmp_path: Path, accounts: Path) -> Iterator[Server]:
    """A server whose Plex folder is a file system of its own, of 3 MB."""
    server = Server(tmp_path / "server", accounts=accounts)
    with tmpfs(server.plex, "3m"):
        server.start()
        yield server
        server.close()


@pytest.fixture
def small_state(tmp_path: Path, accounts: Path) -> Iterator[Server]:
    """A server whose state is a file system of its own, of 1 MB."""
    server = Server(tmp_path / "server", accounts=accounts)
    kept = (server.state / "accounts.json").read_bytes()
    with tmpfs(server.state, "1m"):
        (server.state / "accounts.json").write_bytes(kept)
        server.start()
        yield server
        server.close()


def fill(folder: Path, leave: int = 0) -> Path:
    """Fill the file system of a folder, but for so many blocks."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * BLOCK)
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave * BLOCK))
    return filler


def whole(server: Server) -> None:
    """Catalogue and tree agree, byte by byte, and nothing is left of what failed."""
    for record in server.catalog():
        file = server.plex / record["user"] / record["album"] / record["name"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == record["sha256"], record["name"]
        if record["isFavorite"]:
            assert (
                server.plex / record["user"] / "favorites" / record["favoriteName"]
            ).read_bytes() == file.read_bytes()
    assert not list((server.plex / ".sumu" / "uploads").iterdir())
    assert not list((server.state / "intents").iterdir())


def test_a_full_tree_answers_507_and_keeps_what_is_there(small_tree: Server) -> None:
    alice = small_tree.session()
    alice.mkcol("/alice/trip/")
    photo = jpeg(pad=100_000)
    first = alice.put("/alice/trip/a.jpg", photo)
    records = small_tree.catalog()

    large = jpeg(pad=4_000_000)
    for path in ("/alice/trip/a.jpg", "/alice/trip/new.jpg", "/alice/loose.jpg", "/alice/favorites/f.jpg"):
        refused(alice.put(path, large), 507)
        refused(alice.put(path, iter([large[:2_000_000], large[2_000_000:]])), 507)
        assert small_tree.catalog() == records
        whole(small_tree)
    fill(small_tree.plex)
    for path in ("/alice/trip/a.jpg", "/alice/trip/new.jpg", "/alice/loose.jpg", "/alice/favorites/f.jpg"):
        refused(alice.put(path, jpeg(pad=100_000)), 507)
    refused(alice.copy("/alice/trip/a.jpg", "/alice/trip/b.jpg"), 507)
    refused(alice.copy("/alice/trip/a.jpg", "/alice/favorites/a.jpg"), 507)
    refused(alice.proppatch("/alice/trip/a.jpg", {"{urn:sumu}isFavorite": "1"}), 507)

    assert small_tree.catalog() == records
    assert alice.get("/alice/trip/a.jpg").content == photo
    assert alice.head("/alice/trip/a.jpg").headers["ETag"] == first.headers["ETag"]
    whole(small_tree)

    (small_tree.plex / "filler").unlink()
    assert alice.put("/alice/trip/a.jpg", jpeg(pad=100_000)).status_code == 204
    assert alice.put("/alice/trip/new.jpg", jpeg()).status_code == 201
    whole(small_tree)
    assert small_tree.stop() == 0
    assert "Traceback" not in small_tree.log()


def test_what_is_there_can_be_moved_and_deleted_on_a_full_tree(small_tree: Server) -> None:
    alice = small_tree.session()
    alice.mkcol("/alice/trip/")
    for name in ("a.jpg", "b.jpg"):
        alice.put(f"/alice/trip/{name}", jpeg(pad=100_000))
    fill(small_tree.plex)
    assert alice.move("/alice/trip/a.jpg", "/alice/trip/c.jpg").status_code == 201
    assert alice.delete("/alice/trip/b.jpg").status_code == 204
    assert alice.names("/alice/trip/") == {"c.jpg"}
    whole(small_tree)


def each_change(server: Server) -> list[tuple[str, Callable[[], requests.Response]]]:
    """Every kind of change, each of which needs room in the state."""
    alice = server.session()
    large = {f"{{x:}}p{number}": "v" * 4_000 for number in range(8)}
    return [
        ("a new photo", lambda: alice.put("/alice/trip/new.jpg", jpeg())),
        ("a replaced photo", lambda: alice.put("/alice/trip/a.jpg", jpeg())),
        ("the same photo again", lambda: alice.put("/alice/trip/a.jpg", alice.get("/alice/trip/a.jpg").content)),
        ("a replaced file", lambda: alice.put("/alice/trip/notes.txt", b"other")),
        ("a loose photo", lambda: alice.put("/alice/loose.jpg", jpeg())),
        ("a new favorite", lambda: alice.put("/alice/favorites/f.jpg", jpeg())),
        ("the flag set", lambda: alice.proppatch("/alice/trip/a.jpg", {"{urn:sumu}isFavorite": "1"})),
        ("the flag cleared", lambda: alice.proppatch("/alice/trip/b.jpg", {"{urn:sumu}isFavorite": "0"})),
        ("properties", lambda: alice.proppatch("/alice/trip/a.jpg", large)),
        ("a folder's properties", lambda: alice.proppatch("/alice/trip/", large)),
        ("a photo's move", lambda: alice.move("/alice/trip/a.jpg", "/alice/trip/c.jpg")),
        ("an album's move", lambda: alice.move("/alice/trip/", "/alice/journey/")),
        ("a copy", lambda: alice.copy("/alice/trip/a.jpg", "/alice/trip/d.jpg")),
        ("an album's copy", lambda: alice.copy("/alice/trip/", "/alice/journey/")),
        ("a photo's delete", lambda: alice.delete("/alice/trip/a.jpg")),
        ("a favorite's delete", lambda: alice.delete("/alice/trip/b.jpg")),
        ("an album's delete", lambda: alice.delete("/alice/trip/")),
        ("all flags cleared", lambda: alice.delete("/alice/favorites/")),
    ]


def test_a_full_state_answers_507_and_changes_nothing(small_state: Server) -> None:
    alice = small_state.session()
    alice.mkcol("/alice/trip/")
    photo, favorite = jpeg(), jpeg()
    first = alice.put("/alice/trip/a.jpg", photo)
    alice.put("/alice/trip/b.jpg", favorite, x_favorite="1")
    alice.put("/alice/trip/notes.txt", b"notes")
    fill(small_state.state)

    for what, change in each_change(small_state):
        records, files = small_state.catalog(), small_state.files()
        answer = change()
        if what in FITS_INTO_A_BLOCK and answer.status_code in (201, 207):
            whole(small_state)
            continue
        refused(answer, 507)
        assert small_state.catalog() == records, what
        assert small_state.files() == files, what
        whole(small_state)
    assert alice.get("/alice/trip/a.jpg").content == photo
    assert alice.head("/alice/trip/a.jpg").headers["ETag"] == first.headers["ETag"]
    assert alice.get("/alice/favorites/b.jpg").content == favorite
    json.loads((small_state.state / "catalog.json").read_bytes())

    (small_state.state / "filler").unlink()
    assert alice.put("/alice/trip/newer.jpg", jpeg()).status_code == 201
    small_state.restart()
    assert {"a.jpg", "b.jpg", "newer.jpg"} <= {record["name"] for record in small_state.catalog()}
    whole(small_state)
    assert small_state.stop() == 0
    assert "Traceback" not in small_state.log()


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_a_state_that_fills_up_in_the_middle_of_a_change_changes_nothing(small_state: Server, blocks: int) -> None:
    """There is room for the intent, but not for the records."""
    alice = small_state.session()
    alice.mkcol("/alice/trip/")
    photo, favorite = jpeg(), jpeg()
    alice.put("/alice/trip/a.jpg", photo)
    alice.put("/alice/trip/b.jpg", favorite, x_favorite="1")
    alice.put("/alice/trip/notes.txt", b"notes")
    for what, change in each_change(small_state):
        records, files = small_state.catalog(), small_state.files()
        if not {"alice/trip/a.jpg", "alice/trip/b.jpg", "alice/trip/notes.txt"} <= files:
            break
        filler = fill(small_state.state, leave=blocks)
        answer = change()
        if answer.status_code == 507:
            assert small_state.catalog() == records, what
            assert small_state.files() == files, what
        else:
            assert answer.status_code in (201, 204, 207), what
        whole(small_state)
        filler.unlink()
    assert small_state.stop() == 0
    assert "Traceback" not in small_state.log()
