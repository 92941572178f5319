"""Motion photos: whether the video that a still announces is really there.

Specification: Google's "Motion Photo format 1.0" (the video is the last part of the file) and its older MicroVideo.
It must not know how the still announces it.
"""

from __future__ import annotations

from sumu_dav.metadata.bounded import Source
from sumu_dav.metadata.findings import Findings

_SHORTEST = 16
"""Bytes of the shortest `ftyp` box, with which every video begins."""


def check_video(source: Source, from_end: int, findings: Findings) -> None:
    """Mark a motion photo where `from_end` bytes before the end an ISO media file begins; else note the reason."""
    if _SHORTEST <= from_end <= source.size and source.read(source.size - from_end + 4, 4) == b"ftyp":
        findings.motion_photo = True
    else:
        findings.refuse(f"motion photo: no video begins {from_end} bytes before the end")
