"""What is found, and what is opened: a name may come to mean something else in between."""

from __future__ import annotations

import hashlib
import os

from sumu_dav.archive.nodes import Binding, FileNode
from support.family import Family, path
from support.samples import jpeg

OLD, NEW = jpeg(seed=1), jpeg(seed=2, pad=100)


def found(family: Family, where: str) -> FileNode:
    """The file at a path."""
    node = family.archive.lookup.find(path(where))
    assert isinstance(node, FileNode)
    return node


def test_a_file_replaced_after_it_was_found_is_opened_with_its_own_tag(family: Family) -> None:
    lookup = family.archive.lookup
    family.put("/alice/trip/a.jpg", OLD)
    node = found(family, "/alice/trip/a.jpg")
    family.put("/alice/trip/a.jpg", NEW)

    opened, fd = lookup.open(node)

    with open(fd, "rb") as file:
        assert file.read() == NEW
    assert lookup.etag(opened) == f'"{hashlib.sha256(NEW).hexdigest()[:40]}"'
    assert lookup.hash_is_known(opened)


def test_a_file_found_open_is_what_find_tells(family: Family) -> None:
    lookup = family.archive.lookup
    for where in ("/alice/trip/a.jpg", "/alice/loose.jpg", "/alice/trip/notes.txt", "/alice/notes.txt"):
        family.put(where, OLD, favorite=where.endswith("a.jpg"))
    for where in ("/alice/trip/a.jpg", "/alice/loose.jpg", "/-/inbox/alice/loose.jpg", "/alice/favorites/a.jpg",
                  "/alice/trip/notes.txt", "/alice/notes.txt"):  # fmt: skip
        opened = lookup.find_open(path(where))
        assert isinstance(opened, tuple), where
        os.close(opened[1])
        assert opened[0] == found(family, where)
    assert lookup.find_open(path("/alice/trip/missing.jpg")) is None
    assert lookup.find_open(path("/alice/trip")) == lookup.find(path("/alice/trip"))


def test_a_placeholder_is_seen_as_soon_as_it_comes_and_until_it_goes(family: Family) -> None:
    family.put("/alice/trip/a.jpg", OLD)
    assert found(family, "/alice/trip/a.jpg").binding is Binding.FILED
    for _ in range(3):
        family.put("/alice/trip/a.jpg", b"")
        assert found(family, "/alice/trip/a.jpg").binding is Binding.PLACEHOLDER
        opened = family.archive.lookup.find_open(path("/alice/trip/a.jpg"))
        assert isinstance(opened, tuple)
        os.close(opened[1])
        assert opened[0].stat.size == 0
        family.put("/alice/trip/a.jpg", NEW)
        assert found(family, "/alice/trip/a.jpg").binding is Binding.FILED
    family.put("/alice/trip/.DS_Store", b"junk")
    assert found(family, "/alice/trip/.DS_Store").binding is Binding.HIDDEN
    family.delete("/alice/trip/.DS_Store")
    assert not family.has("/alice/trip/.DS_Store")
