"""`trash`: what was overwritten or deleted, listed beside a running server, brought back or dropped through it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sumu_dav.archive.operations.trash import empty, restore
from sumu_dav.catalog import open_catalog
from sumu_dav.cli.control import perform
from sumu_dav.cli.output import add_json_option, print_list
from sumu_dav.errors import NotFound
from sumu_dav.settings import Settings

TRASH_FILE = "trash.json"
TABLE = "trash"
COLUMNS = ("id", "user", "album", "name", "size", "when", "why")

INCOMPLETE = 1
"""The exit code where something could not be restored."""

_YEAR_OR_MONTH = re.compile(r"\d{4}(-\d{2})?")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register `trash` and what stands below it."""
    below = commands.add_parser("trash", help="what was overwritten or deleted").add_subparsers(
        metavar="ACTION", required=True
    )

    parser = below.add_parser("list", help="show what can be restored, oldest first")
    parser.add_argument("--user", metavar="U", help="of this user alone")
    add_json_option(parser)
    parser.set_defaults(run=_list)

    parser = below.add_parser("restore", help="bring entries back: those named, or all of a user or since a time")
    parser.add_argument("ids", metavar="ID", nargs="*", help="as the list shows them")
    parser.add_argument("--user", metavar="U", help="of this user alone")
    parser.add_argument(
        "--since",
        metavar="T",
        type=moment,
        help="trashed then or later: 2024-05, 2024-05-17, 2024-05-17T10:11:12+02:00",
    )
    parser.set_defaults(run=_restore, usage_error=parser.error)

    parser = below.add_parser("empty", help="drop everything for good")
    parser.add_argument("--user", metavar="U", help="of this user alone")
    parser.set_defaults(run=_empty)


def moment(text: str) -> datetime:
    """A year, month, day or time in ISO 8601, at its beginning; naive where it has no offset. Raises ValueError."""
    if _YEAR_OR_MONTH.fullmatch(text):
        text += "-01-01" if len(text) == len("2024") else "-01"
    return datetime.fromisoformat(text)


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    print_list(_rows(settings, arguments.user), COLUMNS, as_json=arguments.json)
    return 0


def _rows(settings: Settings, user: str | None) -> Iterator[dict[str, Any]]:
    try:
        documents = open_catalog(str(settings.state / TRASH_FILE)).table(TABLE).all()
    except NotFound:
        return  # there was no first start yet, and so nothing was deleted
    for document in sorted(documents, key=lambda document: document.doc_id):
        if user is None or document["user"] == user:
            yield {column: document[column] for column in COLUMNS}


def _restore(arguments: argparse.Namespace, settings: Settings) -> int:
    if not arguments.ids and arguments.user is None and arguments.since is None:
        arguments.usage_error("name the entries, or give --user or --since")
    since: datetime | None = arguments.since
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=settings.timezone) if settings.timezone else since.astimezone()
    asked = {"ids": arguments.ids, "user": arguments.user, "since": since.isoformat() if since else None}
    results = perform(settings, "trash.restore", restore, asked)
    for result in results:
        print(f"{result['id']} {result['path'] or result['problem']}")
    return INCOMPLETE if any(result["problem"] for result in results) else 0


def _empty(arguments: argparse.Namespace, settings: Settings) -> int:
    dropped = perform(settings, "trash.empty", empty, {"user": arguments.user})
    print(f"{dropped['count']} entries of {dropped['bytes']} bytes dropped")
    return 0
