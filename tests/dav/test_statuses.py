"""The table from errors to HTTP has a row for every error there is."""

import inspect
from types import ModuleType

import pytest

from sumu_dav import errors
from sumu_dav.dav import faults, statuses
from sumu_dav.dav.statuses import Answer, answer_for, hrefs_of, status_line


def kinds(module: ModuleType) -> list[type[errors.SumuError]]:
    found = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, errors.SumuError)]
    return [kind for kind in found if kind.__module__ == module.__name__ and kind is not errors.SumuError]


@pytest.mark.parametrize("kind", kinds(errors) + kinds(faults))
def test_every_error_has_a_row(kind: type[errors.SumuError]) -> None:
    status, condition = statuses._ANSWERS[kind]
    assert 400 <= status < 600
    assert status != 500
    assert condition is None or condition.isascii()
    assert status_line(status).startswith(f"{status} ")


@pytest.mark.parametrize(
    ("error", "method", "answer"),
    [
        (errors.AlreadyExists("/a"), "MKCOL", Answer(405)),
        (errors.AlreadyExists("/a"), "MOVE", Answer(412)),
        (errors.IsCollection("/a"), "PUT", Answer(405)),
        (errors.IsCollection("/a"), "COPY", Answer(409)),
        (errors.NoSpace("tree"), "PUT", Answer(507)),
        (faults.Locked(("/a",)), "PUT", Answer(423, "lock-token-submitted")),
        (faults.DepthRefused(), "PROPFIND", Answer(403, "propfind-finite-depth")),
        (faults.LockTokenMismatch("/a"), "UNLOCK", Answer(409, "lock-token-matches-request-uri")),
        (faults.UnsupportedBody("x"), "MKCOL", Answer(415)),
    ],
)
def test_answers(error: errors.SumuError, method: str, answer: Answer) -> None:
    assert answer_for(error, method) == answer


def test_an_error_without_a_row_is_never_success_nor_500() -> None:
    class Later(errors.NotFound):
        """Came later, as a kind of something known."""

    class Other(errors.SumuError):
        """Came later, of no known kind."""

    assert answer_for(Later("/a")) == Answer(404)
    assert answer_for(Other()) == Answer(503)


def test_locks_name_their_roots() -> None:
    assert hrefs_of(faults.Locked(("/a", "/b"))) == ("/a", "/b")
    assert hrefs_of(faults.LockConflict(("/a",))) == ("/a",)
    assert hrefs_of(errors.NotFound("/a")) == ()


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (207, "207 Multi-Status"),
        (423, "423 Locked"),
        (424, "424 Failed Dependency"),
        (507, "507 Insufficient Storage"),
        (429, "429 Too Many Requests"),
    ],
)
def test_status_lines(status: int, line: str) -> None:
    assert status_line(status) == line
