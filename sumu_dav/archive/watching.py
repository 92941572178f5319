"""Notices what other programs do in the Plex folder while the server runs, and has it reconciled once it has settled.

One thread listens (by inotify, or by looking every so often), one works. A request waits for neither. Decides nothing
of what a change means: that is `reconcile.py`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from watchfiles import watch
from watchfiles._rust_notify import WatchfilesRustInternalError

from sumu_dav.archive.draft import Desk
from sumu_dav.archive.lookup import album_parts
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.polling import FolderSigns, gives_no_events
from sumu_dav.archive.reconcile import SETTLED, Outcome, Reconciler
from sumu_dav.errors import Interrupted, SumuError, WritesSuspended
from sumu_dav.library import Place, Side, is_junk
from sumu_dav.library.places import MAX_DEPTH
from sumu_dav.model import FAVORITES

_log = logging.getLogger("sumu_dav.archive")

Where = tuple[str, tuple[str, ...]]
"""A user and the parts of a path below."""

GATHER_MS = 200
"""Milliseconds over which events are gathered: a listing is right this much later."""

LOOK_ROUND_MS = 500
"""Milliseconds between looks at which accounts and which of their folders there are."""

RESCAN_FROM = 4096
"""Events in one batch from which all is looked at: the kernel keeps 16,384 (inotify(7), max_queued_events), drops what
is more, and the library does not tell of it."""

AGAIN = 1.0
"""Seconds before listening begins again after it broke down."""

RETRY = 60.0
"""Seconds until everything is looked at again after the disk was full, or failed."""

BETWEEN_LINES = 5.0
"""Seconds between two lines of progress in the log."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How the Plex folder is watched: `mode` is auto, events, poll or off; `poll_seconds` lie between two looks."""

    plex: str
    mode: str = "off"
    poll_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class WatchState:
    """How the watching goes: `mode` is events, poll or off; `waiting` counts paths that are to be looked at.

    `done` of `total` files are read in the work at hand; both are 0 while there is none.
    """

    mode: str
    alive: bool
    waiting: int
    done: int
    total: int


@dataclass(slots=True)
class _Work:
    """What is to be looked at: whole users, or paths of theirs."""

    users: set[str] = field(default_factory=set)
    paths: dict[str, set[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(set))


class Watcher:
    """Watches the folders of the accounts."""

    def __init__(self, desk: Desk, reconciler: Reconciler, how: Watch) -> None:
        self._desk = desk
        self._reconciler = reconciler
        self._plex = os.path.realpath(how.plex)
        self._mode = ("poll" if gives_no_events(self._plex) else "events") if how.mode == "auto" else how.mode
        self._poll_seconds = how.poll_seconds
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._due: dict[Where, float] = {}
        self._rescan: dict[str, float] = {}
        self._progress = (0, 0)
        self._next_line = 0.0
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin, with a look at everything: what changed while nobody watched."""
        listen = {"events": self._listen, "poll": self._poll, "off": self._look_once}[self._mode]
        self._threads = [
            threading.Thread(target=self._work, name="reconcile"),
            threading.Thread(target=listen, name="watch"),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, after the batch in hand."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def state(self) -> WatchState:
        """How it goes now."""
        expected = self._threads[:1] if self._mode == "off" else self._threads
        alive = bool(expected) and all(thread.is_alive() for thread in expected)
        done, total = self._progress
        return WatchState(self._mode, alive, len(self._due) + len(self._rescan), done, total)

    @property
    def has_died(self) -> bool:
        """Whether it was started, was not stopped, and does not work any more."""
        return bool(self._threads) and not self._stopping.is_set() and not self.state().alive

    def look_at_all(self, users: Iterable[str], seconds: float = 0.0) -> None:
        """Have everything of some users looked at, in so many seconds."""
        with self._changed:
            at = time.monotonic() + seconds
            for user in users:
                self._rescan[user] = min(at, self._rescan.get(user, at))
            self._changed.notify_all()

    # Listening

    def _listen(self) -> None:
        while not self._stopping.is_set():
            folders = self._folders()
            try:
                if folders:
                    self._listen_to(folders)
                else:
                    self._stopping.wait(LOOK_ROUND_MS / 1000)
            except FileNotFoundError:  # gone since we looked
                continue
            except WatchfilesRustInternalError as error:
                # It gives up at a name that is no UTF-8, which no client could ask for anyway.
                _log.warning("watching begins again: %s", error)
                self._stopping.wait(AGAIN)
            except OSError as error:
                _log.warning(
                    "changes by other programs are looked for every %g s, since the system does not tell of them: %s",
                    *(self._poll_seconds, error),
                )
                self._mode = "poll"
                self._poll()

    def _listen_to(self, folders: dict[str, tuple[int, int]]) -> None:
        """Until the accounts, or the folders that their paths lead to, are others."""
        try:
            self._heed_all(folders)
        finally:
            self._desk.performer.versions.hears_others = False

    def _heed_all(self, folders: dict[str, tuple[int, int]]) -> None:
        begun = False
        paths = [os.path.join(self._plex, user) for user in folders]
        for changes in watch(
            *paths,
            watch_filter=None,
            debounce=GATHER_MS,
            step=GATHER_MS // 4,
            rust_timeout=LOOK_ROUND_MS,
            yield_on_timeout=True,
            stop_event=self._stopping,
            raise_interrupt=False,
            force_polling=False,
            ignore_permission_denied=True,
        ):
            if not begun:  # only now is nothing missed any more
                begun = True
                self._desk.performer.versions.hears_others = True
                self.look_at_all(folders)
            self._heed([path for _change, path in changes])
            if self._folders() != folders:
                return

    def _folders(self) -> dict[str, tuple[int, int]]:
        """The accounts that have a folder, and which one: a disk may be mounted over it, or it may be made anew."""
        found = {}
        for user in sorted(self._desk.users()):
            try:
                status = os.stat(os.path.join(self._plex, user), follow_symlinks=False)
            except OSError:
                continue
            found[user] = (status.st_dev, status.st_ino)
        return found

    def _heed(self, paths: list[str]) -> None:
        """Let listings know at once; look closer when what is there has settled."""
        news: list[Where] = []
        for path in paths:
            user, *parts = os.path.relpath(path, self._plex).split(os.sep)
            if parts and len(parts) <= MAX_DEPTH and not any(is_junk(part) for part in parts):
                news.append((user, tuple(parts)))
        if len(news) >= RESCAN_FROM:
            users = {user for user, _ in news}
            _log.info("%d changes at once: everything of %s is looked at again", len(news), ", ".join(sorted(users)))
            for user in users:
                self._desk.performer.swept(user, ())
            self.look_at_all(users, SETTLED)
            return
        news = [where for where in news if not self._is_our_own(where)]
        self._tell_listings(news)
        self._look_later(dict.fromkeys(news, SETTLED))

    def _tell_listings(self, news: list[Where]) -> None:
        lookup, performer = self._desk.lookup, self._desk.performer
        names: defaultdict[Where, set[str]] = defaultdict(set)
        albums: dict[str, set[Where]] = {}
        for user, parts in news:
            names[user, parts[:-1]].add(parts[-1])
            if user not in albums:
                albums[user] = {(user, above) for album in lookup.catalog.albums(user) for above in _down_to(album)}
            if (user, parts) in albums[user] or lookup.tree.is_folder(Place(Side.VISIBLE, user, parts)):
                performer.swept(user, parts)
        for (user, parts), some in names.items():
            performer.touched(user, parts, some)

    def _is_our_own(self, where: Where) -> bool:
        """Whether the records say so already: a file that is as recorded, a photo that is gone with its record."""
        user, parts = where
        lookup = self._desk.lookup
        stat = lookup.tree.stat(Place(Side.VISIBLE, user, parts))
        if parts[0] == FAVORITES:
            photo = lookup.catalog.favorite(user, parts[-1])
            known = lookup.seen.copies.get(photo.doc_id) if photo is not None else None
        else:
            photo = lookup.catalog.at(user, Path(user, parts).album, parts[-1])
            known = lookup.seen.originals.get(photo.doc_id) if photo is not None else None
        if photo is None and stat is None:
            return lookup.is_media(parts[-1]) and not lookup.tree.is_folder(Place(Side.VISIBLE, user, parts))
        return known is not None and stat == known

    def _look_later(self, paths: dict[Where, float]) -> None:
        with self._changed:
            now = time.monotonic()
            for where, seconds in paths.items():
                self._due.setdefault(where, now + seconds)
            self._changed.notify_all()

    def _poll(self) -> None:
        signs = FolderSigns(self._desk.lookup.tree)
        self.look_at_all(self._desk.users())
        while not self._stopping.is_set():
            for user in sorted(self._desk.users()):
                changed = signs.changed(user)
                for parts in changed:
                    self._desk.performer.touched(user, parts)
                if changed:
                    self.look_at_all([user])
            self._stopping.wait(self._poll_seconds)

    def _look_once(self) -> None:
        self.look_at_all(self._desk.users())

    # Working

    def _work(self) -> None:
        while True:
            work = self._next_work()
            if work is None:
                return
            try:
                if work.users:
                    self._finish(self._reconciler.users(sorted(work.users), self._tell))
                else:
                    self._finish(self._reconciler.paths(work.paths, self._tell))
            except Interrupted:
                return
            except WritesSuspended as error:
                _log.error("changes by other programs are followed no more: %s", error)
                return
            except SumuError as error:
                _log.warning("changes by other programs could not be followed: %s", error)
                self.look_at_all(work.users | work.paths.keys(), RETRY)
            self._progress = (0, 0)

    def _next_work(self) -> _Work | None:
        """Wait for what is due; None when it is time to end."""
        with self._changed:
            while not self._stopping.is_set():
                now = time.monotonic()
                work = _Work({user for user, at in self._rescan.items() if at <= now})
                for user in work.users:
                    del self._rescan[user]
                if work.users:
                    return work
                for user, parts in [where for where, at in self._due.items() if at <= now]:
                    del self._due[user, parts]
                    work.paths[user].add(parts)
                if work.paths:
                    return work
                moments = [*self._due.values(), *self._rescan.values()]
                self._changed.wait(min(moments) - now if moments else None)
        return None

    def _finish(self, outcome: Outcome) -> None:
        self._look_later(outcome.unsettled)
        if outcome.changes:
            _log.info(
                "other programs' changes: %d photos recorded, %d followed, %d read again, %d favorites, %d set aside",
                *(outcome.recorded, outcome.followed, outcome.updated, outcome.favorites, outcome.set_aside),
            )

    def _tell(self, stage: str, done: int, total: int | None) -> None:
        if self._stopping.is_set():
            raise Interrupted
        self._progress = (done, total or 0)
        now = time.monotonic()
        if done == 1:
            self._next_line = now + BETWEEN_LINES
        elif now >= self._next_line:
            self._next_line = now + BETWEEN_LINES
            _log.info("%s: %d of %s", stage, done, total)


def _down_to(album: str) -> Iterable[tuple[str, ...]]:
    """The folders on the way to an album, and the album itself."""
    parts = album_parts(album)
    return (parts[:depth] for depth in range(1, len(parts) + 1))
