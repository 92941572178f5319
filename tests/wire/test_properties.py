"""Properties on the wire: the live ones of every kind of resource, the dead ones, and how they are asked for
(RFC 4918 §9.1, §9.2, §15; RFC 4331; RFC 8144).
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
import requests

from support.dav import DAV, NEXTCLOUD, OWNCLOUD, SUMU, Dav, Member, condition, members, token_of
from support.samples import jpeg, mov
from support.server import Server

BOTH_WAYS = True

WIN32 = "{urn:schemas-microsoft-com:}"
WIN32_TIMES = [WIN32 + "Win32CreationTime", WIN32 + "Win32LastAccessTime", WIN32 + "Win32LastModifiedTime"]
QUOTA = {DAV + "quota-available-bytes", DAV + "quota-used-bytes"}

OF_EVERYTHING = {
    f"{DAV}{name}"
    for name in (
        *("resourcetype", "getetag", "getlastmodified", "creationdate", "displayname", "supportedlock"),
        *("lockdiscovery", "quota-available-bytes", "quota-used-bytes"),
    )
}
OF_FILES = {DAV + "getcontentlength", DAV + "getcontenttype"}


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


@pytest.fixture
def photo(alice: Dav, album: str) -> str:
    """A photo in an album of its own."""
    path = album + "x.jpg"
    assert alice.put(path, jpeg(taken="2024:05:17 10:11:12", width=640, height=480)).status_code == 201
    return path


def only(answer: requests.Response) -> Member:
    (member,) = members(answer)
    return member


def patch(client: Dav, path: str, body: str, **headers: str) -> requests.Response:
    """A PROPPATCH whose body no helper could write."""
    whole = (
        f'<d:propertyupdate xmlns:d="DAV:" xmlns:a="urn:a" xmlns:oc="http://owncloud.org/ns">{body}</d:propertyupdate>'
    )
    return client.request("PROPPATCH", path, headers=headers, data=whole)


# Live properties


def test_every_kind_of_resource_has_the_live_properties_of_dav(alice: Dav, album: str, photo: str) -> None:
    alice.put("/alice/live-1.jpg", jpeg(taken="2024:05:17 10:11:12"), x_favorite="1")
    alice.put(album + "notes.txt", b"a note")
    alice.put(album + "empty.jpg", b"")
    alice.put(album + "._x.jpg", b"a Mac's")
    alice.put("/alice/readme.txt", b"loose, and no photo")
    files = [
        *(photo, album + "notes.txt", album + "empty.jpg", album + "._x.jpg", "/alice/readme.txt"),
        *("/alice/live-1.jpg", "/alice/24-05/live-1.jpg", "/alice/favorites/live-1.jpg", "/-/inbox/alice/live-1.jpg"),
        *("/remote.php/dav/files" + photo, "/remote.php/webdav" + photo.removeprefix("/alice")),
    ]
    folders = ["/", "/alice/", album, "/alice/favorites/", "/-/inbox/alice/", "/remote.php/dav/files/alice/"]

    for path in files:
        found = set(only(alice.propfind(path, "0", [*OF_EVERYTHING, *OF_FILES])).found)
        assert found == OF_EVERYTHING | OF_FILES, path
    for path in folders:
        found = set(only(alice.propfind(path, "0", [*OF_EVERYTHING, *OF_FILES])).found)
        assert found == OF_EVERYTHING, path


def test_the_root_and_every_parent_answer_explorer(alice: Dav, album: str) -> None:
    for path in ("/", "/alice/", album):
        listed = members(alice.propfind(path, "1"))
        assert listed[0].path == path
        assert all(member.is_collection for member in listed if member.path.endswith("/"))


def test_values_agree_with_the_headers_of_head(alice: Dav, photo: str) -> None:
    headers = alice.head(photo).headers

    told = alice.properties(
        photo, DAV + "getetag", DAV + "getlastmodified", DAV + "getcontentlength", DAV + "getcontenttype"
    )

    assert list(told.values()) == [
        headers["ETag"],
        headers["Last-Modified"],
        headers["Content-Length"],
        headers["Content-Type"],
    ]


def test_a_collection_and_a_file_say_what_they_are(alice: Dav, album: str, photo: str) -> None:
    assert only(alice.propfind(album, "0", [DAV + "resourcetype"])).is_collection
    kind = only(alice.propfind(photo, "0", [DAV + "resourcetype"])).found[DAV + "resourcetype"]
    assert len(kind) == 0


def test_the_display_name_is_the_last_segment_escaped(alice: Dav, album: str) -> None:
    name = "Oma & Opa <3 'ü' 写真.jpg"
    alice.put(album + name, jpeg())

    assert alice.properties(album + name, DAV + "displayname") == {DAV + "displayname": name}


def test_what_owncloud_and_nextcloud_ask_of_a_photo(server: Server, alice: Dav, photo: str) -> None:
    asked = [OWNCLOUD + name for name in ("id", "fileid", "size", "permissions", "favorite", "owner-id", "checksums")]
    asked += [NEXTCLOUD + name for name in ("upload_time", "has-preview", "metadata-photos-size")]

    member = only(alice.propfind(photo, "0", asked))

    assert set(member.found) == set(asked)
    record = next(each for each in server.catalog() if photo.endswith(f"{each['album']}/{each['name']}"))
    number, _, instance = (member.text(OWNCLOUD + "id") or "").partition("oc")
    assert int(number) == int(member.text(OWNCLOUD + "fileid") or "")
    assert instance
    assert member.text(OWNCLOUD + "size") == str(record["size"])
    assert member.text(OWNCLOUD + "permissions") == "RGDNVW"
    assert member.text(OWNCLOUD + "favorite") == "0"
    assert member.text(OWNCLOUD + "owner-id") == "alice"
    assert member.found[OWNCLOUD + "checksums"].findtext(OWNCLOUD + "checksum") == f"SHA256:{record['sha256']}"
    uploaded = datetime.fromisoformat(record["uploaded"]).timestamp()
    assert abs(int(member.text(NEXTCLOUD + "upload_time") or "") - uploaded) < 2
    size = member.found[NEXTCLOUD + "metadata-photos-size"]
    assert (size.findtext(NEXTCLOUD + "width"), size.findtext(NEXTCLOUD + "height")) == ("640", "480")


def test_permissions_say_that_a_collection_takes_members(alice: Dav, album: str) -> None:
    assert alice.properties(album, OWNCLOUD + "permissions") == {OWNCLOUD + "permissions": "RGDNVCK"}


def test_checksums_that_the_client_gave_are_told_again(alice: Dav, album: str) -> None:
    """rclone compares by them: by SHA1 as Nextcloud's client, by MD5 as ownCloud's, though it sends SHA1 as both."""
    path, body = album + "sum.jpg", b"\xff\xd8\xff\xd9 rclone"
    assert alice.put(path, body, oc_checksum=f"SHA1:{'0' * 40}").status_code == 400

    sha1, md5 = hashlib.sha1(body).hexdigest(), hashlib.md5(body).hexdigest()
    assert alice.put(path, body, oc_checksum=f"SHA1:{sha1}").status_code == 201
    told = only(alice.propfind(path, "0", [OWNCLOUD + "checksums"])).found[OWNCLOUD + "checksums"]
    assert {f"SHA1:{sha1}", f"MD5:{md5}"} < set((told.findtext(OWNCLOUD + "checksum") or "").split())

    assert alice.put(path, body + b" edited").status_code == 204
    told = only(alice.propfind(path, "0", [OWNCLOUD + "checksums"])).found[OWNCLOUD + "checksums"]
    assert "SHA1" not in (told.findtext(OWNCLOUD + "checksum") or "")


def test_both_halves_of_a_live_photo_name_each_other(alice: Dav, album: str) -> None:
    content_id = "5D4F5F4B-0000-4000-8000-00000000AAAA"
    alice.put(album + "IMG_7.JPG", jpeg(content_id=content_id))
    alice.put(album + "IMG_7.MOV", mov(content_id=content_id))
    live = NEXTCLOUD + "metadata-files-live-photo"

    still = alice.properties(album + "IMG_7.JPG", live, OWNCLOUD + "fileid", SUMU + "livePhotoId")
    video = alice.properties(album + "IMG_7.MOV", live, OWNCLOUD + "fileid", SUMU + "livePhotoId")

    assert still[SUMU + "livePhotoId"] == video[SUMU + "livePhotoId"] == content_id
    assert still[live] == video[OWNCLOUD + "fileid"]
    assert video[live] == still[OWNCLOUD + "fileid"]


def test_our_own_properties_tell_what_the_photo_says(alice: Dav, album: str) -> None:
    alice.put(
        album + "place.jpg",
        jpeg(taken="2024:05:17 10:11:12", offset="+02:00", gps=(-33.5, 151.25), make="Apple", model="iPhone 15"),
    )

    told = alice.properties(
        album + "place.jpg", *(SUMU + name for name in ("taken", "latitude", "longitude", "camera", "isFavorite"))
    )

    assert told[SUMU + "taken"] == "2024-05-17T10:11:12+02:00"
    assert float(told[SUMU + "latitude"] or "") == pytest.approx(-33.5)
    assert float(told[SUMU + "longitude"] or "") == pytest.approx(151.25)
    assert told[SUMU + "camera"] == "Apple iPhone 15"
    assert told[SUMU + "isFavorite"] == "0"


@pytest.mark.parametrize("path", ["/", "/alice/", "/-/inbox/alice/"])
def test_quota_counts_what_the_user_holds(alice: Dav, path: str) -> None:
    before = int(alice.properties(path, DAV + "quota-used-bytes")[DAV + "quota-used-bytes"] or "")

    alice.put("/alice/quota.txt", b"x" * (1000 + len(path)))

    after = int(alice.properties(path, DAV + "quota-used-bytes")[DAV + "quota-used-bytes"] or "")
    assert after > before
    assert int(alice.properties(path, DAV + "quota-available-bytes")[DAV + "quota-available-bytes"] or "") > 0


def test_nextclouds_prefixes_and_the_found_ones_first(alice: Dav, photo: str) -> None:
    """Its apps look for `d:`, `oc:` and `nc:` by prefix, and read the first propstat alone."""
    text = alice.propfind(
        photo, "0", ["{urn:unknown}x", DAV + "getetag", OWNCLOUD + "fileid", NEXTCLOUD + "has-preview"]
    ).text

    for tag in ("<d:multistatus", "<d:response>", "<d:getetag>", "<oc:fileid>", "<nc:has-preview>"):
        assert tag in text
    assert re.findall(r"<d:status>HTTP/1.1 (\d+)", text) == ["200", "404"]


# How they are asked for


def test_a_propfind_without_a_body_is_allprop_and_leaves_quota_out(alice: Dav, photo: str) -> None:
    bare, asked = (
        only(alice.propfind(photo, "0", data=body)) for body in (None, '<propfind xmlns="DAV:"><allprop/></propfind>')
    )

    assert set(bare.found) == set(asked.found) >= (OF_EVERYTHING | OF_FILES) - QUOTA
    assert not QUOTA & set(bare.found)
    assert set(bare.statuses.values()) == {200}


def test_allprop_tells_dead_properties_and_what_is_included(alice: Dav, photo: str) -> None:
    alice.proppatch(photo, {"{urn:a}mood": "fine"})

    member = only(
        alice.propfind(
            photo,
            "0",
            data='<propfind xmlns="DAV:"><allprop/><include><quota-used-bytes/><fileid xmlns="http://owncloud.org/ns"/>'
            "</include></propfind>",
        )
    )

    assert member.text("{urn:a}mood") == "fine"
    assert DAV + "quota-used-bytes" in member.found
    assert OWNCLOUD + "fileid" in member.found


def test_an_included_property_is_told_once(alice: Dav, photo: str) -> None:
    text = alice.propfind(
        photo, "0", data='<propfind xmlns="DAV:"><allprop/><include><getetag/></include></propfind>'
    ).text

    assert text.count("<d:getetag>") == 1


def test_propname_tells_names_without_values(alice: Dav, photo: str) -> None:
    alice.proppatch(photo, {"{urn:a}mood": "fine"})

    member = only(alice.propfind(photo, "0", data='<propfind xmlns="DAV:"><propname/></propfind>'))

    assert {*OF_EVERYTHING, *OF_FILES, OWNCLOUD + "fileid", SUMU + "taken", "{urn:a}mood"} <= set(member.found)
    assert SUMU + "latitude" not in member.found, "it says no place"
    assert all(not (found.text or len(found)) for found in member.found.values())


def test_return_minimal_leaves_out_what_is_missing(alice: Dav, photo: str) -> None:
    answer = alice.propfind(photo, "0", [DAV + "getetag", "{urn:unknown}x"], prefer="return=minimal")

    assert set(only(answer).statuses) == {DAV + "getetag"}
    assert answer.headers["Preference-Applied"] == "return=minimal"


def test_depth_noroot_leaves_out_the_collection_itself(alice: Dav, album: str, photo: str) -> None:
    answer = alice.propfind(album, "1", [DAV + "getetag"], prefer="depth-noroot, return=minimal")

    assert [member.path for member in members(answer)] == [photo]
    assert set(re.split(r",\s*", answer.headers["Preference-Applied"])) == {"return=minimal", "depth-noroot"}


def test_depth_infinity_lists_the_tree(alice: Dav, album: str) -> None:
    alice.mkcol(album + "day 1/")
    alice.put(album + "day 1/a.jpg", jpeg())

    listed = {member.path for member in members(alice.propfind(album, "infinity", [DAV + "resourcetype"]))}

    assert listed == {album, album + "day 1/", album + "day 1/a.jpg"}


def test_hrefs_are_spelt_as_the_request_was(alice: Dav, album: str) -> None:
    alice.put(album + "a (1)~é.jpg", jpeg())
    under = [f"/remote.php/dav/files{album}", f"/remote.php/webdav{album.removeprefix('/alice')}", album]

    for top in under:
        assert [member.path for member in members(alice.propfind(top, "1"))] == [top, top + "a (1)~é.jpg"]


@pytest.mark.parametrize(
    "body", ["<propfind", "<a/>", '<propfind xmlns="DAV:"/>', '<!DOCTYPE a [<!ENTITY b "c">]><a/>']
)
def test_a_body_that_is_none_is_400(alice: Dav, album: str, body: str) -> None:
    assert alice.propfind(album, "0", data=body).status_code == 400


def test_what_is_not_there_is_404_and_a_wrong_depth_400(alice: Dav, album: str) -> None:
    assert alice.propfind(album + "none.jpg").status_code == 404
    assert alice.propfind(album, "2").status_code == 400


# PROPPATCH of live properties


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (DAV + "getlastmodified", "Tue, 14 Nov 2023 22:13:20 GMT"),
        (DAV + "lastmodified", "1700000000"),
        (DAV + "lastmodified", "Tue, 14 Nov 2023 22:13:20 GMT"),
        (WIN32 + "Win32LastModifiedTime", "Tue, 14 Nov 2023 22:13:20 GMT"),
    ],
)
def test_the_modification_time_is_set(server: Server, alice: Dav, photo: str, name: str, value: str) -> None:
    etag = alice.head(photo).headers["ETag"]

    set_to = only(alice.proppatch(photo, {name: value}))

    assert set_to.statuses == {name: 200}
    assert (server.plex / photo.strip("/")).stat().st_mtime == 1_700_000_000
    assert alice.head(photo).headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert alice.head(photo).headers["ETag"] == etag, "the bytes are the same"


def test_the_modification_time_reaches_the_favorites_copy(server: Server, alice: Dav, album: str) -> None:
    alice.put(album + "timed.jpg", jpeg(), x_favorite="1")

    alice.proppatch(album + "timed.jpg", {DAV + "lastmodified": "1700000000"})

    assert (server.plex / "alice" / "favorites" / "timed.jpg").stat().st_mtime == 1_700_000_000
    assert alice.head("/alice/favorites/timed.jpg").headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize("name", ["notes.txt", "", "later.jpg"])
def test_windows_times_are_kept_by_every_resource(alice: Dav, album: str, name: str) -> None:
    """Explorer sends them for folders, for other files and for the empty file that it begins with."""
    if name:
        alice.put(album + name, b"" if name == "later.jpg" else b"a note")
    times = dict.fromkeys(WIN32_TIMES, "Tue, 14 Nov 2023 22:13:20 GMT") | {WIN32 + "Win32FileAttributes": "00000020"}

    patched = only(alice.proppatch(album + name, times))

    assert patched.statuses == dict.fromkeys(times, 200)
    assert alice.properties(album + name, *times) == times


def test_creationdate_is_kept(alice: Dav, album: str, photo: str) -> None:
    first = alice.properties(photo, DAV + "creationdate")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first[DAV + "creationdate"] or "")

    alice.put(photo, jpeg())
    alice.proppatch(photo, {DAV + "getlastmodified": "Tue, 14 Nov 2023 22:13:20 GMT"})
    assert alice.properties(photo, DAV + "creationdate") == first

    alice.move(photo, album + "y.jpg")
    assert alice.properties(album + "y.jpg", DAV + "creationdate") == first


def test_a_clients_time_of_creation_is_told_again(alice: Dav, album: str) -> None:
    alice.put(album + "created.jpg", jpeg(), x_oc_ctime="1500000000.25")

    told = alice.properties(album + "created.jpg", NEXTCLOUD + "creation_time")

    assert told == {NEXTCLOUD + "creation_time": "1500000000"}


def test_what_the_server_keeps_for_itself_is_refused(alice: Dav, photo: str) -> None:
    for name in (
        DAV + "getetag",
        DAV + "resourcetype",
        OWNCLOUD + "fileid",
        SUMU + "sha256",
        NEXTCLOUD + "has-preview",
    ):
        answer = alice.proppatch(photo, {name: "mine"})
        assert only(answer).statuses == {name: 403}
        assert "cannot-modify-protected-property" in answer.text


def test_a_time_that_is_none_is_refused(alice: Dav, photo: str) -> None:
    assert only(alice.proppatch(photo, {DAV + "getlastmodified": "yesterday"})).statuses == {
        DAV + "getlastmodified": 409
    }


@pytest.mark.parametrize("name", [OWNCLOUD + "favorite", SUMU + "isFavorite"])
@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_a_favorite_is_set_and_cleared(server: Server, alice: Dav, photo: str, name: str, value: str) -> None:
    copy = server.plex / "alice" / "favorites" / "x.jpg"

    assert only(alice.proppatch(photo, {name: value})).statuses == {name: 200}
    assert copy.exists()
    assert alice.properties(photo, OWNCLOUD + "favorite", SUMU + "isFavorite") == {
        OWNCLOUD + "favorite": "1",
        SUMU + "isFavorite": "1",
    }

    assert only(alice.proppatch(photo, removing=[name])).statuses == {name: 200}
    assert not copy.exists()


# Dead properties


def test_dead_properties_of_any_namespace_come_back_as_they_were(alice: Dav, photo: str) -> None:
    names = {"{urn:a}one": "1", "{http://example.org/ü?a=1&b}two": "<&>\"'", "{x:}three": " é 写 ", "{urn:a}empty": ""}

    assert only(alice.proppatch(photo, names)).statuses == dict.fromkeys(names, 200)

    assert alice.properties(photo, *names) == names


def test_a_property_of_no_namespace_is_kept(alice: Dav, photo: str) -> None:
    assert patch(alice, photo, '<d:set><d:prop><plain xmlns="">1</plain></d:prop></d:set>').status_code == 207

    asked = alice.propfind(
        photo, "0", data='<d:propfind xmlns:d="DAV:"><d:prop><plain xmlns=""/></d:prop></d:propfind>'
    )
    assert only(asked).text("plain") == "1"


def test_nested_xml_keeps_elements_attributes_namespaces_and_language(alice: Dav, photo: str) -> None:
    value = (
        '<a:people xmlns:b="urn:b" xml:lang="de" b:kind="family"><a:name>Oma</a:name> und <b:name a:age="3">Lu &amp; Li'
        "</b:name></a:people>"
    )
    assert patch(alice, photo, f"<d:set><d:prop>{value}</d:prop></d:set>").status_code == 207

    kept = only(alice.propfind(photo, "0", ["{urn:a}people"])).found["{urn:a}people"]

    sent = ElementTree.fromstring(value.replace("<a:people", '<a:people xmlns:a="urn:a"', 1))
    assert ElementTree.canonicalize(ElementTree.tostring(kept, encoding="unicode")) == ElementTree.canonicalize(
        ElementTree.tostring(sent, encoding="unicode")
    )


def test_instructions_are_followed_in_their_order(alice: Dav, photo: str) -> None:
    patch(
        alice,
        photo,
        "<d:set><d:prop><a:x>1</a:x></d:prop></d:set><d:remove><d:prop><a:x/></d:prop></d:remove>"
        "<d:remove><d:prop><a:y/></d:prop></d:remove><d:set><d:prop><a:y>2</a:y></d:prop></d:set>",
    )

    assert alice.properties(photo, "{urn:a}x", "{urn:a}y") == {"{urn:a}x": None, "{urn:a}y": "2"}


def test_removing_what_is_not_there_is_no_error(alice: Dav, photo: str) -> None:
    assert only(alice.proppatch(photo, removing=["{urn:a}never"])).statuses == {"{urn:a}never": 200}


def test_one_refusal_and_nothing_is_changed(server: Server, alice: Dav, photo: str) -> None:
    alice.proppatch(photo, {"{urn:a}old": "1"})
    modified = alice.head(photo).headers["Last-Modified"]

    answer = alice.proppatch(
        photo,
        {"{urn:a}new": "1", OWNCLOUD + "favorite": "1", DAV + "lastmodified": "1700000000", DAV + "getetag": '"mine"'},
        removing=["{urn:a}old"],
    )

    assert only(answer).statuses == {
        DAV + "getetag": 403,
        "{urn:a}new": 424,
        OWNCLOUD + "favorite": 424,
        DAV + "lastmodified": 424,
        "{urn:a}old": 424,
    }
    assert alice.properties(photo, "{urn:a}old", "{urn:a}new") == {"{urn:a}old": "1", "{urn:a}new": None}
    assert alice.head(photo).headers["Last-Modified"] == modified
    assert alice.properties(photo, SUMU + "isFavorite") == {SUMU + "isFavorite": "0"}


def test_dead_properties_stand_in_the_record(server: Server, alice: Dav, photo: str) -> None:
    alice.proppatch(photo, {"{urn:a}mood": "fine"})

    album, name = photo.removeprefix("/alice/").rsplit("/", 1)
    record = server.record("alice", album, name)

    assert record is not None
    assert "fine" in record["properties"]["{urn:a}mood"]


def test_dead_properties_go_with_a_move_a_copy_and_a_new_version(alice: Dav, album: str, photo: str) -> None:
    alice.proppatch(photo, {"{urn:a}mood": "fine"})

    alice.copy(photo, album + "copy.jpg")
    alice.move(photo, album + "moved.jpg")
    alice.put(album + "moved.jpg", jpeg())

    for name in ("copy.jpg", "moved.jpg"):
        assert alice.properties(album + name, "{urn:a}mood") == {"{urn:a}mood": "fine"}


def test_dead_properties_of_a_tree_go_with_it(alice: Dav, album: str) -> None:
    alice.mkcol(album + "old/")
    alice.put(album + "old/notes.txt", b"a note")
    alice.proppatch(album + "old/", {"{urn:a}mood": "fine"})
    alice.proppatch(album + "old/notes.txt", {"{urn:a}mood": "fair"})

    assert alice.copy(album + "old/", album + "twin/").status_code == 201
    assert alice.move(album + "old/", album + "new/").status_code == 201

    for folder in ("twin/", "new/"):
        assert alice.properties(album + folder, "{urn:a}mood") == {"{urn:a}mood": "fine"}
        assert alice.properties(album + folder + "notes.txt", "{urn:a}mood") == {"{urn:a}mood": "fair"}


def test_a_placeholders_properties_pass_to_the_photo_that_comes(server: Server, alice: Dav, album: str) -> None:
    alice.put(album + "later.jpg", b"")
    alice.proppatch(album + "later.jpg", {"{urn:a}mood": "fine"})

    alice.put(album + "later.jpg", jpeg())

    assert alice.properties(album + "later.jpg", "{urn:a}mood") == {"{urn:a}mood": "fine"}


def test_the_original_and_its_copy_have_one_set(alice: Dav, album: str) -> None:
    alice.put(album + "set.jpg", jpeg(), x_favorite="1")

    alice.proppatch("/alice/favorites/set.jpg", {"{urn:a}mood": "fine"})

    assert alice.properties(album + "set.jpg", "{urn:a}mood") == {"{urn:a}mood": "fine"}


def test_properties_outlive_a_restart_and_a_kill(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    alice.put("/alice/trip/x.jpg", jpeg(), x_oc_ctime="1500000000")
    paths = ["/alice/trip/", "/alice/trip/x.jpg"]
    for path in paths:
        alice.proppatch(path, {"{urn:a}mood": "fine", WIN32_TIMES[0]: "Tue, 14 Nov 2023 22:13:20 GMT"})
    asked = ("{urn:a}mood", WIN32_TIMES[0], DAV + "creationdate", OWNCLOUD + "id", DAV + "getlastmodified")
    before = [alice.properties(path, *asked) for path in paths]

    own_server.kill()
    own_server.start()
    alice = own_server.session()

    assert [alice.properties(path, *asked) for path in paths] == before


def test_return_minimal_of_a_proppatch_says_done_alone(alice: Dav, photo: str) -> None:
    answer = alice.proppatch(photo, {"{urn:a}mood": "fine"}, prefer="return=minimal")

    assert answer.status_code in (200, 204)
    assert answer.headers["Preference-Applied"] == "return=minimal"
    assert alice.properties(photo, "{urn:a}mood") == {"{urn:a}mood": "fine"}


def test_a_proppatch_minds_locks_and_conditions(alice: Dav, photo: str) -> None:
    etag = alice.head(photo).headers["ETag"]
    token = token_of(alice.lock(photo))

    locked = alice.proppatch(photo, {"{urn:a}x": "1"})
    assert (locked.status_code, condition(locked)) == (423, "lock-token-submitted")
    assert alice.proppatch(photo, {"{urn:a}x": "1"}, if_="(<opaquelocktoken:other>)").status_code == 412
    assert alice.proppatch(photo, {"{urn:a}x": "1"}, if_=f"(<{token}>)", if_match='"other"').status_code == 412
    assert alice.proppatch(photo, {"{urn:a}x": "1"}, if_=f"(<{token}> [{etag}])").status_code == 207
    assert alice.unlock(photo, token).status_code == 204


def test_what_is_shared_for_reading_has_no_writable_properties(server: Server, alice: Dav, photo: str) -> None:
    assert server.command("user", "share", "alice", "bob").returncode == 0
    bob = server.session("bob")

    assert bob.properties(photo, OWNCLOUD + "permissions") == {OWNCLOUD + "permissions": "SG"}
    assert bob.proppatch(photo, {"{urn:a}x": "1"}).status_code == 403


def test_dates_are_told_in_utc(alice: Dav, album: str) -> None:
    alice.put(album + "dated.jpg", jpeg(), x_oc_mtime="1700000000")

    told = alice.properties(album + "dated.jpg", DAV + "getlastmodified")[DAV + "getlastmodified"]

    assert told == datetime.fromtimestamp(1_700_000_000, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
