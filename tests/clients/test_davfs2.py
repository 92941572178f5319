"""davfs2, replayed: a LOCK that creates, then PUT under its token and a condition (`test_mounts.py` mounts it)."""

from __future__ import annotations

from support.dav import Dav, members, token_of
from support.shelf import Shelf

AGENT = {"User-Agent": "davfs2/1.7.0 neon/0.32.5", "TE": "trailers"}
LOCK_BODY = (
    '<?xml version="1.0" encoding="utf-8"?>\n<lockinfo xmlns=\'DAV:\'>\n <lockscope><exclusive/></lockscope>\n'
    "<locktype><write/></locktype><owner>alice</owner>\n</lockinfo>\n"
)
LIST_BODY = (
    '<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:"><prop>\n<resourcetype xmlns="DAV:"/>\n'
    '<getcontentlength xmlns="DAV:"/>\n<getetag xmlns="DAV:"/>\n<getlastmodified xmlns="DAV:"/>\n'
    '<creationdate xmlns="DAV:"/>\n<executable xmlns="http://apache.org/dav/props/"/>\n</prop></propfind>\n'
)


def lock(alice: Dav, path: str, **condition: str) -> tuple[int, str]:
    headers = {**AGENT, "Depth": "0", "Timeout": "Second-1800", **condition}
    answer = alice.request("LOCK", path, headers=headers, data=LOCK_BODY)
    return answer.status_code, token_of(answer)


def test_a_new_photo_is_locked_written_and_unlocked(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    path = shelf.path + name

    status, token = lock(alice, path, **{"If-None-Match": "*"})
    assert status == 201, "the LOCK creates"
    assert shelf.seen(name) is None
    under = {**AGENT, "If": f"<{path}> (<{token}>)"}
    etag = alice.request("HEAD", path, headers=AGENT).headers["ETag"]
    sent = alice.request("PUT", path, headers={**under, "If-Match": etag, "Expect": "100-continue"}, data=photo)
    assert sent.status_code in (201, 204)
    assert alice.request("UNLOCK", path, headers={**AGENT, "Lock-Token": f"<{token}>"}).status_code == 204

    assert shelf.seen(name) == photo


def test_the_executable_bit_is_kept_as_any_property(alice: Dav, shelf: Shelf) -> None:
    path = shelf.path + shelf.new_name()
    alice.put(path, shelf.photo())
    executable = "{http://apache.org/dav/props/}executable"

    (patched,) = members(alice.proppatch(path, {executable: "T"}))
    listed = members(alice.request("PROPFIND", shelf.path, headers={**AGENT, "Depth": "1"}, data=LIST_BODY))

    assert patched.statuses == {executable: 200}
    assert {member.path: member.text(executable) for member in listed}[path] == "T"


def test_a_lock_on_what_must_not_exist_is_412(alice: Dav, shelf: Shelf) -> None:
    path = shelf.path + shelf.new_name()
    alice.put(path, shelf.photo())

    headers = {**AGENT, "Depth": "0", "If-None-Match": "*"}
    assert alice.request("LOCK", path, headers=headers, data=LOCK_BODY).status_code == 412

    assert alice.delete(path).status_code == 204, "and nothing is locked"


def test_a_photo_that_another_changed_meanwhile_is_not_overwritten(alice: Dav, shelf: Shelf) -> None:
    path, theirs = shelf.path + shelf.new_name(), shelf.photo()
    first = alice.put(path, shelf.photo()).headers["ETag"]
    alice.put(path, theirs)

    status, token = lock(alice, path)
    assert status == 200
    under = {**AGENT, "If": f"<{path}> (<{token}>)"}
    assert alice.request("PUT", path, headers={**under, "If-Match": first}, data=shelf.photo()).status_code == 412
    assert alice.request("UNLOCK", path, headers={**AGENT, "Lock-Token": f"<{token}>"}).status_code == 204

    assert alice.get(path).content == theirs
