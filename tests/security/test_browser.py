"""What a browser is protected from: pages that users upload, names that are markup, and foreign sites."""

from __future__ import annotations

import pytest

from support.samples import jpeg
from support.server import Server

NASTY = "\"><img src=x onerror=alert(1)>'&amp;<svg onload=alert(2)>"


def test_everything_is_sent_with_nosniff_and_a_sandbox(server: Server, album: str) -> None:
    alice = server.session()
    alice.put(album + "photo.jpg", jpeg())
    answers = [
        alice.get(album + "photo.jpg"),
        alice.get(album),
        alice.propfind(album),
        alice.get(album + "missing.jpg"),
    ]
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"]
        assert "sandbox" in policy or "default-src 'none'" in policy


@pytest.mark.parametrize("name", ["page.html", "page.svg", "page.xhtml", "page.xml", "page.js"])
def test_uploaded_pages_are_for_saving_not_for_showing(server: Server, album: str, name: str) -> None:
    alice = server.session()
    alice.put(album + name, b"<script>alert(1)</script>")
    answer = alice.get(album + name)
    assert answer.content == b"<script>alert(1)</script>"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_names_are_escaped_in_pages_listings_and_errors(server: Server, album: str) -> None:
    alice = server.session()
    name = NASTY.replace("/", "")
    assert alice.put(album + name + ".jpg", jpeg()).status_code == 201
    assert alice.mkcol(album + name).status_code == 201
    page = alice.get(album).text
    assert "<img" not in page
    assert "<svg" not in page
    assert name + ".jpg" in alice.names(album)
    for answer in (alice.get(album + name + "/missing"), alice.mkcol(album + name), alice.put(album + "no/" + name)):
        assert answer.status_code in (404, 405, 409)
        assert "<img" not in answer.text
        assert "<svg" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_foreign_site_can_change_nothing(server: Server, album: str, headers: dict[str, str]) -> None:
    alice = server.session()
    alice.put(album + "photo.jpg", jpeg())
    for verb in ("PUT", "DELETE", "MKCOL", "MOVE", "COPY", "PROPPATCH", "LOCK", "POST"):
        answer = alice.request(verb, album + "photo.jpg", headers={"Destination": "/alice/x.jpg", **headers})
        assert answer.status_code == 403, verb
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert alice.get(album + "photo.jpg", **headers).status_code == 200


def test_our_own_origin_may_write(server: Server, album: str) -> None:
    alice = server.session()
    own = server.url.rstrip("/")
    answer = alice.put(album + "photo.jpg", jpeg(), origin=own, sec_fetch_site="same-origin")
    assert answer.status_code == 201
