"""Small headers: what commands is refused when it makes no sense, what wishes is ignored."""

import pytest

from sumu_dav.dav import headers
from sumu_dav.dav.faults import BadRequest
from sumu_dav.dav.headers import Depth, Prefer

SECOND = 1_000_000_000


def test_depth() -> None:
    assert headers.depth({}, Depth.INFINITY) is Depth.INFINITY
    assert headers.depth({"HTTP_DEPTH": "0"}, Depth.INFINITY) is Depth.ZERO
    assert headers.depth({"HTTP_DEPTH": " Infinity "}, Depth.ONE) is Depth.INFINITY
    for nonsense in ("", "2", "-1", "one", "0,1"):
        with pytest.raises(BadRequest):
            headers.depth({"HTTP_DEPTH": nonsense}, Depth.ONE)


def test_overwrite_is_allowed_unless_told() -> None:
    assert headers.overwrite({})
    assert headers.overwrite({"HTTP_OVERWRITE": "t"})
    assert not headers.overwrite({"HTTP_OVERWRITE": "F"})
    with pytest.raises(BadRequest):
        headers.overwrite({"HTTP_OVERWRITE": "maybe"})


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        (None, 600),
        ("Second-120", 120),
        ("Infinite, Second-4100000000", 3_600),
        ("Second-4100000000", 3_600),
        ("Second-" + "9" * 60_000, 3_600),
        ("Second-0", 1),
        ("Extend-7, Second-30", 30),
        ("Second--5", 600),
        ("Second-٣", 600),
        ("nonsense", 600),
    ],
)
def test_a_lock_gets_the_first_time_that_is_understood(sent: str | None, seconds: int) -> None:
    assert headers.lock_timeout({} if sent is None else {"HTTP_TIMEOUT": sent}) == seconds


def test_lock_token() -> None:
    assert headers.lock_token({"HTTP_LOCK_TOKEN": " <opaquelocktoken:1> "}) == "opaquelocktoken:1"
    assert headers.lock_token({"HTTP_LOCK_TOKEN": "opaquelocktoken:1"}) == "opaquelocktoken:1", "npm's webdav"
    for nonsense in ({}, {"HTTP_LOCK_TOKEN": "token"}, {"HTTP_LOCK_TOKEN": "<a> <b>"}, {"HTTP_LOCK_TOKEN": "<a"}):
        with pytest.raises(BadRequest):
            headers.lock_token(nonsense)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Prefer()),
        ({"HTTP_PREFER": "return=minimal"}, Prefer(minimal=True)),
        ({"HTTP_PREFER": 'respond-async, return="minimal"; x=1 , depth-noroot'}, Prefer(minimal=True, no_root=True)),
        ({"HTTP_PREFER": "return=representation"}, Prefer()),
        ({"HTTP_PREFER": ",,;;==,"}, Prefer()),
        ({"HTTP_BRIEF": "t"}, Prefer(minimal=True)),
    ],
)
def test_prefer(environ: dict[str, str], expected: Prefer) -> None:
    assert headers.prefer(environ) == expected


@pytest.mark.parametrize(
    ("sent", "nanoseconds"),
    [
        ("1700000000", 1_700_000_000 * SECOND),
        ("1700000000.123456789", 1_700_000_000_123_456_789),
        ("1700000000.5", 1_700_000_000 * SECOND + SECOND // 2),
        ("1700000000.", 1_700_000_000 * SECOND),
        ("1700000000.1234567891234", 1_700_000_000_123_456_789),
        ("-86400", -86_400 * SECOND),
        ("-0.25", -SECOND // 4),
        ("+5", 5 * SECOND),
        ("0", 0),
        ("", None),
        ("yesterday", None),
        ("0x1F", None),
        ("1e9", None),
        ("NaN", None),
        ("inf", None),
        ("١٢٣", None),
        ("1700000000000", None),
        ("-99999999999", None),
        ("9" * 60_000, None),
        ("1,5", None),
    ],
)
def test_times_of_the_client_in_any_numeric_form(sent: str, nanoseconds: int | None) -> None:
    assert headers.modified_ns({"HTTP_X_OC_MTIME": sent}) == nanoseconds
    assert headers.created_ns({"HTTP_X_OC_CTIME": sent}) == nanoseconds


def test_no_time_sent_is_no_time() -> None:
    assert headers.modified_ns({}) is None
    assert headers.created_ns({}) is None


def test_favorite() -> None:
    assert headers.favorite({}) is None
    assert headers.favorite({"HTTP_X_FAVORITE": "1"}) is True
    assert headers.favorite({"HTTP_X_FAVORITE": "Yes"}) is True
    assert headers.favorite({"HTTP_X_FAVORITE": "0"}) is False
    assert headers.favorite({"HTTP_X_FAVORITE": "perhaps"}) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_799),
        ("Sun, 06 Nov 1994 08:49:37 +0000", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Foo 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 0000 08:49:37 GMT", None),
        ("784111777", None),
        ("", None),
    ],
)
def test_http_dates_in_their_three_forms(text: str, seconds: int | None) -> None:
    assert headers.parse_http_date(text) == seconds


def test_a_date_that_is_written_is_read() -> None:
    assert headers.http_date(784_111_777.9) == "Sun, 06 Nov 1994 08:49:37 GMT"
    for seconds in (0, -86_400, 951_782_400, 4_102_444_800):
        assert headers.parse_http_date(headers.http_date(seconds)) == seconds
