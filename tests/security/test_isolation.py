"""Every verb, by every trick that a path can play, for everyone who has no business there."""

from __future__ import annotations

import base64
import http.client
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.dav import token_of
from support.samples import jpeg
from support.server import Server, password_of

NOTHING_BUT = frozenset((401, 403, 404, 405, 409, 412, 423, 429))

PROPFIND = '<propfind xmlns="DAV:"><allprop/></propfind>'
PROPPATCH = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">1</x></prop></set></propertyupdate>'
LOCKINFO = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
FILTER = (
    '<oc:filter-files xmlns="DAV:" xmlns:oc="http://owncloud.org/ns"><prop><getetag/></prop>'
    "<oc:filter-rules><oc:favorite>1</oc:favorite></oc:filter-rules></oc:filter-files>"
)

VERBS: dict[str, tuple[dict[str, str], str]] = {
    "GET": ({}, ""),
    "HEAD": ({}, ""),
    "PUT": ({}, "evil"),
    "DELETE": ({}, ""),
    "MKCOL": ({}, ""),
    "PROPFIND": ({"Depth": "1"}, PROPFIND),
    "PROPPATCH": ({}, PROPPATCH),
    "LOCK": ({"Depth": "infinity"}, LOCKINFO),
    "UNLOCK": ({"Lock-Token": "<opaquelocktoken:00000000-0000-0000-0000-000000000000>"}, ""),
    "COPY": ({"Destination": "/bob/mine/stolen.jpg"}, ""),
    "MOVE": ({"Destination": "/bob/mine/stolen.jpg"}, ""),
    "REPORT": ({}, FILTER),
    "POST": ({}, "evil"),
    "PATCH": ({}, "evil"),
    "TRACE": ({}, ""),
    "BREW": ({}, ""),
}

TRICKS = (
    "/alice/trip/photo.jpg",
    "/alice/trip/",
    "/alice/",
    "/alice",
    "/alice/loose.jpg",
    "/alice/favorites/photo.jpg",
    "/alice/new.jpg",
    "/alice/new/",
    "/alice/.DS_Store",
    "/alice//trip///photo.jpg",
    "//alice/trip/photo.jpg",
    "/bob/../alice/trip/photo.jpg",
    "/bob/%2e%2e/alice/trip/photo.jpg",
    "/bob/%2E%2E/alice/trip/photo.jpg",
    "/bob/..%2falice/trip/photo.jpg",
    "/bob/mine/..%2f..%2falice/trip/photo.jpg",
    "/bob/%252e%252e/alice/trip/photo.jpg",
    "/bob/..%5calice/trip/photo.jpg",
    "/bob/..\\alice\\trip\\photo.jpg",
    "/bob%2f..%2falice/trip/photo.jpg",
    "/./alice/trip/photo.jpg",
    "/alice/./trip/photo.jpg",
    "/alice/trip/../trip/photo.jpg",
    "/alice%2ftrip%2fphoto.jpg",
    "/alice%00/trip/photo.jpg",
    "/bob%00/../alice/trip/photo.jpg",
    "/alice%c0%af/trip/photo.jpg",
    "/bob/%c0%ae%c0%ae/alice/trip/photo.jpg",
    "/ALICE/trip/photo.jpg",
    "/Alice/trip/photo.jpg",
    "/alice;x=1/trip/photo.jpg",
    "/alice2/trip/photo.jpg",
    "/alic/trip/photo.jpg",
    "/%EF%BD%81lice/trip/photo.jpg",
    "/%D0%B0lice/trip/photo.jpg",
    "/ali%E2%80%8Bce/trip/photo.jpg",
    "/alice%20/trip/photo.jpg",
    "/alice./trip/photo.jpg",
    "/.sumu/users/alice/photo.jpg",
    "/.sumu/trash/alice/",
    "/bob/.sumu/../../alice/trip/photo.jpg",
    "/.sumu/tree-id",
    "/-/inbox/alice/loose.jpg",
    "/-/inbox/alice/",
    "/-/inbox/bob/../alice/loose.jpg",
    "/-/state/accounts.json",
    "/remote.php/dav/files/alice/trip/photo.jpg",
    "/remote.php/dav/files/bob/../alice/trip/photo.jpg",
    "/remote.php/dav/files/alice/",
    "/remote.php/webdav/../../alice/trip/photo.jpg",
    "/remote.php/dav/uploads/alice/some/1",
    "/remote.php/dav/uploads/alice/some/.file",
    "/alice/trip/photo.jpg?user=bob",
    "/bob/link/photo.jpg",
)


@pytest.fixture(scope="module")
def house(server: Server) -> Iterator[Server]:
    """Alice's photos, Bob's own, a reader of Alice's, and links that somebody with a shell made."""
    assert server.command("user", "add", "carol", "--password-stdin", stdin=password_of("carol")).returncode == 0
    assert server.command("user", "share", "alice", "carol").returncode == 0
    alice, bob = server.session("alice"), server.session("bob")
    alice.mkcol("/alice/trip/")
    assert alice.put("/alice/trip/photo.jpg", jpeg(seed=1), x_favorite="1").status_code == 201
    assert alice.put("/alice/loose.jpg", jpeg(seed=2)).status_code == 201
    assert alice.put("/alice/.DS_Store", b"junk").status_code == 201
    bob.mkcol("/bob/mine/")
    assert bob.put("/bob/mine/own.jpg", jpeg(seed=3)).status_code == 201
    (server.plex / "bob" / "link").symlink_to(server.plex / "alice" / "trip")
    (server.plex / "bob" / "linked.jpg").symlink_to(server.plex / "alice" / "trip" / "photo.jpg")
    yield server
    (server.plex / "bob" / "link").unlink()
    (server.plex / "bob" / "linked.jpg").unlink()


def snapshot(server: Server) -> dict[str, object]:
    """All that is Alice's: bytes and times of her files, and her records."""
    found: dict[str, object] = {"records": [record for record in server.catalog() if record["user"] == "alice"]}
    for root in (server.plex / "alice", server.plex / ".sumu" / "users" / "alice", server.plex / ".sumu" / "trash"):
        for folder, _folders, names in os.walk(root):
            for name in names:
                path = Path(folder, name)
                found[str(path)] = (path.read_bytes(), path.stat().st_mtime_ns)
            found[folder] = os.stat(folder).st_mtime_ns
    return found


def send(server: Server, verb: str, path: str, user: str | None, password: str, **headers: str) -> int:
    """One request with the path as it is, byte for byte; the status."""
    extra, body = VERBS[verb]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest(verb, "/", skip_host=True, skip_accept_encoding=True)
    connection._buffer[0] = f"{verb} {path} HTTP/1.1".encode("latin-1")  # type: ignore[attr-defined]
    everything = {"Host": "x", **extra, **headers, "Content-Length": str(len(body))}
    if user is not None:
        everything["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    for name, value in everything.items():
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    status = connection.getresponse().status
    connection.close()
    return status


def revoked_device(server: Server) -> str:
    """The password of a phone that was lost."""
    added = server.command("device", "add", "alice", "lost phone")
    words = [word for word in added.stdout.split() if word.count("-") >= 3]
    assert words, added.stdout
    assert server.command("device", "revoke", "alice", "lost phone").returncode == 0
    return words[0]


def test_nobody_gets_in_where_they_do_not_belong(house: Server) -> None:
    before = snapshot(house)
    strangers = {
        "no account": (None, ""),
        "other user": ("bob", password_of("bob")),
    }
    wrong = []
    for who, (user, password) in strangers.items():
        for verb in VERBS:
            for path in TRICKS:
                status = send(house, verb, path, user, password)
                if status not in NOTHING_BUT:
                    wrong.append((who, verb, path, status))
    assert not wrong
    assert snapshot(house) == before


def test_a_link_that_leads_out_counts_as_nothing(house: Server) -> None:
    """Bob may put a photo of that name into his own tree; nothing of it passes the link."""
    before = snapshot(house)
    bob = house.session("bob")
    for name in ("linked.jpg", "link/"):
        assert bob.get(f"/bob/{name}").status_code == 404
        assert bob.propfind(f"/bob/{name}").status_code == 404
        assert name not in bob.names("/bob/")
    assert bob.copy("/bob/linked.jpg", "/bob/mine/copied.jpg").status_code == 404
    assert bob.put("/bob/linked.jpg", jpeg(seed=9)).status_code == 201
    assert bob.delete("/bob/linked.jpg").status_code == 204
    assert snapshot(house) == before


def test_a_wrong_password_and_a_revoked_device_get_nowhere(house: Server) -> None:
    before = snapshot(house)
    for password in ("wrong", revoked_device(house)):
        for verb in VERBS:
            assert send(house, verb, "/alice/trip/photo.jpg", "alice", password) in (401, 429), verb
            for path in TRICKS:
                assert send(house, verb, path, "alice", password) in NOTHING_BUT, (verb, path)
    assert snapshot(house) == before


def test_a_reader_of_a_share_reads_and_changes_nothing(house: Server) -> None:
    before = snapshot(house)
    reading = {"GET": (200,), "HEAD": (200,), "PROPFIND": (207,), "REPORT": (207, 403)}
    for verb in VERBS:
        for path in TRICKS:
            status = send(house, verb, path, "carol", password_of("carol"), Destination="/carol/stolen.jpg")
            if verb == "COPY" and status in (201, 204):
                continue  # what may be read may be copied into one's own tree
            assert status in (*NOTHING_BUT, *reading.get(verb, ())), (verb, path, status)
    for verb in ("PUT", "DELETE", "MKCOL", "PROPPATCH", "LOCK", "MOVE"):
        assert send(house, verb, "/alice/trip/photo.jpg", "carol", password_of("carol")) == 403, verb
    assert snapshot(house) == before


@pytest.mark.parametrize("verb", ["COPY", "MOVE"])
def test_no_destination_leads_into_a_foreign_tree(house: Server, verb: str) -> None:
    before = snapshot(house)
    bob = house.session("bob")
    for target in TRICKS:
        for destination in (target, f"http://127.0.0.1:{house.port}{target}", f"https://elsewhere.example{target}"):
            status = send(house, verb, "/bob/mine/own.jpg", "bob", password_of("bob"), Destination=destination)
            assert status in (*NOTHING_BUT, 400), (destination, status)
    assert bob.get("/bob/mine/own.jpg").status_code == 200
    assert snapshot(house) == before


def test_a_lock_token_is_no_key_to_a_foreign_tree(house: Server) -> None:
    alice = house.session("alice")
    token = token_of(alice.lock("/alice/trip/photo.jpg"))
    before = snapshot(house)
    for headers in ({"If": f"(<{token}>)"}, {"If": f"</alice/trip/photo.jpg> (<{token}>)"}):
        for verb in ("PUT", "DELETE", "PROPPATCH", "LOCK"):
            status = send(house, verb, "/alice/trip/photo.jpg", "bob", password_of("bob"), **headers)
            assert status in (404, 412), (verb, status)
    assert alice.unlock("/alice/trip/photo.jpg", token).status_code == 204
    assert snapshot(house) == before


def test_an_if_header_tells_nothing_of_a_foreign_tree(house: Server) -> None:
    alice, bob = house.session("alice"), house.session("bob")
    etag = alice.head("/alice/trip/photo.jpg").headers["ETag"]
    right = bob.put("/bob/mine/own2.jpg", b"x", if_=f"</alice/trip/photo.jpg> ([{etag}])")
    wrong = bob.put("/bob/mine/own2.jpg", b"x", if_='</alice/trip/photo.jpg> (["nonsense"])')
    assert (right.status_code, wrong.status_code) == (412, 412)


def test_the_root_shows_only_what_one_may_see(house: Server) -> None:
    assert house.session("bob").names("/") == {"bob/"}
    assert house.session("carol").names("/") == {"carol/", "alice/"}
    assert house.session("root").names("/") >= {"root/", "alice/", "bob/", "carol/"}
    assert house.session("bob").names("/-/inbox/") == {"bob/"}
