"""`check`: looks for what is wrong in the state's files and between records and photos, and mends it if asked to."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from sumu_dav.archive.opening import StateLock
from sumu_dav.archive.operations.checking import check
from sumu_dav.archive.stores import OTHER_CODEC, TRASH_CODEC
from sumu_dav.catalog import PHOTO_CODEC, Codec, examine, repair
from sumu_dav.cli.control import perform
from sumu_dav.cli.output import add_json_option, print_list
from sumu_dav.errors import StateInUse
from sumu_dav.settings import Settings

FILES: tuple[tuple[str, str, Codec[Any]], ...] = (
    ("catalog.json", "media", PHOTO_CODEC),
    ("other.json", "other", OTHER_CODEC),
    ("trash.json", "trash", TRASH_CODEC),
)
"""The record files of the state, by name, table and codec."""

COLUMNS = ("kind", "path", "detail", "mended")

DAMAGED = "damaged file"

CLEAN, FOUND = 0, 1
"""Exit codes; 2 is for what could not run at all."""

Row = dict[str, object]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("check", help="look for what is wrong, and mend it")
    parser.add_argument("--hash", action="store_true", help="read every photo: has a byte changed since it came?")
    parser.add_argument("--repair", action="store_true", help="mend what can be mended without losing bytes")
    add_json_option(parser)
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace, settings: Settings) -> int:
    problems = _damage(settings, mend=arguments.repair)
    can_open = all(problem["mended"] for problem in problems)
    counts: Row = {}
    if can_open:
        asked = {"hash": arguments.hash, "repair": arguments.repair}
        result = perform(settings, "check", check, asked)
        problems.extend(result["problems"])
        counts = result
    if problems or arguments.json:
        print_list(problems, COLUMNS, as_json=arguments.json)
    if not arguments.json:
        _sum_up(problems, counts)
    return FOUND if problems else CLEAN


def _sum_up(problems: list[Row], counts: Row) -> None:
    if counts:
        print(f"{counts['files']} files and {counts['records']} records looked at, {len(problems)} problems")
    else:
        print("the photos were not looked at, since the records can't be read")
    if any(problem["mended"] is None for problem in problems):
        print("what is not mended: `check --repair` tries to, a backup has what it can't")


def _damage(settings: Settings, *, mend: bool) -> list[Row]:
    """What is wrong in the files of the state themselves."""
    problems: list[Row] = []
    for name, table, codec in FILES:
        path = str(settings.state / name)
        if not os.path.exists(path):
            continue  # it begins at the first start, or is told of by what misses its records
        findings = examine(path, table, codec)
        done = _mended(settings, partial(repair, path, table, codec)) if mend and findings else None
        problems.extend(
            {"kind": DAMAGED, "path": f"{path}:{finding.line}", "detail": finding.reason, "mended": done}
            for finding in findings
        )
    return problems


def _mended(settings: Settings, mend: Callable[[], list[str]]) -> str | None:
    try:
        lock = StateLock(str(settings.state))
    except StateInUse:
        return None
    try:
        return "; ".join(mend())
    finally:
        lock.release()
