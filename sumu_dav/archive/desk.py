"""What every use case works with, and where it files a photo that has no album.

Put together once, by whoever opens the archive. Changes nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sumu_dav.archive.content import Content, Records
from sumu_dav.archive.lookup import Lookup
from sumu_dav.archive.plans.performing import Performer
from sumu_dav.archive.turns import Turns
from sumu_dav.model import Photo


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of an open archive. `filing_pattern` is an strftime pattern, `users` names the accounts."""

    lookup: Lookup
    records: Records
    performer: Performer
    turns: Turns
    users: Callable[[], Iterable[str]]
    filing_pattern: str
    copying: Callable[[str, int], Callable[[], None]]
    """Called with a user and how many bytes are about to be copied for them, raises QuotaExceeded; what it returns is
    called when they lie in place, or will not."""

    def album_for(self, content: Content) -> str:
        """The album that new content is filed into, by the month it was taken."""
        moment = content.taken.local if content.taken else self.records.now()
        return moment.strftime(self.filing_pattern)

    def album_of(self, photo: Photo) -> str:
        """The album that a recorded photo would be filed into."""
        moment = datetime.fromisoformat(photo.taken or photo.modified)
        if moment.utcoffset() == timedelta(0):
            moment = moment.astimezone(self.records.zone)
        return moment.strftime(self.filing_pattern)
