"""Parts of a file (RFC 9110 §14): one range, several, none that can be met, and If-Range."""

from __future__ import annotations

from base64 import b64encode
from email.parser import BytesParser
from email.policy import HTTP

import pytest
import requests

from support.dav import Dav
from support.samples import jpeg
from support.server import Server, password_of
from support.toy import Client

BOTH_WAYS = True


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


@pytest.fixture(scope="module")
def body() -> bytes:
    return jpeg(pad=300_000)


@pytest.fixture
def photo(alice: Dav, album: str, body: bytes) -> str:
    path = album + "x.jpg"
    assert alice.put(path, body, x_oc_mtime="1700000000").status_code == 201
    return path


def parts(answer: requests.Response) -> list[tuple[str, bytes]]:
    """The Content-Range and the bytes of each part of a `multipart/byteranges`."""
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + answer.content)
    return [
        (str(part["Content-Range"]), bytes(part.get_content())) for part in message.walk() if not part.is_multipart()
    ]


def test_a_file_says_that_it_has_ranges(alice: Dav, photo: str) -> None:
    assert alice.head(photo).headers["Accept-Ranges"] == "bytes"
    assert alice.get(photo).headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=250000-", 250_000, None),
        ("bytes=-500", -500, None),
        ("bytes=0-", 0, None),
        ("bytes=10-99999999999999999999", 10, None),
        ("bytes=-99999999", 0, None),
        ("Bytes=5-6", 5, 6),
    ],
)
def test_one_range(alice: Dav, photo: str, body: bytes, wanted: str, first: int, last: int | None) -> None:
    answer = alice.get(photo, range=wanted)

    size = len(body)
    start = first % size
    end = size - 1 if last is None else last
    assert answer.status_code == 206
    assert answer.content == body[start : end + 1]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end}/{size}"
    assert answer.headers["Content-Length"] == str(end - start + 1)
    assert answer.headers["ETag"] == alice.head(photo).headers["ETag"]


def test_several_ranges_are_several_parts(alice: Dav, photo: str, body: bytes) -> None:
    answer = alice.get(photo, range="bytes=0-9, 1000-1999, -10")

    assert answer.status_code == 206
    assert answer.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert answer.headers["Content-Length"] == str(len(answer.content))
    size = len(body)
    assert parts(answer) == [
        (f"bytes 0-9/{size}", body[:10]),
        (f"bytes 1000-1999/{size}", body[1000:2000]),
        (f"bytes {size - 10}-{size - 1}/{size}", body[-10:]),
    ]


def test_parts_say_what_they_are_parts_of(alice: Dav, photo: str) -> None:
    assert alice.get(photo, range="bytes=0-1,5-6").content.count(b"Content-Type: image/jpeg\r\n") == 2


def test_ranges_that_overlap_are_one(alice: Dav, photo: str, body: bytes) -> None:
    answer = alice.get(photo, range="bytes=0-99,50-149,150-199")

    assert answer.status_code == 206
    assert answer.content == body[:200]


def test_ranges_that_cant_be_met_are_left_out(alice: Dav, photo: str, body: bytes) -> None:
    assert alice.get(photo, range="bytes=99999999-,0-4").content == body[:5]


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=-0", "bytes=400000-500000,600000-"])
def test_none_that_can_be_met_is_416(alice: Dav, photo: str, body: bytes, wanted: str) -> None:
    answer = alice.get(photo, range=wanted)

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(body)}"


@pytest.mark.parametrize("wanted", ["bytes=5-4", "bytes=a-b", "bytes=", "lines=1-2", "bytes", "bytes=1-2;3-4"])
def test_what_is_no_range_is_passed_over(alice: Dav, photo: str, body: bytes, wanted: str) -> None:
    answer = alice.get(photo, range=wanted)

    assert answer.status_code == 200
    assert answer.content == body


def test_more_ranges_than_anyone_needs_bring_the_whole(alice: Dav, photo: str, body: bytes) -> None:
    """RFC 9110 §14.2: a server may ignore what would cost it more than the file."""
    many = "bytes=" + ",".join(f"{start}-{start}" for start in range(0, 4000, 2))

    answer = alice.get(photo, range=many)

    assert answer.status_code == 200
    assert answer.content == body


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("ETAG", 206),
        ('"other"', 200),
        ("W/ETAG", 200),
        ("Tue, 14 Nov 2023 22:13:20 GMT", 206),
        ("Tue, 14 Nov 2023 22:13:21 GMT", 200),
        ("yesterday", 200),
    ],
)
def test_if_range(alice: Dav, photo: str, condition: str, status: int) -> None:
    etag = alice.head(photo).headers["ETag"]

    answer = alice.get(photo, range="bytes=0-9", if_range=condition.replace("ETAG", etag))

    assert answer.status_code == status


def test_preconditions_come_before_ranges(alice: Dav, photo: str) -> None:
    etag = alice.head(photo).headers["ETag"]

    assert alice.get(photo, range="bytes=0-9", if_none_match=etag).status_code == 304
    assert alice.get(photo, range="bytes=0-9", if_match='"other"').status_code == 412
    assert alice.get(photo, range="bytes=0-9", if_match=etag).status_code == 206


def test_head_has_no_ranges(alice: Dav, photo: str, body: bytes) -> None:
    """RFC 9110 §14.2: Range is defined for GET alone."""
    answer = alice.head(photo, range="bytes=0-9")

    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(len(body))


def test_an_empty_file_has_none(alice: Dav, album: str) -> None:
    alice.put(album + "empty.txt", b"")

    assert alice.get(album + "empty.txt", range="bytes=0-9").status_code == 416
    assert alice.get(album + "empty.txt", range="bytes=-9").status_code in (200, 416)


def test_every_name_of_a_photo_has_them(alice: Dav) -> None:
    body = jpeg(taken="2021:05:06 07:08:09", pad=2000)
    alice.put("/alice/part.jpg", body, x_favorite="1")

    for path in ("/alice/part.jpg", "/alice/21-05/part.jpg", "/alice/favorites/part.jpg", "/-/inbox/alice/part.jpg"):
        assert alice.get(path, range="bytes=100-199").content == body[100:200]


def test_a_put_of_a_part_is_refused_in_words_and_changes_nothing(alice: Dav, photo: str, body: bytes) -> None:
    """RFC 9110 §14.5. Cyberduck resumes by it, and must not have a whole photo replaced by its end."""
    refused = alice.put(photo, b"the end", content_range=f"bytes {len(body)}-{len(body) + 6}/{len(body) + 7}")

    assert refused.status_code == 400
    assert "Content-Range" in refused.text
    assert alice.get(photo).content == body


def test_a_part_of_a_file_leaves_the_connection_as_it_was(server: Server, photo: str, body: bytes) -> None:
    login = b64encode(f"alice:{password_of('alice')}".encode()).decode()
    with server.connection() as sock:
        client = Client(sock)
        for start in (0, 1000, 5):
            answer = client.get(photo, f"Authorization: Basic {login}", f"Range: bytes={start}-{start + 9}")
            assert (answer.status, answer.content) == (206, body[start : start + 10])
            assert "connection" not in answer.headers
    assert "longer than its Content-Length" not in server.log()
