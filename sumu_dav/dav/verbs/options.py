"""OPTIONS."""

from __future__ import annotations

from sumu_dav.dav.request import Request, Response


def options(request: Request) -> Response:
    """What can be done with the target."""
    return Response(
        200,
        [
            ("Allow", "OPTIONS, GET, HEAD, PUT, PROPFIND, PROPPATCH, MKCOL, DELETE, COPY, MOVE, LOCK, UNLOCK, REPORT"),
            ("DAV", "1, 2, 3"),
            ("MS-Author-Via", "DAV"),
        ],
    )
