"""Uploads that are published beside others, where two come at once or the tree has changed meanwhile."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sumu_dav.library import Place, Upload
from sumu_dav.model import FileStat
from support.family import Family
from support.samples import jpeg

PATIENCE = 20.0
"""Seconds until a test gives up."""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    family = Family(tmp_path)
    yield family
    family.close()


def test_one_name_that_comes_by_home_and_inbox_at_once_is_bound_once(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two photos of two months, which no file name in an album keeps apart: the later one takes the name."""
    first_is_in, go_on, second_is_in = threading.Event(), threading.Event(), threading.Event()
    publish = Upload.publish

    def slow(upload: Upload, place: Place) -> FileStat:
        if first_is_in.is_set():
            second_is_in.set()
        else:
            first_is_in.set()
            assert go_on.wait(PATIENCE)
        return publish(upload, place)

    monkeypatch.setattr(Upload, "publish", slow)
    january = threading.Thread(target=family.put, args=("/alice/x.jpg", jpeg(taken="2020:01:02 03:04:05")))
    march = threading.Thread(target=family.put, args=("/-/inbox/alice/x.jpg", jpeg(taken="2020:03:02 03:04:05")))
    january.start()
    assert first_is_in.wait(PATIENCE)
    march.start()
    second_is_in.wait(0.5)  # never, where the second one waits for its turn
    go_on.set()
    january.join(PATIENCE)
    march.join(PATIENCE)

    holders = [photo.album for photo in family.archive.catalog.of("alice") if "x.jpg" in photo.loose_names]
    assert holders == ["20-03"]
    assert len(family.archive.catalog.of("alice")) == 2


def test_an_album_of_which_a_placeholder_alone_is_left_takes_photos_again(family: Family) -> None:
    """Another program removed the folder; WebDAV still shows it, since the placeholder lies in the hidden tree."""
    family.mkcol("/alice/trip")
    family.put("/alice/trip/coming.jpg", b"")
    shutil.rmtree(family.plex / "alice" / "trip")
    assert family.names("/alice/trip") == {"coming.jpg"}

    data = jpeg()

    family.put("/alice/trip/a.jpg", data)

    assert family.names("/alice/trip") == {"coming.jpg", "a.jpg"}
    assert (family.plex / "alice" / "trip" / "a.jpg").read_bytes() == data
