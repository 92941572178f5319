"""`/-/health`, without an account: whether the server can do its work, 200 or 503, and what is wrong."""

from __future__ import annotations

import json
from typing import Any

from sumu_dav.dav.context import Context
from sumu_dav.dav.request import Response
from sumu_dav.dav.target import Space, Target


def open_endpoint(context: Context, environ: dict[str, Any], target: Target) -> Response | None:
    """The answer of an endpoint that asks for no account; None for every other target."""
    if target.space is not Space.OWN or target.parts != ("health",):
        return None
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return Response(405, [("Allow", "GET, HEAD")])
    problems = context.archive.problems(context.settings.health.min_free)
    body = json.dumps({"healthy": not problems, "problems": problems}) + "\n"
    return Response(503 if problems else 200, [("Content-Type", "application/json")], body.encode())
