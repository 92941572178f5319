"""Members of a collection with which a change of it failed, each for a reason of its own (RFC 4918 §9.6.1, §9.8.5).

Values only. Where such a change goes on without them, and where nothing is changed then, is up to the use case.
"""

from __future__ import annotations

from dataclasses import dataclass

from sumu_dav.archive.nodes import Path
from sumu_dav.errors import Conflict, DiskFailure, Forbidden, NameRefused, SumuError

OF_A_MEMBER = (Conflict, DiskFailure, Forbidden, NameRefused)
"""What may be wrong with one member alone, so that its siblings can still be copied. A full disk or quota is no such
thing: half an album would help nobody."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One member, of the source or of the destination, and what was wrong with it."""

    path: Path
    is_folder: bool
    error: SumuError


@dataclass(eq=False)
class MembersFailed(SumuError):
    """Members stood in the way of a change of their collection, and nothing was changed."""

    failures: tuple[Failure, ...]

    def __str__(self) -> str:
        return f"Nothing was changed. {self.failures[0].error}"
