"""What the running server writes about requests: no secret, in neither form, whatever became of the request."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from support.dav import OWNCLOUD
from support.samples import jpeg
from support.server import Server, password_of

SECRETS = {
    "query": "QUERYSECRET",
    "path": "USERINFO",
    "bearer": "BEARERTOKEN",
    "cookie": "COOKIESECRET",
    "guess": "GUESSED",
    "body": "BODYSECRET",
    "destination": "DESTINATION",
    "plex": "PLEXTOKEN",
    "metrics": "METRICSTOKEN",
}
GUESS = base64.b64encode(f"alice:{SECRETS['guess']}".encode()).decode()
RIGHT = base64.b64encode(f"alice:{password_of('alice')}".encode()).decode()

REFUSED_HEADS = (
    "GET /?token={query} HTTP/1.1\r\n\r\n",  # no Host
    "GET http://alice:{path}@x/alice/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /alice/?{query} HTTP/3.7\r\nHost: x\r\n\r\n",
    "GET /alice/#{query} HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /alice/ x {query} HTTP/1.1\r\nHost: x\r\n\r\n",
    "{query}\r\n\r\n",
    "\x16\x03\x01{query}\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\nAuthorization: Basic {bearer}2\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nCookie : session={cookie}\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nCookie: session={cookie}\r\nX: \x01\r\n\r\n",
    "PUT /?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n{body}",
    "GET /?{query} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}" + "x" * 70_000,
    "GET /?{query} HTTP/1.1\r\nHost: x\r\nExpect: {body}\r\n\r\n",
)
READ_HEADS = (
    "GET /alice/?token={query}&X-Plex-Token={plex} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + RIGHT + "\r\n",
    "GET /alice/%3F?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + GUESS + "\r\n",
    "GET /-/metrics?token={metrics} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\n",
    "GET /-/metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {metrics}\r\n",
    "GET http://x/alice/?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Digest {bearer}\r\n",
    "MOVE /alice/none?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + RIGHT + "\r\n"
    "Destination: http://alice:{destination}@x/alice/other?{destination}\r\n",
    "PUT /alice/t/a.jpg?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + RIGHT + "\r\nContent-Length: zehn\r\n",
    "PROPFIND /alice/?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + RIGHT + "\r\n"
    "Content-Type: text/xml\r\nContent-Length: 10\r\n\r\n{body}",
)


@pytest.mark.parametrize("style", ["text", "json"])
def test_no_line_tells_a_secret(start_server: Callable[..., Server], style: str) -> None:
    plex = {"url": "http://127.0.0.1:9", "token": SECRETS["plex"], "delay_seconds": 0.1}
    server = start_server(
        sumu={"log": {"format": style}, "metrics": {"token": SECRETS["metrics"]}, "plex_server": plex}
    )
    for head in REFUSED_HEADS:
        assert b" 20" not in server.raw(head.format(**SECRETS).encode("latin-1"), timeout=5)[:15], head
    for head in READ_HEADS:
        assert server.raw((head.format(**SECRETS) + "Connection: close\r\n\r\n").encode("latin-1"), timeout=5), head
    alice = server.session()
    alice.mkcol("/alice/t/")
    alice.put("/alice/t/a.jpg", jpeg(), oc_checksum="SHA1:" + SECRETS["body"])
    alice.request("PUT", "/alice/t/b.jpg", data=jpeg(), params={"token": SECRETS["query"]})
    alice.proppatch("/alice/t/", {f"{OWNCLOUD}favorite": SECRETS["body"]})
    assert server.stop() == 0

    log = server.log()
    for line in log.splitlines():
        if line.startswith("{"):
            assert json.loads(line)["status"] in range(600)
    asked = [line for line in log.splitlines() if " GET " in line or '"method": "GET"' in line]
    assert len(asked) >= 5
    assert [name for name, secret in {**SECRETS, "login": RIGHT, "wrong": GUESS}.items() if secret in log] == []
