"""The WebDAV face as one WSGI application: dispatch by method, and every domain error turned into its answer.

Knows the verbs by name alone; who is asking is settled by the gate before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from sumu_dav.archive.failures import MembersFailed
from sumu_dav.dav.failing import members_failed
from sumu_dav.dav.faults import MethodNotAllowed, RangeNotSatisfiable
from sumu_dav.dav.multistatus import MEDIA_TYPE, error_body
from sumu_dav.dav.ranges import unsatisfied_range
from sumu_dav.dav.request import Request, Response, StartResponse
from sumu_dav.dav.statuses import answer_for, hrefs_of, status_line
from sumu_dav.dav.target import Space
from sumu_dav.dav.verbs import chunks
from sumu_dav.dav.verbs.changes import copy, delete, mkcol, move
from sumu_dav.dav.verbs.get import get
from sumu_dav.dav.verbs.locking import lock, unlock
from sumu_dav.dav.verbs.options import options
from sumu_dav.dav.verbs.properties import propfind, proppatch
from sumu_dav.dav.verbs.put import put
from sumu_dav.dav.verbs.reports import report, search
from sumu_dav.errors import SumuError

_log = logging.getLogger("sumu_dav.dav")

Verb = Callable[[Request], Response]

VERBS: dict[str, Verb] = {
    "OPTIONS": options,
    "GET": get,
    "HEAD": get,
    "PUT": put,
    "PROPFIND": propfind,
    "PROPPATCH": proppatch,
    "MKCOL": mkcol,
    "DELETE": delete,
    "COPY": copy,
    "MOVE": move,
    "LOCK": lock,
    "UNLOCK": unlock,
    "REPORT": report,
    "SEARCH": search,
}

CHUNK_VERBS: dict[str, Verb] = {
    "OPTIONS": options,
    "PROPFIND": propfind,
    "MKCOL": chunks.mkcol_upload,
    "PUT": chunks.put_chunk,
    "DELETE": chunks.delete_upload,
    "MOVE": move,
}
"""What can be done below `/remote.php/dav/uploads/`."""


def respond(request: Request) -> Response:
    """The answer to a request; domain errors become answers too."""
    verbs = CHUNK_VERBS if request.target.space is Space.CHUNKS else VERBS
    try:
        verb = verbs.get(request.method)
        if verb is None:
            raise MethodNotAllowed(request.method, tuple(verbs))
        return verb(request)
    except MembersFailed as error:
        return members_failed(request, error.failures, "Nothing was changed.")
    except SumuError as error:
        return refusal(error, request.method)


def refusal(error: SumuError, method: str = "") -> Response:
    """The answer that tells of an error: status, DAV:error condition, and words."""
    status, condition = answer_for(error, method)
    if status >= 500:
        _log.warning("%s: %s", method, error)
    headers = [("Content-Type", MEDIA_TYPE)]
    if isinstance(error, MethodNotAllowed):
        headers.append(("Allow", ", ".join(error.allowed)))
    if isinstance(error, RangeNotSatisfiable):
        headers.append(("Content-Range", unsatisfied_range(error.size)))
    body = b"" if method == "HEAD" else error_body(str(error), condition, hrefs_of(error))
    return Response(status, headers, body)


def send(response: Response, start_response: StartResponse, method: str) -> Iterable[bytes]:
    """Hand an answer to the server (PEP 3333)."""
    headers = response.headers
    body = response.body
    if isinstance(body, bytes):
        if response.status not in (204, 304) and "Content-Length" not in dict(headers):
            headers.append(("Content-Length", str(len(body))))
        start_response(status_line(response.status), headers)
        return [b"" if method == "HEAD" else body]
    start_response(status_line(response.status), headers)
    return body


def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """The face as WSGI: the gate has put the parsed request's parts into `environ`."""
    request: Request = environ["sumu.request"]
    return send(respond(request), start_response, request.method)
