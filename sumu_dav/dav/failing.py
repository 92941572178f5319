"""The 207 that tells which members kept a change of their collection from being made, or made whole (RFC 4918 §9.6.1,
§9.8.5, §9.9.4, §9.10.9).

Knows a request's URLs and the table of statuses, and not what was to be done.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sumu_dav.archive.failures import Failure
from sumu_dav.dav.guards import lock_path
from sumu_dav.dav.multistatus import MEDIA_TYPE, failed, multistatus, text_element
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.statuses import answer_for, hrefs_of
from sumu_dav.dav.target import Target, encode, href

_log = logging.getLogger("sumu_dav.dav")


def members_failed(request: Request, failures: Iterable[Failure], words: str) -> Response:
    """The answer that names each of the members with its own status; `words` tell what became of all the others."""
    responses = [_told(request, failure) for failure in failures]
    body = b"".join(multistatus(responses, text_element("{DAV:}responsedescription", words)))
    return Response(207, [("Content-Type", MEDIA_TYPE)], body)


def _told(request: Request, failure: Failure) -> str:
    error = failure.error
    status, condition = answer_for(error, request.method)
    if status >= 500:
        _log.warning("%s: %s", request.method, error)
    return failed(_href(request, failure), status, condition, hrefs_of(error), str(error))


def _href(request: Request, failure: Failure) -> str:
    """The member's URL, under the spelling in which the request named what holds it."""
    path, folder = lock_path(failure.path), failure.is_folder
    for above in _named(request):
        if path[: len(above.path)] == above.path:
            rest = path[len(above.path) :]
            if not rest:
                return above.href(folder=folder)
            return above.href(folder=True) + "/".join(map(encode, rest)) + ("/" if folder else "")
    return href("", failure.path.user, failure.path.parts, folder)


def _named(request: Request) -> list[Target]:
    return [request.target, *([request.destination] if request.header("Destination") is not None else [])]
