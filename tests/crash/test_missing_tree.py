"""The Plex folder's disk is not mounted, or another one is: nothing is forgotten, and the server does not start."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.samples import jpeg
from support.server import Server


@pytest.fixture
def filled(own_server: Server) -> Server:
    """A server with photos, a favorite, loose names, properties; stopped."""
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    for name in ("a.jpg", "b.jpg"):
        assert alice.put(f"/alice/trip/{name}", jpeg()).status_code == 201
    assert alice.put("/alice/loose.jpg", jpeg(taken="2020:01:02 03:04:05")).status_code == 201
    alice.proppatch("/alice/trip/a.jpg", {"{urn:sumu}isFavorite": "1", "{x:}note": "mine"})
    alice.proppatch("/alice/trip/", {"{x:}note": "of the album"})
    assert own_server.stop() == 0
    return own_server


def refused_start(server: Server) -> str:
    """The line with which a start is refused."""
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    line = server.log().strip().splitlines()[-1]
    assert "Traceback" not in server.log()
    return line


def everything_is_back(server: Server, records: list[dict[str, object]], files: set[str]) -> None:
    server.start()
    alice = server.session()
    assert server.catalog() == records
    assert server.files() == files
    assert alice.names("/alice/") == {"trip/", "20-01/", "favorites/", "loose.jpg"}
    assert alice.properties("/alice/trip/a.jpg", "{x:}note", "{urn:sumu}isFavorite") == {
        "{x:}note": "mine",
        "{urn:sumu}isFavorite": "1",
    }
    assert alice.properties("/alice/trip/", "{x:}note") == {"{x:}note": "of the album"}
    assert "Repr-Digest" in alice.head("/alice/trip/a.jpg").headers
    assert server.stop() == 0


def test_an_empty_folder_in_place_of_the_tree_refuses_the_start(filled: Server) -> None:
    records, files = filled.catalog(), filled.files()
    away = filled.plex.rename(filled.plex.with_name("away"))
    filled.plex.mkdir()

    assert str(filled.plex) in refused_start(filled)

    assert list(filled.plex.iterdir()) == []
    assert filled.catalog() == records
    filled.plex.rmdir()
    away.rename(filled.plex)
    everything_is_back(filled, records, files)


def test_a_missing_folder_refuses_the_start_and_is_not_made(filled: Server) -> None:
    records, files = filled.catalog(), filled.files()
    away = filled.plex.rename(filled.plex.with_name("away"))

    assert str(filled.plex) in refused_start(filled)

    assert not filled.plex.exists()
    away.rename(filled.plex)
    everything_is_back(filled, records, files)


def test_another_tree_refuses_the_start(filled: Server, start_server: Callable[..., Server], tmp_path: Path) -> None:
    records, files = filled.catalog(), filled.files()
    other = start_server()
    other.session().mkcol("/alice/other/")
    other.stop()
    away = filled.plex.rename(filled.plex.with_name("away"))
    there = other.plex.rename(filled.plex)

    assert "another tree" in refused_start(filled)

    assert {path.name for path in (there / "alice").iterdir()} == {"other"}
    there.rename(other.plex)
    away.rename(filled.plex)
    everything_is_back(filled, records, files)


def test_a_user_s_folder_that_is_gone_for_a_while_takes_nothing_with_it(filled: Server) -> None:
    records, files = filled.catalog(), filled.files()
    away = (filled.plex / "alice").rename(filled.plex.with_name("alice-away"))
    filled.start()
    assert filled.session().get("/alice/trip/a.jpg").status_code == 404
    assert filled.stop() == 0
    assert filled.catalog() == records

    if (filled.plex / "alice").exists():
        (filled.plex / "alice").rmdir()
    away.rename(filled.plex / "alice")
    everything_is_back(filled, records, files)


def test_a_tree_that_is_unmounted_for_a_while_is_told_by_health(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    photo = jpeg()
    alice.put("/alice/trip/a.jpg", photo, x_favorite="1")
    records = own_server.catalog()
    assert alice.get("/-/health").status_code == 200

    away = own_server.plex.rename(own_server.plex.with_name("away"))
    own_server.plex.mkdir()
    assert alice.get("/-/health").status_code == 503
    assert own_server.catalog() == records

    own_server.plex.rmdir()
    away.rename(own_server.plex)
    assert alice.get("/-/health").status_code == 200
    assert alice.get("/alice/trip/a.jpg").content == photo
    assert own_server.catalog() == records


def test_two_servers_on_one_state_are_refused(own_server: Server) -> None:
    second = own_server.command("serve", "--host", "127.0.0.1", "--port", "0")
    assert second.returncode == 2
    assert str(own_server.state) in second.stderr
    assert "Traceback" not in second.stderr


def test_the_tree_moves_to_another_path_with_its_marker(filled: Server) -> None:
    records, files = filled.catalog(), filled.files()
    marker = (filled.plex / ".sumu" / "tree-id").read_text()
    assert (filled.state / "tree-id").read_text().strip() == marker.strip()
    copied = filled.plex.with_name("copied")
    subprocess.run(["cp", "-a", str(filled.plex), str(copied)], check=True)
    filled.plex.rename(filled.plex.with_name("away"))
    copied.rename(filled.plex)
    filled.start()
    assert filled.catalog() == records
    assert filled.files() == files
