"""A record is no proof: what a client sends is only taken for known where the file still is what was recorded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.samples import jpeg
from support.server import Server


@pytest.fixture
def unwatched(start_server: Callable[..., Server]) -> Server:
    """A server that does not look after the folder."""
    return start_server(sumu={"watch": "off"})


def spoil(server: Server, album: str, name: str) -> None:
    """Another program writes into the file, in place."""
    (server.plex / "alice" / album / name).write_bytes(b"\xff\xd8\xff\xe0 no photo any more")


def test_known_bytes_whose_file_was_changed_are_stored_again(unwatched: Server) -> None:
    alice = unwatched.session()
    photo = jpeg(taken="2024:05:01 10:00:00", seed=1)
    alice.put("/alice/a.jpg", photo)
    spoil(unwatched, "24-05", "a.jpg")

    assert alice.put("/alice/b.jpg", photo).status_code == 201

    assert alice.get("/alice/b.jpg").content == photo


def test_the_same_name_again_after_the_file_was_changed(unwatched: Server) -> None:
    alice = unwatched.session()
    photo = jpeg(taken="2024:05:01 10:00:00", seed=2)
    alice.mkcol("/alice/trip/")
    for path, album in (("/alice/a.jpg", "24-05"), ("/alice/trip/a.jpg", "trip")):
        alice.put(path, photo)
        spoil(unwatched, album, "a.jpg")

        assert alice.put(path, photo).status_code == 204

        assert alice.get(path).content == photo


def test_a_favorite_of_known_bytes_after_the_file_was_changed(unwatched: Server) -> None:
    alice = unwatched.session()
    photo = jpeg(taken="2024:05:01 10:00:00", seed=3)
    alice.put("/alice/a.jpg", photo)
    spoil(unwatched, "24-05", "a.jpg")

    assert alice.put("/alice/favorites/best.jpg", photo).status_code == 201

    assert alice.get("/alice/favorites/best.jpg").content == photo
