"""What was attacked in servers like this one, a class a test, over HTTP: nothing leaks, nothing stalls, nothing grows.

Dot segments, foreign trees and every verb are `test_isolation.py`'s, markup and foreign sites `test_browser.py`'s,
slow and silent clients `tests/server/test_connections.py`'s.
"""

from __future__ import annotations

import base64
import ctypes
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from support.dav import DAV, Dav, members
from support.samples import jpeg, mov
from support.server import Server, password_of

LOGIN = "Basic " + base64.b64encode(f"alice:{password_of('alice')}".encode()).decode()
LIBC = ctypes.CDLL(None, use_errno=True)
SECRET = b"what lies outside of every tree"


def memory_kib(server: Server) -> int:
    """The resident memory of the server."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


@pytest.fixture
def bounded(server: Server) -> Iterator[None]:
    """The server's memory grows by no more than 50 MB in the test, and another user is answered after it."""
    assert server.session("bob").propfind("/bob/").status_code == 207
    before = memory_kib(server)
    yield
    assert memory_kib(server) - before < 50 * 1024
    assert server.session("bob").propfind("/bob/").status_code == 207


# -- decoders ----------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *more: bytes) -> bytes:
    """A PNG of that size, with whatever chunks."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IEND", b"")


def box(kind: bytes, content: bytes) -> bytes:
    """A box of an MP4 or HEIC."""
    return struct.pack(">I", len(content) + 8) + kind + content


def nested(depth: int) -> bytes:
    """Boxes in boxes."""
    content = b""
    for _ in range(depth):
        content = box(b"moov", content)
    return box(b"ftyp", b"isom\0\0\0\0") + content


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "' + b"ha" * 50 + b'">' + b"".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">'.encode() for n in range(8)
) + b"]>"  # fmt: skip


def xmp(compressed: bytes, text: bytes) -> bytes:
    """A PNG with an XMP packet."""
    return png(1, 1, chunk(b"iTXt", b"XML:com.adobe.xmp\0" + compressed + b"\0\0\0" + text))


HEIC, MP4 = box(b"ftyp", b"heic\0\0\0\0"), box(b"ftyp", b"isom\0\0\0\0")
TIFF = b"II*\0\x08\0\0\0"
MATROSKA = b"\x1aE\xdf\xa3\x01" + b"\xff" * 7

BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "four thousand megapixels": ("a.png", lambda: png(65_000, 65_000, chunk(b"IDAT", zlib.compress(bytes(10**7))))),
    "text that unpacks to a hundred megabytes": ("b.png", lambda: xmp(b"\1", zlib.compress(bytes(10**8), 9))),
    "entities in XMP": ("c.png", lambda: xmp(b"\0", LAUGHS + b"<x>&i;</x>")),
    "a video by the name of a photo": ("d.jpg", lambda: mov()),
    "a photo by the name of a video": ("e.mp4", lambda: jpeg()),
    "a HEIC by the name of a JPEG": ("f.jpg", lambda: HEIC + box(b"meta", bytes(4) + box(b"iloc", b"\xff" * 60))),
    "a thousand boxes in each other": ("g.mov", lambda: nested(1_000)),
    "boxes of no size": ("h.heic", lambda: HEIC + struct.pack(">I", 0) + b"meta" + bytes(100)),
    "a box larger than any disk": ("i.mp4", lambda: MP4 + struct.pack(">I4sQ", 1, b"moov", 2**63)),
    "a directory in itself": ("j.tif", lambda: TIFF + struct.pack("<HHHIII", 1, 0x8769, 4, 1, 8, 8)),
    "a directory of billions": ("k.tif", lambda: TIFF + b"\xff\xff" + struct.pack("<HHII", 306, 2, 2**32 - 1, 8) * 9),
    "EBML of unknown size": ("l.mkv", lambda: MATROSKA + b"\x18S\x80g\x01" + b"\xff" * 7),
    "a script by the name of a photo": ("m.jpg", lambda: b"#!/bin/sh\nid\n<script>alert(1)</script>"),
    "a playlist, as FFmpeg would follow it": ("n.mp4", lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_file_is_kept_as_it_is_and_never_decoded(server: Server, album: str, bounded: None, bomb: str) -> None:
    """Metadata is read by magic bytes, within bounds; a file that lies is a file without metadata."""
    name, make = BOMBS[bomb]
    content, alice = make(), server.session()
    answer = alice.put(album + name, content)
    assert answer.status_code == 201, answer.text
    assert answer.elapsed.total_seconds() < 10
    got = alice.get(album + name)
    assert got.content == content
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "root:" not in alice.propfind(album, "1").text


# -- XML ---------------------------------------------------------------------------------------------------------------

XML_VERBS = {
    "PROPFIND": ("/alice/", "propfind", ""),
    "PROPPATCH": ("/alice/", "propertyupdate", ""),
    "LOCK": ("/alice/", "lockinfo", ""),
    "REPORT": ("/alice/", "filter-files", "http://owncloud.org/ns"),
    "SEARCH": ("/remote.php/dav/", "searchrequest", ""),
    "MKCOL": ("/alice/made by xml/", "mkcol", ""),
}

XML_BODIES: dict[str, Callable[[str, str], bytes]] = {
    "entities in entities": lambda root, ns: LAUGHS + f'<{root} xmlns="{ns}">&i;</{root}>'.encode(),
    "a file of the server": lambda root, ns: (
        f'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><{root} xmlns="{ns}"><prop>&a;</prop></{root}>'
    ).encode(),
    "a foreign definition": lambda root, ns: (
        f'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x"><{root} xmlns="{ns}"/>'.encode()
    ),
    "parameter entities": lambda root, ns: (
        f'<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///etc/passwd">%a;]><{root} xmlns="{ns}"/>'
    ).encode(),
    "deep nesting": lambda root, ns: f'<{root} xmlns="{ns}">'.encode() + b"<a>" * 100_000 + b"</a>" * 100_000,
    "attributes": lambda root, ns: f'<{root} xmlns="{ns}" {" ".join(f"a{n}={n!r}" for n in range(30_000))}/>'.encode(),
    "a huge body": lambda root, ns: f'<{root} xmlns="{ns}">'.encode() + b" " * 4_000_000 + f"</{root}>".encode(),
    "a huge token": lambda root, ns: f'<{root} xmlns="{ns}"><'.encode() + b"a" * 1_000_000,
}


@pytest.mark.parametrize("verb", XML_VERBS)
@pytest.mark.parametrize("in_chunks", [False, True])
def test_xml_that_is_an_attack_is_refused(server: Server, bounded: None, verb: str, in_chunks: bool) -> None:
    path, root, namespace = XML_VERBS[verb]
    alice = server.session()
    for kind, make in XML_BODIES.items():
        body = make(root, namespace or "DAV:")
        data = (body[start : start + 100_000] for start in range(0, len(body), 100_000)) if in_chunks else body
        answer = alice.request(verb, path, headers={"Depth": "0"}, data=data)
        assert answer.status_code in (400, 413, 415), (kind, answer.status_code)
        assert answer.elapsed.total_seconds() < 10, kind
        assert "root:" not in answer.text, kind
        assert len(answer.content) < 2_000, kind


def test_what_one_may_ask_for_at_once_has_an_end(server: Server) -> None:
    many = "".join(f"<p{number}/>" for number in range(1_001))
    asked = server.session().request(
        "PROPFIND", "/alice/", data=f'<propfind xmlns="DAV:"><prop>{many}</prop></propfind>'
    )
    assert asked.status_code == 400
    term = "<eq><prop><getetag/></prop><literal>x</literal></eq>"
    search = (
        '<searchrequest xmlns="DAV:"><basicsearch><select><prop><getetag/></prop></select><from><scope>'
        f"<href>/files/alice</href><depth>infinity</depth></scope></from><where><or>{term * 101}</or></where>"
        "</basicsearch></searchrequest>"
    )
    assert server.session().request("SEARCH", "/remote.php/dav/", data=search).status_code == 400


def test_dead_properties_have_an_end(server: Server, album: str) -> None:
    """No quota counts them, and a photo's are kept in its line of the catalogue."""
    alice = server.session()
    alice.put(album + "x.jpg", jpeg())
    for path in (album, album + "x.jpg"):
        statuses = [alice.proppatch(path, {f"{{urn:x}}p{n}": "x" * 60_000}).status_code for n in range(4)]
        assert statuses == [207, 207, 507, 507]
        assert alice.request("PROPPATCH", path, data=removal("p0")).status_code == 207
        assert alice.proppatch(path, {"{urn:x}small": "fits again"}).status_code == 207
        assert alice.properties(path, "{urn:x}small", "{urn:x}p0") == {"{urn:x}small": "fits again", "{urn:x}p0": None}


def removal(name: str) -> str:
    """The body of a PROPPATCH that removes a property."""
    return f'<propertyupdate xmlns="DAV:"><remove><prop><{name} xmlns="urn:x"/></prop></remove></propertyupdate>'


def test_markup_in_the_names_of_properties_and_owners_of_locks_stays_text(server: Server, album: str) -> None:
    alice = server.session()
    namespace = 'urn:"&gt;&lt;d:href>/bob/&lt;/d:href>&amp;'.replace('"', "&quot;")
    body = f'<propertyupdate xmlns="DAV:"><set><prop><p xmlns="{namespace}">&lt;b/></p></prop></set></propertyupdate>'
    assert alice.request("PROPPATCH", album, data=body.encode()).status_code == 207
    alice.lock(album, owner="</d:owner><d:href>/bob/</d:href>")
    wanted = f'<propfind xmlns="DAV:"><prop><p xmlns="{namespace}"/><q xmlns="{namespace}"/></prop></propfind>'
    names = '<propfind xmlns="DAV:"><propname/></propfind>'
    for asked in (b"", wanted.encode(), names.encode()):
        (member,) = members(alice.request("PROPFIND", album, headers={"Depth": "0"}, data=asked))
        assert member.path == album
        assert [each.text for each in member.found.values() if each.tag.startswith('{urn:"><d:')] in (["<b/>"], [None])


def test_no_name_of_a_property_makes_a_listing_unreadable(server: Server, album: str) -> None:
    """A sync app that can't parse one listing stops syncing: whoever may write one property must not do that."""
    alice = server.session()
    alice.put(album + "x.jpg", jpeg())
    names = (
        '<xml:space/><x xmlns=""/><p xmlns="http://www.w3.org/2000/xmlns"/><a:p xmlns:a="urn:\u2028{"/>'
        '<p xmlns="urn:DAV:"/><d:p xmlns:d="urn:not DAV"/><ü xmlns="urn:\U0001f600"/>'
    )
    for action in ("set", "remove"):
        body = f'<propertyupdate xmlns="DAV:"><{action}><prop>{names}</prop></{action}></propertyupdate>'
        for path in (album, album + "x.jpg"):
            assert alice.request("PROPPATCH", path, data=body.encode()).status_code == 207
        for asked in ("<allprop/>", "<propname/>", f"<prop>{names}</prop>"):
            body = f'<propfind xmlns="DAV:">{asked}</propfind>'
            assert len(members(alice.request("PROPFIND", album, headers={"Depth": "1"}, data=body.encode()))) == 2


@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59Z",
        "1000-01-01",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "9" * 400,
        "1e308",
        "nan",
    ],
)
def test_a_time_that_no_disk_keeps_is_refused(server: Server, album: str, moment: str) -> None:
    alice = server.session()
    for name in ("x.jpg", "x.txt", ""):
        if name:
            alice.put(album + name, jpeg())
        before = alice.properties(album + name, f"{DAV}getlastmodified")
        (told,) = members(alice.proppatch(album + name, {f"{DAV}getlastmodified": moment}))
        assert told.statuses[f"{DAV}getlastmodified"] == 409
        if name:
            assert alice.properties(album + name, f"{DAV}getlastmodified") == before


# -- exhaustion --------------------------------------------------------------------------------------------------------


def test_locks_of_one_user_have_an_end_and_leave_the_others_theirs(own_server: Server) -> None:
    def take(client: Dav, path: str, count: int) -> Iterator[int]:
        for _ in range(count):
            yield client.lock(path, scope="shared", timeout="Second-4100000000").status_code

    alice = own_server.session()
    alice.mkcol("/alice/a/")
    assert alice.lock("/alice/a/", scope="shared", owner="x" * 5_000).status_code == 413
    assert set(take(alice, "/alice/a/", 1_000)) == {200}
    assert set(take(alice, "/alice/a/", 2)) == {507}
    assert set(take(own_server.session("bob"), "/bob/", 1)) == {200}
    (member,) = members(alice.propfind("/alice/a/", "0", [f"{DAV}lockdiscovery"]))
    timeouts = [each.text or "" for each in member.found[f"{DAV}lockdiscovery"].iter(f"{DAV}timeout")]
    assert len(timeouts) == 1_000
    assert max(int(text.removeprefix("Second-")) for text in timeouts) <= 3_600
    assert alice.put("/alice/b.txt", b"x").status_code == 201


def test_heads_of_strangers_fill_no_memory(server: Server, bounded: None) -> None:
    with requests.Session() as stranger:
        for number in range(1_500):
            url = f"{server.url}x?{number}{'q' * 50_000}"
            assert stranger.get(url, headers={"Destination": f"/{number}{'d' * 8_000}"}, timeout=20).status_code == 401


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\nHost: x\r\n" + "X-Long: " + "x" * 100_000,
        "GET / HTTP/1.1\r\nHost: x\r\n" + "X: y\r\n" * 5_000,
        "GET /" + "x" * 100_000 + " HTTP/1.1\r\nHost: x\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n" + "".join(f"X-{number}: y\r\n" for number in range(5_000)),
    ],
)
def test_a_flood_in_the_head_is_refused(server: Server, bounded: None, head: str) -> None:
    answer = server.raw(head.encode() + b"\r\n\r\n")
    assert answer.split(b" ")[1] in (b"431", b"414", b"400")
    assert b"Connection: close" in answer


def test_the_body_of_a_stranger_is_not_kept(server: Server, bounded: None) -> None:
    def flood() -> Iterator[bytes]:
        for _ in range(1_000):
            yield bytes(100_000)

    for data in (flood(), bytes(100_000_000)):
        try:
            answer = requests.put(server.url + "alice/flood.jpg", data=data, timeout=20)
            assert answer.status_code == 401
        except requests.ConnectionError:
            pass  # the server has answered and closed while we were still sending
    assert not (server.plex / "alice" / "flood.jpg").exists()


# -- smuggling ---------------------------------------------------------------------------------------------------------

INNER = f"DELETE /alice/kept.txt HTTP/1.1\r\nHost: x\r\nAuthorization: {LOGIN}\r\nContent-Length: 0\r\n\r\n"

AMBIGUOUS = (
    "Content-Length: 4\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 4",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding : chunked",
    " Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked\x0b",
    "Content-Length: 4\r\nContent-Length: 5",
    "Content-Length: +4",
    "Content-Length: 4, 4",
    "Content-Length: 0x4",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\rTransfer-Encoding: chunked",
)


def statuses(answers: bytes) -> list[bytes]:
    """The status of each answer that came over one connection."""
    return [line.split(b" ")[1] for line in answers.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


@pytest.mark.parametrize("framing", AMBIGUOUS)
def test_a_request_that_two_servers_read_in_two_ways_is_read_in_none(server: Server, framing: str) -> None:
    server.session().put("/alice/kept.txt", b"kept")
    head = f"PUT /alice/smuggled.txt HTTP/1.1\r\nHost: x\r\nAuthorization: {LOGIN}\r\n{framing}\r\n\r\n"
    answers = server.raw((head + "0\r\n\r\n" + INNER).encode("latin-1"))
    assert len(statuses(answers)) == 1
    assert statuses(answers)[0] in (b"400", b"501")
    assert server.session().get("/alice/kept.txt").content == b"kept"


@pytest.mark.parametrize("verb", ["PUT", "GET", "DELETE", "MKCOL", "PROPFIND", "OPTIONS", "MOVE", "UNLOCK", "BREW"])
@pytest.mark.parametrize("login", [None, LOGIN, "Basic " + base64.b64encode(b"alice:wrong").decode()])
def test_a_refused_body_is_never_the_next_request(server: Server, verb: str, login: str | None) -> None:
    """Whether its length was announced or not, and whatever the verb makes of a body."""
    server.session().put("/alice/kept.txt", b"kept")
    head = f"{verb} /bob/refused HTTP/1.1\r\nHost: x\r\n" + (f"Authorization: {login}\r\n" if login else "")
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(INNER):x}\r\n{INNER}\r\n0\r\n\r\n"
    whole = f"{head}Content-Length: {len(INNER)}\r\n\r\n{INNER}"
    for request in (chunked, whole):
        answers = statuses(server.raw(request.encode(), timeout=1))
        assert len(answers) == 1, answers
        assert server.session().get("/alice/kept.txt").content == b"kept"


# -- links that change -------------------------------------------------------------------------------------------------


def exchange(one: Path, other: Path) -> None:
    """Let two names change places in one step (renameat2(2), RENAME_EXCHANGE)."""
    here, at_once = -100, 2
    assert LIBC.renameat2(here, bytes(one), here, bytes(other), at_once) == 0, os.strerror(ctypes.get_errno())


def test_a_link_swapped_in_between_check_and_use_leads_nowhere(server: Server, tmp_path: Path) -> None:
    """A folder, and a file, that are what they seem in one moment and a link out of the tree in the next."""
    alice = server.session()
    for name in ("swapped/", "swapped/inner/"):
        alice.mkcol("/alice/" + name)
    alice.put("/alice/swapped/inner/x.txt", b"inside")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.txt").write_bytes(SECRET)
    folder = server.plex / "alice" / "swapped"
    (folder / "real").mkdir()
    (folder / "real" / "x.txt").write_bytes(b"inside")
    os.symlink(outside, folder / "away")
    os.symlink(outside / "x.txt", folder / "link")
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            exchange(folder / "inner", folder / "away")
            exchange(folder / "real" / "x.txt", folder / "link")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(60):
            for path in ("/alice/swapped/inner/x.txt", "/alice/swapped/real/x.txt"):
                got = alice.get(path)
                assert got.status_code in (200, 404), got.status_code
                assert SECRET not in got.content
            for answer in (
                alice.put(f"/alice/swapped/inner/{number}.txt", b"written"),
                alice.copy("/alice/swapped/real/x.txt", f"/alice/copy-{number}.txt"),
                alice.delete(f"/alice/swapped/inner/{number}.txt"),
                alice.propfind("/alice/swapped/inner/", "1"),
            ):
                assert answer.status_code < 500 or answer.status_code == 503, answer.text
                assert SECRET.decode() not in answer.text
    finally:
        over.set()
        swapping.join()
    assert {each.name for each in outside.iterdir()} == {"x.txt"}
    assert (outside / "x.txt").read_bytes() == SECRET
    copies = list(server.plex.rglob("copy-*.txt"))
    assert copies
    assert {path.read_bytes() for path in copies} == {b"inside"}


# -- other sites -------------------------------------------------------------------------------------------------------


def test_pages_of_other_origins_are_allowed_where_the_settings_say_so(
    server: Server, start_server: Callable[..., Server]
) -> None:
    friend, foe = "https://gallery.example", "https://evil.example"
    allowing = start_server(sumu={"cors": [friend]})
    for asked, origin, allowed in ((server, friend, False), (allowing, foe, False), (allowing, friend, True)):
        wish = {
            "Origin": origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization",
        }
        before = requests.options(asked.url + "alice/x.txt", headers=wish, timeout=20)
        assert before.status_code == (204 if allowed else 401)
        assert before.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
        written = asked.session().put("/alice/x.txt", b"x", origin=origin, sec_fetch_site="cross-site")
        assert written.status_code == (201 if allowed else 403)
        assert written.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
        assert "Access-Control-Allow-Credentials" not in {**before.headers, **written.headers}
