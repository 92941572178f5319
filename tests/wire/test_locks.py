"""Write locks on the wire (RFC 4918 §6, §7, §9.10, §9.11, §10.4): classes 1, 2 and 3."""

from __future__ import annotations

import time

import pytest
import requests

from support.dav import DAV, Dav, condition, failures, members, token_of
from support.samples import jpeg
from support.server import Server

NO_LOCK = "<DAV:no-lock>"
"""The token that no lock has (RFC 4918 §10.4.8)."""


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


@pytest.fixture
def photo(alice: Dav, album: str) -> str:
    path = album + "x.jpg"
    assert alice.put(path, jpeg()).status_code == 201
    return path


def refresh(client: Dav, path: str, token: str, **headers: str) -> requests.Response:
    return client.request("LOCK", path, headers={"If": f"(<{token}>)", **headers})


def locks(client: Dav, path: str) -> list[str]:
    """The tokens that lockdiscovery tells of a path."""
    (member,) = members(client.propfind(path, "0", [DAV + "lockdiscovery"]))
    found = member.found[DAV + "lockdiscovery"]
    return [each.text or "" for each in found.iterfind(f"{DAV}activelock/{DAV}locktoken/{DAV}href")]


# Taking one


def test_the_server_is_of_classes_1_2_and_3(alice: Dav, album: str, photo: str) -> None:
    for path in ("/", "/alice/", album, photo):
        assert {part.strip() for part in alice.options(path).headers["DAV"].split(",")} >= {"1", "2", "3"}


def test_an_exclusive_lock_is_granted_and_told(alice: Dav, photo: str) -> None:
    granted = alice.lock(photo, owner="Alice & co", timeout="Second-600")
    token = token_of(granted)

    assert granted.status_code == 200
    assert granted.headers["Lock-Token"] == f"<{token}>"
    (member,) = members(alice.propfind(photo, "0", [DAV + "lockdiscovery"]))
    (active,) = member.found[DAV + "lockdiscovery"]
    assert active.findtext(DAV + "depth") == "0"
    assert active.findtext(DAV + "owner") == "Alice & co"
    assert active.find(f"{DAV}lockscope/{DAV}exclusive") is not None
    assert active.find(f"{DAV}locktype/{DAV}write") is not None
    assert active.findtext(f"{DAV}lockroot/{DAV}href") == photo
    assert 590 <= int((active.findtext(DAV + "timeout") or "").removeprefix("Second-")) <= 600


def test_a_lock_lasts_an_hour_at_most(alice: Dav, photo: str) -> None:
    granted = alice.lock(photo, timeout="Infinite, Second-4100000000")

    assert "Second-3600" in granted.text or "Second-3599" in granted.text


def test_a_second_lock_conflicts_and_the_answer_names_the_first(alice: Dav, photo: str) -> None:
    token_of(alice.lock(photo))

    for scope in ("exclusive", "shared"):
        refused = alice.lock(photo, scope=scope)
        assert (refused.status_code, condition(refused)) == (423, "no-conflicting-lock")
        assert f"<d:href>{photo}</d:href>" in refused.text


def test_shared_locks_stand_beside_each_other(alice: Dav, photo: str) -> None:
    one, two = token_of(alice.lock(photo, scope="shared")), token_of(alice.lock(photo, scope="shared"))

    assert set(locks(alice, photo)) == {one, two}
    assert alice.lock(photo).status_code == 423
    assert alice.put(photo, jpeg()).status_code == 423
    assert alice.put(photo, jpeg(), if_=f"(<{two}>)").status_code == 204
    assert alice.unlock(photo, one).status_code == alice.unlock(photo, two).status_code == 204
    assert alice.put(photo, jpeg()).status_code == 204


def test_a_photo_is_locked_by_one_of_its_names_at_a_time(alice: Dav) -> None:
    alice.put("/alice/names.jpg", jpeg(taken="2018:02:03 04:05:06"), x_favorite="1")
    names = ["/alice/names.jpg", "/-/inbox/alice/names.jpg", "/alice/18-02/names.jpg", "/alice/favorites/names.jpg"]

    for first in names:
        token = token_of(alice.lock(first))
        for other in names:
            assert (alice.lock(other).status_code, locks(alice, other)) == (423, [token]), (first, other)
        assert alice.unlock(first, token).status_code == 204

    one = token_of(alice.lock(names[0], scope="shared"))
    two = token_of(alice.lock(names[2], scope="shared"))
    assert set(locks(alice, names[3])) == {one, two}


def test_a_lock_on_nothing_makes_an_empty_placeholder(server: Server, alice: Dav, album: str) -> None:
    granted = alice.lock(album + "new.jpg")
    token = token_of(granted)

    assert granted.status_code == 201
    assert alice.get(album + "new.jpg").content == b""
    assert alice.names(album) == {"new.jpg"}
    assert not server.files() & {f"{album}new.jpg".strip("/")}, "Plex would index an empty file"

    assert alice.put(album + "new.jpg", jpeg(), if_=f"(<{token}>)").status_code in (201, 204)
    assert album.strip("/") + "/new.jpg" in server.files()
    assert locks(alice, album + "new.jpg") == [token]
    assert alice.unlock(album + "new.jpg", token).status_code == 204


def test_a_lock_where_no_parent_is_makes_nothing(alice: Dav, album: str) -> None:
    assert alice.lock(album + "none/new.jpg").status_code == 409
    assert alice.names(album) == set()


def test_a_refused_lock_on_nothing_leaves_nothing(alice: Dav, album: str) -> None:
    token_of(alice.lock(album, depth="infinity"))

    assert alice.lock(album + "new.jpg").status_code == 423
    assert alice.head(album + "new.jpg").status_code == 404


def test_what_belongs_to_all_cant_be_locked(alice: Dav) -> None:
    for path in ("/", "/-/", "/remote.php/dav/files/"):
        assert alice.lock(path, depth="infinity").status_code == 403
    assert alice.lock("/bob/").status_code == 404


def test_a_lock_takes_depth_0_or_infinity(alice: Dav, album: str) -> None:
    assert alice.lock(album, depth="1").status_code == 400


def test_a_body_that_asks_for_no_write_lock_is_400(alice: Dav, photo: str) -> None:
    for body in ("<x/>", '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope></lockinfo>', "<lockinfo"):
        assert alice.request("LOCK", photo, data=body).status_code == 400


# What it forbids


def test_a_locked_file_takes_no_change_without_its_token(alice: Dav, album: str, photo: str) -> None:
    alice.put(album + "other.jpg", jpeg())
    token = token_of(alice.lock(photo))

    refused = [
        alice.put(photo, jpeg()),
        alice.delete(photo),
        alice.move(photo, album + "y.jpg"),
        alice.move(album + "other.jpg", photo),
        alice.copy(album + "other.jpg", photo),
        alice.proppatch(photo, {"{urn:a}x": "1"}),
    ]
    assert [(each.status_code, condition(each)) for each in refused] == [(423, "lock-token-submitted")] * len(refused)
    assert f"<d:href>{photo}</d:href>" in refused[0].text

    assert alice.get(photo).status_code == 200
    assert alice.copy(photo, album + "copy.jpg").status_code == 201, "reading is free"
    assert alice.put(photo, jpeg(), if_=f"(<{token}>)").status_code == 204


def test_a_token_is_nobody_elses(server: Server, alice: Dav, photo: str) -> None:
    """RFC 4918 §6.4: knowing a token is not holding the lock."""
    admin = server.session("root")
    token = token_of(alice.lock(photo))

    assert admin.put(photo, jpeg(), if_=f"(<{token}>)").status_code == 423
    assert admin.unlock(photo, token).status_code == 403
    assert alice.unlock(photo, token).status_code == 204
    assert admin.put(photo, jpeg()).status_code == 204


def test_a_locked_collection_of_depth_0_keeps_its_members_number(alice: Dav, album: str, photo: str) -> None:
    token = token_of(alice.lock(album, depth="0"))

    assert alice.put(photo, jpeg()).status_code == 204, "a member's bytes are free"
    for refused in (
        alice.put(album + "new.jpg", jpeg()),
        alice.mkcol(album + "new/"),
        alice.delete(photo),
        alice.move(photo, "/alice/favorites/x.jpg"),
        alice.copy(photo, album + "copy.jpg"),
        alice.lock(album + "new.jpg"),
    ):
        assert refused.status_code == 423, refused.request.method
    assert alice.put(album + "new.jpg", jpeg(), if_=f"<{album}> (<{token}>)").status_code == 201


def test_a_lock_of_depth_infinity_covers_what_is_and_what_comes(alice: Dav, album: str) -> None:
    alice.mkcol(album + "day/")
    alice.put(album + "day/a.jpg", jpeg())
    token = token_of(alice.lock(album, depth="infinity"))

    assert alice.put(album + "day/a.jpg", jpeg()).status_code == 423
    assert alice.put(album + "day/b.jpg", jpeg(), if_=f"<{album}> (<{token}>)").status_code == 201
    assert locks(alice, album + "day/b.jpg") == [token]
    assert alice.put(album + "day/b.jpg", jpeg()).status_code == 423
    assert alice.unlock(album + "day/b.jpg", token).status_code == 204, "any member's URL releases it"
    assert alice.put(album + "day/b.jpg", jpeg()).status_code == 204


def test_a_lock_further_up_needs_the_ones_below(alice: Dav, album: str, photo: str) -> None:
    token = token_of(alice.lock(photo))

    assert failures(alice.lock(album, depth="infinity")) == {photo: 423, album: 424}

    assert alice.lock(album, depth="infinity", if_=f"<{photo}> (<{token}>)").status_code == 200


def test_a_lock_of_depth_infinity_names_each_lock_of_others_below(server: Server, alice: Dav, album: str) -> None:
    """RFC 4918 §9.10.9: the members with their status, the collection with 424, and nothing is locked."""
    root = server.session("root")
    for folder in ("day/", "night/"):
        alice.mkcol(album + folder)
    alice.put(album + "day/a.jpg", jpeg())
    tokens = {path: token_of(root.lock(album + path)) for path in ("day/a.jpg", "night/")}
    below = {album + path: 423 for path in tokens}

    for scope in ("exclusive", "shared"):
        refused = alice.lock(album, depth="infinity", scope=scope)
        assert failures(refused) == {**below, album: 424}
        assert [member.condition for member in members(refused)] == ["no-conflicting-lock", "no-conflicting-lock", None]
        assert "Lock-Token" not in refused.headers
        assert "lockdiscovery" not in refused.text
    other = "/remote.php/dav/files"
    assert failures(alice.lock(other + album.rstrip("/"), depth="infinity")) == {
        other + path: status for path, status in {**below, album: 424}.items()
    }
    assert locks(alice, album) == []
    assert alice.put(album + "new.jpg", jpeg()).status_code == 201

    token_of(alice.lock(album, depth="0"))
    refused = root.lock(album, depth="infinity")
    assert (refused.status_code, condition(refused)) == (423, "no-conflicting-lock"), "the collection's own comes first"
    assert f"<d:href>{album}</d:href>" in refused.text


def test_shared_locks_below_leave_room_for_a_shared_one(server: Server, alice: Dav, album: str, photo: str) -> None:
    token_of(server.session("root").lock(photo, scope="shared"))

    assert failures(alice.lock(album, depth="infinity")) == {photo: 423, album: 424}
    assert alice.lock(album, depth="infinity", scope="shared").status_code == 200


def test_a_photo_that_is_locked_by_another_name_keeps_its_album_from_being_locked(
    server: Server, alice: Dav, album: str
) -> None:
    """Else neither could write it without the other's token."""
    alice.put(album + "locked as a copy.jpg", jpeg(), x_favorite="1")
    root = server.session("root")
    copy = "/alice/favorites/locked as a copy.jpg"
    token = token_of(root.lock(copy))

    assert failures(alice.lock(album, depth="infinity")) == {album + "locked as a copy.jpg": 423, album: 424}
    assert alice.lock(album, depth="0").status_code == 200
    assert root.unlock(copy, token).status_code == 204


def test_a_tree_with_the_owners_own_locks_below_moves_with_their_tokens(alice: Dav, album: str) -> None:
    alice.mkcol(album + "day/")
    alice.put(album + "day/a.jpg", jpeg())
    token = token_of(alice.lock(album + "day/a.jpg"))

    assert failures(alice.move(album + "day/", album + "night/")) == {album + "day/a.jpg": 423}
    tagged = f"<{album}day/a.jpg> (<{token}>)"
    assert alice.move(album + "day/", album + "night/", if_=tagged).status_code == 201


# The end of one


def test_a_lock_goes_with_its_resource_and_does_not_move(alice: Dav, album: str, photo: str) -> None:
    """RFC 4918 §7.6: a MOVE leaves the locks behind, and the URL that is free is unlocked."""
    token = token_of(alice.lock(photo))

    assert alice.move(photo, album + "y.jpg", if_=f"(<{token}>)").status_code == 201

    assert locks(alice, album + "y.jpg") == []
    assert alice.put(photo, jpeg()).status_code == 201
    assert locks(alice, photo) == []


def test_a_deleted_tree_takes_its_locks_along(alice: Dav, album: str) -> None:
    alice.mkcol(album + "day/")
    alice.put(album + "day/a.jpg", jpeg())
    token = token_of(alice.lock(album + "day/", depth="infinity"))

    assert alice.delete(album + "day/", if_=f"<{album}day/> (<{token}>)").status_code == 204

    assert alice.mkcol(album + "day/").status_code == 201
    assert alice.put(album + "day/a.jpg", jpeg()).status_code == 201


def test_what_a_moved_tree_replaced_leaves_no_lock(alice: Dav, album: str) -> None:
    for folder in ("one/", "two/"):
        alice.mkcol(album + folder)
        alice.put(album + folder + "a.jpg", jpeg())
    token = token_of(alice.lock(album + "two/a.jpg"))

    assert alice.move(album + "one/", album + "two/", if_=f"<{album}two/a.jpg> (<{token}>)").status_code == 204

    assert alice.put(album + "two/a.jpg", jpeg()).status_code == 204


def test_a_move_onto_a_locked_file_keeps_its_url_locked(alice: Dav, album: str, photo: str) -> None:
    """Editors write beside, then move over what they hold a lock on, then unlock."""
    alice.put(album + "x.tmp", jpeg())
    token = token_of(alice.lock(photo))

    assert alice.move(album + "x.tmp", photo, if_=f"<{photo}> (<{token}>)").status_code == 204

    assert alice.unlock(photo, token).status_code == 204


def test_a_copy_is_not_locked(alice: Dav, album: str, photo: str) -> None:
    token_of(alice.lock(photo))

    alice.copy(photo, album + "copy.jpg")

    assert locks(alice, album + "copy.jpg") == []


def test_a_deleted_photo_leaves_none_of_its_names_locked(alice: Dav) -> None:
    alice.put("/alice/gone.jpg", jpeg(taken="2022:02:03 04:05:06"))
    token = token_of(alice.lock("/alice/gone.jpg"))

    assert alice.delete("/alice/22-02/gone.jpg", if_=f"</alice/gone.jpg> (<{token}>)").status_code == 204

    assert alice.put("/alice/gone.jpg", jpeg()).status_code == 201


def test_cleared_favorites_leave_none_of_their_names_locked(own_server: Server) -> None:
    alice = own_server.session()
    alice.put("/alice/fav.jpg", jpeg(), x_favorite="1")
    token = token_of(alice.lock("/alice/favorites/fav.jpg"))

    assert alice.delete("/alice/favorites/", if_=f"</alice/favorites/fav.jpg> (<{token}>)").status_code == 204

    assert alice.put("/alice/favorites/fav.jpg", jpeg()).status_code == 201


def test_an_expired_lock_is_harmless(alice: Dav, photo: str) -> None:
    token = token_of(alice.lock(photo, timeout="Second-1"))
    assert alice.put(photo, jpeg()).status_code == 423

    time.sleep(1.1)

    assert locks(alice, photo) == []
    assert alice.put(photo, jpeg()).status_code == 204
    assert alice.unlock(photo, token).status_code == 409
    assert alice.lock(photo).status_code == 200


def test_a_refresh_begins_its_time_anew(alice: Dav, photo: str) -> None:
    token = token_of(alice.lock(photo, timeout="Second-30"))

    again = refresh(alice, photo, token, Timeout="Second-600")

    assert again.status_code == 200
    assert "Lock-Token" not in again.headers, "RFC 4918 §9.10.2"
    assert "Second-600" in again.text or "Second-599" in again.text


def test_a_refresh_through_a_member_reaches_the_lock_above(alice: Dav, album: str, photo: str) -> None:
    token = token_of(alice.lock(album, depth="infinity"))

    assert refresh(alice, photo, token).status_code == 200


@pytest.mark.parametrize("header", [None, "(<opaquelocktoken:none>)", f"(Not {NO_LOCK})"])
def test_a_refresh_of_no_lock_is_refused(alice: Dav, photo: str, header: str | None) -> None:
    answer = alice.request("LOCK", photo, headers={"If": header} if header else {})

    assert answer.status_code in ((412,) if header else (400,))


def test_unlock_wants_the_token_of_a_lock_here(alice: Dav, album: str, photo: str) -> None:
    alice.put(album + "other.jpg", jpeg())
    token = token_of(alice.lock(photo))

    wrong = alice.unlock(album + "other.jpg", token)

    assert (wrong.status_code, condition(wrong)) == (409, "lock-token-matches-request-uri")
    assert alice.unlock(photo, "opaquelocktoken:none").status_code == 409
    assert alice.request("UNLOCK", photo).status_code == 400
    assert alice.unlock(photo, token).status_code == 204
    assert alice.unlock(photo, token).status_code == 409


def test_locks_outlive_a_restart_and_a_kill(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    alice.put("/alice/trip/x.jpg", jpeg())
    kept, given_back = token_of(alice.lock("/alice/trip/x.jpg")), token_of(alice.lock("/alice/trip/new.jpg"))
    alice.unlock("/alice/trip/new.jpg", given_back)

    for end in (own_server.stop, own_server.kill):
        end()
        own_server.start()
        alice = own_server.session()

        assert locks(alice, "/alice/trip/x.jpg") == [kept]
        assert locks(alice, "/alice/trip/new.jpg") == []
        assert alice.put("/alice/trip/x.jpg", jpeg()).status_code == 423
        assert alice.put("/alice/trip/x.jpg", jpeg(), if_=f"(<{kept}>)").status_code == 204


# The If header


def test_if_in_every_form(alice: Dav, album: str, photo: str) -> None:
    """RFC 4918 §10.4, on a locked file; `other` is another one's tag, and `token` the lock's."""
    token = token_of(alice.lock(photo))
    url = alice.href(photo)
    lock = f"<{token}>"
    other = '["other"]'

    def put(header: str) -> int:
        etag = alice.head(photo).headers["ETag"]
        return alice.put(photo, jpeg(), if_=header.replace("ETAG", f"[{etag}]")).status_code

    assert put(f"({lock})") == 204
    assert put(f"({lock} ETAG)") == 204
    assert put(f"({lock} {other})") == 412
    assert put(f"({lock} {other}) ({lock})") == 204, "one list is enough"
    assert put(f"({lock} Not {other})") == 204
    assert put(f"({lock} not ETAG)") == 412
    assert put(f"(Not {lock})") == 412
    assert put(f"({lock}) (Not {NO_LOCK})") == 204
    assert put(f"(Not {NO_LOCK} ETAG)") == 423, "it holds, and submits no token of the lock"
    assert put(f"(ETAG) (Not {lock})") == 204, "submitted, wherever it stands"
    assert put("(<opaquelocktoken:other>)") == 412
    assert put(f"<{url}> ({lock})") == 204
    assert put(f"<{photo}> ({lock} ETAG)") == 204
    assert put(f"<http://elsewhere.example{photo}> ({lock})") == 204, "behind a proxy scheme and host are others"
    assert put(f"<{album}none.jpg> ({lock})") == 412, "no lock is there"
    assert put(f"<{album}none.jpg> (Not {lock}) <{photo}> ({lock})") == 204
    assert put(f"<{photo}> ({other}) <{photo}> ({lock})") == 204
    for nonsense in ("()", "(", lock, f"({lock}", f"<{url}>", "(Not)", "token", f"({lock}) <{photo}> ({lock})"):
        assert put(nonsense) == 400, nonsense


def test_if_holds_of_an_unlocked_file_too(alice: Dav, photo: str) -> None:
    etag = alice.head(photo).headers["ETag"]

    assert alice.get(photo, if_='(["other"])').status_code in (200, 412)
    assert alice.put(photo, jpeg(), if_='(["other"])').status_code == 412
    assert alice.put(photo, jpeg(), if_=f"([{etag}])").status_code == 204


def test_if_is_heeded_by_every_verb_that_changes(alice: Dav, album: str, photo: str) -> None:
    false = {"if_": "(<opaquelocktoken:none>)"}

    for answer in (
        alice.delete(photo, **false),
        alice.copy(photo, album + "y.jpg", **false),
        alice.move(photo, album + "y.jpg", **false),
        alice.proppatch(photo, {"{urn:a}x": "1"}, **false),
        alice.lock(photo, **false),
        alice.request("MKCOL", album + "new/", headers={"If": false["if_"]}),
    ):
        assert answer.status_code == 412, answer.request.method
    assert alice.names(album) == {"x.jpg"}
