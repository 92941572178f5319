"""What the readers of one file gather, before the rules for dates and places choose from it.

It must not know any format: readers put in what they found, `facts` makes the value that leaves the package.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from sumu_dav.metadata.dates import Claim, choose
from sumu_dav.metadata.places import Place
from sumu_dav.model import Facts

MAX_REASONS = 8
"""Reasons kept for one file: the first ones tell the story, and a record is one line that people read."""

MAX_REASON = 160
"""Characters of one reason."""

MAX_SIDE = 1 << 24
"""Pixels of a picture's side: the most that any of the formats but Matroska can say, which has 64 bits for it."""

MAX_BLOCKS = 2
"""Blocks of one kind (EXIF, XMP, IPTC) that are read: a file has one, a second comes from a careless editor."""

MAX_TEXT = 128
"""Characters of a make, model or identifier: the longest seen has 36."""


@dataclass(slots=True)
class Findings:
    """Filled by the readers; the first value found of a kind stays, unless a reader says otherwise.

    Units are those of `sumu_dav.model.Facts`.
    """

    media_type: str | None = None
    is_video: bool = False
    claims: list[Claim] = field(default_factory=list)
    place: Place | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    orientation: int | None = None
    rotation: int | None = None
    make: str | None = None
    model: str | None = None
    content_id: str | None = None
    motion_photo: bool = False
    ultra_hdr: bool = False
    reasons: list[str] = field(default_factory=list)
    _blocks: Counter[str] = field(default_factory=Counter)

    def admits(self, kind: str) -> bool:
        """Tell whether one more block of this kind may be read: thousands of them would take seconds."""
        self._blocks[kind] += 1
        if self._blocks[kind] > MAX_BLOCKS:
            self.refuse(f"{kind}: more than {MAX_BLOCKS} blocks")
        return self._blocks[kind] <= MAX_BLOCKS

    def refuse(self, reason: str) -> None:
        """Note what was refused and why; the same reason is kept once."""
        text = printable(reason)[:MAX_REASON]
        if text not in self.reasons and len(self.reasons) < MAX_REASONS:
            self.reasons.append(text)

    def pixels(self, width: int, height: int) -> None:
        """Take the stored size; a picture without width or height, or beyond MAX_SIDE, has none that is known."""
        if 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE:
            self.width, self.height = width, height
        else:
            self.refuse(f"a size of {width} x {height} pixels")

    def facts(self, *, now: datetime, zone: tzinfo) -> Facts:
        """Choose the date, and return what is known as a value."""
        choice = choose(self.claims, now=now, zone=zone)
        for reason in choice.refused:
            self.refuse(reason)
        return Facts(
            media_type=self.media_type,
            is_video=self.is_video,
            taken=choice.taken,
            taken_from=choice.source,
            latitude=self.place.latitude if self.place else None,
            longitude=self.place.longitude if self.place else None,
            altitude=self.place.altitude if self.place else None,
            width=self.width,
            height=self.height,
            duration=self.duration,
            orientation=self.orientation,
            rotation=self.rotation,
            make=self.make,
            model=self.model,
            content_id=self.content_id,
            motion_photo=self.motion_photo,
            ultra_hdr=self.ultra_hdr,
            error="; ".join(self.reasons) or None,
        )


def text_of(raw: bytes) -> str | None:
    """Decode a make, model or identifier: UTF-8, else Latin-1; up to the first NUL, without control characters."""
    raw = raw.split(b"\0", 1)[0][: 4 * MAX_TEXT]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return printable(text).strip()[:MAX_TEXT] or None


def printable(text: str) -> str:
    """Replace what does not print: the text ends up in a file that is read line by line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
