"""GIF: the size of its screen; it carries no date of its own.

Specification: GIF89a §18, logical screen descriptor. It must not read what follows.
"""

from __future__ import annotations

from sumu_dav.metadata.bounded import Source
from sumu_dav.metadata.findings import Findings


def read(source: Source, findings: Findings) -> None:
    """Read the logical screen's width and height."""
    screen = source.read(6, 4)
    findings.pixels(int.from_bytes(screen[:2], "little"), int.from_bytes(screen[2:], "little"))
