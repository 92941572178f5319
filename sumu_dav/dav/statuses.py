"""The one table from errors to HTTP: which status code and which DAV:error condition an error answers with.

Must not know how an answer is written, nor raise anything itself.
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import NamedTuple

from sumu_dav import errors
from sumu_dav.dav import faults


class Answer(NamedTuple):
    """An HTTP status code, and the local name of a precondition element in DAV: (RFC 4918 §16) where one is defined."""

    status: int
    condition: str | None = None


_ANSWERS: dict[type[errors.SumuError], Answer] = {
    errors.NameRefused: Answer(403),
    errors.NotFound: Answer(404),
    errors.ParentMissing: Answer(409),
    errors.AlreadyExists: Answer(412),
    errors.IsCollection: Answer(405),
    errors.Conflict: Answer(409),
    errors.Busy: Answer(423),
    errors.Forbidden: Answer(403),
    errors.LengthMismatch: Answer(400),
    errors.ChecksumMismatch: Answer(400),
    errors.NoSpace: Answer(507),
    errors.DiskFailure: Answer(503),
    errors.QuotaExceeded: Answer(507, "quota-not-exceeded"),  # RFC 4331 §6
    errors.TooManyProperties: Answer(507),
    errors.WritesSuspended: Answer(503),
    errors.TreeMissing: Answer(503),
    errors.StateInUse: Answer(503),
    errors.Damaged: Answer(503),
    errors.SettingRefused: Answer(503),
    errors.Interrupted: Answer(503),
    errors.NotServing: Answer(503),
    errors.CommandFailed: Answer(503),
    errors.AccountRefused: Answer(403),
    errors.BadCredentials: Answer(401),
    errors.TooManyAttempts: Answer(429),
    faults.BadRequest: Answer(400),
    faults.BadXml: Answer(400),
    faults.TooLarge: Answer(413),
    faults.UnsupportedBody: Answer(415),
    faults.UnsupportedReport: Answer(403, "supported-report"),  # RFC 3253 §3.6
    faults.MethodNotAllowed: Answer(405),
    faults.DepthRefused: Answer(403, "propfind-finite-depth"),
    faults.ProtectedProperty: Answer(403, "cannot-modify-protected-property"),
    faults.PreconditionFailed: Answer(412),
    faults.RangeNotSatisfiable: Answer(416),
    faults.Locked: Answer(423, "lock-token-submitted"),
    faults.LockConflict: Answer(423, "no-conflicting-lock"),
    faults.LocksBelow: Answer(423, "no-conflicting-lock"),
    faults.FailedDependency: Answer(424),
    faults.LockTokenMismatch: Answer(409, "lock-token-matches-request-uri"),
    faults.TooManyLocks: Answer(507),
    faults.CrossSite: Answer(403),
    faults.PlainHttp: Answer(403),
}

_BY_METHOD: dict[tuple[type[errors.SumuError], str], Answer] = {
    (errors.AlreadyExists, "MKCOL"): Answer(405),  # RFC 4918 §9.3.1: only on an unmapped URL
    (errors.IsCollection, "COPY"): Answer(409),
    (errors.IsCollection, "MOVE"): Answer(409),
    (faults.LockTokenMismatch, "LOCK"): Answer(412, "lock-token-matches-request-uri"),  # §9.10.6: a refresh
}


def answer_for(error: errors.SumuError, method: str = "") -> Answer:
    """The status and condition that `error` answers with when it ends a request of `method`.

    A kind of error that came later than this table answers as the nearest of its ancestors, at last 503: what can't be
    explained is never reported as done, nor as the client's fault.
    """
    for kind in type(error).__mro__:
        if (kind, method) in _BY_METHOD:
            return _BY_METHOD[kind, method]
        if kind in _ANSWERS:
            return _ANSWERS[kind]
    return Answer(503)


def hrefs_of(error: errors.SumuError) -> tuple[str, ...]:
    """The hrefs that the condition element of `error` names: the roots of the locks that stand in the way."""
    return error.roots if isinstance(error, faults.Locked | faults.LockConflict) else ()


@cache
def status_line(status: int) -> str:
    """The code with its phrase, as WSGI and the DAV:status element want it: `423 Locked`."""
    return f"{status} {HTTPStatus(status).phrase}"
