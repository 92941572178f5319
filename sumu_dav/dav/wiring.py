"""Puts the parts of the WebDAV face together, as the settings say."""

from __future__ import annotations

import os
import time
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from sumu_dav.archive.opening import Options, open_archive
from sumu_dav.auth.accounts import Accounts
from sumu_dav.auth.audit import AuditLog
from sumu_dav.auth.login import Authenticator
from sumu_dav.dav.context import Context
from sumu_dav.dav.guards import lock_path
from sumu_dav.dav.listings import Listings
from sumu_dav.dav.lock_store import FileLockStore
from sumu_dav.dav.locks import LockTable
from sumu_dav.dav.metrics import Gauge, Metrics
from sumu_dav.library import DEFAULT_EXTENSIONS
from sumu_dav.settings import Settings

ACCOUNTS_FILE = "accounts.json"


def archive_options(settings: Settings) -> Options:
    """How the settings want the archive kept."""
    extensions = settings.media.extensions
    return Options(
        zone=settings.timezone or _local_zone(),
        extensions=frozenset(extensions) if extensions is not None else DEFAULT_EXTENSIONS,
        filing_pattern=settings.filing.album,
        placeholder_seconds=settings.uploads.placeholder_minutes * 60,
        chunk_seconds=settings.uploads.chunks_hours * 3600,
        trash_days=settings.trash.days,
        trash_max_bytes=settings.trash.max_bytes,
        watch=settings.watch,
        watch_poll_seconds=settings.watch_poll_seconds,
    )


def _local_zone() -> tzinfo:
    """The system's zone with its summer times: `TZ`, else /etc/localtime, else UTC."""
    name = os.environ.get("TZ", "").lstrip(":")
    try:
        if name:
            return ZoneInfo(name)
        with open("/etc/localtime", "rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return UTC


def quota_of(accounts: Accounts, user: str) -> int | None:
    """The quota of a user, in bytes; None for no limit, and for a user who has no account any more."""
    account = accounts.get(user)
    return account.quota if account is not None else None


def accounts_of(settings: Settings) -> Accounts:
    """The accounts in the state. Raises Damaged."""
    return Accounts(settings.state / ACCOUNTS_FILE)


def open_context(settings: Settings) -> Context:
    """Open everything that serving needs. Raises StateInUse, TreeMissing, Damaged, SettingRefused."""
    state = settings.state
    accounts = accounts_of(settings)
    archive = open_archive(
        str(settings.plex),
        str(state),
        archive_options(settings),
        users=lambda: [account.name for account in accounts.all()],
        quota_of=lambda user: quota_of(accounts, user),
    )
    lock_file = FileLockStore.open(str(state))
    locks = LockTable(lock_file)
    archive.housekeeping.is_locked = lambda path: bool(locks.covering(lock_path(path)))
    context = Context(
        archive=archive,
        accounts=accounts,
        authenticator=Authenticator(accounts, time.monotonic),
        locks=locks,
        lock_file=lock_file,
        audit=AuditLog(state / "audit.log"),
        settings=settings,
        metrics=Metrics(),
    )
    context.listings = Listings(context)
    archive.tree.on_sync(context.metrics.syncs("tree"))
    archive.catalog.on_sync(context.metrics.syncs("catalog"))
    context.metrics.watch(_gauges(context))
    return context


def _gauges(context: Context) -> list[Gauge]:
    """What is asked of the parts when someone looks at the metrics."""
    archive, watcher, logins = context.archive, context.archive.watcher, context.authenticator.counts
    return [
        ("sumu_photos", "Records in the catalogue", lambda: archive.catalog.count()),
        (
            "sumu_favorites",
            "Photos that are favourites",
            lambda: sum(map(len, map(archive.catalog.favorites, archive.catalog.users()))),
        ),
        ("sumu_trash_entries", "Entries in the trash", lambda: archive.trash.total()[0]),
        ("sumu_trash_bytes", "Bytes in the trash", lambda: archive.trash.total()[1]),
        ("sumu_outside_alive", "1 while changes by other programs are noticed", lambda: watcher.state().alive),
        ("sumu_outside_waiting", "Paths and users still to be looked at", lambda: watcher.state().waiting),
        ("sumu_outside_files", "Files of the look that is under way; 0 while none is", lambda: watcher.state().total),
        ("sumu_outside_files_done", "Those of them that were looked at", lambda: watcher.state().done),
        ("sumu_free_bytes", "Bytes that are free on the disk of the tree", archive.tree.free),
        ("sumu_logins_refused_total", "Wrong names or passwords", lambda: logins().wrong),
        ("sumu_logins_delayed_total", "Attempts that were told to wait", lambda: logins().throttled),
        ("sumu_password_checks_total", "Passwords that had to be hashed", lambda: logins().verifications),
        ("sumu_locks", "Locks that are held", lambda: len(context.locks.all())),
    ]
