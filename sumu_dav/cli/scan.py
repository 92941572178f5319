"""`scan`: what other programs did in the Plex folder is taken in now, through the running server or without one."""

from __future__ import annotations

import argparse

from sumu_dav.archive.operations.scanning import scan
from sumu_dav.cli.control import perform
from sumu_dav.settings import Settings

SAID = (
    ("recorded", "recorded"),
    ("followed", "followed to where they were moved"),
    ("updated", "read again after a change"),
    ("favorites", "favorites brought in line"),
    ("set_aside", "set aside because their files vanished"),
    ("reread", "brought up to date with this reader"),
    ("unsettled", "left because they are still being written"),
    ("failed", "that could not be taken in (see above, or the server's log)"),
)
"""The counts of a result, in the order in which they are told."""

INCOMPLETE = 1
"""The exit code where something could not be taken in."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("scan", help="take in what other programs did in the Plex folder")
    parser.add_argument(
        "--reread", action="store_true", help="read photos again whose records an older version has made"
    )
    parser.set_defaults(run=_scan)


def _scan(arguments: argparse.Namespace, settings: Settings) -> int:
    counts = perform(settings, "scan", scan, {"reread": arguments.reread})
    print(f"{counts['files']} files looked at")
    for key, words in SAID:
        if counts[key]:
            print(f"{counts[key]} {words}")
    return INCOMPLETE if counts["failed"] else 0
