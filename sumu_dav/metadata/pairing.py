"""Which still and which video are the two halves of a live photo when neither carries an identifier.

It must not know files or the catalogue: it compares two records.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

from sumu_dav.metadata.taken import UPLOAD
from sumu_dav.model import Photo

_APART = timedelta(seconds=3)
"""How far the two halves' dates may lie apart."""

_LONGEST = 5.0
"""Seconds of the longest video half: phones record 1.5 to 3."""

_STEP = timedelta(minutes=15)
"""Every offset from UTC in use is a multiple of this, and at most 14 hours."""

_MAX_OFFSET = timedelta(hours=14)


def looks_like_live_pair(still: Photo, video: Photo) -> bool:
    """Tell whether `still` and `video` belong together by album, base name, time and length.

    Where only one of the two dates has an offset, the other may have any that is in use.
    """
    if still.is_video or not video.is_video or still.live_photo_id or video.live_photo_id:
        return False
    if video.duration is None or video.duration > _LONGEST:
        return False
    same_place = still.user == video.user and still.album == video.album
    return same_place and _base(still.name) == _base(video.name) and _together(still, video)


def _base(name: str) -> str:
    stem, dot, _ = name.rpartition(".")
    return unicodedata.normalize("NFC", stem if dot else name).casefold()


def _together(still: Photo, video: Photo) -> bool:
    if not still.taken or not video.taken or UPLOAD in (still.taken_from, video.taken_from):
        return False
    first, second = datetime.fromisoformat(still.taken), datetime.fromisoformat(video.taken)
    if (first.tzinfo is None) == (second.tzinfo is None):
        return abs(first - second) <= _APART
    difference = _as_utc(first) - _as_utc(second)
    offset = round(difference / _STEP) * _STEP
    return abs(offset) <= _MAX_OFFSET and abs(difference - offset) <= _APART


def _as_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
