"""A tree in a temporary folder, once for each way down from the Plex folder that the kernel offers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sumu_dav.library import kernel
from sumu_dav.library.places import Place, Side
from sumu_dav.library.tree import Tree

ALICE = Place(Side.VISIBLE, "alice")


@pytest.fixture
def plex(tmp_path: Path) -> Path:
    return tmp_path / "plex"


@pytest.fixture(params=[kernel.open_beneath, kernel.walk_beneath], ids=["openat2", "walk"])
def resolve(request: pytest.FixtureRequest, tmp_path: Path) -> kernel.Resolver:
    here = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if request.param is kernel.open_beneath and kernel.best_resolver(here) is not kernel.open_beneath:
            pytest.skip("this kernel has no openat2")
    finally:
        os.close(here)
    resolver: kernel.Resolver = request.param
    return resolver


@pytest.fixture
def tree(plex: Path, resolve: kernel.Resolver) -> Iterator[Tree]:
    tree = Tree.open(str(plex), None, resolve=resolve)
    tree.make_folders(ALICE.child("trip"))
    yield tree
    tree.close()


@pytest.fixture
def photo() -> Place:
    return ALICE.child("trip").child("IMG_1.jpg")
