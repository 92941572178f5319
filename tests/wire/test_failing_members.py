"""COPY, MOVE and DELETE of a collection in which a member stands in the way: 207 that names it (RFC 4918 §9.6.1,
§9.8.5, §9.9.4). MOVE and DELETE are done whole or not at all; COPY leaves out what can't be copied.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.dav import condition, failures, members, token_of
from support.folders import all_below, make, name_of, records
from support.refusals import refused
from support.samples import jpeg
from support.server import Server

# Locks


def test_a_member_that_another_holds_locked_keeps_its_collection(server: Server, album: str) -> None:
    alice, root = server.session(), server.session("root")
    make(alice, f"{album}one/")
    token = token_of(root.lock(f"{album}one/sub/b.jpg"))
    before = all_below(alice, album)
    for answer in (alice.delete(f"{album}one/"), alice.move(f"{album}one/", f"{album}two/")):
        assert failures(answer) == {f"{album}one/sub/b.jpg": 423}
        (member,) = members(answer)
        assert member.condition == "lock-token-submitted"
    assert all_below(alice, album) == before
    root.unlock(f"{album}one/sub/b.jpg", token)
    assert alice.delete(f"{album}one/").status_code == 204


def test_each_member_that_is_locked_is_named(server: Server, album: str) -> None:
    """RFC 4918 §9.6.1; by the spelling in which the collection was asked for, and a collection with its slash."""
    alice, root = server.session(), server.session("root")
    make(alice, f"{album}ö ne/")
    alice.put(f"{album}ö ne/sub/told with its folder.jpg", jpeg(), x_favorite="1")
    tokens = {path: token_of(root.lock(path, depth="infinity")) for path in (f"{album}ö ne/a.jpg", f"{album}ö ne/sub/")}
    before = all_below(alice, album)
    expected = dict.fromkeys(tokens, 423)
    assert failures(alice.delete(f"{album}ö ne/")) == expected
    other = f"/remote.php/dav/files{album}ö ne"
    assert failures(alice.delete(other)) == {f"/remote.php/dav/files{path}": 423 for path in expected}
    assert all_below(alice, album) == before
    for path, token in tokens.items():
        root.unlock(path, token)
    assert alice.delete(f"{album}ö ne/").status_code == 204


def test_a_member_that_is_locked_by_another_of_its_names_keeps_its_collection(server: Server, album: str) -> None:
    alice, root = server.session(), server.session("root")
    alice.mkcol(f"{album}one/")
    alice.put(f"{album}one/locked as a copy.jpg", jpeg(), x_favorite="1")
    token = token_of(root.lock("/alice/favorites/locked as a copy.jpg"))
    for answer in (alice.delete(f"{album}one/"), alice.move(f"{album}one/", f"{album}two/")):
        assert failures(answer) == {f"{album}one/locked as a copy.jpg": 423}
    root.unlock("/alice/favorites/locked as a copy.jpg", token)
    token = token_of(root.lock(f"{album}one/locked as a copy.jpg"))
    assert failures(alice.delete("/alice/favorites/")) == {"/alice/favorites/locked as a copy.jpg": 423}
    assert "locked as a copy.jpg" in alice.names("/alice/favorites/")
    root.unlock(f"{album}one/locked as a copy.jpg", token)
    assert alice.delete(f"{album}one/").status_code == 204


def test_a_lock_on_the_collection_itself_or_above_is_423(server: Server, album: str) -> None:
    alice, root = server.session(), server.session("root")
    make(alice, f"{album}one/")
    alice.mkcol(f"{album}other/")
    for locked, depth in ((album, "0"), (album, "infinity"), (f"{album}one/", "0")):
        token = token_of(root.lock(locked, depth=depth))
        for answer in (alice.delete(f"{album}one/"), alice.move(f"{album}one/", "/alice/elsewhere/")):
            refused(answer, 423)
            assert condition(answer) == "lock-token-submitted"
            assert f"<d:href>{locked}</d:href>" in answer.text
        root.unlock(locked, token)


def test_a_member_of_what_is_replaced_that_another_holds_locked_keeps_a_move_from_it(
    server: Server, album: str
) -> None:
    alice, root = server.session(), server.session("root")
    make(alice, f"{album}one/")
    make(alice, f"{album}two/")
    token_of(root.lock(f"{album}two/sub/b.jpg"))
    before = all_below(alice, album)
    assert failures(alice.move(f"{album}one/", f"{album}two/")) == {f"{album}two/sub/b.jpg": 423}
    assert all_below(alice, album) == before


@pytest.mark.parametrize("locked", ["sub/b.jpg", "sub/"])
def test_a_copy_leaves_what_another_holds_locked_as_it_is(server: Server, album: str, locked: str) -> None:
    """RFC 4918 §9.8.8: all else is copied, and the collections that hold what is locked stay."""
    alice, root = server.session(), server.session("root")
    new = make(alice, f"{album}one/")
    alice.mkcol(f"{album}one/new/")
    alice.proppatch(f"{album}one/sub/", {"{x:}note": "new"})
    old = make(alice, f"{album}two/")
    alice.put(f"{album}two/sub/goes.jpg", jpeg())
    alice.proppatch(f"{album}two/sub/b.jpg", {"{x:}note": "old"})
    etag = alice.head(f"{album}two/sub/b.jpg").headers["ETag"]
    identity = records(server, album)[f"{name_of(album)}/two/sub/b.jpg"]["id"]
    token = token_of(root.lock(album + "two/" + locked, depth="infinity"))

    assert failures(alice.copy(f"{album}one/", f"{album}two/")) == {f"{album}two/{locked}": 423}

    assert alice.get(f"{album}two/sub/b.jpg").content == old["sub/b.jpg"]
    assert alice.head(f"{album}two/sub/b.jpg").headers["ETag"] == etag
    assert alice.properties(f"{album}two/sub/b.jpg", "{x:}note") == {"{x:}note": "old"}
    assert records(server, album)[f"{name_of(album)}/two/sub/b.jpg"]["id"] == identity
    assert alice.get(f"{album}two/a.jpg").content == new["a.jpg"]
    whole = locked == "sub/"
    shape = all_below(alice, f"{album}one/") - {"empty.jpg"} | ({"sub/goes.jpg"} if whole else set())
    assert all_below(alice, f"{album}two/") == shape
    assert alice.get(f"{album}two/sub/.hidden").content == (old if whole else new)["sub/.hidden"]
    assert alice.properties(f"{album}two/sub/", "{x:}note") == {"{x:}note": None if whole else "new"}
    assert alice.put(f"{album}two/sub/b.jpg", jpeg()).status_code == 423
    root.unlock(album + "two/" + locked, token)
    assert alice.copy(f"{album}one/", f"{album}two/").status_code == 204
    assert all_below(alice, f"{album}two/") == all_below(alice, f"{album}one/") - {"empty.jpg"}


def test_a_copy_does_not_put_a_file_where_a_collection_must_stay(server: Server, album: str) -> None:
    alice, root = server.session(), server.session("root")
    for folder in ("one/", "two/", "two/x.jpg/"):
        alice.mkcol(album + folder)
    alice.put(f"{album}one/x.jpg", jpeg())
    alice.put(f"{album}two/x.jpg/locked.jpg", jpeg())
    token_of(root.lock(f"{album}two/x.jpg/locked.jpg"))
    answer = alice.copy(f"{album}one/", f"{album}two/")
    assert failures(answer) == {f"{album}two/x.jpg/locked.jpg": 423, f"{album}two/x.jpg": 409}
    assert all_below(alice, f"{album}two/") == {"x.jpg/", "x.jpg/locked.jpg"}


def test_locks_of_what_a_copy_replaced_are_gone(server: Server, album: str) -> None:
    """RFC 4918 §7.6, §9.8.4: it was deleted."""
    alice = server.session()
    make(alice, f"{album}one/")
    alice.mkcol(f"{album}two/")
    alice.put(f"{album}two/only here.jpg", jpeg())
    token = token_of(alice.lock(f"{album}two/only here.jpg"))
    answer = alice.copy(f"{album}one/", f"{album}two/", if_=f"<{album}two/only%20here.jpg> (<{token}>)")
    assert answer.status_code == 204, answer.text
    assert alice.put(f"{album}two/only here.jpg", jpeg()).status_code == 201


# What can't be read, or may not come


@pytest.fixture
def without_rights(start_server: Callable[..., Server], needs: Callable[..., None]) -> Server:
    """A server that the rights on files hold for, whoever runs the tests."""
    needs("setpriv")
    if os.geteuid() != 0:
        return start_server()
    return start_server(prefix=("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"))


def album_on(server: Server) -> Path:
    """`/alice/one/`, made by its owner."""
    alice = server.session()
    make(alice, "/alice/one/")
    return server.plex / "alice" / "one"


def test_a_copy_leaves_out_what_cannot_be_read(without_rights: Server) -> None:
    folder, alice = album_on(without_rights), without_rights.session()
    alice.mkcol("/alice/one/closed/")
    for path in ("sub/c.jpg", "closed/d.jpg"):
        alice.put(f"/alice/one/{path}", jpeg())
    for path in ("a.jpg", "notes.txt", "sub/b.jpg", "closed"):
        (folder / path).chmod(0)
    try:
        answer = alice.copy("/alice/one/", "/alice/two/")
    finally:
        (folder / "closed").chmod(0o755)

    expected = {"a.jpg", "notes.txt", "sub/b.jpg", "closed/"}
    assert failures(answer) == {f"/alice/one/{path}": 403 for path in expected}
    assert all_below(alice, "/alice/two/") == all_below(alice, "/alice/one/") - expected - {"empty.jpg", "closed/d.jpg"}
    assert set(records(without_rights, "/alice/two/")) == {"two/sub/c.jpg"}
    assert not list((without_rights.plex / ".sumu" / "uploads").iterdir())


def test_a_copy_over_another_with_what_cannot_be_read(without_rights: Server) -> None:
    """What is replaced goes whole: no old member stays under the name of one that failed."""
    folder, alice = album_on(without_rights), without_rights.session()
    make(alice, "/alice/two/")
    (folder / "a.jpg").chmod(0)
    assert failures(alice.copy("/alice/one/", "/alice/two/")) == {"/alice/one/a.jpg": 403}
    assert all_below(alice, "/alice/two/") == all_below(alice, "/alice/one/") - {"a.jpg", "empty.jpg"}


def test_a_collection_that_cannot_be_read_is_refused_itself(without_rights: Server) -> None:
    folder, alice = album_on(without_rights), without_rights.session()
    folder.chmod(0)
    try:
        refused(alice.copy("/alice/one/", "/alice/two/"), 403)
    finally:
        folder.chmod(0o755)
    assert alice.names("/alice/") == {"one/", "favorites/"}


def test_a_move_into_sight_is_not_made_where_a_member_cannot_be_read(without_rights: Server) -> None:
    alice = without_rights.session()
    alice.mkcol("/alice/.new/")
    for name in ("a.jpg", "b.jpg"):
        alice.put(f"/alice/.new/{name}", jpeg())
    (without_rights.plex / ".sumu" / "users" / "alice" / ".new" / "b.jpg").chmod(0)
    assert failures(alice.move("/alice/.new/", "/alice/new/")) == {"/alice/.new/b.jpg": 403}
    assert alice.names("/alice/.new/") == {"a.jpg", "b.jpg"}
    assert alice.names("/alice/") == {".new/", "favorites/"}
    assert without_rights.catalog() == []


@pytest.mark.parametrize(
    ("closed", "mode", "kept"),
    [
        ("sub", 0o555, {"sub/b.jpg", "sub/c.txt"}),
        ("sub", 0, {"sub/"}),
        ("", 0o555, {"a.jpg", "notes.txt", "sub/"}),
    ],
)
def test_a_collection_stays_whole_where_members_cannot_be_taken_out_of_it(
    without_rights: Server, closed: str, mode: int, kept: set[str]
) -> None:
    """RFC 4918 §9.6.1; and so does one that COPY or MOVE would replace."""
    folder, alice = album_on(without_rights), without_rights.session()
    alice.put("/alice/one/sub/c.txt", b"note")
    make(alice, "/alice/two/")
    before = all_below(alice, "/alice/")
    (folder / closed).chmod(mode)
    try:
        answers = [
            alice.delete("/alice/one/"),
            alice.copy("/alice/two/", "/alice/one/"),
            alice.move("/alice/two/", "/alice/one/"),
        ]
    finally:
        (folder / closed).chmod(0o755)
    for answer in answers:
        assert failures(answer) == {f"/alice/one/{path}": 403 for path in kept}
    assert all_below(alice, "/alice/") == before
    assert alice.delete("/alice/one/").status_code == 204


def test_a_refusal_by_the_disk_names_what_a_person_knows(without_rights: Server) -> None:
    folder, alice = album_on(without_rights), without_rights.session()
    folder.chmod(0o555)
    try:
        assert "/alice/one/a.jpg" in refused(alice.delete("/alice/one/a.jpg"), 403)
    finally:
        folder.chmod(0o755)


def test_a_copy_leaves_out_what_may_not_have_its_name(own_server: Server) -> None:
    """A folder that another program has made, and that Plex skips with all that is in it."""
    folder, alice = album_on(own_server), own_server.session()
    for name in ("x_UNPACK_1", "sub/lost+found"):
        (folder / name).mkdir()
        (folder / name / "in it.jpg").write_bytes(jpeg())
    expected = {"x_UNPACK_1/", "sub/lost+found/"}
    assert failures(alice.copy("/alice/one/", "/alice/two/")) == {f"/alice/two/{path}": 403 for path in expected}
    missing = expected | {f"{path}in it.jpg" for path in expected} | {"empty.jpg"}
    assert all_below(alice, "/alice/two/") == all_below(alice, "/alice/one/") - missing


def test_a_copy_that_becomes_too_deep_stops_there(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/one/")
    deep = "/alice/one/" + "d/" * 62
    for depth in range(1, 63):
        alice.mkcol("/alice/one/" + "d/" * depth)
    alice.put(f"{deep}a.jpg", jpeg())
    alice.mkcol("/alice/two/")
    assert failures(alice.copy("/alice/one/", "/alice/two/one/")) == {f"/alice/two{deep[6:]}a.jpg": 403}
    assert all_below(alice, "/alice/two/") == {"one/" + "d/" * depth for depth in range(63)}


def test_a_copy_beyond_the_quota_is_not_begun(own_server: Server) -> None:
    """Half an album would help nobody: one status for all of it, and what was to be replaced is still there."""
    alice = own_server.session()
    for folder in ("/alice/one/", "/alice/two/"):
        alice.mkcol(folder)
        for name in ("a.txt", "b.txt"):
            assert alice.put(folder + name, folder.encode() * 20_000).status_code == 201
    assert own_server.command("user", "change", "alice", "--quota", "1M").returncode == 0
    before = own_server.files()
    for target in ("/alice/two/", "/alice/three/"):
        refused(alice.copy("/alice/one/", target), 507)
        assert own_server.files() == before
