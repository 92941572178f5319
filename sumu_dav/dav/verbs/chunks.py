"""Chunked uploads."""

from __future__ import annotations

from sumu_dav.archive.nodes import Path
from sumu_dav.dav.request import Request, Response
from sumu_dav.errors import NotFound


def mkcol_upload(request: Request) -> Response:
    """Begin."""
    raise NotFound(request.target.raw)


put_chunk = delete_upload = list_upload = mkcol_upload


def assemble(request: Request, destination: Path) -> Response:
    """End."""
    raise NotFound(request.target.raw)
