"""An archive of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.family import Family
from support.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An archive with the accounts alice and bob."""
    home = Home(tmp_path)
    home.alice.mkdir(parents=True)
    yield home
    home.close()


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    """An archive in which alice has an empty album, trip."""
    family = Family(tmp_path)
    family.mkcol("/alice/trip")
    yield family
    family.close()
