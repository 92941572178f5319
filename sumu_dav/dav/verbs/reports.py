"""REPORT."""

from __future__ import annotations

from sumu_dav.dav.faults import UnsupportedReport
from sumu_dav.dav.request import Request, Response


def report(request: Request) -> Response:
    """Favourites."""
    raise UnsupportedReport("x")
