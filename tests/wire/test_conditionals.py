"""Conditional requests (RFC 9110 §13): every precondition, their order, and what each verb makes of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.dav import DAV, Dav
from support.samples import jpeg
from support.server import Server

BOTH_WAYS = True

MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"
BEFORE = "Tue, 14 Nov 2023 22:13:19 GMT"
AFTER = "Tue, 14 Nov 2023 22:13:21 GMT"
FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


@pytest.fixture
def photo(alice: Dav, album: str) -> str:
    """A photo that was modified at `MODIFIED`."""
    path = album + "x.jpg"
    assert alice.put(path, jpeg(), x_oc_mtime="1700000000").status_code == 201
    return path


@pytest.fixture
def etag(alice: Dav, photo: str) -> str:
    return str(alice.head(photo).headers["ETag"])


def test_tags_are_strong_and_the_same_everywhere(alice: Dav, photo: str, etag: str) -> None:
    assert etag.startswith('"')
    assert alice.get(photo).headers["ETag"] == etag
    assert alice.properties(photo, DAV + "getetag") == {DAV + "getetag": etag}


def test_the_receipt_of_a_put_has_the_tag_that_get_tells(alice: Dav, album: str) -> None:
    stored = alice.put(album + "y.jpg", jpeg(), x_oc_mtime="1500000000")

    assert stored.headers["ETag"] == alice.head(album + "y.jpg").headers["ETag"]


def test_two_writes_in_one_second_have_two_tags(alice: Dav, photo: str) -> None:
    body = jpeg(seed="one")

    tags = {
        alice.put(photo, data, x_oc_mtime="1700000000").headers["ETag"] for data in (body, body.replace(b"one", b"two"))
    }

    assert len(tags) == 2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": "ETAG"}, 304),
        ({"If-None-Match": "W/ETAG"}, 304),  # weak comparison
        ({"If-None-Match": '"other", ETAG'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Modified-Since": MODIFIED}, 304),
        ({"If-Modified-Since": AFTER}, 304),
        ({"If-Modified-Since": BEFORE}, 200),
        ({"If-Modified-Since": "Tuesday, 14-Nov-23 22:13:20 GMT"}, 304),
        ({"If-Modified-Since": "Tue Nov 14 22:13:20 2023"}, 304),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Match": "ETAG"}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"other", ETAG'}, 200),
        ({"If-Match": "W/ETAG"}, 412),  # strong comparison
        ({"If-Match": '"other"'}, 412),
        ({"If-Unmodified-Since": MODIFIED}, 200),
        ({"If-Unmodified-Since": BEFORE}, 412),
        ({"If-Unmodified-Since": "yesterday"}, 200),
        # The order of §13.2.2: a tag decides alone where the date is the same kind of question.
        ({"If-Match": "ETAG", "If-Unmodified-Since": BEFORE}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": FUTURE}, 200),
        ({"If-None-Match": "ETAG", "If-Modified-Since": BEFORE}, 304),
        ({"If-None-Match": "ETAG", "If-Modified-Since": FUTURE}, 304),
        ({"If-Match": '"other"', "If-None-Match": "ETAG"}, 412),
        ({"If-Match": "ETAG", "If-None-Match": "ETAG"}, 304),
    ],
)
def test_reading(alice: Dav, photo: str, etag: str, method: str, headers: dict[str, str], status: int) -> None:
    sent = {name: value.replace("ETAG", etag) for name, value in headers.items()}

    assert alice.request(method, photo, headers=sent).status_code == status


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_304_says_what_a_cache_needs(alice: Dav, photo: str, etag: str, method: str) -> None:
    answer = alice.request(method, photo, headers={"If-None-Match": etag})

    assert answer.status_code == 304
    assert answer.headers["ETag"] == etag
    assert "Cache-Control" in answer.headers
    assert answer.content == b""
    assert answer.headers.get("Content-Length") in (None, "0", alice.head(photo).headers["Content-Length"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": "ETAG"}, 204),
        ({"If-Match": "*"}, 204),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": "W/ETAG"}, 412),
        ({"If-None-Match": "*"}, 412),
        ({"If-None-Match": "ETAG"}, 412),
        ({"If-None-Match": '"other"'}, 204),
        ({"If-Unmodified-Since": BEFORE}, 412),
        ({"If-Unmodified-Since": AFTER}, 204),
        ({"If-Modified-Since": FUTURE}, 204),  # §13.1.3: for GET and HEAD alone
    ],
)
def test_writing_over(alice: Dav, photo: str, etag: str, headers: dict[str, str], status: int) -> None:
    before = alice.get(photo).content
    body = jpeg()
    sent = {name: value.replace("ETAG", etag) for name, value in headers.items()}

    assert alice.request("PUT", photo, headers=sent, data=body).status_code == status

    assert alice.get(photo).content == (body if status == 204 else before)


def test_writing_where_nothing_is(alice: Dav, album: str) -> None:
    assert alice.put(album + "new.jpg", jpeg(), if_match="*").status_code == 412
    assert alice.put(album + "new.jpg", jpeg(), if_match='"any"').status_code == 412
    assert alice.head(album + "new.jpg").status_code == 404
    assert alice.put(album + "new.jpg", jpeg(), if_none_match="*").status_code == 201
    assert alice.put(album + "new.jpg", jpeg(), if_none_match="*").status_code == 412


def test_a_placeholder_is_something(alice: Dav, album: str) -> None:
    assert alice.put(album + "new.jpg", b"", if_none_match="*").status_code == 201
    assert alice.put(album + "new.jpg", jpeg(), if_none_match="*").status_code == 412
    assert alice.put(album + "new.jpg", jpeg(), if_match=alice.head(album + "new.jpg").headers["ETag"]).status_code in (
        201,
        204,
    )


def test_a_loose_name_is_something(alice: Dav) -> None:
    stored = alice.put("/alice/cond.jpg", jpeg(), if_none_match="*")

    assert stored.status_code == 201
    assert alice.put("/alice/cond.jpg", jpeg(), if_none_match="*").status_code == 412
    assert alice.put("/alice/cond.jpg", jpeg(), if_match=stored.headers["ETag"]).status_code == 204


@pytest.mark.parametrize("method", ["DELETE", "MOVE", "COPY", "PROPPATCH", "LOCK"])
def test_every_verb_that_changes_heeds_them(alice: Dav, album: str, photo: str, method: str) -> None:
    body = {
        "PROPPATCH": '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="a:">1</x></prop></set></propertyupdate>',
        "LOCK": '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
    }.get(method)

    refused = alice.request(
        method, photo, headers={"If-Match": '"other"', "Destination": alice.href(album + "y.jpg")}, data=body
    )

    assert refused.status_code == 412
    assert alice.names(album) == {"x.jpg"}


def test_a_refused_upload_is_refused_before_its_body(server: Server, alice: Dav, photo: str) -> None:
    """A phone on a train should not send 4 GB to learn that the name is taken."""
    credentials = alice.get(photo).request.headers["Authorization"]

    answer = server.raw(
        f"PUT {photo} HTTP/1.1\r\nHost: x\r\nAuthorization: {credentials}\r\nIf-None-Match: *\r\n"
        "Content-Length: 4000000000\r\nExpect: 100-continue\r\n\r\n".encode()
    )

    assert answer.startswith(b"HTTP/1.1 412 ")


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "through WsgiDAV"])
def test_a_collections_tag_changes_with_what_is_in_it(start_server: Callable[..., Server], fast: bool) -> None:
    # Without the watcher, which may tell of a new folder once more.
    alice = start_server(sumu={"watch": "off", "fast_reads": fast}).session()
    album, photo = "/alice/trip/", "/alice/trip/x.jpg"
    alice.mkcol(album)
    alice.put(photo, jpeg(), x_oc_mtime="1700000000")

    def tag() -> str | None:
        return alice.properties(album, DAV + "getetag")[DAV + "getetag"]

    seen = [tag()]
    alice.put(photo, jpeg())
    seen.append(tag())
    alice.proppatch(photo, {"{urn:a}x": "1"})
    seen.append(tag())
    alice.mkcol(album + "day/")
    seen.append(tag())
    alice.put(album + "day/a.jpg", jpeg())
    seen.append(tag())
    alice.delete(album + "day/a.jpg")
    seen.append(tag())

    assert None not in seen
    assert len(set(seen)) == len(seen)
    assert tag() == seen[-1], "and with nothing else"
