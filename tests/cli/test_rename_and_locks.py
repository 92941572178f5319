"""`user rename` with all that is the user's, and `lock list|break`, beside a running server and without one."""

from __future__ import annotations

import json

import pytest

from support.dav import token_of
from support.samples import jpeg
from support.server import Server, password_of


@pytest.mark.parametrize("running", [True, False])
def test_a_renamed_user_keeps_photos_flags_names_properties_and_trash(own_server: Server, running: bool) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    alice.put("/alice/trip/x.jpg", jpeg(seed=1), x_favorite="1")
    alice.proppatch("/alice/trip/x.jpg", {"{urn:x}note": "kept"})
    alice.put("/alice/loose.jpg", jpeg(seed=2))
    alice.put("/alice/trip/gone.jpg", jpeg(seed=3))
    alice.delete("/alice/trip/gone.jpg")
    alice.put("/alice/notes.txt", b"hidden")
    before = {record["id"]: record for record in own_server.catalog()}
    if not running:
        own_server.stop()

    renamed = own_server.command("user", "rename", "alice", "alicia")

    assert renamed.returncode == 0, renamed.stderr
    if not running:
        own_server.start()
    alicia = own_server.session("alicia", password_of("alice"))
    assert alicia.get("/alicia/trip/x.jpg").content == jpeg(seed=1)
    assert alicia.get("/alicia/favorites/x.jpg").content == jpeg(seed=1)
    assert alicia.get("/alicia/loose.jpg").content == jpeg(seed=2)
    assert alicia.get("/alicia/notes.txt").content == b"hidden"
    assert alicia.properties("/alicia/trip/x.jpg", "{urn:x}note") == {"{urn:x}note": "kept"}
    after = {record["id"]: record for record in own_server.catalog()}
    assert after == {key: {**record, "user": "alicia"} for key, record in before.items()}
    listed = json.loads(own_server.command("trash", "list", "--user", "alicia", "--json").stdout)
    assert [entry["name"] for entry in listed] == ["gone.jpg"]
    assert own_server.command("trash", "restore", listed[0]["id"]).returncode == 0
    assert alicia.get("/alicia/trip/gone.jpg").content == jpeg(seed=3)
    assert own_server.session("alice").get("/alice/").status_code == 401


def test_a_name_that_is_taken_is_refused_and_nothing_moves(own_server: Server) -> None:
    own_server.session().put("/alice/x.jpg", jpeg())
    refused = own_server.command("user", "rename", "alice", "BOB")
    assert refused.returncode == 2
    assert "exists already" in refused.stderr
    assert own_server.session().get("/alice/x.jpg").status_code == 200


@pytest.mark.parametrize("running", [True, False])
def test_a_lock_is_listed_and_broken(own_server: Server, running: bool) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    token = token_of(alice.lock("/alice/trip/", depth="infinity"))
    assert alice.put("/alice/trip/x.jpg", jpeg()).status_code == 423
    if not running:
        own_server.stop()
    (listed,) = json.loads(own_server.command("lock", "list", "--json").stdout)
    assert (listed["token"], listed["user"], listed["path"]) == (token, "alice", "/alice/trip")
    assert own_server.command("lock", "break", token).returncode == 0
    if not running:
        own_server.start()
    assert alice.put("/alice/trip/x.jpg", jpeg()).status_code == 201
    assert own_server.command("lock", "break", token).returncode == 1
    assert json.loads(own_server.command("lock", "list", "--json").stdout) == []


def test_locks_outlive_a_restart(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    token = token_of(alice.lock("/alice/trip/"))
    own_server.kill()
    own_server.start()
    assert alice.put("/alice/trip/x.jpg", jpeg()).status_code == 423
    assert alice.put("/alice/trip/x.jpg", jpeg(), if_=f"</alice/trip/> (<{token}>)").status_code == 201
