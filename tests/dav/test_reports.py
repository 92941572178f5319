"""The favourites' REPORT of Nextcloud's iOS app, and the SEARCHes of its Android app."""

from __future__ import annotations

import pytest

from support.dav import DAV, OWNCLOUD, Dav, condition, members
from support.samples import jpeg, mov
from support.server import Server

FILES = "/remote.php/dav/files/alice/"

FILTER = (
    '<?xml version="1.0"?><oc:filter-files xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">'
    "<d:prop><d:getetag/><d:getcontentlength/><oc:favorite/><oc:nothing/></d:prop>"
    "<oc:filter-rules><oc:favorite>{}</oc:favorite></oc:filter-rules></oc:filter-files>"
)

SEARCH = (
    '<?xml version="1.0"?><d:searchrequest xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:basicsearch>'
    "<d:select><d:prop><d:displayname/><d:getcontenttype/><oc:favorite/></d:prop></d:select>"
    "<d:from><d:scope><d:href>{scope}</d:href><d:depth>{depth}</d:depth></d:scope></d:from>"
    "<d:where>{where}</d:where>{rest}</d:basicsearch></d:searchrequest>"
)
FAVORITES = "<d:eq><d:prop><oc:favorite/></d:prop><d:literal>yes</d:literal></d:eq>"
IMAGES = "<d:like><d:prop><d:getcontenttype/></d:prop><d:literal>image/%</d:literal></d:like>"
NEWEST_FIRST = "<d:orderby><d:order><d:prop><d:getlastmodified/></d:prop><d:descending/></d:order></d:orderby>"


@pytest.fixture(scope="module")
def alice(server: Server) -> Dav:
    """Her album `trip` holds a favourite (and a nested one), a plain photo and a movie; a loose photo lies beside."""
    alice = server.session()
    alice.mkcol("/alice/trip/")
    alice.mkcol("/alice/trip/day 1/")
    alice.put("/alice/trip/sun & sea.jpg", jpeg(), x_favorite="1", x_oc_mtime="1500000000")
    alice.put("/alice/trip/day 1/ü.jpg", jpeg(), x_favorite="1", x_oc_mtime="1600000000")
    alice.put("/alice/trip/plain.jpg", jpeg(), x_oc_mtime="1700000000")
    alice.put("/alice/trip/movie.mov", mov(), x_oc_mtime="1400000000")
    alice.put("/alice/loose.jpg", jpeg(taken="2020:02:02 02:02:02"), x_favorite="1")
    return alice


def report(client: Dav, path: str, favorite: str = "1") -> set[str]:
    return {member.path for member in members(client.report(path, FILTER.format(favorite)))}


def test_favorites_are_listed_where_they_are_filed(alice: Dav) -> None:
    assert report(alice, FILES) == {
        f"{FILES}trip/sun & sea.jpg",
        f"{FILES}trip/day 1/ü.jpg",
        f"{FILES}20-02/loose.jpg",
    }
    assert report(alice, "/alice/trip/day 1/") == {"/alice/trip/day 1/ü.jpg"}


def test_photos_that_are_no_favorites_are_listed_too(alice: Dav) -> None:
    assert report(alice, "/alice/trip/", "0") == {"/alice/trip/plain.jpg", "/alice/trip/movie.mov"}


def test_the_favorites_album_tells_its_copies_and_the_inbox_its_loose_names(alice: Dav) -> None:
    assert report(alice, "/alice/favorites/") == {
        f"/alice/favorites/{name}" for name in alice.names("/alice/favorites/")
    }
    assert report(alice, "/-/inbox/alice/") == {"/-/inbox/alice/loose.jpg"}


def test_a_report_answers_with_the_properties_that_were_asked_for(alice: Dav) -> None:
    (member,) = members(alice.report("/alice/trip/day 1/", FILTER.format("1")))
    assert member.text(f"{OWNCLOUD}favorite") == "1"
    assert member.text(f"{DAV}getetag") == alice.head("/alice/trip/day 1/ü.jpg").headers["ETag"]
    assert member.statuses[f"{OWNCLOUD}nothing"] == 404


def test_reports_that_are_not_offered_are_refused_in_words(alice: Dav) -> None:
    answer = alice.report("/alice/", '<d:expand-property xmlns:d="DAV:"/>')
    assert answer.status_code == 403
    assert condition(answer) == "supported-report"
    assert alice.report("/alice/", "").status_code == 400
    assert alice.report("/alice/trip/plain.jpg", FILTER.format("1")).status_code == 404
    assert alice.report("/bob/", FILTER.format("1")).status_code == 404


def search(
    client: Dav, where: str, *, scope: str = "/files/alice", depth: str = "infinity", rest: str = ""
) -> list[str]:
    body = SEARCH.format(scope=scope, depth=depth, where=where, rest=rest)
    return [member.path for member in members(client.request("SEARCH", "/remote.php/dav/", data=body))]


def test_a_search_finds_favorites_below_the_prefix_that_the_app_uses(alice: Dav) -> None:
    found = search(alice, FAVORITES, scope="/files/alice/trip")
    assert set(found) == {f"{FILES}trip/sun & sea.jpg", f"{FILES}trip/day 1/ü.jpg"}


def test_a_search_is_ordered_and_limited(alice: Dav) -> None:
    rest = f"{NEWEST_FIRST}<d:limit><d:nresults>2</d:nresults></d:limit>"
    found = search(alice, IMAGES, scope="/files/alice/trip", rest=rest)
    assert found == [f"{FILES}trip/plain.jpg", f"{FILES}trip/day 1/ü.jpg"]


def test_a_search_goes_as_deep_as_it_is_told(alice: Dav) -> None:
    scope = f"{FILES}trip"
    assert len(search(alice, IMAGES, scope=scope, depth="1")) == 2
    assert search(alice, "<d:is-collection/>", scope=scope, depth="0") == [f"{scope}/"]
    assert search(alice, "<d:is-collection/>", scope=scope) == [f"{scope}/", f"{scope}/day 1/"]
    assert search(alice, IMAGES, scope=f"{scope}/plain.jpg", depth="0") == [f"{scope}/plain.jpg"]


def test_markup_in_names_is_compared_as_text(alice: Dav) -> None:
    where = "<d:like><d:prop><d:displayname/></d:prop><d:literal>%sun &amp; sea%</d:literal></d:like>"
    assert f"{FILES}trip/sun & sea.jpg" in search(alice, where)


def test_searches_are_refused_where_nothing_may_be_seen(server: Server, alice: Dav) -> None:
    body = SEARCH.format(scope="/files/bob", depth="infinity", where=IMAGES, rest="")
    assert alice.request("SEARCH", "/remote.php/dav/", data=body).status_code == 404
    assert alice.request("SEARCH", "/alice/", data=body).status_code == 403
    assert alice.request("SEARCH", "/remote.php/dav/", data="<x/>").status_code == 400
    body = SEARCH.format(scope="/files/alice/nothing", depth="infinity", where=IMAGES, rest="")
    assert alice.request("SEARCH", "/remote.php/dav/", data=body).status_code == 404
