"""SEARCH: the searches that Nextcloud's apps send, and what is refused."""

import time
from collections.abc import Callable

import pytest

from sumu_dav.dav.faults import BadXml, UnsupportedReport
from sumu_dav.dav.headers import Depth
from sumu_dav.dav.search import Order, parse_search

FAVORITE = "<d:eq><d:prop><oc:favorite/></d:prop><d:literal>yes</d:literal></d:eq>"


def search(where: str = "", more: str = "", depth: str = "<d:depth>infinity</d:depth>") -> bytes:
    return (
        '<d:searchrequest xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:basicsearch>'
        "<d:select><d:prop><d:getetag/><oc:fileid/></d:prop></d:select>"
        f"<d:from><d:scope><d:href>/files/alice</d:href>{depth}</d:scope></d:from>"
        f"{f'<d:where>{where}</d:where>' if where else ''}{more}</d:basicsearch></d:searchrequest>"
    ).encode()


def found_by(where: str, **properties: str) -> bool:
    values = {
        "{DAV:}getcontenttype": properties.get("kind"),
        "{DAV:}getlastmodified": properties.get("modified"),
        "{DAV:}getcontentlength": properties.get("size"),
        "{DAV:}displayname": properties.get("name"),
        "{DAV:}resourcetype": properties.get("type", ""),
        "{http://owncloud.org/ns}favorite": properties.get("favorite"),
        "{http://owncloud.org/ns}fileid": properties.get("fileid"),
    }
    value: Callable[[str], str | None] = values.get
    term = parse_search(search(where)).where
    assert term is not None
    return term.matches(value)


def compare(operator: str, name: str, literal: str) -> str:
    return f"<d:{operator}><d:prop><d:{name}/></d:prop><d:literal>{literal}</d:literal></d:{operator}>"


def test_what_is_asked() -> None:
    more = (
        "<d:orderby><d:order><d:prop><d:getlastmodified/></d:prop><d:descending/></d:order></d:orderby>"
        "<d:limit><d:nresults>50</d:nresults></d:limit>"
    )
    request = parse_search(search(FAVORITE, more))
    assert request.names == ("{DAV:}getetag", "{http://owncloud.org/ns}fileid")
    assert (request.scope, request.depth, request.limit) == ("/files/alice", Depth.INFINITY, 50)
    assert request.order == (Order("{DAV:}getlastmodified", descending=True),)
    plain = parse_search(search())
    assert (plain.where, plain.order, plain.limit) == (None, (), None)
    assert parse_search(search(depth="<d:depth>1</d:depth>")).depth is Depth.ONE


def test_favourites() -> None:
    assert found_by(FAVORITE, favorite="1")
    assert not found_by(FAVORITE, favorite="0")
    assert not found_by(FAVORITE)


def test_a_file_by_its_number_or_by_its_whole_id() -> None:
    """Nextcloud takes both, and its Python client sends the second."""
    for literal in ("195", "00000195oc42f55a40119d"):
        where = f"<d:eq><d:prop><oc:fileid/></d:prop><d:literal>{literal}</d:literal></d:eq>"
        assert found_by(where, fileid="195")
        assert not found_by(where, fileid="1950")


def test_photos_of_a_time() -> None:
    kinds = compare("like", "getcontenttype", "image/%") + compare("like", "getcontenttype", "video/%")
    since = compare("gte", "getlastmodified", "2020-01-01T00:00:00Z")
    until = compare("lt", "getlastmodified", "1609459200")
    where = f"<d:and><d:or>{kinds}</d:or>{since}{until}</d:and>"
    assert found_by(where, kind="image/jpeg", modified="Sun, 14 Jun 2020 08:00:00 GMT")
    assert found_by(where, kind="video/mp4", modified="Wed, 01 Jan 2020 00:00:00 GMT")
    assert not found_by(where, kind="image/jpeg", modified="Fri, 01 Jan 2021 00:00:00 GMT")
    assert not found_by(where, kind="text/plain", modified="Sun, 14 Jun 2020 08:00:00 GMT")


def test_numbers_compare_as_numbers_and_text_without_case() -> None:
    assert found_by(compare("gt", "getcontentlength", "9"), size="10")
    assert found_by(compare("lte", "getcontentlength", "10"), size="10")
    assert found_by(compare("eq", "displayname", "ÉTÉ"), name="été")


def test_not_and_collections() -> None:
    assert found_by("<d:is-collection/>", type="collection")
    assert found_by("<d:not><d:is-collection/></d:not>")
    assert not found_by(f"<d:not>{FAVORITE}</d:not>", favorite="1")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("%", "", True),
        ("%.jpg", "a.JPG", True),
        ("a_c", "abc", True),
        ("a_c", "ac", False),
        ("%a%b%", "xxaxxbxx", True),
        ("%ab", "aab", True),
        ("a\\%", "a%", True),
        ("a\\%", "ab", False),
        ("a\\_c", "abc", False),
        ("a.c", "abc", False),
        ("", "a", False),
    ],
)
def test_like(pattern: str, name: str, matches: bool) -> None:
    assert found_by(compare("like", "displayname", pattern), name=name) is matches


def test_a_pattern_cannot_keep_a_thread_busy() -> None:
    begun = time.monotonic()
    assert not found_by(compare("like", "displayname", "%a" * 500 + "%b"), name="a" * 10_000)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<d:x xmlns:d='DAV:'/>",
        search("<d:and/>"),
        search(f"<d:not>{FAVORITE}{FAVORITE}</d:not>"),
        search(FAVORITE + FAVORITE),
        search("<d:eq><d:prop/><d:literal>1</d:literal></d:eq>"),
        search("<d:eq><d:prop><d:x/></d:prop></d:eq>"),
        search(compare("like", "displayname", "x" * 5_000)),
        search(more="<d:limit><d:nresults>many</d:nresults></d:limit>"),
        search(more="<d:orderby><d:order/></d:orderby>"),
        search(depth="<d:depth>2</d:depth>"),
        search().replace(b"d:scope>", b"d:scoop>"),
    ],
)
def test_what_is_no_search_is_refused(body: bytes) -> None:
    with pytest.raises(BadXml):
        parse_search(body)


def test_other_grammars_and_operators_are_not_offered() -> None:
    for body in (search("<d:contains>x</d:contains>"), b"<d:searchrequest xmlns:d='DAV:'><d:sql/></d:searchrequest>"):
        with pytest.raises(UnsupportedReport):
            parse_search(body)
