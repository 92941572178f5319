"""The two halves of a live photo that carry no identifier."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sumu_dav.metadata import looks_like_live_pair
from sumu_dav.model import Photo

STILL = Photo(
    doc_id=1,
    id="a",
    user="alice",
    album="20-06",
    name="IMG_1.JPG",
    size=1,
    sha256="",
    modified="",
    uploaded="",
    taken="2020-06-01T12:00:00",
    taken_from="exif:DateTimeOriginal, offset assumed",
)
VIDEO = replace(
    STILL,
    doc_id=2,
    name="img_1.mov",
    is_video=True,
    duration=2.9,
    taken="2020-06-01T12:00:03",
    taken_from="quicktime:creationdate, offset assumed",
)


def test_same_album_same_base_name_and_three_seconds_make_a_pair() -> None:
    assert looks_like_live_pair(STILL, VIDEO)


@pytest.mark.parametrize(
    "other",
    [
        replace(VIDEO, album="trip"),
        replace(VIDEO, user="bob"),
        replace(VIDEO, name="IMG_2.MOV"),
        replace(VIDEO, taken="2020-06-01T12:00:04"),
        replace(VIDEO, taken=None),
        replace(VIDEO, taken_from="upload"),
        replace(VIDEO, duration=5.1),
        replace(VIDEO, duration=None),
        replace(VIDEO, is_video=False),
        replace(VIDEO, live_photo_id="E905E6C6"),
    ],
)
def test_anything_else_makes_none(other: Photo) -> None:
    assert not looks_like_live_pair(STILL, other)


def test_two_videos_make_none() -> None:
    assert not looks_like_live_pair(replace(VIDEO, name="IMG_1.mp4"), VIDEO)


def test_names_are_compared_without_regard_to_case_and_form() -> None:
    assert looks_like_live_pair(replace(STILL, name="E\u0301te\u0301.heic"), replace(VIDEO, name="été.MOV"))


@pytest.mark.parametrize(
    ("moment", "together"),
    [
        ("2020-06-01T10:00:02+00:00", True),
        ("2020-06-01T06:15:01+00:00", True),
        ("2020-06-01T10:07:00+00:00", False),
        ("2020-06-02T03:00:00+00:00", False),
    ],
)
def test_a_video_in_utc_fits_a_still_without_an_offset_at_any_offset_in_use(moment: str, together: bool) -> None:
    assert looks_like_live_pair(STILL, replace(VIDEO, taken=moment, taken_from="container:utc")) == together
