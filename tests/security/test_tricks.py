"""Tricks that were tried against this server: what a stranger in the house may learn, take, stall or leave behind."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable

import pytest
import requests

from support.dav import DAV, SUMU, members
from support.samples import jpeg
from support.server import Server, password_of

LOCKINFO = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
PROPPATCH = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">1</x></prop></set></propertyupdate>'

VERBS = (
    *("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "MKCOL", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "COPY", "MOVE"),
    *("REPORT", "SEARCH", "POST", "PATCH", "BREW"),
)


@pytest.fixture(scope="module")
def house(server: Server) -> Server:
    """Alice's photos, which carol may read and bob may not."""
    assert server.command("user", "add", "carol", "--password-stdin", stdin=password_of("carol")).returncode == 0
    assert server.command("user", "share", "alice", "carol").returncode == 0
    alice, bob = server.session(), server.session("bob")
    alice.mkcol("/alice/trip/")
    alice.put("/alice/trip/photo.jpg", jpeg(seed=1))
    alice.put("/alice/loose.jpg", jpeg(seed=2))
    bob.mkcol("/bob/mine/")
    bob.put("/bob/mine/own.jpg", jpeg(seed=3))
    return server


def spoken(answer: requests.Response, user: str) -> str:
    """All that an answer says, with the name that was asked for taken out."""
    told = {name: value for name, value in answer.headers.items() if name not in ("Date", "Content-Length")}
    return f"{answer.status_code} {json.dumps(told, sort_keys=True)} {answer.text}".replace(user, "somebody")


def test_a_foreign_tree_answers_as_one_that_is_not_there(house: Server) -> None:
    bob = house.session("bob")
    bodies = {"PROPPATCH": PROPPATCH, "LOCK": LOCKINFO, "PUT": "x"}
    places = (
        *("/{}/", "/{}/trip/", "/{}/trip/photo.jpg", "/{}/nothing/x.jpg", "/-/inbox/{}/loose.jpg"),
        *("/remote.php/dav/files/{}/trip/", "/remote.php/dav/uploads/{}/", "/remote.php/dav/uploads/{}/x/1"),
    )
    headers = {"Depth": "0", "Destination": "/bob/mine/z.jpg", "Lock-Token": "<opaquelocktoken:x>"}
    for verb in VERBS:
        for place in places:
            answers = {
                spoken(bob.request(verb, place.format(user), headers=headers, data=bodies.get(verb, "")), user)
                for user in ("alice", "root", "nobody")
            }
            assert len(answers) == 1, (verb, place)
    for verb in ("COPY", "MOVE"):
        for place in places:
            answers = set()
            for user in ("alice", "root", "nobody"):
                headers = {"Destination": place.format(user), "If": f"<{place.format(user)}> (Not <urn:x>)"}
                answers.add(spoken(bob.request(verb, "/bob/mine/own.jpg", headers=headers), user))
            assert len(answers) == 1, (verb, place)


def test_a_reader_who_favors_gets_a_photo_of_their_own(house: Server) -> None:
    carol = house.session("carol")
    copied = carol.copy("/alice/trip/photo.jpg", "/carol/favorites/photo.jpg")
    assert copied.status_code == 201
    theirs = house.record("alice", "trip", "photo.jpg")
    assert theirs is not None
    assert not theirs["isFavorite"]
    assert [each["isFavorite"] for each in house.catalog() if each["user"] == "carol"] == [True]
    assert carol.proppatch("/alice/trip/photo.jpg", {f"{SUMU}isFavorite": "1"}).status_code == 403


@pytest.mark.parametrize("trick", ["0-," * 5_000 + "0-", ",".join(f"{n}-" for n in range(5_000)), "-1," * 5_000 + "0-"])
def test_ranges_never_send_more_than_the_file(house: Server, trick: str) -> None:
    alice = house.session()
    alice.put("/alice/trip/long.txt", bytes(300_000))
    answer = alice.get("/alice/trip/long.txt", range=f"bytes={trick}")
    assert answer.status_code in (200, 206, 416)
    assert len(answer.content) <= 310_000


@pytest.mark.parametrize("chunk", [".whole", ".joined", ".file", "..", "%2e%2e", "1%2f2", "1;x", "-1", "1e3", "١"])
def test_a_chunk_is_named_by_a_number(house: Server, chunk: str) -> None:
    alice, uploads = house.session(), house.url + "remote.php/dav/uploads/alice/tricks/"
    login = ("alice", password_of("alice"))
    requests.request("MKCOL", uploads, auth=login, timeout=20)
    answer = requests.put(uploads + chunk, data=b"x", auth=login, timeout=20)
    assert answer.status_code in (403, 404, 405, 409), answer.status_code
    assert {each.name for each in members(alice.propfind("/remote.php/dav/uploads/alice/tricks/"))} == {"tricks/"}


def test_chunks_come_out_in_ones_own_tree_alone(house: Server) -> None:
    alice, carol = house.session(), house.session("carol")
    for owner in (alice, carol):
        uploads = f"/remote.php/dav/uploads/{owner.user}/mine/"
        owner.request("MKCOL", uploads)
        owner.request("PUT", uploads + "1", data=b"x" * 100)
        for target in (
            "/alice/",
            "/bob/x.txt",
            "/-/inbox/bob/x.jpg",
            "/.sumu/tree-id",
            "/",
            "/-/health",
            uploads + "2",
        ):
            refused = owner.request("MOVE", uploads + ".file", headers={"Destination": target})
            assert refused.status_code in (403, 404, 409), (owner.user, target)
    stolen = carol.request("MOVE", "/remote.php/dav/uploads/alice/mine/.file", headers={"Destination": "/carol/x.txt"})
    assert stolen.status_code == 404
    written = carol.request("MOVE", "/remote.php/dav/uploads/carol/mine/.file", headers={"Destination": "/alice/x.txt"})
    assert written.status_code == 403
    assert "x.txt" not in alice.names("/alice/")


def test_a_lock_of_a_reader_or_a_stranger_stops_nobody(house: Server) -> None:
    for user, status in (("carol", 403), ("bob", 404)):
        for path in ("/alice/", "/alice/trip/", "/alice/trip/photo.jpg", "/alice/new.jpg", "/-/inbox/alice/loose.jpg"):
            assert house.session(user).lock(path).status_code == status
    assert house.session("bob").lock("/", depth="infinity").status_code == 403
    assert house.session().put("/alice/trip/after.txt", b"x").status_code == 201


def test_what_is_in_the_trash_comes_back_to_its_owner_alone(own_server: Server) -> None:
    alice, bob = own_server.session(), own_server.session("bob")
    alice.mkcol("/alice/trip/")
    alice.put("/alice/trip/x.jpg", jpeg())
    alice.delete("/alice/trip/x.jpg")
    (entry,) = json.loads(own_server.command("trash", "list", "--json").stdout)
    assert own_server.command("trash", "restore", "--user", "bob", entry["id"]).returncode != 0
    for forged in (f"../{entry['id']}", f"../../alice/{entry['id']}", "/etc/passwd", ".."):
        assert own_server.command("trash", "restore", forged).returncode != 0
    assert bob.names("/bob/") == {"favorites/"}
    outside = own_server.folder / "outside"
    outside.mkdir()
    (own_server.plex / "alice" / "trip").rmdir()
    os.symlink(outside, own_server.plex / "alice" / "trip")
    own_server.command("trash", "restore", entry["id"])
    assert list(outside.iterdir()) == []


def test_moves_and_uploads_at_once_lose_no_photo(own_server: Server) -> None:
    """Whatever wins: every photo that was sent lies somewhere, in the trash if need be, and the records are right."""
    alice = own_server.session()
    for name in ("a", "b"):
        alice.mkcol(f"/alice/{name}/")
    failed: list[str] = []

    def run(work: Callable[[int], requests.Response]) -> threading.Thread:
        def repeat() -> None:
            for number in range(25):
                answer = work(number)
                if answer.status_code >= 500:
                    failed.append(f"{answer.request.method} {answer.status_code} {answer.text}")

        return threading.Thread(target=repeat)

    photos = [jpeg(seed=number) for number in range(100, 125)]
    clients = [own_server.session() for _ in range(6)]
    storm = [
        run(lambda number: clients[0].put("/alice/a/x.jpg", photos[number])),
        run(lambda number: clients[1].move("/alice/a/x.jpg", "/alice/b/x.jpg")),
        run(lambda number: clients[2].move("/alice/b/", "/alice/c/") if number % 2 else clients[2].mkcol("/alice/b/")),
        run(lambda number: clients[3].move("/alice/c/", "/alice/b/")),
        run(lambda number: clients[4].proppatch("/alice/b/x.jpg", {f"{SUMU}isFavorite": str(number % 2)})),
        run(lambda number: clients[5].delete("/alice/c/x.jpg")),
    ]
    for each in storm:
        each.start()
    for each in storm:
        each.join()
    assert not failed
    checked = own_server.command("check", "--hash")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    kept = {path.read_bytes() for path in own_server.plex.rglob("*") if path.is_file()}
    assert set(photos) <= kept


def test_a_tree_of_another_is_not_listed_by_any_question(house: Server) -> None:
    bob = house.session("bob")
    search = (
        '<searchrequest xmlns="DAV:"><basicsearch><select><prop><getetag/></prop></select><from><scope>'
        "<href>{}</href><depth>infinity</depth></scope></from></basicsearch></searchrequest>"
    )
    for scope in ("/files/alice", "/files/alice/", "/alice/", "/files/bob/../alice", "/files/ALICE", "http://x/alice/"):
        answer = bob.request("SEARCH", "/remote.php/dav/", data=search.format(scope))
        assert answer.status_code in (400, 403, 404), scope
        assert "photo" not in answer.text
    for path in ("/", "/remote.php/dav/files/", "/-/inbox/", "/remote.php/dav/uploads/", "/remote.php/dav/", "/-/"):
        told = bob.propfind(path, "1", [f"{DAV}displayname"])
        assert "alice" not in told.text, path
        assert "alice" not in bob.get(path).text, path
    assert bob.propfind("/", "infinity").status_code == 403


def test_pipes_sockets_and_links_of_other_programs_are_nothing(own_server: Server) -> None:
    """They stop no request, and what is written goes to no place outside, wherever on the way a link stands."""
    alice, bob = own_server.session(), own_server.session("bob")
    outside = own_server.folder / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(jpeg(seed=9))
    alice.mkcol("/alice/trip/")
    trip = own_server.plex / "alice" / "trip"
    os.mkfifo(trip / "pipe.jpg")
    (trip / "link.jpg").symlink_to(outside / "secret.jpg")
    (own_server.plex / "alice" / "album").symlink_to(outside)
    (own_server.plex / "bob").mkdir(exist_ok=True)
    (own_server.plex / "bob" / "favorites").symlink_to(outside)
    for path in ("trip/pipe.jpg", "trip/link.jpg", "album/", "album/secret.jpg"):
        for verb in ("GET", "HEAD", "PROPFIND", "COPY", "MOVE", "DELETE"):
            headers = {"Destination": "/alice/trip/stolen.jpg"}
            assert alice.request(verb, f"/alice/{path}", headers=headers).status_code == 404, (verb, path)
    assert alice.names("/alice/trip/") == set()
    assert alice.put("/alice/trip/pipe.jpg", jpeg(seed=8)).status_code == 201
    assert alice.put("/alice/album/new.jpg", jpeg(seed=7)).status_code in (409, 412)
    assert bob.put("/bob/loose.jpg", jpeg(seed=6), x_favorite="1").status_code in (409, 412)
    (own_server.plex / "bob" / "favorites").unlink()
    (own_server.plex / "bob").rename(own_server.folder / "bob")
    (own_server.plex / "bob").symlink_to(outside)
    assert bob.get("/bob/secret.jpg").status_code == 404
    assert bob.delete("/bob/secret.jpg").status_code == 404
    bob.put("/bob/loose.jpg", jpeg(seed=5))
    bob.put("/bob/notes.txt", b"x")
    assert [path.name for path in outside.iterdir()] == ["secret.jpg"]


def test_what_is_taken_back_is_gone_at_the_next_request(own_server: Server) -> None:
    alice, bob, root = own_server.session(), own_server.session("bob"), own_server.session("root")
    alice.mkcol("/alice/trip/")
    assert own_server.command("user", "share", "alice", "bob").returncode == 0
    assert (bob.propfind("/alice/trip/").status_code, root.propfind("/alice/trip/").status_code) == (207, 207)
    assert own_server.command("user", "share", "alice", "bob", "--revoke").returncode == 0
    assert own_server.command("user", "change", "root", "--no-admin").returncode == 0
    assert (bob.propfind("/alice/trip/").status_code, root.propfind("/alice/trip/").status_code) == (404, 404)
    assert (bob.names("/"), root.names("/")) == ({"bob/"}, {"root/"})
    assert root.get("/-/metrics").status_code == 404
