"""`Expect: 100-continue` (RFC 9110 §10.1.1): a body is asked for when nothing can refuse it any more."""

from __future__ import annotations

import base64

import pytest

from support.dav import token_of
from support.samples import jpeg
from support.server import Server, password_of
from support.toy import Client

LARGE = 3_000_000

ALICE = "Authorization: Basic " + base64.b64encode(f"alice:{password_of('alice')}".encode()).decode()
WRONG = "Authorization: Basic " + base64.b64encode(b"alice:a guess").decode()


def asked(server: Server, request: str, *fields: str, length: int | None = LARGE) -> int:
    """The status of the first thing that the server says; no byte of the body is sent."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    with server.connection() as sock:
        client = Client(sock)
        client.send("\r\n".join([f"{request} HTTP/1.1", "Host: x", framing, "Expect: 100-continue", *fields, "", ""]))
        return client.answer().status


@pytest.mark.parametrize("length", [LARGE, None])
def test_a_body_that_is_wanted_is_asked_for_once(server: Server, album: str, length: int | None) -> None:
    body = jpeg(pad=LARGE)
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {len(body)}"
    with server.connection() as sock:
        client = Client(sock)
        for _ in range(2):
            client.send(f"PUT {album}a.jpg HTTP/1.1\r\nHost: x\r\n{ALICE}\r\n{framing}\r\nExpect: 100-continue\r\n\r\n")
            assert client.answer().status == 100
            client.send(body if length is not None else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
            assert client.answer().status in (201, 204)
    assert server.session().get(f"{album}a.jpg").content == body


@pytest.mark.parametrize("length", [LARGE, None])
def test_what_is_refused_is_not_asked_for(server: Server, album: str, length: int | None) -> None:
    alice = server.session()
    alice.put(f"{album}there.jpg", jpeg())
    alice.put(f"{album}locked.jpg", jpeg())
    token = token_of(alice.lock(f"{album}locked.jpg"))
    alice.mkcol(f"{album}held/")
    held = token_of(alice.lock(f"{album}held/", depth="infinity"))
    refused = {
        "nobody": asked(server, f"PUT {album}a.jpg", length=length),
        "a guess": asked(server, f"PUT {album}a.jpg", WRONG, length=length),
        "a foreign tree": asked(server, "PUT /bob/a/a.jpg", ALICE, length=length),
        "a name that Plex trips over": asked(server, f"PUT {album}lost+found/a.jpg", ALICE, length=length),
        "no such album": asked(server, f"PUT {album}missing/a.jpg", ALICE, length=length),
        "a lock of the album": asked(server, f"PUT {album}held/new.jpg", ALICE, length=length),
        "a lock of the file": asked(server, f"PUT {album}locked.jpg", ALICE, length=length),
        "something there": asked(server, f"PUT {album}there.jpg", ALICE, "If-None-Match: *", length=length),
        "nothing there": asked(server, f"PUT {album}new.jpg", ALICE, 'If-Match: "x"', length=length),
        "another token": asked(server, f"PUT {album}locked.jpg", ALICE, "If: (<urn:uuid:none>)", length=length),
        "no upload": asked(server, "PUT /remote.php/dav/uploads/alice/none/00001", ALICE, length=length),
        "a verb without a body": asked(server, f"MKCOL {album}made/", ALICE, "Content-Type: x/y", length=length),
        "an unknown verb": asked(server, f"BREW {album}", ALICE, length=length),
    }
    assert 100 not in refused.values(), refused
    assert all(400 <= status < 600 for status in refused.values()), refused
    assert [
        refused[why] for why in ("nobody", "a guess", "a lock of the file", "something there", "nothing there")
    ] == [*(401, 401, 423, 412, 412)]
    alice.unlock(f"{album}locked.jpg", token)
    alice.unlock(f"{album}held/", held)


@pytest.mark.parametrize(
    ("verb", "status"),
    [("PROPFIND", 413), ("PROPPATCH", 413), ("LOCK", 413), ("REPORT", 413), ("SEARCH", 413), ("MKCOL", 415)],
)
def test_xml_that_is_announced_too_large_is_not_asked_for(server: Server, album: str, verb: str, status: int) -> None:
    path = {"MKCOL": f"{album}made/", "SEARCH": "/remote.php/dav/"}.get(verb, album)
    assert asked(server, f"{verb} {path}", ALICE, "Content-Type: application/xml", "Depth: 0") == status
