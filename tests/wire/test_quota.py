"""Quotas on the wire (RFC 4331): 507 before the body where its length is known, in its midst where not."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from support.dav import DAV, Dav, condition
from support.samples import jpeg
from support.server import Server, password_of

KB = 1024
QUOTA = 1024 * KB


@pytest.fixture
def alice(own_server: Server) -> Dav:
    """Alice, who may hold 1 MiB, and has an album."""
    changed = own_server.command("user", "change", "alice", "--quota", "1M")
    assert changed.returncode == 0, changed.stderr
    session = own_server.session()
    assert session.mkcol("/alice/trip/").status_code == 201
    return session


def quota(session: Dav) -> tuple[int, int]:
    """Used and available bytes, as the properties of the user's collection tell them."""
    told = session.properties("/alice/", DAV + "quota-used-bytes", DAV + "quota-available-bytes")
    return int(told[DAV + "quota-used-bytes"] or -1), int(told[DAV + "quota-available-bytes"] or -1)


def test_the_properties_tell_what_is_used_and_what_is_left(alice: Dav) -> None:
    photo = jpeg(pad=100 * KB)

    alice.put("/alice/trip/a.jpg", photo)
    assert quota(alice) == (len(photo), QUOTA - len(photo))
    alice.copy("/alice/trip/a.jpg", "/alice/favorites/a.jpg")
    assert quota(alice) == (2 * len(photo), QUOTA - 2 * len(photo))
    alice.delete("/alice/trip/a.jpg")

    assert quota(alice) == (len(photo), QUOTA)  # what lies in the trash makes room when it has to


def test_what_does_not_fit_is_refused_before_its_body(own_server: Server, alice: Dav) -> None:
    login = base64.b64encode(f"alice:{password_of('alice')}".encode()).decode()
    head = (
        "PUT /alice/trip/a.jpg HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        f"Authorization: Basic {login}\r\nContent-Length: {QUOTA + 1}\r\n\r\n"
    )

    answer = own_server.raw(head.encode())

    assert answer.startswith(b"HTTP/1.1 507 ")
    assert b"quota-not-exceeded" in answer
    assert alice.names("/alice/trip/") == set()


def test_a_body_of_unknown_length_is_refused_when_it_outgrows_the_quota(own_server: Server, alice: Dav) -> None:
    def blocks() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 100 * KB

    answer = alice.put("/alice/trip/a.txt", blocks())

    assert answer.status_code == 507
    assert condition(answer) == "quota-not-exceeded"
    assert alice.names("/alice/trip/") == set()
    assert quota(alice)[0] == 0
    assert own_server.files("alice") == set()


def test_the_oldest_trash_goes_before_an_upload_is_refused(own_server: Server, alice: Dav) -> None:
    for name in ("old", "new"):
        alice.put(f"/alice/trip/{name}.txt", b"x" * 400 * KB)
        alice.delete(f"/alice/trip/{name}.txt")

    assert alice.put("/alice/trip/a.txt", b"x" * 500 * KB).status_code == 201

    listed = own_server.command("trash", "list", "--json")
    assert ("old.txt" in listed.stdout, "new.txt" in listed.stdout) == (False, True), listed.stderr
    assert alice.copy("/alice/trip/a.txt", "/alice/trip/b.txt").status_code == 201
    assert alice.copy("/alice/trip/a.txt", "/alice/trip/c.txt").status_code == 507
    assert alice.put("/alice/trip/d.txt", b"").status_code == 201
