"""Cyberduck and Mountain Duck, replayed as their source has it: Expect, Content-Range, properties with times."""

from __future__ import annotations

import base64
from email.utils import formatdate, parsedate_to_datetime

from support.dav import DAV, Dav, members
from support.server import password_of
from support.shelf import Shelf

AGENT = {"User-Agent": "Cyberduck/8.9.0.41594 (Mac OS X/14.5) (aarch64)"}
SARDINE = "{SAR:}"
"""The namespace of its WebDAV library, where it keeps a time of its own beside the one that the server told then."""


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


def set_time(alice: Dav, path: str, seconds: float) -> None:
    """Its `DAVTimestampFeature`: the new time, and the server's, by which it knows later whether that is still so."""
    props = [DAV + "getlastmodified", SARDINE + "lastmodified", SARDINE + "lastmodified_server"]
    (found,) = members(alice.propfind(path, "0", props))
    there = parsedate_to_datetime(found.text(DAV + "getlastmodified") or "")
    times = {SARDINE + "lastmodified_server": java(there.timestamp()), SARDINE + "lastmodified": java(seconds)}
    (patched,) = members(alice.proppatch(path, times))
    assert patched.statuses == dict.fromkeys(times, 200)


def shown(alice: Dav, path: str) -> float:
    """Its `DAVAttributesFinderFeature`: its own time, unless another program has changed the file since."""
    told = alice.properties(path, DAV + "getlastmodified", SARDINE + "lastmodified", SARDINE + "lastmodified_server")
    server, own, server_then = [None if text is None else parsedate_to_datetime(text) for text in told.values()]
    assert server is not None
    return (own if own is not None and server_then in (None, server) else server).timestamp()


def java(seconds: float) -> str:
    """A time as it writes it, which is no HTTP date."""
    return formatdate(seconds, usegmt=True).replace("GMT", "UTC")


def test_a_time_is_set_and_shown_again_by_it_and_by_all_others(alice: Dav, shelf: Shelf) -> None:
    name = shelf.new_name()
    path = shelf.path + name
    alice.request("PUT", path, headers=AGENT, data=shelf.photo())

    for seconds in (1_700_000_000, 1_600_000_000):
        set_time(alice, path, seconds)

        assert shown(alice, path) == seconds
        assert shelf.on_disk(name).stat().st_mtime == seconds
        assert alice.properties(path, DAV + "getlastmodified") == {
            DAV + "getlastmodified": formatdate(seconds, usegmt=True)
        }

    alice.put(path, shelf.photo(), x_oc_mtime="1500000000")
    assert shown(alice, path) == 1_500_000_000, "another program's"


def test_versions_that_keep_their_time_alone(alice: Dav, shelf: Shelf) -> None:
    name = shelf.new_name()
    alice.request("PUT", shelf.path + name, headers=AGENT, data=shelf.photo())

    (patched,) = members(alice.proppatch(shelf.path + name, {SARDINE + "lastmodified": java(1_700_000_000)}))

    assert patched.statuses == {SARDINE + "lastmodified": 200}
    assert shelf.on_disk(name).stat().st_mtime == 1_700_000_000
    assert shown(alice, shelf.path + name) == 1_700_000_000


def test_a_download_is_resumed(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    alice.put(shelf.path + name, photo)

    rest = alice.request("GET", shelf.path + name, headers={**AGENT, "Range": "bytes=100-"})

    assert rest.status_code == 206
    assert rest.content == photo[100:]
