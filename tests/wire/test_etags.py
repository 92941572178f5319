"""ETags (DESIGN §1): a file's is its bytes', a collection's changes with anything below; and what is asked by them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.dav import DAV, Dav, token_of
from support.refusals import refused
from support.samples import jpeg
from support.server import Server

BOTH_WAYS = True

ETAG = f"{DAV}getetag"
MODIFIED = f"{DAV}getlastmodified"


def etag(session: Dav, path: str) -> str:
    found = session.properties(path, ETAG)[ETAG]
    assert found is not None, path
    return found


def on_disk(server: Server, path: str) -> Path:
    return server.plex / path.strip("/")


# Files


def test_a_file_s_etag_is_strong_quoted_and_the_same_everywhere(server: Server, album: str) -> None:
    alice = server.session()
    put = alice.put(f"{album}a.jpg", jpeg()).headers["ETag"]
    assert put.startswith('"')
    assert put.endswith('"')
    assert alice.get(f"{album}a.jpg").headers["ETag"] == put
    assert alice.head(f"{album}a.jpg").headers["ETag"] == put
    assert alice.get(f"{album}a.jpg", if_none_match=put).headers["ETag"] == put
    assert etag(alice, f"{album}a.jpg") == put


def test_equal_bytes_have_equal_etags_and_other_bytes_have_others(server: Server, album: str) -> None:
    alice = server.session()
    photo = jpeg()
    tags = [alice.put(f"{album}{name}", photo).headers["ETag"] for name in ("a.jpg", "b.jpg")]
    assert len({*tags, alice.put(f"{album}c.jpg", jpeg()).headers["ETag"]}) == 2


def test_two_writes_in_one_second_look_different(server: Server, album: str) -> None:
    alice = server.session()
    for name in ("a.jpg", "notes.txt"):
        first = alice.put(f"{album}{name}", b"one", x_oc_mtime="1700000000").headers["ETag"]
        second = alice.put(f"{album}{name}", b"two", x_oc_mtime="1700000000").headers["ETag"]
        assert first != second


def test_an_etag_stays_through_moves_properties_times_and_a_restart(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    first = alice.put("/alice/trip/a.jpg", jpeg()).headers["ETag"]
    alice.move("/alice/trip/a.jpg", "/alice/trip/b.jpg")
    assert etag(alice, "/alice/trip/b.jpg") == first
    alice.proppatch("/alice/trip/b.jpg", {"{x:}note": "mine", "{urn:sumu}isFavorite": "1"})
    assert etag(alice, "/alice/trip/b.jpg") == first
    assert etag(alice, "/alice/favorites/b.jpg") == first
    alice.proppatch("/alice/trip/b.jpg", {MODIFIED: "Tue, 14 Nov 2023 22:13:20 GMT"})
    assert etag(alice, "/alice/trip/b.jpg") == first
    assert etag(alice, "/alice/favorites/b.jpg") == first
    alice.move("/alice/trip/", "/alice/journey/")
    own_server.restart()
    alice = own_server.session()
    assert etag(alice, "/alice/journey/b.jpg") == first
    assert "Repr-Digest" in alice.head("/alice/journey/b.jpg").headers


def test_a_file_that_another_program_changed_has_another_etag_and_no_digest(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(sumu={"watch": "off"})
    alice = server.session()
    alice.mkcol("/alice/trip/")
    photo = jpeg()
    first = alice.put("/alice/trip/a.jpg", photo).headers["ETag"]
    file = on_disk(server, "/alice/trip/a.jpg")
    times = file.stat()
    file.write_bytes(photo[:-4] + b"\0\0" + photo[-2:])  # of the same size, and of the same time
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    answer = alice.get("/alice/trip/a.jpg")
    assert answer.headers["ETag"] != first
    assert "Repr-Digest" not in answer.headers
    assert alice.get("/alice/trip/a.jpg", if_none_match=first).status_code == 200
    refused(alice.put("/alice/trip/a.jpg", jpeg(), if_match=first), 412)


@pytest.mark.parametrize("change", ["a property", "the flag", "a rename", "the time"])
def test_no_change_beside_the_bytes_makes_them_pass_for_those_that_were_hashed(
    start_server: Callable[..., Server], change: str
) -> None:
    server = start_server(sumu={"watch": "off"})
    alice = server.session()
    alice.mkcol("/alice/trip/")
    photo = jpeg()
    first = alice.put("/alice/trip/a.jpg", photo).headers["ETag"]
    on_disk(server, "/alice/trip/a.jpg").write_bytes(photo[:-4] + b"\0\0" + photo[-2:])

    path = "/alice/trip/a.jpg"
    match change:
        case "a property":
            assert alice.proppatch(path, {"{x:}note": "mine"}).status_code == 207
        case "the flag":
            assert alice.proppatch(path, {"{urn:sumu}isFavorite": "1"}).status_code == 207
        case "a rename":
            assert alice.move(path, "/alice/trip/b.jpg").status_code == 201
            path = "/alice/trip/b.jpg"
        case "the time":
            when = {MODIFIED: "Tue, 14 Nov 2023 22:13:20 GMT"}
            assert alice.proppatch(path, when).status_code == 207
    answer = alice.get(path)
    assert answer.headers["ETag"] != first
    assert "Repr-Digest" not in answer.headers


# Collections


def test_a_collection_s_etag_changes_with_everything_below_it_and_with_nothing_else(
    start_server: Callable[..., Server],
) -> None:
    # Without the watcher, which may tell of a change once more.
    alice, album = start_server(sumu={"watch": "off"}).session(), "/alice/trip/"
    alice.mkcol(album)
    alice.mkcol(f"{album}sub/")
    alice.mkcol(f"{album}beside/")
    seen = {etag(alice, album)}
    beside = etag(alice, f"{album}beside/")
    changes: list[tuple[str, Callable[[], object]]] = [
        ("a file", lambda: alice.put(f"{album}sub/a.jpg", jpeg())),
        ("other bytes", lambda: alice.put(f"{album}sub/a.jpg", jpeg())),
        ("another file", lambda: alice.put(f"{album}sub/notes.txt", b"x")),
        ("a placeholder", lambda: alice.put(f"{album}sub/p.jpg", b"")),
        ("junk", lambda: alice.put(f"{album}sub/.DS_Store", b"x")),
        ("a dead property", lambda: alice.proppatch(f"{album}sub/a.jpg", {"{x:}note": "1"})),
        ("the flag", lambda: alice.proppatch(f"{album}sub/a.jpg", {"{urn:sumu}isFavorite": "1"})),
        ("a folder", lambda: alice.mkcol(f"{album}sub/deep/")),
        ("a folder's property", lambda: alice.proppatch(f"{album}sub/deep/", {"{x:}note": "1"})),
        ("a folder's property gone", lambda: alice.proppatch(f"{album}sub/deep/", removing=["{x:}note"])),
        ("a move", lambda: alice.move(f"{album}sub/a.jpg", f"{album}sub/deep/a.jpg")),
        ("a copy", lambda: alice.copy(f"{album}sub/deep/a.jpg", f"{album}sub/deep/b.jpg")),
        ("a time", lambda: alice.proppatch(f"{album}sub/deep/b.jpg", {MODIFIED: "2001-02-03T04:05:06Z"})),
        ("a folder's move", lambda: alice.move(f"{album}sub/deep/", f"{album}sub/deeper/")),
        ("a file gone", lambda: alice.delete(f"{album}sub/deeper/b.jpg")),
        ("a folder gone", lambda: alice.delete(f"{album}sub/deeper/")),
        ("a placeholder gone", lambda: alice.delete(f"{album}sub/p.jpg")),
    ]  # fmt: skip
    for what, change in changes:
        change()
        now = etag(alice, album)
        assert now not in seen, what
        assert etag(alice, album) == now
        seen.add(now)
    assert etag(alice, f"{album}beside/") == beside


def test_a_user_s_and_the_favorites_etag_change_too(server: Server, album: str) -> None:
    alice = server.session()
    home, favorites = etag(alice, "/alice/"), etag(alice, "/alice/favorites/")
    alice.put(f"{album}f.jpg", jpeg(), x_favorite="1")
    assert etag(alice, "/alice/") != home
    assert etag(alice, "/alice/favorites/") != favorites
    favorites = etag(alice, "/alice/favorites/")
    alice.proppatch(f"{album}f.jpg", {"{urn:sumu}isFavorite": "0"})
    assert etag(alice, "/alice/favorites/") != favorites


def test_a_collection_that_takes_another_s_place_does_not_take_its_etag(server: Server, album: str) -> None:
    alice = server.session()
    for name in ("one", "two"):
        alice.mkcol(f"{album}{name}/")
        alice.mkcol(f"{album}{name}/sub/")
        alice.put(f"{album}{name}/sub/a.jpg", jpeg())
    seen = {path: etag(alice, f"{album}{path}") for path in ("one/", "one/sub/")}

    alice.move(f"{album}one/", f"{album}gone/")
    alice.move(f"{album}two/", f"{album}one/")

    for path, before in seen.items():
        assert etag(alice, f"{album}{path}") != before


def test_a_collection_s_etag_never_repeats_over_a_restart(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    alice.put("/alice/trip/a.jpg", jpeg())
    seen = {etag(alice, "/alice/trip/")}
    for _ in range(2):
        own_server.restart()
        alice = own_server.session()
        alice.put("/alice/trip/a.jpg", jpeg())
        now = etag(alice, "/alice/trip/")
        assert now not in seen
        seen.add(now)


# Conditions


def test_a_put_for_a_new_file_alone_keeps_what_is_there(server: Server, album: str) -> None:
    alice = server.session()
    photo = jpeg()
    assert alice.put(f"{album}a.jpg", photo, if_none_match="*").status_code == 201
    refused(alice.put(f"{album}a.jpg", jpeg(), if_none_match="*"), 412)
    assert alice.get(f"{album}a.jpg").content == photo


def test_if_match_on_nothing_is_412_and_makes_nothing(server: Server, album: str) -> None:
    alice = server.session()
    for value in ("*", '"abc"'):
        refused(alice.put(f"{album}a.jpg", jpeg(), if_match=value), 412)
    assert alice.names(album) == set()


def test_an_old_etag_changes_nothing(server: Server, album: str) -> None:
    alice = server.session()
    old = alice.put(f"{album}a.jpg", jpeg()).headers["ETag"]
    photo = jpeg()
    now = alice.put(f"{album}a.jpg", photo).headers["ETag"]
    for answer in (
        alice.put(f"{album}a.jpg", jpeg(), if_match=old),
        alice.delete(f"{album}a.jpg", if_match=old),
        alice.move(f"{album}a.jpg", f"{album}b.jpg", if_match=old),
        alice.copy(f"{album}a.jpg", f"{album}b.jpg", if_match=old),
        alice.proppatch(f"{album}a.jpg", {"{x:}a": "b"}, if_match=old),
        alice.lock(f"{album}a.jpg", if_match=old),
        alice.put(f"{album}a.jpg", jpeg(), if_=f"([{old}])"),
    ):
        refused(answer, 412)
    assert alice.names(album) == {"a.jpg"}
    assert alice.get(f"{album}a.jpg").content == photo
    assert alice.put(f"{album}a.jpg", photo, if_match=now).status_code == 204
    assert alice.delete(f"{album}a.jpg", if_=f"([{now}])").status_code == 204


def test_a_tagged_if_header_is_followed_with_a_full_url(server: Server, album: str) -> None:
    alice = server.session()
    now = alice.put(f"{album}a.jpg", jpeg()).headers["ETag"]
    url = alice.href(f"{album}a.jpg")
    refused(alice.put(f"{album}a.jpg", jpeg(), if_=f'<{url}> (["no such tag"])'), 412)
    assert alice.put(f"{album}a.jpg", jpeg(), if_=f"<{url}> ([{now}])").status_code == 204


def test_an_unchanged_file_is_not_sent_again(server: Server, album: str) -> None:
    alice = server.session()
    now = alice.put(f"{album}a.jpg", jpeg()).headers["ETag"]
    for method in ("GET", "HEAD"):
        answer = alice.request(
            method,
            f"{album}a.jpg",
            headers={"If-None-Match": now, "If-Modified-Since": "Tue, 14 Nov 2090 22:13:20 GMT"},
        )
        assert answer.status_code == 304
        assert answer.headers["ETag"] == now
        assert answer.content == b""


def test_conditions_are_asked_again_when_the_body_has_come(server: Server, album: str) -> None:
    """Two clients that both saw the same version: the second to finish must not win."""
    alice, other = server.session(), server.session()
    first = alice.put(f"{album}a.jpg", jpeg()).headers["ETag"]
    winner, loser = jpeg(), jpeg()

    def body() -> object:
        yield loser[:100]
        assert other.put(f"{album}a.jpg", winner, if_match=first).status_code == 204
        yield loser[100:]

    refused(alice.put(f"{album}a.jpg", body(), if_match=first), 412)
    assert alice.get(f"{album}a.jpg").content == winner


def test_a_lock_that_is_taken_while_a_body_comes_is_respected(server: Server, album: str) -> None:
    alice, other = server.session(), server.session()
    photo, late = jpeg(), jpeg()
    alice.put(f"{album}a.jpg", photo)
    tokens: list[str] = []

    def body() -> object:
        yield late[:100]
        tokens.append(token_of(other.lock(f"{album}a.jpg")))
        yield late[100:]

    refused(alice.put(f"{album}a.jpg", body()), 423)
    assert alice.get(f"{album}a.jpg").content == photo
    assert other.unlock(f"{album}a.jpg", tokens[0]).status_code == 204
