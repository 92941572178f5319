"""Reading the server's files of records from outside, as docs/storage-format.md says that users do."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

APPENDS_MET = 5
"""Appends that one reading may meet in their middle: two would take a machine that stalls."""


def read_between_appends(path: Path) -> Any:
    """A JSON file that may be appended to meanwhile: whoever meets an append in its middle reads again."""
    for _ in range(APPENDS_MET):
        with suppress(json.JSONDecodeError):
            return json.loads(path.read_text())
    return json.loads(path.read_text())
