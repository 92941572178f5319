"""`lock`: who holds which lock, listed beside a running server, and broken through it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from sumu_dav.archive.opening import StateLock
from sumu_dav.catalog import open_catalog
from sumu_dav.cli.control import call
from sumu_dav.cli.output import add_json_option, print_list
from sumu_dav.dav.lock_store import FILE_NAME, TABLE, FileLockStore
from sumu_dav.dav.locks import LockTable
from sumu_dav.errors import NotFound, NotServing
from sumu_dav.settings import Settings

COLUMNS = ("token", "user", "path", "depth", "shared", "until")

NO_SUCH_LOCK = 1
"""The exit code where the lock is not there (any more)."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register `lock` and what stands below it."""
    below = commands.add_parser("lock", help="the locks that clients hold").add_subparsers(
        metavar="ACTION", required=True
    )

    parser = below.add_parser("list", help="show the locks that are held")
    add_json_option(parser)
    parser.set_defaults(run=_list)

    parser = below.add_parser("break", help="take a lock away from whoever holds it")
    parser.add_argument("token", metavar="TOKEN", help="as the list shows it")
    parser.set_defaults(run=_break)


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    print_list(_rows(settings), COLUMNS, as_json=arguments.json)
    return 0


def _rows(settings: Settings) -> Iterator[dict[str, Any]]:
    try:
        documents = open_catalog(str(settings.state / FILE_NAME)).table(TABLE).all()
    except NotFound:
        return  # there was no first start yet, and so no lock
    for document in documents:
        if document["expires"] > time.time():
            yield {
                "token": document["token"],
                "user": document["principal"],
                "path": "/" + "/".join(document["path"]),
                "depth": "infinity" if document["infinite"] else "0",
                "shared": document["shared"],
                "until": datetime.fromtimestamp(document["expires"], UTC).isoformat(timespec="seconds"),
            }


def _break(arguments: argparse.Namespace, settings: Settings) -> int:
    try:
        broken = bool(call(settings, "lock.break", {"token": arguments.token}))
    except NotServing:
        broken = _break_alone(settings, arguments.token)
    print(f"the lock {arguments.token} is {'broken' if broken else 'not held by anyone'}")
    return 0 if broken else NO_SUCH_LOCK


def _break_alone(settings: Settings, token: str) -> bool:
    held = StateLock(str(settings.state))
    try:
        with closing(FileLockStore.open(str(settings.state))) as store:
            return LockTable(store).drop(token)
    finally:
        held.release()
