"""Opens an archive: the lock on the state, the right tree, the files of the state; and puts right what a crash left."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from sumu_dav.archive.archive import Archive
from sumu_dav.archive.content import Records
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.lookup import Lookup, Seen
from sumu_dav.archive.outside.listening import Watch
from sumu_dav.archive.plans.performing import Performer
from sumu_dav.archive.stores import Others, Trash
from sumu_dav.archive.trash.housekeeping import Patience
from sumu_dav.archive.trash.trashing import Trashing
from sumu_dav.archive.turns import Turns
from sumu_dav.archive.usage import Usage
from sumu_dav.archive.versions import Versions
from sumu_dav.catalog import EmbeddedCatalog, SeenFile
from sumu_dav.errors import StateInUse
from sumu_dav.library import DEFAULT_EXTENSIONS, Tree

_log = logging.getLogger("sumu_dav.archive")


@dataclass(frozen=True, slots=True)
class Options:
    """How an archive is kept. `zone` is the server's time zone; times in seconds, sizes in bytes."""

    zone: tzinfo
    extensions: frozenset[str] = DEFAULT_EXTENSIONS
    filing_pattern: str = "%y-%m"
    placeholder_seconds: float = 3600.0
    chunk_seconds: float = 24 * 3600.0
    trash_days: float = 30.0
    trash_max_bytes: int | None = None
    watch: str = "off"
    watch_poll_seconds: float = 60.0


class StateLock:
    """The right to write: one process holds `<state>/lock`. Raises StateInUse where another does."""

    def __init__(self, state: str) -> None:
        os.makedirs(state, mode=0o700, exist_ok=True)
        self._fd = os.open(os.path.join(state, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise StateInUse(state) from None

    def release(self) -> None:
        """Let others write."""
        os.close(self._fd)


def open_archive(
    plex: str,
    state: str,
    options: Options,
    *,
    users: Callable[[], Iterable[str]],
    quota_of: Callable[[str], int | None] = lambda _user: None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Archive:
    """Open for reading and writing. Raises StateInUse, TreeMissing, Damaged.

    `users` names the accounts: folders of no account are left alone. `quota_of` gives a user's quota in bytes, None for
    no limit.
    """
    lock = StateLock(state)
    try:
        tree = Tree.open(plex, _known_tree_id(state))
        _write_tree_id(state, tree.id)
        catalog = EmbeddedCatalog.open(os.path.join(state, "catalog.json"))
        seen = Seen(
            SeenFile.open(os.path.join(state, "seen.json")), SeenFile.open(os.path.join(state, "seen-copies.json"))
        )
        others = Others(os.path.join(state, "other.json"))
        trash = Trash(os.path.join(state, "trash.json"))
    except BaseException:
        lock.release()
        raise
    versions = Versions()
    lookup = Lookup(tree, catalog, seen, options.extensions, versions)
    performer = Performer(tree, catalog, seen, others, trash, os.path.join(state, "intents"), versions)
    trashing = Trashing(performer, options.trash_days, options.trash_max_bytes)
    usage = Usage(tree, trashing, performer.transit, quota_of)
    desk = Desk(
        lookup=lookup,
        records=Records(catalog.new_doc_id, clock, options.zone),
        performer=performer,
        turns=Turns(),
        users=users,
        filing_pattern=options.filing_pattern,
        copying=usage.copying,
    )
    performer.recover()
    removed = tree.sweep(())
    if removed:
        _log.info("removed %d uploads that were never finished", removed)
    patience = Patience(options.placeholder_seconds, options.chunk_seconds)
    watch = Watch(plex, options.watch, options.watch_poll_seconds)
    return Archive(desk, trashing, usage, patience, watch, lock.release)


def _known_tree_id(state: str) -> str | None:
    try:
        with open(os.path.join(state, "tree-id"), encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def _write_tree_id(state: str, tree_id: str) -> None:
    path = os.path.join(state, "tree-id")
    if os.path.exists(path):
        return
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(tree_id + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".new", path)
    folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
