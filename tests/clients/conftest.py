"""What the real clients of this folder send."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.clients import camera_roll


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 100 photos and videos, real ones where the samples are there; to be left as it is."""
    return camera_roll(tmp_path_factory.mktemp("roll") / "photos")
