"""The homes in the root tell what they tell where they are asked themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from support.face import Face

ALL_AND_SIZE = (
    '<propfind xmlns="DAV:"><allprop/>'
    '<include><size xmlns="http://owncloud.org/ns"/><quota-used-bytes/></include></propfind>'
)


@pytest.fixture
def face(tmp_path: Path) -> Iterator[Face]:
    face = Face(tmp_path)
    yield face
    face.close()


def test_a_home_in_the_root_tells_what_allprop_is_to_include(face: Face) -> None:
    """RFC 4918 §9.1: `include` names what allprop would leave out."""
    assert face.do("PUT", "/alice/note.txt", "hello") == 201

    in_root = [each for each in face.propfind("/", ALL_AND_SIZE).responses() if b"<d:href>/alice/<" in each]

    assert in_root == face.propfind("/alice/", ALL_AND_SIZE, depth="0").responses()
    assert b"<oc:size>5</oc:size>" in in_root[0]


@pytest.mark.parametrize("path", ["/", "/alice/", "/alice/favorites/", "/-/inbox/alice/", "/remote.php/"])
def test_a_collection_that_lies_nowhere_yet_is_as_old_as_the_account(face: Face, path: str) -> None:
    """Nextcloud's desktop client takes no folder of 1970 or before: "Cannot sync due to invalid modification time"."""
    listed = face.propfind(path, depth="0").body.decode()

    (told,) = re.findall("<d:getlastmodified>(.+)</d:getlastmodified>", listed)
    made = face.context.accounts.created("alice")
    assert made is not None
    assert abs(parsedate_to_datetime(told) - made) < timedelta(minutes=1)
