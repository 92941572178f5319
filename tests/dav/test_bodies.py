"""Bodies of PROPFIND, PROPPATCH, LOCK and REPORT, as clients send them."""

import pytest

from sumu_dav.dav.bodies import (
    MAX_PROPERTY_BYTES,
    FilterFiles,
    LockRequest,
    PropChange,
    PropfindKind,
    PropfindRequest,
    parse_lockinfo,
    parse_propfind,
    parse_proppatch,
    parse_report,
)
from sumu_dav.dav.faults import BadXml, TooLarge, UnsupportedReport

NAMESPACES = ' xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns">'


def dav(xml: str) -> bytes:
    """A document of which the root declares the prefixes."""
    return f'<?xml version="1.0" encoding="utf-8"?>\n{xml.replace(">", NAMESPACES, 1)}'.encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", PropfindRequest(PropfindKind.ALL)),
        (b" \r\n", PropfindRequest(PropfindKind.ALL)),
        (dav("<D:propfind><D:allprop/></D:propfind>"), PropfindRequest(PropfindKind.ALL)),
        (dav("<D:propfind><D:propname/></D:propfind>"), PropfindRequest(PropfindKind.NAMES)),
        (
            dav("<D:propfind><D:allprop/><D:include><oc:size/><D:quota-used-bytes/></D:include></D:propfind>"),
            PropfindRequest(PropfindKind.ALL, (), ("{http://owncloud.org/ns}size", "{DAV:}quota-used-bytes")),
        ),
        (
            dav("<D:propfind><D:prop><D:getetag/><bare xmlns=''/><D:getetag/></D:prop><D:future/></D:propfind>"),
            PropfindRequest(PropfindKind.SOME, ("{DAV:}getetag", "bare")),
        ),
        (dav("<D:propfind><D:prop/></D:propfind>"), PropfindRequest(PropfindKind.SOME)),
    ],
)
def test_propfind(body: bytes, expected: PropfindRequest) -> None:
    assert parse_propfind(body) == expected


@pytest.mark.parametrize(
    "xml",
    [
        "<D:propfind></D:propfind>",
        "<D:propfind><D:future/></D:propfind>",
        "<D:propfind><D:prop/><D:allprop/></D:propfind>",
        "<D:propertyupdate><D:prop/></D:propertyupdate>",
        "<propfind xmlns='urn:x'><prop/></propfind>",
    ],
)
def test_a_propfind_that_asks_for_nothing_is_refused(xml: str) -> None:
    with pytest.raises(BadXml):
        parse_propfind(dav(xml))


def test_proppatch_keeps_the_order_and_the_xml() -> None:
    body = dav(
        "<D:propertyupdate><D:remove><D:prop><oc:favorite/></D:prop></D:remove>"
        "<D:set><D:prop xml:lang='en'><oc:favorite>1</oc:favorite>"
        "<k xmlns='urn:k'><v>x &amp; y</v></k></D:prop></D:set>"
        "<D:remove><D:prop><k xmlns='urn:k'>ignored</k></D:prop></D:remove></D:propertyupdate>"
    )
    favorite = "{http://owncloud.org/ns}favorite"
    assert parse_proppatch(body) == (
        PropChange(favorite, None),
        PropChange(favorite, '<oc:favorite xml:lang="en" xmlns:oc="http://owncloud.org/ns">1</oc:favorite>', "1"),
        PropChange("{urn:k}k", '<k xmlns="urn:k" xml:lang="en"><v>x &amp; y</v></k>'),
        PropChange("{urn:k}k", None),
    )


def test_a_proppatch_without_changes_is_refused() -> None:
    for xml in (
        "<D:propertyupdate></D:propertyupdate>",
        "<D:propertyupdate><D:set><D:prop/></D:set></D:propertyupdate>",
    ):
        with pytest.raises(BadXml):
            parse_proppatch(dav(xml))
    with pytest.raises(BadXml):
        parse_proppatch(b"")


def test_a_property_is_bounded() -> None:
    for size, fits in ((MAX_PROPERTY_BYTES - 100, True), (MAX_PROPERTY_BYTES, False)):
        body = dav(f"<D:propertyupdate><D:set><D:prop><oc:x>{'x' * size}</oc:x></D:prop></D:set></D:propertyupdate>")
        if fits:
            assert len(parse_proppatch(body)[0].text) == size
        else:
            with pytest.raises(TooLarge):
                parse_proppatch(body)


def lockinfo(scope: str, rest: str = "<D:locktype><D:write/></D:locktype>") -> bytes:
    return dav(f"<D:lockinfo>{'<D:lockscope>' + scope + '</D:lockscope>' if scope else ''}{rest}</D:lockinfo>")


def test_lockinfo() -> None:
    assert parse_lockinfo(b"") is None
    assert parse_lockinfo(lockinfo("<D:exclusive/>")) == LockRequest(shared=False)
    owner = "<D:locktype><D:write/></D:locktype><D:owner><D:href>me &amp; you</D:href></D:owner>"
    assert parse_lockinfo(lockinfo("<D:shared/>", owner)) == LockRequest(
        shared=True, owner='<D:owner xmlns:D="DAV:"><D:href>me &amp; you</D:href></D:owner>'
    )
    for bad in ("", "<D:both/>", "<D:shared/><D:exclusive/>"):
        with pytest.raises(BadXml):
            parse_lockinfo(lockinfo(bad))
    with pytest.raises(BadXml):
        parse_lockinfo(lockinfo("<D:shared/>", ""))


def test_the_report_of_favourites() -> None:
    rules = "<D:prop><D:getetag/></D:prop><oc:filter-rules><oc:favorite>1</oc:favorite></oc:filter-rules>"
    assert parse_report(dav(f"<oc:filter-files>{rules}</oc:filter-files>")) == FilterFiles(("{DAV:}getetag",), True)
    assert parse_report(dav("<oc:filter-files><oc:filter-rules/></oc:filter-files>")) == FilterFiles((), None)
    with pytest.raises(BadXml):
        parse_report(dav("<oc:filter-files><D:prop/></oc:filter-files>"))
    with pytest.raises(BadXml):
        parse_report(dav("<oc:filter-files><oc:filter-rules><oc:tag>1</oc:tag></oc:filter-rules></oc:filter-files>"))
    with pytest.raises(UnsupportedReport):
        parse_report(dav("<D:sync-collection><D:prop/></D:sync-collection>"))
