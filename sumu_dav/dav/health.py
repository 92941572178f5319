"""The server's own pages: `/-/health`, without an account (can it do its work, 200 or 503, and what is wrong), and
`/-/metrics`, for admins or whoever has its token.
"""

from __future__ import annotations

import json
from typing import Any

from sumu_dav.dav.context import Context
from sumu_dav.dav.metrics import CONTENT_TYPE, has_token
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.target import Space, Target
from sumu_dav.errors import NotFound


def open_endpoint(context: Context, environ: dict[str, Any], target: Target) -> Response | None:
    """The answer of an endpoint that asks for no account; None for every other target."""
    if target.space is not Space.OWN or target.parts not in (("health",), ("metrics",)):
        return None
    if target.parts == ("metrics",):
        return _metrics(context) if has_token(environ, context.settings.metrics.token) else None
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return Response(405, [("Allow", "GET, HEAD")])
    problems = context.problems()
    body = json.dumps({"healthy": not problems, "problems": problems}) + "\n"
    return Response(503 if problems else 200, [("Content-Type", "application/json")], body.encode())


def metrics_page(request: Request) -> Response:
    """The metrics, for an admin. Raises NotFound for everyone else."""
    if not request.login.account.admin:
        raise NotFound(request.target.raw)
    return _metrics(request.context)


def _metrics(context: Context) -> Response:
    return Response(200, [("Content-Type", CONTENT_TYPE)], context.metrics.page())
