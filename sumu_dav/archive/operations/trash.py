"""What the command `trash` asks of an archive, in the server or beside it (JSON in, JSON out)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sumu_dav.archive.archive import Archive
from sumu_dav.archive.progress import Progress


def restore(archive: Archive, arguments: Mapping[str, Any], progress: Progress) -> list[dict[str, Any]]:
    """Bring back the entries `ids` (none: all), of `user`, trashed at `since` (ISO 8601 with offset) or later.

    One object an entry: `path` where it is again, or `problem`, why it is not. Raises NotFound, ValueError.
    """
    since = datetime.fromisoformat(arguments["since"]) if arguments["since"] is not None else None
    entries = archive.trashing.pick(arguments["ids"], arguments["user"], since)
    return [
        {
            "id": result.entry.id,
            "user": result.entry.user,
            "album": result.entry.album,
            "name": result.entry.name,
            "path": str(result.path) if result.path is not None else None,
            "problem": result.problem,
        }
        for result in archive.restoring.restore(entries, progress)
    ]


def empty(archive: Archive, arguments: Mapping[str, Any], progress: Progress) -> dict[str, int]:
    """Drop for good what lies in the trash of `user` (None: of all): how many entries and bytes that were."""
    dropped = archive.trashing.empty(arguments["user"], progress)
    return {"count": dropped.count, "bytes": dropped.bytes}
