"""What the real clients of this folder send, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.clients import camera_roll
from support.dav import Dav
from support.server import Server
from support.shelf import Shelf


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 100 photos and videos, real ones where the samples are there; to be left as it is."""
    return camera_roll(tmp_path_factory.mktemp("roll") / "photos")


@pytest.fixture(params=["album", "loose"])
def shelf(request: pytest.FixtureRequest, server: Server, album: str) -> Shelf:
    """A new album, and then alice's own folder: every sequence is replayed in both."""
    return Shelf(server, album if request.param == "album" else "/alice/")


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()
