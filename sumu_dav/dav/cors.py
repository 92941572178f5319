"""Which web pages of other sites may call from a browser: those of the origins in `sumu.cors`, and by default none.

Fetch Standard, "CORS protocol". Passwords are sent by the page itself (`Authorization`), so no credentials that a
browser remembers are ever allowed along. Knows nothing of accounts or resources.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sumu_dav.dav.faults import CrossSite
from sumu_dav.dav.request import Response

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "SEARCH"))
"""Methods that change nothing (RFC 9110 §9.2.1), and so are no use to a foreign site that can't read the answer."""

PREFLIGHT_SECONDS = 600
"""How long a browser may remember what it was allowed."""

_EXPOSED = "ETag, Content-Location, Content-Range, DAV, Lock-Token, Location, OC-FileId, Repr-Digest, Retry-After"


def refuse_foreign_sites(environ: Mapping[str, Any], allowed: Collection[str]) -> None:
    """A page of another site may make a browser send, with the password it remembers: refuse what changes something.

    Raises CrossSite.
    """
    if environ["REQUEST_METHOD"] in SAFE_METHODS:
        return
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and origin in allowed:
        return
    if environ.get("HTTP_SEC_FETCH_SITE") in ("cross-site", "same-site"):
        raise CrossSite(str(origin or "another site"))
    if origin is not None:
        host = str(environ.get("HTTP_HOST") or "")
        if origin.partition("://")[2].casefold() != host.casefold():
            raise CrossSite(str(origin))


def preflight(environ: Mapping[str, Any], allowed: Collection[str]) -> Response | None:
    """The answer to a browser that asks beforehand for a page of an allowed origin; None for every other request.

    It comes without a password, and tells nothing but that.
    """
    method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
    if environ["REQUEST_METHOD"] != "OPTIONS" or method is None or environ.get("HTTP_ORIGIN") not in allowed:
        return None
    return Response(
        204,
        [
            ("Access-Control-Allow-Methods", str(method)),
            (
                "Access-Control-Allow-Headers",
                str(environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS") or "Authorization"),
            ),
            ("Access-Control-Max-Age", str(PREFLIGHT_SECONDS)),
        ],
    )


def permission(environ: Mapping[str, Any], allowed: Collection[str]) -> list[tuple[str, str]]:
    """What an answer says to a browser: that a page of an allowed origin may read it; nothing to all others."""
    origin = environ.get("HTTP_ORIGIN")
    if not allowed:
        return []
    if origin not in allowed:
        return [("Vary", "Origin")]
    return [
        ("Vary", "Origin"),
        ("Access-Control-Allow-Origin", str(origin)),
        ("Access-Control-Expose-Headers", _EXPOSED),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
    ]
