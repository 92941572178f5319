"""Preconditions of RFC 9110 §13, in their order of precedence."""

import pytest

from sumu_dav.dav.conditions import Outcome, State, precondition, range_applies

PROCEED, NOT_MODIFIED, FAILED = Outcome.PROCEED, Outcome.NOT_MODIFIED, Outcome.FAILED
THERE = State(True, '"one"', 784_111_777.6)
NOTHING = State(False)
THE_DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"


@pytest.mark.parametrize(
    ("method", "headers", "state", "expected"),
    [
        ("PUT", {}, NOTHING, PROCEED),
        ("PUT", {"HTTP_IF_MATCH": '"one"'}, THERE, PROCEED),
        ("PUT", {"HTTP_IF_MATCH": '"two", "one"'}, THERE, PROCEED),
        ("PUT", {"HTTP_IF_MATCH": '"two"'}, THERE, FAILED),
        ("PUT", {"HTTP_IF_MATCH": '"a,b","one"'}, THERE, PROCEED),
        ("PUT", {"HTTP_IF_MATCH": 'W/"one"'}, THERE, FAILED),
        ("PUT", {"HTTP_IF_MATCH": '"one"'}, State(True, 'W/"one"'), FAILED),
        ("PUT", {"HTTP_IF_MATCH": '"one"'}, NOTHING, FAILED),
        ("PUT", {"HTTP_IF_MATCH": "*"}, NOTHING, FAILED),
        ("PUT", {"HTTP_IF_MATCH": "*"}, THERE, PROCEED),
        ("PUT", {"HTTP_IF_MATCH": ""}, THERE, FAILED),
        ("HEAD", {"HTTP_IF_MATCH": '"two"'}, THERE, FAILED),
        ("PUT", {"HTTP_IF_NONE_MATCH": "*"}, NOTHING, PROCEED),
        ("PUT", {"HTTP_IF_NONE_MATCH": "*"}, THERE, FAILED),
        ("LOCK", {"HTTP_IF_NONE_MATCH": "*"}, THERE, FAILED),
        ("GET", {"HTTP_IF_NONE_MATCH": "*"}, THERE, NOT_MODIFIED),
        ("GET", {"HTTP_IF_NONE_MATCH": 'W/"one"'}, THERE, NOT_MODIFIED),
        ("HEAD", {"HTTP_IF_NONE_MATCH": '"two", "one"'}, THERE, NOT_MODIFIED),
        ("PROPFIND", {"HTTP_IF_NONE_MATCH": '"one"'}, THERE, FAILED),
        ("GET", {"HTTP_IF_NONE_MATCH": '"two"'}, THERE, PROCEED),
        ("GET", {"HTTP_IF_NONE_MATCH": '"two"', "HTTP_IF_MODIFIED_SINCE": LATER}, THERE, PROCEED),
        (
            "GET",
            {"HTTP_IF_NONE_MATCH": '"one"', "HTTP_IF_MODIFIED_SINCE": "Fri, 01 Jan 2100 00:00:00 GMT"},
            THERE,
            NOT_MODIFIED,
        ),
        ("GET", {"HTTP_IF_MODIFIED_SINCE": THE_DATE}, THERE, NOT_MODIFIED),
        ("GET", {"HTTP_IF_MODIFIED_SINCE": BEFORE}, THERE, PROCEED),
        ("GET", {"HTTP_IF_MODIFIED_SINCE": "soon"}, THERE, PROCEED),
        ("PUT", {"HTTP_IF_MODIFIED_SINCE": THE_DATE}, THERE, PROCEED),
        ("PUT", {"HTTP_IF_UNMODIFIED_SINCE": THE_DATE}, THERE, PROCEED),
        ("PUT", {"HTTP_IF_UNMODIFIED_SINCE": BEFORE}, THERE, FAILED),
        ("PUT", {"HTTP_IF_UNMODIFIED_SINCE": "soon"}, THERE, PROCEED),
        ("PUT", {"HTTP_IF_UNMODIFIED_SINCE": BEFORE}, NOTHING, PROCEED),
        ("PUT", {"HTTP_IF_MATCH": '"one"', "HTTP_IF_UNMODIFIED_SINCE": BEFORE}, THERE, PROCEED),
        ("GET", {"HTTP_IF_MATCH": '"two"', "HTTP_IF_NONE_MATCH": '"one"'}, THERE, FAILED),
    ],
)
def test_preconditions(method: str, headers: dict[str, str], state: State, expected: Outcome) -> None:
    assert precondition(method, headers, state) is expected


@pytest.mark.parametrize(
    ("sent", "state", "applies"),
    [
        (None, THERE, True),
        ('"one"', THERE, True),
        ('"two"', THERE, False),
        ('W/"one"', THERE, False),
        ('W/"one"', State(True, 'W/"one"'), False),
        (THE_DATE, THERE, True),
        (BEFORE, THERE, False),
        (LATER, THERE, False),
        ("nonsense", THERE, False),
        ("", THERE, False),
    ],
)
def test_if_range(sent: str | None, state: State, applies: bool) -> None:
    assert range_applies({} if sent is None else {"HTTP_IF_RANGE": sent}, state) is applies
