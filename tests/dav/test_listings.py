"""Prepared listings answer as the plain way does, resource by resource, whatever was changed before."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sumu_dav.archive.nodes import Node
from sumu_dav.archive.nodes import Path as WebPath
from sumu_dav.dav import listing, listings
from support.face import Face
from support.samples import jpeg, mov

MOMENT = datetime(2024, 5, 17, 10, 11, 12, tzinfo=UTC)


def props(*names: str) -> str:
    """A PROPFIND of some properties, each with the prefix of its namespace."""
    inner = "".join(f"<{name}/>" for name in names)
    return (
        '<D:propfind xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns" '
        f'xmlns:s="urn:sumu" xmlns:t="urn:test"><D:prop>{inner}</D:prop></D:propfind>'
    )


FIVE = props("D:resourcetype", "D:getcontentlength", "D:getlastmodified", "D:getetag", "D:getcontenttype")
NEXTCLOUD = props(
    *("D:getlastmodified", "D:getetag", "D:getcontenttype", "D:resourcetype", "D:quota-available-bytes"),
    *("D:quota-used-bytes", "oc:permissions", "oc:fileid", "oc:id", "oc:size", "oc:favorite", "oc:checksums"),
    *("nc:creation_time", "nc:upload_time", "nc:metadata-files-live-photo", "oc:share-types"),
)
OURS = props("s:isFavorite", "s:latitude", "s:taken", "s:sha256", "t:color", "D:lockdiscovery", "D:displayname")
ALL = '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'
INCLUDED = (
    '<D:propfind xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns"><D:allprop/>'
    "<D:include><oc:size/><oc:fileid/><D:quota-used-bytes/><D:lockdiscovery/></D:include></D:propfind>"
)
NAMES = '<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>'
UNKNOWN = props("t:nothing", "t:color", "D:getetag")
FORMS = (FIVE, NEXTCLOUD, OURS, ALL, INCLUDED, NAMES, UNKNOWN, "")

COLLECTIONS = (
    "/alice/",
    "/alice/trip/",
    "/alice/trip/day 1/",
    "/alice/24-05/",
    "/alice/favorites/",
    "/-/inbox/alice/",
    "/remote.php/dav/files/alice/trip/",
    "/remote.php/webdav/",
)


@pytest.fixture(params=[True, False], ids=["told of other programs", "not told"])
def face(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Face]:
    face = Face(tmp_path, hears_others=request.param)
    yield face
    face.close()


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Face]:
    face = Face(tmp_path)
    yield face
    face.close()


def fill(face: Face) -> None:
    """Some of everything that a collection may hold."""
    for folder in ("/alice/trip/", "/alice/trip/day 1/", "/alice/.hidden/"):
        assert face.do("MKCOL", folder) == 201
    contents = {
        "/alice/trip/a.jpg": jpeg(taken=MOMENT, gps=(48.1, 11.5), make="Canon", model="R5"),
        "/alice/trip/live.jpg": jpeg(taken=MOMENT, content_id="AAAA"),
        "/alice/trip/live.mov": mov(taken=MOMENT, content_id="AAAA"),
        "/alice/trip/ä & <b>.jpg": jpeg(taken=MOMENT),
        "/alice/trip/notes.txt": b"notes",
        "/alice/trip/.DS_Store": b"junk",
        "/alice/trip/coming.jpg": b"",
        "/alice/trip/day 1/b.jpg": jpeg(),
        "/alice/IMG_1.jpg": jpeg(taken=MOMENT),
        "/alice/IMG_2.jpg": jpeg(taken=MOMENT),
        "/alice/todo.txt": b"to do",
    }
    for path, data in contents.items():
        assert face.do("PUT", path, data) == 201, path
    assert favor(face, "/alice/trip/a.jpg", "1") == 207
    assert color(face, "/alice/IMG_2.jpg", "red") == color(face, "/alice/trip/", "blue") == 207


def favor(face: Face, path: str, value: str) -> int:
    return patch(face, path, f'<s:isFavorite xmlns:s="urn:sumu">{value}</s:isFavorite>')


def color(face: Face, path: str, value: str) -> int:
    return patch(face, path, f'<t:color xmlns:t="urn:test">{value}</t:color>')


def patch(face: Face, path: str, element: str) -> int:
    body = f'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>{element}</D:prop></D:set></D:propertyupdate>'
    return face.do("PROPPATCH", path, body)


def lock(face: Face, path: str, depth: str = "0") -> str:
    body = (
        '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>'
        "</D:lockinfo>"
    )
    answer = face.request("LOCK", path, body, {"Depth": depth})
    assert answer.status in (200, 201), answer.body
    return answer.headers["Lock-Token"]


def assert_alike(face: Face, path: str, form: str, depth: str = "1", **options: str) -> None:
    fast = face.propfind(path, form, depth, plain=False, **options)
    plain = face.propfind(path, form, depth, plain=True, **options)
    assert fast.status == plain.status, (path, form)
    if fast.status == 207:
        differing = set(fast.responses()) ^ set(plain.responses())
        assert not differing, (path, sorted(differing))
        assert len(fast.responses()) == len(plain.responses())
        assert int(fast.headers["Content-Length"]) == len(fast.body)
        assert fast.headers.get("Preference-Applied") == plain.headers.get("Preference-Applied")


def test_both_ways_answer_alike(face: Face) -> None:
    fill(face)
    for form in FORMS:
        for collection in COLLECTIONS:
            for _ in range(2):  # when it is prepared, and when it was
                assert_alike(face, collection, form)
        for options in ({"Prefer": "return=minimal"}, {"Prefer": "depth-noroot"}, {"user": "root"}):
            assert_alike(face, "/alice/trip", form, **options)
            assert_alike(face, "/alice/", form, **options)
        for member in ("/alice/trip/a.jpg", "/alice/trip/%61.jpg", "/alice/IMG_1.jpg", "/-/inbox/alice/IMG_1.jpg"):
            for depth in ("0", "0", "1", "infinity"):
                assert_alike(face, member, form, depth)
        for missing in ("/alice/trip/none.jpg", "/alice/none/", "/bob/", "/alice/trip/a.jpg/b"):
            for depth in "01":
                assert_alike(face, missing, form, depth)
        assert_alike(face, "/alice/", form, "infinity")
        assert_alike(face, "/", form)


def test_a_reader_is_told_other_permissions_than_the_owner(face: Face) -> None:
    fill(face)
    face.context.accounts.share("alice", "bob")
    form = props("oc:permissions")
    for user in ("alice", "bob", "root", "alice"):
        assert_alike(face, "/alice/trip/", form, user=user)
        assert_alike(face, "/alice/trip/a.jpg", form, "0", user=user)
    assert b"RGDNVW" not in face.propfind("/alice/trip/", form, user="bob").body


Step = Callable[[Face], int]


def put(path: str, data: bytes = b"", **headers: str) -> Step:
    return lambda face: face.do("PUT", path, data, **headers)


def delete(path: str) -> Step:
    return lambda face: face.do("DELETE", path)


def move(path: str, to: str) -> Step:
    return lambda face: face.do("MOVE", path, destination=to.replace(" ", "%20"))


def copy(path: str, to: str) -> Step:
    return lambda face: face.do("COPY", path, destination=to.replace(" ", "%20"))


def dated(path: str) -> Step:
    return lambda face: patch(face, path, "<D:getlastmodified>2001-02-03T04:05:06Z</D:getlastmodified>")


def colored(path: str) -> Step:
    return lambda face: color(face, path, "green")


def flagged(path: str, value: str) -> Step:
    return lambda face: favor(face, path, value)


def locked(path: str, depth: str = "0") -> Step:
    return lambda face: 204 if lock(face, path, depth) else 500


def locked_and_unlocked(path: str) -> Step:
    def step(face: Face) -> int:
        token = lock(face, path, "infinity")
        face.propfind(path.rpartition("/")[0] + "/", ALL)
        return face.do("UNLOCK", path, lock_token=token)

    return step


TRIP, DAY, MONTH = "/alice/trip/", "/alice/trip/day 1/", "/alice/24-05/"

CHANGES: dict[str, list[Step]] = {
    "uploads": [
        put(TRIP + "new.jpg", jpeg()),
        put(TRIP + "favorite.jpg", jpeg(), x_favorite="1"),
        put("/alice/new.jpg", jpeg(taken=MOMENT)),
        put("/-/inbox/alice/other.jpg", jpeg(taken=MOMENT)),
        put("/alice/IMG_1.jpg", jpeg(taken=MOMENT)),
        put(TRIP + "notes.txt", b"other notes"),
        put(TRIP + ".DS_Store", b"more junk"),
        put(TRIP + "a.jpg", jpeg(taken=MOMENT)),
        put(DAY + "other.mov", mov(taken=MOMENT, content_id="AAAA")),
    ],
    "placeholders": [
        put(TRIP + "later.jpg"),
        put(TRIP + "live.jpg"),
        put(TRIP + "coming.jpg", jpeg()),
        delete(TRIP + "later.jpg"),
        delete(TRIP + "live.jpg"),
    ],
    "loose names": [
        delete("/alice/IMG_1.jpg"),
        move("/alice/IMG_2.jpg", DAY + "x.jpg"),
        put("/alice/IMG_3.jpg", jpeg(taken=MOMENT)),
        delete(MONTH + "IMG_3.jpg"),
    ],
    "properties": [
        dated(TRIP + "notes.txt"),
        dated("/alice/IMG_1.jpg"),
        dated("/alice/todo.txt"),
        colored(MONTH + "IMG_1.jpg"),
        colored(TRIP + "notes.txt"),
        colored(DAY),
        colored("/alice/"),
    ],
    "favorites": [
        flagged("/alice/IMG_1.jpg", "1"),
        flagged(TRIP + "live.mov", "1"),
        move("/alice/favorites/a.jpg", "/alice/favorites/other.jpg"),
        delete("/alice/favorites/IMG_1.jpg"),
        move("/alice/favorites/other.jpg", DAY + "c.jpg"),
        flagged(TRIP + "live.jpg", "0"),
        copy(DAY + "c.jpg", "/alice/favorites/c.jpg"),
        delete("/alice/favorites/"),
    ],
    "files": [
        copy(TRIP + "a.jpg", DAY + "a.jpg"),
        move(TRIP + "a.jpg", TRIP + ".a.jpg"),
        move(TRIP + ".a.jpg", TRIP + "a.jpg"),
        move(TRIP + "a.jpg", DAY + "a.jpg"),
        move(TRIP + "notes.txt", DAY + "notes.txt"),
        delete(TRIP + "live.mov"),
        delete(DAY + "a.jpg"),
    ],
    "albums": [
        lambda face: face.do("MKCOL", TRIP + "day 2/"),
        copy(TRIP, "/alice/copied/"),
        move(DAY, "/alice/day 1/"),
        move(MONTH, DAY),
        delete(TRIP),
        move("/alice/copied/", TRIP),
    ],
    "locks": [
        locked_and_unlocked(TRIP + "a.jpg"),
        locked(TRIP + "live.jpg"),
        locked("/alice/IMG_1.jpg", "infinity"),
        locked("/-/inbox/alice/IMG_2.jpg"),
        locked(TRIP + "nothing.jpg"),
        locked(DAY),
        locked("/alice/favorites/", "infinity"),
    ],
}


@pytest.mark.parametrize("kind", CHANGES)
def test_no_listing_is_stale_after_a_change_of_our_own(told: Face, kind: str) -> None:
    fill(told)
    collections = (*COLLECTIONS, "/alice/day 1/", "/alice/copied/")
    singles = ("/alice/trip/a.jpg", "/alice/IMG_1.jpg", "/alice/24-05/IMG_1.jpg", "/alice/trip/coming.jpg")
    for number, step in enumerate([lambda _face: 207, *CHANGES[kind]]):
        done = step(told)
        assert done in (201, 204, 207), (number, done)
        for form in (ALL, NEXTCLOUD, OURS):
            for path in collections:
                assert_alike(told, path, form)
            for path in singles:
                assert_alike(told, path, form, "0")


def test_a_random_walk_leaves_nothing_stale(face: Face) -> None:
    seed = int(os.environ.get("SUMU_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    fill(face)
    folders = ["/alice/", "/alice/trip/", "/alice/trip/day 1/", "/alice/24-05/", "/alice/favorites/", "/alice/other/"]
    names = ["a.jpg", "b.jpg", "live.mov", "IMG_1.jpg", "notes.txt", ".a.jpg"]
    some = [jpeg(taken=MOMENT, seed=number) for number in range(4)] + [b"", b"text", mov(seed=5)]

    def anything() -> str:
        return dice.choice(folders) + dice.choice(names)

    for step in range(60):
        path = anything()
        match dice.randrange(8):
            case 0 | 1 | 2:
                done = face.do("PUT", path, dice.choice(some))
            case 3:
                done = face.do("DELETE", dice.choice([path, dice.choice(folders)]))
            case 4:
                done = face.do(dice.choice(["MOVE", "COPY"]), path, destination=anything().replace(" ", "%20"))
            case 5:
                target = dice.choice(folders).replace(" ", "%20")
                done = face.do(dice.choice(["MOVE", "COPY"]), dice.choice(folders), destination=target)
            case 6:
                done = favor(face, path, dice.choice("01"))
            case _:
                done = dice.choice([color(face, path, "red"), face.do("MKCOL", dice.choice(folders))])
        assert done < 500, (step, done)
        for collection in (*COLLECTIONS, "/alice/other/"):
            assert_alike(face, collection, dice.choice(FORMS))


def test_an_etag_of_a_collection_tells_of_every_change_below_it(told: Face) -> None:
    fill(told)
    form = props("D:getetag")

    def tag(path: str) -> bytes:
        return told.propfind(path, form, "0").body

    before = {path: tag(path) for path in ("/alice/", "/alice/trip/", "/alice/trip/day 1/", "/alice/24-05/")}
    assert {path: tag(path) for path in before} == before
    lock(told, "/alice/trip/day 1/b.jpg")
    assert {path: tag(path) for path in before} == before  # a lock is no change
    told.do("MKCOL", "/alice/trip/day 1/x/")
    changed = {path for path in before if tag(path) != before[path]}
    assert changed == {"/alice/", "/alice/trip/", "/alice/trip/day 1/"}


def test_every_collection_that_was_moved_has_another_etag(told: Face) -> None:
    fill(told)
    form = props("D:getetag")
    told.do("MKCOL", "/alice/trip/day 1/deep/")
    old = told.propfind("/alice/trip/day 1/deep/", form, "0").responses()
    assert told.do("MOVE", "/alice/trip/", destination="/alice/gone/") == 201
    told.do("MKCOL", "/alice/trip/")
    told.do("MKCOL", "/alice/trip/day 1/")
    assert told.do("MOVE", "/alice/gone/day 1/deep/", destination="/alice/trip/day 1/deep/") == 201
    assert told.propfind("/alice/trip/day 1/deep/", form, "0").responses() != old


def test_a_collection_in_the_place_of_a_deleted_one_has_another_etag(told: Face) -> None:
    form = props("D:getetag")
    told.do("MKCOL", "/alice/trip/")
    old = told.propfind("/alice/trip/", form, "0").responses()
    assert told.do("DELETE", "/alice/trip/") == 204
    told.do("MKCOL", "/alice/other/")
    told.do("PUT", "/alice/other/notes.txt", b"notes")
    assert told.do("MOVE", "/alice/other/", destination="/alice/trip/") == 201
    assert told.propfind("/alice/trip/", form, "0").responses() != old


def test_what_other_programs_add_and_remove_shows_at_once_by_the_folders_time(told: Face) -> None:
    fill(told)
    album = told.plex / "alice" / "trip"
    told.propfind("/alice/trip/", FIVE)
    (album / "by hand.jpg").write_bytes(b"bytes")
    (album / "a.jpg").unlink()
    names = told.propfind("/alice/trip/", FIVE).names()
    assert "by%20hand.jpg" in names
    assert "a.jpg" not in names
    assert_alike(told, "/alice/trip/", FIVE)


def test_a_notice_of_another_programs_edit_costs_one_member(told: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(told)
    told.propfind("/alice/trip/", FIVE)
    (told.plex / "alice" / "trip" / "notes.txt").write_bytes(b"edited in place")
    told.archive.desk.performer.touched("alice", ("trip",), ["notes.txt"])
    looked: list[str] = []
    member = told.archive.lookup.member

    def look(path: WebPath, name: str) -> Node | None:
        looked.append(name)
        return member(path, name)

    monkeypatch.setattr(told.archive.lookup, "member", look)
    monkeypatch.setattr(told.archive.lookup, "walk", lambda path: pytest.fail("every member was looked at"))
    body = told.propfind("/alice/trip/", FIVE).body
    assert looked == ["notes.txt"]
    assert b"<d:getcontentlength>15</d:getcontentlength>" in body


@pytest.mark.parametrize("form", FORMS)
def test_any_set_of_properties_is_prepared_known_or_not(told: Face, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    fill(told)
    collections = ("/alice/trip/", "/alice/", "/alice/favorites/", "/remote.php/dav/files/alice/trip/")
    first = {path: told.propfind(path, form).responses() for path in collections}
    for name in ("walk", "member"):
        monkeypatch.setattr(told.archive.lookup, name, lambda *_: pytest.fail("a member was looked at"))
    assert {path: told.propfind(path, form).responses() for path in collections} == first


def test_without_notices_every_member_is_looked_at(tmp_path: Path) -> None:
    face = Face(tmp_path, hears_others=False)
    fill(face)
    face.propfind("/alice/trip/", FIVE)
    (face.plex / "alice" / "trip" / "notes.txt").write_bytes(b"edited in place")
    assert_alike(face, "/alice/trip/", FIVE)
    assert_alike(face, "/alice/trip/notes.txt", FIVE, "0")
    face.close()


def test_when_the_watcher_ends_nothing_prepared_is_trusted(told: Face) -> None:
    fill(told)
    told.propfind("/alice/trip/", FIVE)
    told.propfind("/alice/trip/notes.txt", FIVE, "0")
    told.archive.versions.hears_others = False
    (told.plex / "alice" / "trip" / "notes.txt").write_bytes(b"edited in place")
    told.archive.versions.hears_others = True
    assert_alike(told, "/alice/trip/", FIVE)
    assert_alike(told, "/alice/trip/notes.txt", FIVE, "0")


def test_when_the_watcher_begins_again_every_collection_has_another_tag(told: Face) -> None:
    fill(told)
    versions = told.archive.versions
    before = versions.etag("alice", ("trip",)), versions.etag("bob", ())
    versions.hears_others = False
    versions.hears_others = True
    after = versions.etag("alice", ("trip",)), versions.etag("bob", ())
    assert not {*before} & {*after}


def test_a_listing_too_long_to_be_kept_is_sent_while_it_is_written(told: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_LISTING_BYTES", 8_000)
    fill(told)
    for _ in range(2):
        fast, plain = told.propfind("/alice/trip/", NEXTCLOUD), told.propfind("/alice/trip/", NEXTCLOUD, plain=True)
        assert fast.responses() == plain.responses()
        assert "Content-Length" not in fast.headers
    told.do("DELETE", "/alice/trip/a.jpg")
    assert "a.jpg" not in told.propfind("/alice/trip/", NEXTCLOUD).names()


def test_a_long_listing_is_held_by_nobody_and_a_shorter_one_is_kept_again(
    told: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_LISTING_BYTES", 40_000)
    told.do("MKCOL", "/alice/long/")
    for number in range(60):
        told.do("PUT", f"/alice/long/{number}.txt", b"x")
    told.propfind("/alice/long/", FIVE)
    walked: list[Node] = []
    walk = told.archive.lookup.walk

    def counted(path: WebPath) -> Iterator[Node]:
        for node in walk(path):
            walked.append(node)
            yield node

    monkeypatch.setattr(told.archive.lookup, "walk", counted)
    (long,) = (each for each in told.context.listings._by_key.values() if each.path.parts == ("long",))
    body = long.body(b"", {})
    assert not isinstance(body, bytes)
    assert len(walked) == 0
    assert sum(block.count(b"<d:response>") for block in body) == len(walked) == 60
    for number in range(50):
        told.do("DELETE", f"/alice/long/{number}.txt")
    assert "Content-Length" not in told.propfind("/alice/long/", FIVE).headers
    assert "Content-Length" in told.propfind("/alice/long/", FIVE).headers
    assert_alike(told, "/alice/long/", FIVE)


def test_listings_that_nobody_asks_for_are_forgotten(told: Face) -> None:
    fill(told)
    few = listings.Listings(told.context, max_bytes=30_000)
    told.context.listings = few
    for number in range(40):
        assert_alike(told, "/alice/trip/", props("D:getetag", f"t:p{number}"))
        assert_alike(told, "/alice/trip/a.jpg", props("D:getetag", f"t:q{number}"), "0")
        assert few.size <= 30_000
    told.do("DELETE", "/alice/trip/a.jpg")
    assert_alike(told, "/alice/trip/", props("D:getetag", "t:p39"))


def test_depth_infinity_is_answered_up_to_a_number_of_resources(tmp_path: Path) -> None:
    face = Face(tmp_path, listing={"max_depth_infinity": 3})
    face.do("MKCOL", "/alice/trip/")
    for name in "ab":
        face.do("PUT", f"/alice/trip/{name}.jpg", jpeg())
    assert face.propfind("/alice/trip/", FIVE, "infinity").names() == {"trip", "a.jpg", "b.jpg"}
    for name in "cd":
        face.do("PUT", f"/alice/trip/{name}.jpg", jpeg())
    refused = face.propfind("/alice/trip/", FIVE, "infinity")
    assert refused.status == 403
    assert b"propfind-finite-depth" in refused.body
    face.close()
