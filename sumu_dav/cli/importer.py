"""`import`: takes over the database of the predecessor, Sumu Backup.

Reads SQLite here, where the file is, and hands plain rows on; changes nothing in it.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sumu_dav.archive.operations.importing import OldPhoto, import_photos
from sumu_dav.cli.control import perform
from sumu_dav.errors import CommandFailed
from sumu_dav.settings import Settings

QUERY = (
    "SELECT id, user, absoluteFilename, creationTimestamp, locationLatitude, locationLongitude, isFavorite, isLivePhoto"
    " FROM media_metadata ORDER BY id"
)

MILLISECONDS_FROM = 100_000_000_000
"""A time stamp from which on it can't be in seconds: that would be the year 5138."""

SHOWN = 20
"""Rows that were not matched and are told one by one; the rest is counted."""

Row = tuple[Any, ...]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register `import` and what stands below it."""
    below = commands.add_parser("import", help="take over another catalogue").add_subparsers(
        metavar="FROM", required=True
    )
    parser = below.add_parser("sumu-backup", help="the database of the predecessor")
    parser.add_argument("file", metavar="FILE.db", type=Path, help="its SQLite file; it is only read")
    parser.set_defaults(run=_import)


def _import(arguments: argparse.Namespace, settings: Settings) -> int:
    photos, refused = read_photos(arguments.file)
    result = perform(settings, "import", import_photos, {"photos": [asdict(photo) for photo in photos]})
    print(f"{result['imported']} photos imported, {result['unchanged']} were imported before")
    unmatched = [f"{each['user']}/{each['path']}: {each['why']}" for each in result["unmatched"]]
    for line in (refused + unmatched)[:SHOWN]:
        print(f"not imported: {line}", file=sys.stderr)
    if len(refused) + len(unmatched) > SHOWN:
        print(f"not imported: {len(refused) + len(unmatched) - SHOWN} more", file=sys.stderr)
    if refused or unmatched:
        print(f"{len(refused) + len(unmatched)} rows were not imported")
    return 0


def read_photos(file: Path) -> tuple[list[OldPhoto], list[str]]:
    """The photos of a database, and in words the rows that can't be one. Raises CommandFailed."""
    if not file.is_file():
        raise CommandFailed(f"{file}: there is no such file.")
    try:
        # Read-only also keeps SQLite from making its journal beside the file.
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows: list[Row] = database.execute(QUERY).fetchall()
    except sqlite3.Error as error:
        raise CommandFailed(f"{file} is no database of Sumu Backup: {error}.") from error
    root = common_root(rows)
    photos: list[OldPhoto] = []
    refused: list[str] = []
    for row in rows:
        try:
            photos.append(_photo(row, root))
        except (ValueError, TypeError) as error:
            refused.append(f"row {row[0]!r}: {error}")
    return photos, refused


def common_root(rows: Iterable[Row]) -> str:
    """The folder that held the users' folders: of all that stand before a user's name, the most frequent one."""
    votes: Counter[str] = Counter()
    for row in rows:
        user, filename = row[1], row[2]
        if isinstance(user, str) and isinstance(filename, str):
            parts = filename.split("/")
            votes.update("/".join(parts[:at]) for at, part in enumerate(parts[:-1]) if part == user)
    return max(votes, key=lambda root: (votes[root], -len(root)), default="")


def _photo(row: Row, root: str) -> OldPhoto:
    identifier, user, filename, created, latitude, longitude, is_favorite, is_live_photo = row
    below = os.path.join(root, user) + "/"
    if not filename.startswith(below):
        raise ValueError(f"{filename} does not lie in {below}")
    parts = tuple(part for part in filename.removeprefix(below).split("/") if part)
    if not parts or any(part in (".", "..") for part in parts):
        raise ValueError(f"{filename} names no file")
    uuid.UUID(identifier)  # a ValueError says what is wrong; the text itself is kept, capitals and all
    place = _place(latitude, longitude)
    return OldPhoto(
        id=identifier,
        user=user,
        parts=parts,
        created=_seconds(created),
        latitude=place[0] if place else None,
        longitude=place[1] if place else None,
        is_favorite=bool(is_favorite),
        is_live_photo=bool(is_live_photo),
    )


def _seconds(created: float | str | None) -> float | None:
    """Seconds since the epoch: the predecessor's clients sent these, or milliseconds."""
    if created is None:
        return None
    number = float(created)
    return number / 1000 if abs(number) >= MILLISECONDS_FROM else number


def _place(latitude: float | str | None, longitude: float | str | None) -> Sequence[float] | None:
    """Degrees; none for 0, 0, which stood for a place that is not known."""
    if latitude is None or longitude is None:
        return None
    degrees = (float(latitude), float(longitude))
    if degrees == (0.0, 0.0) or not (abs(degrees[0]) <= 90 and abs(degrees[1]) <= 180):
        return None
    return degrees
