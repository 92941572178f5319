"""Reading bytes that a test made, as the server reads an uploaded file."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sumu_dav.metadata import read
from sumu_dav.model import Facts

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="session")
def facts_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], Facts]:
    """What `read` says of a file of these bytes."""
    file = tmp_path_factory.mktemp("media") / "file"

    def facts(data: bytes) -> Facts:
        file.write_bytes(data)
        fd = os.open(file, os.O_RDONLY)
        try:
            return read(fd, now=NOW, zone=ZONE)
        finally:
            os.close(fd)

    return facts
