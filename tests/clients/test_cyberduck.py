"""Cyberduck and Mountain Duck, replayed: Expect, resuming by Content-Range, times in properties of their own."""

from __future__ import annotations

import base64

from support.dav import DAV, Dav, members
from support.server import password_of
from support.shelf import Shelf

AGENT = {"User-Agent": "Cyberduck/8.9.0.41594 (Mac OS X/14.5) (aarch64)"}
WRITTEN = "Tue, 14 Nov 2023 22:13:20 UTC"
"""A time as it writes it, which is no HTTP date."""

TIMES = {"{DAV:}lastmodified": WRITTEN, "{SAR:}lastmodified": WRITTEN}
"""`{SAR:}lastmodified` is what it reads again; older versions set the other as well."""


def test_a_photo_is_sent_after_100_continue(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    credentials = base64.b64encode(f"alice:{password_of('alice')}".encode()).decode()
    head = (
        f"PUT {shelf.path}{name} HTTP/1.1\r\nHost: photos\r\nAuthorization: Basic {credentials}\r\n"
        f"Content-Length: {len(photo)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )

    with shelf.server.connection() as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(photo)
        assert connection.recv(100).startswith(b"HTTP/1.1 201 ")

    assert shelf.seen(name) == photo


def test_a_refusal_comes_instead_of_100(alice: Dav, shelf: Shelf) -> None:
    head = (
        f"PUT {shelf.path}{shelf.new_name()} HTTP/1.1\r\nHost: photos\r\nContent-Length: 5\r\n"
        "Expect: 100-continue\r\n\r\n"
    )

    assert shelf.server.raw(head.encode()).startswith(b"HTTP/1.1 401 ")


def test_resuming_is_refused_clearly_and_the_whole_is_taken(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    resumed = {**AGENT, "Content-Range": f"bytes 100-{len(photo) - 1}/{len(photo)}"}

    refused = alice.request("PUT", shelf.path + name, headers=resumed, data=photo[100:])
    assert refused.status_code == 400
    assert "send the whole file" in refused.text
    assert alice.head(shelf.path + name).status_code == 404

    assert alice.request("PUT", shelf.path + name, headers=AGENT, data=photo).status_code == 201
    assert shelf.seen(name) == photo


def test_times_are_set_by_its_properties_and_read_again(alice: Dav, shelf: Shelf) -> None:
    name = shelf.new_name()
    path = shelf.path + name
    alice.request("PUT", path, headers=AGENT, data=shelf.photo())

    (patched,) = members(alice.proppatch(path, TIMES))

    assert patched.statuses == dict.fromkeys(TIMES, 200)
    assert alice.properties(path, "{SAR:}lastmodified") == {"{SAR:}lastmodified": WRITTEN}
    assert alice.properties(path, DAV + "getlastmodified") == {DAV + "getlastmodified": "Tue, 14 Nov 2023 22:13:20 GMT"}
    assert shelf.on_disk(name).stat().st_mtime == 1_700_000_000


def test_a_download_is_resumed(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    alice.put(shelf.path + name, photo)

    rest = alice.request("GET", shelf.path + name, headers={**AGENT, "Range": "bytes=100-"})

    assert rest.status_code == 206
    assert rest.content == photo[100:]
